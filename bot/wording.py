"""A question's wording: its language, the form it is matched in, its words, its parts. Nothing here knows a guide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from bot import facts as fact_module
from bot import lexicon
from bot.english import from_chinese, stems, word_weight
from bot.lexical import normalise, simplified
from bot.names import pinyin_to_han, split_pinyin

_HAN = re.compile(r"[\u3400-\u9fff]")

PART = re.compile(r"[,，?？!！。；;\n]+|(?<=[问说询答])[:：]")


_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
)


_OTHER_SCRIPT = re.compile("|".join(script.pattern for _, script in _SCRIPTS))


def language_of(text: str) -> str:
    """A BCP-47 tag from the script and, for Latin letters, from small words; "zh" where in doubt."""
    for language, script in _SCRIPTS if _OTHER_SCRIPT.search(text) else ():
        if len(script.findall(text)) >= 2:
            return language
    # a name quoted in Chinese does not make a German question a Chinese one
    latin, han = len(re.findall(r"[^\W\d_\u3400-\u9fff]{2,}", text)), len(_HAN.findall(text))
    asked_in_han = han >= 2 and lexicon.pattern("asks_in_zh_re").search(text)
    if asked_in_han or (han >= 2 and not (latin >= 4 and latin * 3 > han)) or not re.search(r"[^\W\d_]", text):
        return "zh-Hant" if sum(a != b for a, b in zip(text, simplified(text), strict=False)) else "zh"
    words = re.findall(r"[^\W\d_]+", text.lower())
    scores = {lang: sum(w in small for w in words) for lang, small in _small_words().items()}
    if re.search(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", text.lower()):
        return "vi"
    if re.search("[¿¡ñ]", text):
        return "es"
    best = max(scores, key=lambda k: (scores[k], k == "en"))
    if scores[best] * 2 < len(words) and _is_pinyin(words):
        return "zh"
    return "en" if scores[best] == 0 else best


@lru_cache(maxsize=1)
def _small_words() -> dict[str, frozenset[str]]:
    return {k: frozenset(v) for k, v in lexicon.table("small_words").items()}


def _is_pinyin(words: Sequence[str]) -> bool:
    return bool(words) and all(split_pinyin(w) for w in words)


@lru_cache(maxsize=1)
def _from_japanese() -> Callable[[str], str]:
    """Japanese forms of characters → traditional → simplified. The tables are loaded once, with the first question."""
    import opencc

    to_traditional, to_simplified = opencc.OpenCC("jp2t"), opencc.OpenCC("t2s")
    return lambda text: str(to_simplified.convert(to_traditional.convert(text)))


def fold(text: str, language: str) -> str:
    """The question as it is matched: NFKC, lower case, simplified (Japanese forms of characters too)."""
    out = normalise(text)
    if language == "ja":
        out = _from_japanese()(out)
    elif language == "zh":
        out = _closed_up(re.sub(r"\s+", " ", out))
        out = re.sub(r"(?<=\d) ?(?:wan|w)(?![a-z])", "万", out)  # "45wan"
        if re.search(r"[a-z]{2}", out):
            out = pinyin_to_han(_INITIALS.sub(_spelt_out, out))
    if language.startswith("zh"):
        out = out.replace("囗", "口").replace("礼拜", "星期")
        if not re.search("[哪谁几吗呢]|什么|多少|怎|啥", out):  # "对口那里" asks
            out = re.sub(r"那(?=(?:里|儿|个市|个州|个省)[?？。!！\s]*$)", "哪", out)
        # "我今年39了": years of age
        out = re.sub(r"(?<=今年)((?:已经|都|刚|满|刚满|才)?[1-9]\d)(?=了?[，,]?(?:还|也|就|了|的)?(?:能|可以|行|够|超))", r"\1周岁", out)
    out = re.sub(r"[一二][〇零○][〇零○一二三四五六七八九]{2}(?=年)", lambda m: fact_module.year_digits(m[0]), out)
    return re.sub(r"\s+", " ", out).strip()


_INITIALS = re.compile(r"(?<![a-z])[a-z]{1,4}(?![a-z])")


_LONE = re.compile(r"(?<![\u3400-\u9fff])(?:[\u3400-\u9fff] ){2,}[\u3400-\u9fff](?![\u3400-\u9fff])")


def _spelt_out(m: re.Match[str]) -> str:
    """Initials that people type for a common word ("xm" → "项目")."""
    return str(lexicon.table("words")["initials"].get(m[0], m[0]))


def _closed_up(text: str) -> str:
    """Chinese without the blanks that tear words apart: between single characters, and beside a question word."""
    text = _LONE.sub(lambda m: m[0].replace(" ", ""), text)
    beside = lexicon.table("words")["beside_blank"]
    return re.sub(rf"(?<=[{beside}]) (?=[\u3400-\u9fff])|(?<=[\u3400-\u9fff]) (?=[{beside}])", "", text)


def masked_out(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with `spans` blanked out, at the same length, so that offsets hold."""
    out = list(text)
    for start, end in spans:
        out[start:end] = "\x00" * (end - start)
    return "".join(out)


