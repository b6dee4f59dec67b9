"""Short ASCII names made from Chinese or other text: slugs of guides, parts of clause ids.

Everything here is a pure function of its own argument, so a name never changes because something else did.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff\uf900-\ufaff]|[^\W\d_]")
_ASCII = re.compile(r"[a-z0-9]+")


def short_hash(text: str, length: int = 4) -> str:
    """The first hexadecimal digits of the text's SHA-256 (`surrogatepass`: any str has one)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def make_slug(text: str, words: int = 12, joiner: str = "-") -> str:
    """At most `words` words of the text in `[a-z0-9]`, Han characters as pinyin; safe in a shell and in a URL.

    What is cut off, or cannot be spelled in ASCII, leaves a short hash of the whole text at the end,
    so that two texts with one beginning keep two slugs. Never empty.
    """
    folded = unicodedata.normalize("NFKC", text[:400]).casefold()
    found = _WORD.findall(folded)
    spelled = [_spell(word) for word in found[:words]]
    lost = len(found) > words or len(text) > 400 or not all(spelled)
    parts = [word for word in spelled if word]
    name = joiner.join(parts)
    return "-".join(filter(None, (name, short_hash(text) if lost or not parts else "")))


def _spell(word: str) -> str:
    if _ASCII.fullmatch(word):
        return word
    if "\u3400" <= word[0] <= "\u9fff":
        from pypinyin import lazy_pinyin  # 0.3 s to import; wanted only when an index is built

        word = "".join(lazy_pinyin(word, errors="ignore"))
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
    return plain if _ASCII.fullmatch(plain) else ""
