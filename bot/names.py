"""Names in questions → clauses: headings, item leads, places. Exact, partial, homophone, pinyin, other languages.

All names come from the clause tree; the lexicon adds short names of provinces, CLDR the names of countries.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

from bot import lexicon
from bot.lexical import normalise
from bot.types import Clause, ClauseId

_PUNCT = re.compile(r"[\s“”\"'‘’《》〈〉（）()【】\[\]、,，.。：:；;·—\-–/]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-zü]{2,}")
_SPACED = re.compile(r"[a-z\u00c0-\u04ff\u1e00-\u1eff\uac00-\ud7af]")  # scripts whose words begin after a blank
CLDR_LANGUAGES = (
    "en", "fr", "de", "es", "pt", "it", "nl", "sv", "nb", "da", "fi", "pl", "cs", "tr", "vi", "id", "ms", "ro", "hu", "et",
)  # fmt: skip
_SPACED_LANGUAGES = ("ko", "ru", "uk", "el")  # where a name begins a word
_INFLECTED = ("fi", "el", "pl", "cs", "hu", "et", "tr", "ro", "ru", "uk")
_SCRIPT_LANGUAGES = {
    "ja": "ja",
    "ko": "ko",
    "ru": "ru",
    "ar": "ar",
    "he": "he",
    "th": "th",
    "uk": "uk",
    "hi": "hi",
    "el": "el",
}


def squeeze(text: str) -> str:
    """A name without marks and blanks, simplified, lower case: what is compared."""
    return _PUNCT.sub("", normalise(text))


@dataclass(frozen=True, slots=True)
class Match:
    """A run of the question that names clauses. `how` says by what: name, alias, place, sound, fuzzy."""

    start: int
    end: int
    text: str
    clauses: tuple[ClauseId, ...]
    how: str


QUESTION_HELD = 0.8  # of a guide's own question, from which on a reader who repeats it names it


class Names:
    """All names of an index, ready to be looked for. Built once; pinyin only when a question needs it."""

    def __init__(self, clauses: Sequence[Clause], sections: Sequence[Clause], loose: Collection[ClauseId] = ()) -> None:
        """`loose` are sections whose headings say what they are about in many words (an FAQ's questions, the chapters
        of a text without labelled fields): a few words of those do not name them."""
        self._names: dict[ClauseId, str] = {}
        self._loose: set[ClauseId] = set()
        for c in sections:
            bare = bare_name(c)
            name = squeeze(bare)
            if 2 <= len(name) <= 60:
                plain = squeeze(re.sub(r"（[^）]*）|\([^)]*\)", "", bare))
                self._names[c.clause_id] = name if plain == name or len(plain) < 2 else f"{name}|{plain}"
                if c.clause_id in loose:
                    self._loose.add(c.clause_id)
        self._questions = {c.clause_id for c in sections if bare_name(c).endswith(("？", "?"))} & self._loose
        self.texts = {c.clause_id: normalise(c.text) for c in clauses}
        self._packed_bodies = {i: _PUNCT.sub("", t) for i, t in self.texts.items()}
        self._title = "".join(squeeze(c.text) for c in clauses if c.parent is None and c.kind == "heading")
        self._all_text = "\n".join(self.texts.values())
        self._spoken: list[str] | None = None
        self._sounds: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
        self._sound_starts: frozenset[tuple[int | str, ...]] = frozenset()
        self._spelt_starts: frozenset[tuple[str, ...]] = frozenset()
        self._spelt: dict[tuple[str, ...], list[tuple[int, ClauseId, str]]] | None = None
        self._parents = {c.clause_id: c.parent for c in clauses}
        self._sections = [c.clause_id for c in sections if c.clause_id in self._names]
        self._name_pairs = {i: {name[k : k + 2] for k in range(len(name) - 1)} for i, name in self._names.items()}

    def named(self, clause_id: ClauseId) -> bool:
        """Whether a clause is a section with a name of its own."""
        return clause_id in self._names

    def in_name(self, clause_id: ClauseId, words: Iterable[str]) -> bool:
        """Whether a section's name, not only its text, holds one of `words`."""
        return any(squeeze(w) in self._names.get(clause_id, "") for w in words)

    def mend(self, text: str, words: Iterable[str]) -> str:
        """`text` with runs that sound like a name or a known word, and are no word themselves, spelt as that word:
        "四穿" → "四川", "推见函" → "推荐函". Only looked for when a question leaves words that nothing explains."""
        targets = self._targets(tuple(words))
        longest = max((len(k) for k in targets), default=0)
        out, at = [], 0
        while at < len(text):
            for size in range(min(longest, 6), 1, -1):
                run = text[at : at + size]
                if len(run) == size and self._may_sound(run) and run not in self._all_text and not is_word(run):
                    word = targets.get(_pinyin(run), "")
                    if word and word != run:
                        out.append(word)
                        at += size
                        break
            else:
                out.append(text[at])
                at += 1
        return "".join(out)

    def spell(self, text: str, words: Iterable[str]) -> str:
        """`text` with words of the guides that are typed in pinyin, in whole or in part, in Han: "数zihua" → "数字化"."""
        places = [*lexicon.table("places")["provinces"], *lexicon.table("places")["aliases"]]
        targets = self._targets((*words, *(p for p in places if _HAN_RUN.fullmatch(p))))
        sounds = _syllables(text)
        out, done, at = [], 0, 0
        while at < len(sounds):
            for size in range(min(5, len(sounds) - at), 1, -1):
                run = sounds[at : at + size]
                typed = text[run[0][1] : run[-1][2]]
                word = targets.get(tuple(s for s, _, _ in run), "")
                whole = all(not text[a[2] : b[1]].strip() for a, b in pairwise(run))  # no letters left out between
                if word and whole and _LATIN.search(typed) and not re.search(r"[^a-z\u3400-\u9fff ]", typed):
                    out += [text[done : run[0][1]], word]
                    done = run[-1][2]
                    at += size
                    break
            else:
                at += 1
        return "".join([*out, text[done:]])

    def _targets(self, words: tuple[str, ...]) -> dict[tuple[str, ...], str]:
        """Sound → word, made once for the words that the reader gives."""
        if words not in self._sounds:
            sounds = {_pinyin(w): w for w in self._sound_words(words)}
            self._sound_starts |= frozenset((len(s), *s[:2]) for s in sounds)
            self._sounds[words] = sounds
        return self._sounds[words]

    def _may_sound(self, run: str) -> bool:
        """Whether a run of Han characters begins, in any reading of its first two, like a target of its length: most
        runs do not, and looking up how one is read takes longer."""
        if not _HAN_RUN.fullmatch(run):
            return False
        starts = self._sound_starts
        return any((len(run), a, b) in starts for a in _readings(run[0]) for b in _readings(run[1]))

    def _sound_words(self, more: tuple[str, ...]) -> list[str]:
        parts = [p for name in self._names.values() for p in _sound_parts(name.split("|")[0])]
        places = {**{p: [p] for p in lexicon.table("places")["provinces"]}, **lexicon.table("places")["aliases"]}
        parts += [  # "援臧" → "援藏"; none that begins like a verb of many sentences ("进…")
            p for p, names in places.items()
            if len(p) > 1 and _HAN_RUN.fullmatch(p) and p[0] not in "进入赴到去在" and any(n in self._all_text for n in names)
        ]  # fmt: skip
        common = [w for w in lexicon.table("words")["pinyin_words"] if len(w) > 1]
        pieces = [w[i : i + 2] for w in more for i in range(len(w) - 1)]
        return [*self._text_words(), *pieces, *common, *parts]

    def _text_words(self) -> list[str]:
        """Words of two and three characters of the guides' own text, at most some thousands."""
        if self._spoken is None:
            runs = _HAN_RUN.findall(self._all_text[:60_000])
            self._spoken = list(dict.fromkeys(w for r in runs for w in _cut(r) if 2 <= len(w) <= 3))[:4000]
        return self._spoken

    def holds(self, word: str) -> bool:
        """Whether the guides' text holds `word` anywhere."""
        return normalise(word) in self._all_text

    def clauses_with(self, word: str) -> tuple[ClauseId, ...]:
        key = normalise(word)
        return tuple(i for i, text in self.texts.items() if key in text)

    # -- exact and partial names ----------------------------------------------------------------------------

    def find(self, question: str) -> list[Match]:
        """Runs of `question` (normalised) shared with section names: the longest first, not overlapping."""
        packed, places = _packed(question)
        runs: dict[tuple[int, int], set[ClauseId]] = {}
        pairs = {packed[i : i + 2] for i in range(len(packed) - 1)}
        for clause_id in self._sections:
            if self._name_pairs[clause_id].isdisjoint(pairs):
                continue
            for start, end in _common_runs(packed, self._names[clause_id]):
                runs.setdefault((start, end), set()).add(clause_id)
        cores = {k: _core(packed[k[0] : k[1]]) for k in runs}
        grams = {k: {i for i in self._sections if cores[k] in self._names[i]} for k in runs}
        grams = {k: self._meant(packed[k[0] : k[1]], v) for k, v in grams.items()}
        usable = [(k, v) for k, v in grams.items() if v and self._distinctive(packed[k[0] : k[1]], v)]
        usable.sort(key=lambda kv: (-(kv[0][1] - kv[0][0]), len(kv[1]), kv[0][0]))
        taken = bytearray(len(packed))
        out: list[Match] = []
        seen: set[ClauseId] = set()
        for (start, end), ids in usable:
            if any(taken[start:end]) or ids <= seen:
                continue
            other = self._better_held(packed, start, end, ids)
            if other is not None:
                start, end, ids = other
                if any(taken[start:end]):
                    continue
            seen |= ids
            end = self._misspelt_end(packed, start, end, ids)
            taken[start:end] = b"\x01" * (end - start)
            tops = self._tops(ids)
            if tops:  # words of a clause that is no section name none, and stay words of the question
                out.append(Match(places[start], places[end - 1] + 1, packed[start:end], tops, "name"))
        return sorted(out, key=lambda m: m.start)

    def _misspelt_end(self, packed: str, start: int, end: int, ids: set[ClauseId]) -> int:
        """Where a run ends that goes on as the rest of its name but for one character ("甲国西佛兰德省" for "…西弗兰德省")."""
        run = packed[start:end]
        for name in (n for i in ids for n in self._names.get(i, "").split("|") if run in n):
            rest = name[name.index(run) + len(run) :]
            said = packed[end : end + len(rest)]
            wrong = [n for n, (a, b) in enumerate(zip(said, rest, strict=False)) if a != b]
            agreed = (wrong + [len(said)] * 2)[1] if wrong else 0  # up to the second character that differs
            if wrong and agreed - wrong[0] >= 3:
                return end + agreed
        return end

    def _better_held(
        self, packed: str, start: int, end: int, ids: set[ClauseId]
    ) -> tuple[int, int, set[ClauseId]] | None:
        """A run that goes on in the question as words of another clause ("市级工程中心" holds "工程中心",
        but only one clause has all of it): that clause is meant. None where there is no such clause."""
        left, right = start, end
        while left > 0 and any(packed[left - 1 : right] in t for t in self._packed_bodies.values()):
            left -= 1
        while right < len(packed) and any(packed[left : right + 1] in t for t in self._packed_bodies.values()):
            right += 1
        if right - left < end - start + 2:
            return None
        run = packed[left:right]
        holders = {i for i, t in self._packed_bodies.items() if run in t}
        mine = {j for i in holders for j in self._chain(i)}
        if ids & mine or len(holders) > 2 or holders <= self._questions:
            return None
        return left, right, holders

    def _chain(self, clause_id: ClauseId) -> list[ClauseId]:
        out: list[ClauseId] = []
        at: ClauseId | None = clause_id
        while at is not None:
            out.append(at)
            at = self._parents.get(at)
        return out

    def _meant(self, run: str, ids: set[ClauseId]) -> set[ClauseId]:
        """Without loose sections of whose name the run is but a small part."""
        return {i for i in ids if i not in self._loose or self._held(run, i)}

    def _held(self, run: str, loose: ClauseId) -> bool:
        """Whether a run is enough of a loose section's name: half of its words; of a guide's own question nearly all,
        for its words are those of any question about the same thing ("购房补贴是多少？" is no name for 购房补贴)."""
        name = self._names[loose].split("|")[-1]
        if loose in self._questions:
            return len(run) >= QUESTION_HELD * len(name)
        return len(_specific(run)) * 2 >= len(_specific(name))

    def _distinctive(self, run: str, ids: set[ClauseId]) -> bool:
        """A run tells sections apart when it is more than generic words and stands in few names."""
        whole = any(run in self._names[i].split("|") for i in ids)
        if not whole and (run in lexicon.words("stop_zh") or (len(ids) > 1 and run in self._title)):
            return False  # "东西" is a thing, whatever stands in a name; what the title says tells none apart
        specific = _specific(run)
        share = len(ids) / max(1, len(self._sections))
        if len(specific) >= 2:
            return share <= 0.5 or len(ids) <= 2 or any(run in self._names[i].split("|") for i in ids)
        if len(run) >= 4:
            return len(self._tops(ids)) == 1
        return len(ids) == 1 and run in self._names[next(iter(ids))].split("|") and len(run) >= 3

    def _tops(self, ids: Iterable[ClauseId]) -> tuple[ClauseId, ...]:
        """Without clauses that stand under another of them, in document order."""
        kept = set(ids)
        out = []
        for clause_id in self._sections:
            if clause_id not in kept:
                continue
            parent = self._parents.get(clause_id)
            while parent is not None and parent not in kept:
                parent = self._parents.get(parent)
            if parent is None:
                out.append(clause_id)
        return tuple(out)

    def places(self, names: Iterable[str]) -> tuple[ClauseId, ...]:
        """Sections whose name holds one of `names`; else the clauses whose text does."""
        keys = [squeeze(n) for n in names]
        named = [i for i in self._sections if any(k in self._names[i] for k in keys)]
        if named:
            return self._tops(named)
        return tuple(i for i, text in self.texts.items() if any(normalise(n) in text for n in keys))

    # -- sound ----------------------------------------------------------------------------------------------

    def by_sound(self, question: str) -> list[Match]:
        """Names that sound like a run of the question: homophones, whole or part pinyin ("挪wei", "qinghai")."""
        spelt = self._spelt_parts()
        if not _LATIN.search(question) and not self._may_spell(_HAN.findall(question)):
            return []
        syllables = _syllables(question)
        sounds = tuple(s for s, _, _ in syllables)
        found: list[tuple[int, int, ClauseId, str, int]] = []
        for size in {len(s) for s in spelt}:
            for at in range(len(sounds) - size + 1):
                found += [(n, at, i, part, size) for n, i, part in spelt.get(sounds[at : at + size], ())]
        out: list[Match] = []
        for _, at, clause_id, part, size in sorted(found, key=lambda f: f[:2]):
            start, end = syllables[at][1], syllables[at + size - 1][2]
            if question[start:end] != part:
                out.append(Match(start, end, question[start:end], (clause_id,), "sound"))
        return _merge(out)

    def _spelt_parts(self) -> dict[tuple[str, ...], list[tuple[int, ClauseId, str]]]:
        """Sound → (place in the order of names, section, part of its name), made when first needed."""
        if self._spelt is None:
            out: dict[tuple[str, ...], list[tuple[int, ClauseId, str]]] = {}
            parts = ((i, part) for i in self._sections for part in _sound_parts(self._names[i].split("|")[0]))
            for n, (clause_id, part) in enumerate(parts):
                out.setdefault(_pinyin(part), []).append((n, clause_id, part))
            self._spelt_starts = frozenset(sounds[:2] for sounds in out)
            self._spelt = out
        return self._spelt

    def _may_spell(self, chars: Sequence[str]) -> bool:
        """Whether two neighbours, in any reading, sound like the beginning of a part of a name."""
        starts = self._spelt_starts
        return any((a, b) in starts for c, d in pairwise(chars) for a in _readings(c) for b in _readings(d))


