"""Short readable ASCII names for guides and clauses: pinyin for Han characters, the rest as it stands."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata

_RUN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def make_slug(text: str, max_length: int = 40) -> str:
    """`text` as lower-case ASCII letters and digits ("2026年西藏项目" → "2026-nianxizangxiangmu").

    Runs of Han characters are spelt in pinyin as one word, as in a domain name; everything else that is not ASCII
    separates. Cut between syllables where it is longer than `max_length`. Safe in a shell, a URL and a file name;
    the same text always gives the same slug, and two texts may share one: the caller makes it unique. Never empty:
    a text without anything that can be spelt gives "x" and a short hash of it.
    """
    slug = ""
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        pieces = (run[:max_length],) if run.isascii() else _syllables(run[:max_length])
        joint = "-" if slug else ""
        for piece in pieces:
            if len(slug) + len(joint) + len(piece) > max_length:
                return slug
            slug += joint + piece
            joint = ""
    return slug or "x" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:6]


@functools.lru_cache(maxsize=4096)
def _syllables(run: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin  # 0.3 s to import, wanted at index time only

    spelt = (re.sub(r"[^a-z]", "", s.replace("ü", "v")) for s in lazy_pinyin(run, errors="ignore"))
    return tuple(s for s in spelt if s)
