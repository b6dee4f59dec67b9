"""Nothing in bot/ knows one particular guide: no name, address, amount, date or sentence of a guide in corpus/ stands
in its files. Language knowledge lies in bot/lexicon/, where every entry is a place or a word of the genre."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.guide import parse
from bot.ingest import read_corpus
from bot.settings import Settings
from tests.conftest import ROOT
from tests.test_repo import text_of, tracked

HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
RUN = 8  # so many Han characters in a row are a guide's sentence, not a word of the language
LEXICON = ROOT / "bot" / "lexicon"
# fmt: off
PROVINCES = {
    "北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北",
    "湖南", "广东", "广西", "海南", "重庆", "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆", "台湾", "香港", "澳门",
}
# fmt: on


@dataclass(frozen=True)
class Specific:
    """What only this corpus says."""

    words: frozenset[str]  # headings, item names, addresses, amounts, dates, quoted names
    runs: frozenset[str]  # every RUN Han characters in a row


@cache
def specific() -> Specific:
    words: set[str] = set()
    runs: set[str] = set()
    read = read_corpus(Settings(corpus=ROOT / "corpus"))
    assert read.sources, "corpus/ holds no guide"
    for source, guide in zip(read.sources, read.guides, strict=True):
        for clause in parse(source, guide).clauses:
            if clause.kind == "heading":
                lines = [line for line in clause.text.split("\n") if len(line) > 3]  # "附件" alone is no name
                words.update(lines)
                words.update(line.removeprefix(clause.number).strip() for line in lines)
                words.update(line.rpartition("：")[2].strip() for line in lines)
            elif clause.kind == "item":
                words.add(clause.label)
        words |= said(source.text)
        for run in HAN.findall(source.text):
            runs.update(cut(run))
    return Specific(frozenset(w for w in words if len(w) > 1), frozenset(runs))


def cut(run: str) -> list[str]:
    """Every RUN characters in a row of `run`."""
    return [run[i : i + RUN] for i in range(len(run) - RUN + 1)]


def said(text: str) -> set[str]:
    """Addresses, amounts, full dates (ISO form too) and quoted names of a text."""
    urls = set(re.findall(r"https?://[\w./%?=&#~-]*\w", text))
    found = urls | {u.split("://")[1] for u in urls}
    found |= set(re.findall(r"\d[\d,.]*\s*[十百千万亿]*元|[零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]+元", text))
    for year, month, day in re.findall(r"(\d{4})年(\d{1,2})月(\d{1,2})日", text):
        found |= {f"{year}年{month}月{day}日", f"{year}-{int(month):02}-{int(day):02}"}
    return found | set(re.findall(r"“([^”\n]+)”", text))


def files_of_bot() -> list[Path]:
    return [p for p in tracked() if p.relative_to(ROOT).parts[0] == "bot"]


def test_the_test_sees_the_guide() -> None:
    """It would be blind if the corpus were read wrongly."""
    assert len(specific().words) > 20
    assert len(specific().runs) > 1000
    assert said("共“甲项目”，5万元，2031年4月5日截止，见https://example.org/a。") == {
        *("甲项目", "5万元", "2031年4月5日", "2031-04-05", "https://example.org/a", "example.org/a"),
    }


@pytest.mark.parametrize("path", [p for p in files_of_bot() if LEXICON not in p.parents], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_of_bot_knows_a_guide(path: Path) -> None:
    wrong = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        wrong += [f"{number}: {word}" for word in specific().words if word in line]
        for run in HAN.findall(line):
            wrong += [f"{number}: {part}" for part in cut(run) if part in specific().runs]
    assert not wrong, f"{path.relative_to(ROOT)} knows a guide of corpus/:\n" + "\n".join(wrong)


# --- the lexicon ------------------------------------------------------------------------------------------------------


def strings(value: Any) -> Iterator[str]:
    """Every string of a TOML document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@cache
def countries() -> dict[str, str]:
    """Territory code → its Chinese name, from CLDR."""
    from babel import Locale

    return {code: name for code, name in Locale("zh").territories.items() if code.isalpha()}


@cache
def places() -> frozenset[str]:
    """Names of provinces and countries in Chinese, and without what CLDR adds ("中国香港特别行政区")."""
    names = {re.sub(r"^中国(?=..)|特别行政区$", "", name) for name in countries().values()}
    return frozenset(names | PROVINCES)


# Words of every guide, or of the language, that a guide in corpus/ happens to quote or that CLDR lists as places.
COMMON = {"中国", "世界", "优秀", "一带一路", "元首外交"}
LEXICA = sorted(LEXICON.rglob("*.toml"))


def test_places_of_the_lexicon_are_provinces_and_countries() -> None:
    told = tomllib.loads((LEXICON / "places.toml").read_text("utf-8"))
    assert set(told["provinces"]) == PROVINCES
    # A region (北欧, 西南) is a common name for several of them.
    meant = {name for names in told["regions"].values() for name in names}
    assert meant <= places(), f"neither a province nor a country: {sorted(meant - places())}"
    meant = {name for names in told["aliases"].values() for name in names} - told["regions"].keys()
    assert meant <= places(), f"neither a province nor a country: {sorted(meant - places())}"
    too_long = [name for name in told["aliases"] if len(HAN.sub("", name)) == 0 and len(name) > 6]
    assert not too_long, f"not a short name: {too_long}"
    assert set(told["abroad"]) == PROVINCES, "every province has its names in other languages"
    unknown = told["demonyms"].keys() - countries()
    assert not unknown, f"no such country code: {sorted(unknown)}"
    stems = [word for words in told["demonyms"].values() for word in words]
    twice = sorted({word for word in stems if stems.count(word) > 1})
    assert not twice, f"of two countries: {twice}"


@pytest.mark.parametrize("path", [p for p in LEXICA if p.name != "places.toml"], ids=lambda p: p.name)
def test_words_of_the_lexicon_are_of_the_genre(path: Path) -> None:
    """A word of the genre names no place and nothing that one guide alone names, and is no sentence of one."""
    banned = (specific().words | places()) - COMMON
    regions = tomllib.loads((LEXICON / "places.toml").read_text("utf-8"))["regions"].keys()
    wrong = []
    for entry in strings(tomllib.loads(path.read_text("utf-8"))):
        if set(re.split("[、,，]", entry)) <= places() | regions:
            continue  # a country or a province itself
        wrong += [f"{entry!r} holds {word}" for word in banned if word in entry]
        wrong += [f"{entry!r} is a sentence" for run in HAN.findall(entry) if len(run) > RUN and set(cut(run)) <= specific().runs]
    assert not wrong, "\n".join(wrong)