def bare_name(clause: Clause) -> str:
    """A clause's name as a reader would say it: without its number, a heading without a leading label ("项目名称：")."""
    text = (clause.label or clause.text).strip()
    bare = text.removeprefix(clause.number.strip()).strip(_EDGES)
    head, mark, tail = bare.partition("：")
    if mark and tail.strip(_EDGES) and len(head) <= 6 and clause.kind == "heading":
        bare = tail.strip(_EDGES)
    return bare or text


_EDGES = " \u3000：:。、.．"


def _packed(text: str) -> tuple[str, list[int]]:
    """Text without marks and blanks, and for each character left its place in `text`."""
    places: list[int] = []
    at = 0
    for m in _PUNCT.finditer(text):
        places += range(at, m.start())
        at = m.end()
    places += range(at, len(text))
    return "".join(text[i] for i in places), places


def _common_runs(question: str, name: str) -> list[tuple[int, int]]:
    """Maximal runs of two characters and more that stand in both; quadratic in short strings."""
    out: list[tuple[int, int]] = []
    start = 0
    while start < len(question) - 1:
        if question[start : start + 2] not in name:
            start += 1
            continue
        end = start + 2
        while end < len(question) and question[start : end + 1] in name:
            end += 1
        if not out or end > out[-1][1]:
            out.append((start, end))
        start += 1
    return out