def parts_of(text: str) -> list[tuple[int, int]]:
    """A message cut at its marks; a sentence of another language ends in a full stop."""
    cuts = [0, *(m.end() for m in re.finditer(rf"{PART.pattern}|(?<=[^\d][a-zäöüéа-я])[.]\s", text)), len(text)]
    return list(pairwise(cuts))


def questions_in(text: str) -> list[tuple[int, int]]:
    """Spans of a message's parts that hold a question word; the whole where none does. The rest is the caller's story."""
    asking = lexicon.pattern("interrogative_re")
    spans = [
        (a, b) for a, b in parts_of(text)
        if asking.search(text[a:b]) or lexicon.pattern("yesno_zh_re").search(text[a:b].strip(" ,，。;；?？!！\n"))
    ]  # fmt: skip
    return spans or [(0, len(text))]


@lru_cache(maxsize=1)
def _tagger() -> object:
    try:
        import rjieba
    except ImportError:
        return None
    return rjieba.tag


_NOUNS = ("n", "nz", "vn", "nt", "ns", "nr", "an", "l", "i", "j", "eng", "x", "nrt", "nrfg", "nw", "b")


@dataclass(frozen=True, slots=True)
class Term:
    word: str
    weight: float
    start: int
    end: int


def weights_of(terms: Sequence[Term]) -> tuple[tuple[str, float], ...]:
    out: dict[str, float] = {}
    for t in terms:
        out[t.word] = max(t.weight, out.get(t.word, 0.0))
    return tuple(out.items())


def asking_sentences(text: str) -> str:
    """The sentences of a foreign message that end in a question mark; the whole where none does, or where nothing else
    is told. "We are a start-up. May we apply?" asks nothing of start-ups."""
    asking = [s for s in re.split(r"(?<=[.!?？。])\s+|(?<=[？。])", text) if s.rstrip().endswith(("?", "？", "؟", ";"))]
    return " ".join(asking) or text


def gloss(text: str, language: str) -> list[tuple[str, ...]]:
    """For each word of a foreign question that the glossary knows, what guides call it: one or more words."""
    found = [(m, words) for pattern, words in lexicon.glossary(language) for m in [pattern.search(text)] if m]
    return [words for m, words in found if not any(_covers(o, m) for o, _ in found)]


def _covers(outer: re.Match[str], inner: re.Match[str]) -> bool:
    """Whether a longer match holds another: "master's graduate" is no "graduate"."""
    return outer.start() <= inner.start() and inner.end() <= outer.end() and outer.end() - outer.start() > inner.end() - inner.start()


def stems_of(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Term, ...]:
    """Content words of an English question outside of `spans`."""
    words = (w for w in stems(text) if all(w.end <= s or w.start >= e for s, e in spans))
    return tuple(Term(w.text, word_weight(w.stem), w.start, w.end) for w in words)


def in_english_words(terms: Sequence[Term]) -> tuple[Term, ...]:
    """What the glossary makes of a Chinese question's words, or of another language's, for an English guide: they tip a
    balance and rule nothing out."""
    return tuple(Term(e, 0.4, t.start, t.end) for t in terms for e in from_chinese(t.word))


def words_of(text: str, parts: Sequence[tuple[int, str]]) -> list[tuple[str, str, int]]:
    """The words of some parts of a text, cut in their full sentence, so that a masked neighbour does not make a word
    of two halves."""
    return [word for at, part in parts for word in tagged(text[at : at + len(part)], at)]


