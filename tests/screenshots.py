"""`python -m tests.screenshots FOLDER`: the pictures of the README, taken from the served page in a real browser."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.settings import Settings
from tests.conftest import ROOT, TODAY
from tests.webfake import Served

QUESTIONS = ("各个项目最多补助多少？", "西藏项目最多补助多少", "那医院能牵头申报吗")


def ask(page: Any, question: str) -> None:
    n = page.locator(".answer").count()
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    page.locator(".answer").nth(n).wait_for()
    page.wait_for_timeout(400)


def take(page: Any, file: Path) -> None:
    page.wait_for_timeout(300)
    page.screenshot(path=file)
    sys.stdout.write(f"{file}  {file.stat().st_size // 1024} kB\n")


def pictures(browser: Any, url: str, out: Path) -> None:
    """Desktop and phone, light and dark."""
    desk = browser.new_page(locale="zh-CN", viewport={"width": 1280, "height": 800})
    desk.goto(url)
    desk.locator(".welcome").wait_for()
    take(desk, out / "welcome.png")
    for question in QUESTIONS[1:]:
        ask(desk, question)
    desk.locator(".answer .cite").first.click()
    desk.locator("#doc .c.on").wait_for()
    desk.locator(".message-row").first.scroll_into_view_if_needed()
    take(desk, out / "chat.png")
    desk.keyboard.press("Escape")
    desk.locator("#tab-lookup").click()
    desk.fill("#words", "xz 经费")
    desk.locator("#results mark").first.wait_for()
    take(desk, out / "lookup.png")
    desk.locator("#tab-table").click()
    desk.locator(".sheet tbody tr").first.wait_for()
    take(desk, out / "overview.png")
    for scheme in ("light", "dark"):
        context = browser.new_context(
            locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme=scheme
        )
        phone = context.new_page()
        phone.goto(url)
        phone.locator(".welcome").wait_for()
        ask(phone, QUESTIONS[0 if scheme == "light" else 1])
        take(phone, out / f"phone-{scheme}.png")
        context.close()


def main(argv: list[str]) -> int:
    from playwright.sync_api import sync_playwright

    from bot.index import build

    out = Path(argv[0] if argv else "docs/images")
    out.mkdir(parents=True, exist_ok=True)
    program = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if program is None:
        sys.stderr.write("no Chromium: apt install chromium fonts-noto-cjk\n")
        return 1
    with TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "corpus", Path(folder) / "corpus")
        settings = Settings(
            corpus=Path(folder) / "corpus",
            index=Path(folder) / "index",
            log_path=Path(folder) / "log.sqlite3",
            today=TODAY,
            contact="指南发布单位",
            rate_per_minute=1_000_000,
        )
        build(settings)
        with Served(settings) as at, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            pictures(browser, at.url, out)
            browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