def _core(run: str) -> str:
    """A run without the general noun it ends in, so that "对口支援项目" also finds "对口支援与…项目"."""
    core = re.sub(r"(?:科技)?(?:合作)?(?:项目|计划|专项|课题|类)+$", "", run)
    return core if len(core) >= 2 and len(_specific(core)) >= 2 else run


@lru_cache(maxsize=4096)
def _specific(run: str) -> str:
    """What is left of a name when generic words are taken out."""
    for word in _generic():
        run = run.replace(word, "")
    return run


@lru_cache(maxsize=1)
def _generic() -> tuple[str, ...]:
    return tuple(sorted(lexicon.table("words")["generic_names"], key=len, reverse=True))


@lru_cache(maxsize=4096)
def _pinyin(han: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(han))


@lru_cache(maxsize=32768)
def _readings(char: str) -> frozenset[str]:
    """Every sound that a Han character may have, without tones."""
    from pypinyin import Style, pinyin

    return frozenset(pinyin(char, style=Style.NORMAL, heteronym=True)[0])


def _sounds_of(han: str) -> list[tuple[str, ...]]:
    """All ways to read a short word; a single character's rare readings are those of too many others."""
    return list(product(*(sorted(_readings(c)) for c in han))) if 2 <= len(han) <= 3 else []