def terms_in(
    text: str, words: Sequence[tuple[str, str, int]], spans: Sequence[tuple[int, int]], bodies: Sequence[str]
) -> tuple[Term, ...]:
    """Content words outside of `spans` (names, asking phrases) and stop words. Nouns weigh 1, verbs and the rest 0.4."""
    closed = bytearray(len(text))
    for start, end in spans:
        closed[start:end] = b"\x01" * (end - start)
    for word in bodies:
        at = text.find(word)
        if at >= 0:
            closed[at : at + len(word)] = b"\x01" * len(word)
    out = []
    for word, pos, start in words:
        end = start + len(word)
        if sum(closed[start:end]) * 2 >= len(word):
            continue
        weight = _weight(word, pos)
        if weight and not _A_NOT_A.fullmatch(word):
            out.append(Term(word, weight, start, end))
    return tuple(out)


# Han runs and Latin words; "几个人" ends before "才给", which is no "人才"
_RUNS = re.compile(r"[\u3400-\u9fff]+?[几多少][个名位]人(?=才[给能可行算够会有要得发补])|[\u3400-\u9fff]+|[a-z][a-z+\-]*")


_A_NOT_A = re.compile(r"(.)不\1")  # "卡不卡" asks, and names nothing


def naming_words(text: str) -> list[str]:
    """Words of two or more characters by which a text names things and acts: nouns, verbs, idioms, abbreviations."""
    return [w for w, pos, _ in tagged(text, 0) if len(w) > 1 and pos[:1] in "nvlj"]


def tagged(text: str, base: int) -> list[tuple[str, str, int]]:
    """(word, part of speech, place) of a text's Han runs and Latin words."""
    tag = _tagger()
    out = []
    for m in _RUNS.finditer(text):
        at = base + m.start()
        pairs = tag(m[0]) if callable(tag) and _HAN.match(m[0]) else [(m[0], "eng")]
        for word, pos in pairs:
            out.append((word, pos, at))
            at += len(word)
    return out


def _weight(word: str, pos: str) -> float:
    stop = lexicon.words("stop_zh")
    if not _HAN.match(word):
        return 1.0 if len(word) > 1 and word not in lexicon.words("stop_en") else 0.0
    if len(word) < 2 or word in stop or all(c in stop for c in word) or re.search("[哪谁啥]|什么|多少|怎|^几", word):
        return 0.0
    if pos in ("x", "nr", "nrt", "nrfg") and (word[0] in stop or word[-1] in stop):
        return 0.4  # a word that the dictionary does not know, with a function word at its edge, is likely two halves
    return 1.0 if pos in _NOUNS and word not in lexicon.words("soft_zh") else 0.4


def with_last_terms(
    now: tuple[tuple[str, float], ...], last: tuple[tuple[str, float], ...]
) -> tuple[tuple[str, float], ...]:
    """A follow-up's words with those of the question that it continues, which weigh less."""
    own = {t for t, _ in now}
    return (*now, *((t, w * (0.3 if now else 1.0)) for t, w in last if t not in own))


def plain_fold(text: str) -> str:
    straight = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("ʼ", "'")
    return re.sub(r"\s+", " ", straight).strip()


def ordinals_in(text: str) -> tuple[int, ...]:
    english = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    out = []
    for m in lexicon.pattern("ordinal_re").finditer(text):
        word = next(g for g in m.groups() if g)
        if word in english:
            out.append(english.index(word) + 1)
        elif word == "last":
            out.append(-1)
        else:
            number = fact_module.parse_number(word)
            if number is not None and 0 < number < 100:
                out.append(int(number))
    return tuple(out)


def split_questions(message: str) -> tuple[str, ...]:
    """The questions of one message, where it holds several complete ones ("…多少钱？要推荐函吗？")."""
    numbered = re.split(r"(?:^|[\s，,；;：:])[(（]?\d{1,2}[.、．)）]\s*", message)
    if len(numbered) > 2 and all(len(p.strip()) >= 2 for p in numbered[1:]):
        head = numbered[0].strip()
        return tuple([f"{head} {numbered[1].strip()}".strip(), *(p.strip() for p in numbered[2:])][:6])
    parts = [p.strip() for p in re.split(r"(?<=[?？])\s*|\n+", message) if p.strip()]
    if sum(bool(_ASKS.search(p)) for p in parts) < 2:
        return (message,)
    out: list[str] = []
    for p in parts:
        if out and not _ASKS.search(out[-1]):
            out[-1] += ("" if out[-1][-1] in "，,。；;！!" else "，") + p
        else:
            out.append(p)
    if len(out) >= 2 and not _ASKS.search(out[-1]):
        tail = out.pop()
        out[-1] += tail
    return tuple(out[:4])


_ASKS = re.compile(r"[?？]\s*$|(?:吗|呢|么|多少|谁|多久|哪里|哪些|几[\u4e00-\u9fff]{0,2})\s*$")