def _sound_parts(name: str) -> list[str]:
    """The parts of a name that one may spell by sound: its specific runs of two Han characters and more."""
    masked = name
    for word in _generic():
        masked = masked.replace(word, " ")
    parts = [p for run in _HAN_RUN.findall(masked) for p in (run, run[:2], run[2:4], run[:3])]
    return [p for p in dict.fromkeys(parts) if len(p) >= 2]


def _cut(run: str) -> list[str]:
    """The words of a Han run; none where the dictionary is not installed."""
    try:
        import rjieba
    except ImportError:
        return []
    return list(rjieba.cut(run))


def is_word(run: str) -> bool:
    """Whether the dictionary has a run of characters as a word."""
    try:
        import rjieba
    except ImportError:
        return False
    return bool(rjieba.has_word(run))


@lru_cache(maxsize=1)
def _pinyin_table() -> frozenset[str]:
    from pypinyin import Style, pinyin
    from pypinyin.constants import PINYIN_DICT

    common = "".join(chr(c) for c in range(0x4E00, 0x9FA6) if c in PINYIN_DICT)[:21000]
    return frozenset(s[0] for s in pinyin(common, style=Style.NORMAL) if s[0].isascii() and s[0].isalpha())


def split_pinyin(word: str) -> list[str] | None:
    """A Latin word as pinyin syllables, None where it is not pinyin. Longest first, with a look back."""
    table = _pinyin_table()
    memo: dict[int, list[str] | None] = {len(word): []}
    for start in range(len(word) - 1, -1, -1):
        memo[start] = None
        for end in range(min(len(word), start + 6), start, -1):
            rest = memo.get(end)
            if rest is not None and word[start:end] in table and (end - start > 1 or word[start:end] in "aeo"):
                memo[start] = [word[start:end], *rest]
                break
    return memo[0]


def _syllables(question: str) -> list[tuple[str, int, int]]:
    """(sound, start, end) of the question's Han characters and Latin words that are pinyin."""
    out: list[tuple[str, int, int]] = []
    for m in re.finditer(r"[\u3400-\u9fff]+|[a-zü]+", question):
        if m[0][0].isascii():
            parts = split_pinyin(m[0]) if len(m[0]) <= 40 else None
            at = m.start()
            for part in parts or []:
                out.append((part, at, at + len(part)))
                at += len(part)
        else:
            out.extend((s, m.start() + i, m.start() + i + 1) for i, s in enumerate(_pinyin(m[0])))
    return out


def pinyin_to_han(question: str) -> str:
    """Runs of Latin words that are pinyin, with the common question words that they spell written in Han
    ("buzhu duoshao" → "补助多少"); other runs, and syllables that spell no such word, stay as they are."""

    def replace(m: re.Match[str]) -> str:
        parts: list[str] = []
        for word in m[0].split():
            split = split_pinyin(word)
            if not split:
                return m[0]
            parts += split
        out, at = [], 0
        vocabulary = _pinyin_words()
        while at < len(parts):
            for length in range(min(4, len(parts) - at), 0, -1):
                word = vocabulary.get(tuple(parts[at : at + length]), "")
                if word:
                    out.append(word)
                    at += length
                    break
            else:
                out.append(parts[at])
                at += 1
        return "".join(out)

    return re.sub(r"[a-zü]{2,40}(?: [a-zü]{1,40})*", replace, question)


@lru_cache(maxsize=1)
def _pinyin_words() -> dict[tuple[str, ...], str]:
    table = lexicon.table("words")
    words = [*table["pinyin_words"], *table["pinyin_phrases"]]
    # a character of two readings is typed in either ("最长": zuizhang, zuichang); the usual one wins
    return {sound: w for w in words for sound in _sounds_of(w)} | {_pinyin(w): w for w in words}


def _merge(matches: list[Match]) -> list[Match]:
    """The longest matches first, not overlapping; equal runs join their clauses."""
    out: list[Match] = []
    for m in sorted(matches, key=lambda m: (m.start - m.end, m.start)):
        same = next((o for o in out if (o.start, o.end) == (m.start, m.end)), None)
        if same is not None:
            out[out.index(same)] = Match(m.start, m.end, m.text, tuple(dict.fromkeys(same.clauses + m.clauses)), m.how)
        elif all(m.end <= o.start or m.start >= o.end for o in out):
            out.append(m)
    return sorted(out, key=lambda m: m.start)


# -- countries and provinces -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A country, region or province that a question names; `names` are its Chinese names, the shortest first."""

    start: int
    end: int
    text: str
    names: tuple[str, ...]


@lru_cache(maxsize=1)
def _chinese_countries() -> dict[str, tuple[str, ...]]:
    """ISO code → Chinese names from CLDR, with "中国…特别行政区" shortened."""
    from babel import Locale

    out: dict[str, tuple[str, ...]] = {}
    for code, name in Locale("zh").territories.items():
        if len(code) != 2 or code in ("CN", "ZZ", "XA", "XB", "EZ", "UN", "EU", "QO", "DG", "CP", "TA", "AC"):
            continue
        short = re.sub(r"^中国|特别行政区$", "", name) if "特别行政区" in name else name
        out[code] = tuple(dict.fromkeys((short, name)))
    return out


@lru_cache(maxsize=64)
def _foreign_countries(language: str) -> tuple[tuple[str, str], ...]:
    """(name, ISO code) in one language, the longest first."""
    from babel import Locale, UnknownLocaleError

    try:
        names = Locale(language).territories
    except UnknownLocaleError:
        return ()
    known = _chinese_countries()
    pairs = [
        (squash(n), code)
        for code, n in names.items()
        if (code in known and len(n) >= 3) or (code in known and language in ("ja", "ko", "ar", "he", "th"))
    ]
    pairs += [
        (re.sub(r"^(?:hong ?kong|macao|macau).*", lambda m: m[0].split(" sar")[0], n), c)
        for n, c in pairs
        if "sar" in n
    ]
    return tuple(sorted(set(pairs), key=lambda p: (-len(p[0]), p)))


def squash(text: str) -> str:
    return normalise(text).strip()


def places_in(question: str, language: str) -> list[Place]:
    """Countries, regions and provinces named in a normalised question, in any language that CLDR knows."""
    found = [*_han_places(question), *_aliases(question)]
    if not language.startswith("zh") or _LATIN.search(question):
        found += _cldr_places(question, language)
    out: list[Place] = []
    for p in sorted(found, key=lambda p: (p.start - p.end, p.start)):
        if all(p.end <= o.start or p.start >= o.end for o in out):
            out.append(p)
    return sorted(out, key=lambda p: p.start)


def _han_places(question: str) -> list[Place]:
    out = []
    for name in lexicon.table("places")["provinces"]:
        if name not in question:
            continue
        out += [Place(m.start(), m.end(), name, (name,)) for m in re.finditer(name, question)]
    starts = _chinese_starts() if re.search(r"[\u3400-\u9fff]{2}", question) else {}
    at = 0
    while starts and at < len(question):
        name = next((n for n in starts.get(question[at : at + 2], ()) if question.startswith(n, at)), "")
        if name:
            out.append(Place(at, at + len(name), name, _countries_by_name()[name]))
        at += len(name) or 1
    return out


@lru_cache(maxsize=1)
def _countries_by_name() -> dict[str, tuple[str, ...]]:
    return {name: names for names in _chinese_countries().values() for name in names if len(name) >= 2}


@lru_cache(maxsize=1)
def _chinese_starts() -> dict[str, list[str]]:
    """The Chinese names of countries by their first two characters, the longest first ("几内亚比绍" before "几内亚")."""
    out: dict[str, list[str]] = {}
    for name in sorted(_countries_by_name(), key=len, reverse=True):
        out.setdefault(name[:2], []).append(name)
    return out


def _aliases(question: str) -> list[Place]:
    out = [
        Place(m.start(), m.end(), m[0], names)
        for stem, edge, names in _stems_in(question)
        for m in re.finditer(edge + re.escape(stem), question)
    ]
    chinese = _chinese_countries()
    for m in _demonym_pattern().finditer(question):
        out.append(Place(m.start(), m.end(), m[0], chinese.get(_demonyms()[m[1] or m[2]], ())))
    return [p for p in out if p.names]


_Stem = tuple[str, str, tuple[str, ...]]  # what stands in a question, the edge before it, the Chinese names it means


def _stems_in(question: str) -> list[_Stem]:
    """The short and foreign names that a question holds, in the order of the lexicon."""
    starts = _alias_starts()
    found = [entry for c in set(question) for entry in starts.get(c, ()) if entry[1][0] in question]
    return [stem for _, stem in sorted(found)]


@lru_cache(maxsize=1)
def _alias_starts() -> dict[str, list[tuple[int, _Stem]]]:
    out: dict[str, list[tuple[int, _Stem]]] = {}
    for n, stem in enumerate(_alias_stems()):
        out.setdefault(stem[0][0], []).append((n, stem))
    return out


def _alias_stems() -> tuple[_Stem, ...]:
    """All short and foreign names."""
    out: list[_Stem] = []
    for alias, names in _named_abroad():
        stem = alias[:-1] if "а" <= alias[0] <= "я" and len(alias) > 4 else alias  # Russian names are inflected
        out.append((stem, r"(?<!\w)" if _SPACED.match(alias) else "", names))
    return tuple(out)


@lru_cache(maxsize=1)
def _demonyms() -> dict[str, str]:
    return {word: code for code, words in lexicon.table("places")["demonyms"].items() for word in words}


@lru_cache(maxsize=1)
def _demonym_pattern() -> re.Pattern[str]:
    """Any adjective of a country with what it ends in; scripts that write prefixes onto words need no edge."""
    ordered = sorted(_demonyms(), key=len, reverse=True)
    spaced, others = ([w for w in ordered if bool(_SPACED.match(w)) == s] for s in (True, False))
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, spaced))})\w{{0,5}}|({'|'.join(map(re.escape, others))})")


@lru_cache(maxsize=1)
def _named_abroad() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Short names and other languages' names of provinces with what they stand for."""
    table = lexicon.table("places")
    short = [(alias, tuple(names)) for alias, names in table["aliases"].items()]
    return (*short, *((word, (name,)) for name, words in table["abroad"].items() for word in words))


def _cldr_places(question: str, language: str) -> list[Place]:
    own = _SCRIPT_LANGUAGES.get(language)
    languages = (own,) if own else tuple(dict.fromkeys(("en", language, *CLDR_LANGUAGES)))
    chinese = _chinese_countries()
    starts = {question[i : i + _START] for i in range(len(question))}
    everyday = {w for key in ("any", language) for w in lexicon.table("places")["no_places"].get(key, ())}
    for lang in languages:
        out = []
        known = _country_starts(lang)
        for _, name, code in sorted(entry for start in starts for entry in known.get(start, ())):
            at = question.find(name)
            if at < 0 or name in everyday:
                continue
            edges = question[max(0, at - 1) : at] + question[at + len(name) : at + len(name) + 1]
            inside = own in _SPACED_LANGUAGES and question[max(0, at - 1) : at].isalpha()
            if not inside and (own or not any(c.isalpha() and c < "\u0250" for c in edges)):
                out.append(Place(at, at + len(name), name, chinese[code]))
        if not out and lang == language and len(lang) == 2 and (not own or language in _INFLECTED):
            out = _stemmed(question, lang, chinese)
        if out:
            return out
    return []


def _stemmed(question: str, language: str, chinese: Mapping[str, tuple[str, ...]]) -> list[Place]:
    """Inflected names ("Suomessa", "Norjan", "Норвегии"): a word that shares all but the end of a name. Languages
    without cases keep the whole name ("Norwegens"): "indienen" is not India."""
    out = []
    cut, more = (2, 5) if language in _INFLECTED else (0, 1)
    others = lexicon.table("places")["no_places"].get(language, ())
    for m in re.finditer(r"[^\W\d_]{5,}", question):
        if m[0] in others:
            continue
        for stem, name, code in _country_stems(language).get(m[0][:2], ()):
            if m[0].startswith(stem) and -cut <= len(m[0]) - len(name) <= more:
                out.append(Place(m.start(), m.end(), m[0], chinese[code]))
                break
    return out


_START = 2  # characters; no name of a country is shorter


@lru_cache(maxsize=64)
def _country_starts(language: str) -> dict[str, list[tuple[int, str, str]]]:
    """(place in the order of names, name, ISO code) of countries by how their names begin."""
    out: dict[str, list[tuple[int, str, str]]] = {}
    for n, (name, code) in enumerate(_foreign_countries(language)):
        out.setdefault(name[:_START], []).append((n, name, code))
    return out


@lru_cache(maxsize=64)
def _country_stems(language: str) -> dict[str, list[tuple[str, str, str]]]:
    """(stem, name, ISO code) of the countries whose names are one word, by the stem's first two characters."""
    out: dict[str, list[tuple[str, str, str]]] = {}
    for name, code in _foreign_countries(language):
        if " " not in name:
            stem = name[: max(4, len(name) - (2 if language in _INFLECTED else 0))]
            out.setdefault(stem[:2], []).append((stem, name, code))
    return out
