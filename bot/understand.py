"""Question (+ conversation) → `Reading`: language, which sections, which fields, what kind of answer, what is left.

No model is needed: names come from the clause tree (bot/names.py), language from bot/lexicon/. What a follow-up leaves
out is carried over from the questions before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from bot import facts as fact_module
from bot import lexicon
from bot.asking import (
    Asked,
    ask_languages,
    asked_by_premise,
    asking_parts,
    bodies_in,
    concepts_in,
    cut_at_joints,
    form_of_question,
    unit_asked,
    without_granted,
)
from bot.english import Titles, form_of, in_english, label_in, stem
from bot.facts import Quantity, is_faq, is_field
from bot.lexical import normalise
from bot.names import Match, Names, Place, bare_name, is_word, places_in, split_pinyin
from bot.types import AnswerKind, Clause, ClauseId, Guide, Query
from bot.wording import (
    PART,
    Term,
    asking_sentences,
    fold,
    gloss,
    in_english_words,
    language_of,
    masked_out,
    ordinals_in,
    parts_of,
    plain_fold,
    questions_in,
    stems_of,
    tagged,
    terms_in,
    weights_of,
    with_last_terms,
    words_of,
)

_HAN = re.compile(r"[\u3400-\u9fff]")
_SENTENCE = re.compile(r"[?？!！。；;\n]+")
_NUMBERED = re.compile(
    r"第\s*[一二三四五六七八九十百\d]+\s*[编章节条款]|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{2}\s*(?:\d+(?:[.．]\d+)*|[一二三四五六七八九十]+(?![个项年月天次人致样般定起直些]))|[\u4e00-\u9fff]{2}\d+[.．]\d+"
)
# What people call a class by when a guide has several.
_NAMED_CLASS = r"[a-z]|[甲乙丙丁戊]"
_COUNTED_CLASS = r"[一二三四五六七八九十]"
_CLASS_WORD = r"(?:类|档|层次|梯队|赛道|组别)"
_CLASS_MARK = re.compile(rf"第?((?:{_NAMED_CLASS}|{_COUNTED_CLASS})\s*{_CLASS_WORD})")
_CLASSES_SAID = re.compile(
    rf"(?<![a-z])((?:(?:{_NAMED_CLASS})\s*(?:[、,和与及跟/或]|还有)?\s*)+)(?:[两三四]\s*)?({_CLASS_WORD})|第?({_COUNTED_CLASS})\s*({_CLASS_WORD})"
)
_YEAR = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\s*(?:年度|年版|版|(?:年|年的)?(?=(?:的)?(?:项目|申报|指南|课题|计划|政策|通知|这一年|那一年|那批|[那这旧老]一?[版期份]|的呢|年的呢|版))|年(?:度)?(?=的[^，,。？?]{1,8}(?:补助|补贴|资助|奖励|扶持|标准|经费|比例|截止|名额|限额))|年(?=\s*(?:的)?[呢吗?？]|$)| (?=edition|guide|call|programme|version))"
)
_GUIDE_ABROAD = r"(?:edition|version|guid(?:e|eline)s?|call|rules|programme|program|policy|ausgabe|fassung|leitfaden|richtlinie|édition|guide|edición|guía|convocatoria|bando|edição|versio|opas|utgave|издани\w*|верси\w*|руководств\w*|年版|年度|年の|년판?)"
_FOREIGN_EDITION = re.compile(
    rf"(?<![\d/.-])((?:19|20)\d{{2}})(?:er|:n)?\s*{_GUIDE_ABROAD}|{_GUIDE_ABROAD}\s(?:\w{{2,4}}\s)?((?:19|20)\d{{2}})(?![\d/.-])"
)
_OWN_PAST = re.compile(r"的?(?:项目|课题|申报|那批)?[^，,。？?]{0,6}(?:过|获|结题|验收|立项|承担|中了|拿到|在研|没做完|成立|注册|毕业)")
_GUIDE_OF_YEAR = re.compile(r"\d{4}\s*(?:年?版|年度?的[^，,。？?]{1,8}(?:补助|补贴|资助|奖励|扶持|标准|经费|比例|截止|名额|限额)|年度?的?(?:指南|政策|办法|措施|细则|通知|规定|文件|申报|项目|课题|计划)|年的?[那这旧老]一?[版期批份年])")
_FOREIGN_YEAR = re.compile(r"(?<![\d/.-])((?:19|20)\d{2})(?![\d/.-])(?<!january \d{4})")
_RELATIVE_YEAR = {"去年": -1, "上一年": -1, "上年度": -1, "前年": -2, "明年": 1, "下一年": 1, "来年": 1, "后年": 2, "last year": -1, "next year": 1}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the answerer wants to know of a question; `query` is the public part of it."""

    query: Query
    text: str  # normalised, simplified
    language: str
    asked: tuple[Asked, ...] = ()  # concepts, the most telling first
    bodies: tuple[tuple[str, str], ...] = ()  # (class, the word used)
    premises: tuple[Quantity, ...] = ()
    terms: tuple[tuple[str, float], ...] = ()  # content words left over, with weights
    focus: tuple[tuple[str, float], ...] = ()  # the same with the content words of the asking phrases: for ranking
    near: tuple[tuple[str, float], ...] = ()  # focus, with words next to "how many" weighing more
    unit: str = ""  # the unit that "how many" asks in ("几人")
    modifiers: tuple[str, ...] = ()  # nouns that stand right before an asking phrase ("差旅" 补助多少)
    pending: str = ""  # "pending" or "fixed" where a question asks for dates that are open, or set
    which: bool = False  # asks which section something belongs to
    story: tuple[str, ...] = ()  # content words outside of the asking part
    yesno: bool = False
    need: bool = False
    intime: bool = False
    listing: bool = False
    direction: str = ""  # max, min, same
    comparing: bool = False
    scope: str = "none"  # named, inherited, implied, all, none
    unknown_edition: str = ""
    injection: bool = False
    smalltalk: bool = False
    ordinals: tuple[int, ...] = ()
    named: tuple[Match, ...] = ()
    field_named: bool = False  # a label of the guide stands in the question
    topic: str = ""  # the question before, where this one goes on with it outside of any section
    native: bool = True  # the question is in the guide's language: they share words

    @property
    def wordless(self) -> bool:
        """A foreign question about a named section whose words say nothing that the lexicon knows."""
        known = self.asked or self.query.fields or self.bodies or self.injection or self.smalltalk
        return bool(self.query.sections) and not known and not self.language.startswith("zh")

    @property
    def concepts(self) -> tuple[str, ...]:
        return tuple(a.concept for a in self.asked)


# --- labels and classes in a question ------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _label_re(label: str) -> re.Pattern[str]:
    """A label as a question says it: as it stands, or its two words the other way round ("类型的研究", "研究的类型")."""
    if not re.fullmatch(r"[㐀-鿿]{4}", label):
        return re.compile(re.escape(label))
    first, second = label[:2], label[2:]
    return re.compile(f"{first}的?{second}|{second}的{first}")


def _marks_of(m: re.Match[str]) -> list[str]:
    """The classes in a match of `_CLASSES_SAID`."""
    said = re.findall(_NAMED_CLASS, m[1]) if m[1] else [m[3]]
    return [f"{one}{m[2] or m[4]}" for one in said]


def _kind_of_mark(mark: str) -> str:
    """Whether a class is told by a letter, a stem or a numeral."""
    return "letter" if mark[0].isascii() else "stem" if mark[0] in "甲乙丙丁戊" else "numeral"


# --- the reader -------------------------------------------------------------------------------------------------


class Reader:
    """Understands questions about one index's clauses."""

    def __init__(self, clauses: Sequence[Clause], guides: Sequence[Guide]) -> None:
        self.clauses = clauses
        self._known: dict[str, Reading] = {}
        self.by_id = {c.clause_id: c for c in clauses}
        self.guides = guides
        self.children: dict[ClauseId, tuple[ClauseId, ...]] = {c.clause_id: c.children for c in clauses}
        self.field_concept = {
            c.clause_id: lexicon.concept_of_label(c.label) if _is_short(c.label) else ""
            for c in clauses
            if is_field(c)
        }
        self.labels = tuple(dict.fromkeys(c.label for c in clauses if is_field(c) and _is_short(c.label)))
        self.concept_of = {label: lexicon.concept_of_label(label) for label in self.labels}
        self.homes = self._homes()
        self._chains: dict[ClauseId, tuple[ClauseId, ...]] = {}
        self._trees: dict[ClauseId, tuple[ClauseId, ...]] = {}
        self._home_of = self._nearest_homes()
        sections = [c for c in clauses if self._is_section(c)]
        loose = [c.clause_id for c in sections if self._is_flat(c.clause_id)]
        self.names = Names(clauses, sections, frozenset(loose))
        self.texts = self.names.texts
        self.english = in_english(c.text for c in clauses)
        self.titles = Titles({c.clause_id: bare_name(c) for c in sections} if self.english else {}, loose)
        self._speaking: dict[str, tuple[ClauseId, ...]] = {}
        self._fields = _grouped((concept, i) for i, concept in self.field_concept.items() if concept)
        self._labelled = _grouped((c.label, c.clause_id) for c in clauses)
        self.numbers: dict[str, tuple[ClauseId, ...]] = {}
        for c in clauses:
            if c.number and re.search(r"[\u4e00-\u9fff]", re.sub(r"[一二三四五六七八九十百]", "", c.number)):
                key = normalise(re.sub(r"\s", "", c.number))
                self.numbers[key] = (*self.numbers.get(key, ()), c.clause_id)
        self.number_words = {re.sub(r"[\d一二三四五六七八九十百.．]+", "", k) for k in self.numbers}
        self.classes = self._classes(sections)
        self._calling = {i: self.classes_in(text) for i, text in self.texts.items()} if self.classes else {}
        self._years = self._editions()
        self._placed: bool | None = None

    def _homes(self) -> tuple[ClauseId, ...]:
        """Sections that carry labelled fields: what a question is about. Where some have labels in common, as the
        projects of a guide have, they alone: "时间安排：" with its dates is no project beside them."""
        labels: dict[ClauseId, set[str]] = {}
        for c in self.clauses:
            if is_field(c) and c.parent is not None:
                labels.setdefault(c.parent, set()).add(c.label or c.clause_id)
        homes = [
            c.clause_id for c in self.clauses
            if len(labels.get(c.clause_id, ())) >= 2 and c.kind == "heading" and (c.number or c.parent)
        ]  # fmt: skip
        alike = [h for h in homes if any(len(labels[h] & labels[o]) >= 2 for o in homes if o != h)]
        return tuple(alike or homes)

    def spoken_of(self, section: ClauseId) -> tuple[ClauseId, ...]:
        """Clauses elsewhere that call a section by its class ("D类不超过资助额的20%"), or answers of a guide's own
        questions that call a heading over others of them by its name ("购房补贴30个工作日")."""
        own = {*self.subtree(section), *self.homes}
        topic = self._topic(section)
        named = (i for i, c in self.by_id.items() if topic and is_faq(c) and topic in self.texts[i])
        calling = (i for i, said in self._calling.items() if self._calls(said, section))
        return tuple(i for i in dict.fromkeys((*calling, *named)) if i not in own)

    def speaks_of(self, text: str, section: ClauseId) -> bool:
        """Whether a text calls a section by its class, or a heading over questions by its name."""
        topic = self._topic(section)
        return self._calls(self.classes_in(normalise(text)), section) or bool(topic and topic in normalise(text))

    def _topic(self, section: ClauseId) -> str:
        """The name of a heading over a guide's own questions; "" for any other section."""
        clause = self.by_id[section]
        over = clause.kind == "heading" and any(is_faq(self.by_id[i]) for i in clause.children)
        return normalise(bare_name(clause)) if over else ""

    def _calls(self, said: Iterable[str], section: ClauseId) -> bool:
        return any(section in self.classes.get(mark, ()) for mark in said)

    def classes_in(self, text: str) -> set[str]:
        """The classes that a text calls by their names ("A、B类" is both)."""
        return {mark for m in _CLASSES_SAID.finditer(text) for mark in _marks_of(m)}

    def _classes(self, sections: Sequence[Clause]) -> dict[str, tuple[ClauseId, ...]]:
        """Sections by the class that they begin with: "A类：某项目" is "a类". A row of a table is none: much of what
        is asked of its class stands elsewhere."""
        found: dict[str, list[ClauseId]] = {}
        for c in sections:
            mark = _CLASS_MARK.match(normalise((c.label or c.text).removeprefix(c.number).strip()))
            if mark and c.kind != "row":
                found.setdefault(mark[mark.lastindex or 0].replace(" ", ""), []).append(c.clause_id)
        return {mark: tuple(ids) for mark, ids in found.items()}

    def _is_section(self, c: Clause) -> bool:
        if c.kind == "heading":
            return not is_field(c) and (c.parent is not None or not c.children)
        if c.kind == "item":
            return len(c.label) >= 2 and c.label.strip("（）()0123456789.、．") != "" and c.label != c.number
        return c.kind == "row" and bool(c.label)

    def _is_flat(self, clause_id: ClauseId) -> bool:
        """Whether a clause stands outside of the sections with labelled fields, and above none of them."""
        return self.home(clause_id) is None and not self.homes_under(clause_id)

    def _editions(self) -> frozenset[str]:
        return frozenset(g.edition for g in self.guides if g.edition)

    # -- tree --------------------------------------------------------------------------------------------------

    def ancestors(self, clause_id: ClauseId) -> tuple[ClauseId, ...]:
        """Itself first, then its parent, and so on."""
        known = self._chains.get(clause_id)
        if known is None:
            out: list[ClauseId] = []
            at: ClauseId | None = clause_id
            while at is not None and at in self.by_id:
                out.append(at)
                at = self.by_id[at].parent
            known = self._chains[clause_id] = tuple(out)
        return known

    def subtree(self, clause_id: ClauseId) -> tuple[ClauseId, ...]:
        """Itself first, then what stands under it, in document order."""
        known = self._trees.get(clause_id)
        if known is None:
            out, stack = [], [clause_id]
            while stack:
                at = stack.pop()
                out.append(at)
                stack.extend(reversed(self.children.get(at, ())))
            known = self._trees[clause_id] = tuple(out)
        return known

    def _nearest_homes(self) -> dict[ClauseId, ClauseId | None]:
        homes = frozenset(self.homes)
        return {i: next((a for a in self.ancestors(i) if a in homes), None) for i in self.by_id}

    def home(self, clause_id: ClauseId) -> ClauseId | None:
        """The nearest section with labelled fields at or above a clause."""
        return self._home_of.get(clause_id)

    def homes_under(self, clause_id: ClauseId) -> list[ClauseId]:
        return [i for i in self.subtree(clause_id) if self._home_of.get(i) == i]

    # -- fields ------------------------------------------------------------------------------------------------

    def _speaks_of(self, word: str) -> bool:
        """Whether an English guide holds a word in any form, or one that stands for it."""
        forms = [form_of(s) for s in dict.fromkeys((stem(word), *lexicon.synonyms(stem(word))))]
        return any(form.search(text) for text in self.texts.values() for form in forms)

    def names_section(self, text: str) -> bool:
        """Whether a normalised question names a section of these guides."""
        return bool(self.names.find(text) or self.titles.find(text))

    def fields_for(self, concept: str) -> tuple[ClauseId, ...]:
        """Labelled fields for a concept, in document order."""
        return self._fields.get(concept, ())

    def labelled(self, label: str) -> tuple[ClauseId, ...]:
        """Clauses with a label, in document order."""
        return self._labelled.get(label, ())

    def speaking_of(self, concept: str) -> tuple[ClauseId, ...]:
        """Clauses that hold words which answer a concept; looked for once."""
        known = self._speaking.get(concept)
        if known is None:
            c = lexicon.concepts()[concept]
            known = tuple(i for i, text in self.texts.items() if c.said.search(text)) if c.evidence else ()
            self._speaking[concept] = known
        return known

    # -- reading -----------------------------------------------------------------------------------------------

    def read(
        self, question: str, history: Sequence[str] = (), *, section: str | None = None, field: str | None = None
    ) -> Reading:
        """What `question` asks, with what it leaves out taken from `history`; `section`, `field` override."""
        reading = self._read_alone(question)
        if history:
            reading = self._follow(reading, self._state(history))
        if section:
            reading = self._with_section(reading, section)
        if field:
            reading = self._with_field(reading, field)
        return reading

    def honest(self, message: str) -> str:
        """A message without the sentences that command the bot, where what is left asks about a section by name; else
        as it is. A command is never followed, and a real question beside it is answered."""
        commands = lexicon.pattern("injection_re")
        sentences = [p for p in re.split(r"(?<=[。！!？?；;\n])|(?<=[.])(?=\s)", message) if p.strip()]
        rest = "".join(p for p in sentences if not commands.search(normalise(p))).strip()
        if not rest or rest == message.strip() or not lexicon.pattern("interrogative_re").search(normalise(rest)):
            return message
        left = self._read_alone(rest)
        asks = left.query.sections and (left.asked or left.bodies or left.focus)
        return rest if asks and not left.injection else message

    def split(self, question: str) -> tuple[str, ...]:
        """A question of several asking parts ("医院都能报吗，各给多少") as questions: each part asks for itself."""
        pieces = [p for p in re.split(r"(?<=[,，;；])", question) if p.strip(" ,，;；")]
        if len(pieces) < 2 or lexicon.pattern("compare_zh_re").search(question):
            return (question,)
        out: list[str] = []
        for piece in pieces:
            if out and self._complete(piece) and self._complete(out[-1]):
                out.append(piece)
            elif out:
                out[-1] += piece
            else:
                out.append(piece)
        return tuple(out) if all(self._complete(p) for p in out) else (question,)

    def _complete(self, piece: str) -> bool:
        """Whether a part of a question asks by itself."""
        alone = self._read_alone(piece.strip(" ,，;；"))
        return bool(lexicon.pattern("interrogative_re").search(alone.text)) and bool(
            alone.asked or (alone.bodies and alone.yesno)
        )

    def parts(self, reading: Reading) -> list[Reading]:
        """The separate things that one question asks ("多少钱、做几年", "经费和期限"), each as a reading of its own."""
        labelled = {c for c in self.concept_of.values() if c}
        asked = sorted(
            (a for a in reading.asked if a.end > a.start and a.concept not in ("requirements", "process", "count_asked") and (a.concept in labelled or lexicon.concepts()[a.concept].detail
             or a.concept in _OWN_THINGS)), key=lambda a: a.start,
        )  # fmt: skip
        # "A类和B类的资助强度、研究期限有什么不同": each field compared by itself
        by_field = len(reading.query.sections) > 1 and all(a.concept in labelled for a in asked)
        whole = reading.comparing and not (by_field and reading.direction not in ("max", "min"))
        if len(asked) < 2 or whole or reading.which or reading.injection:
            return [reading]
        groups: list[list[Asked]] = [[asked[0]]]
        for before, after in pairwise(asked):
            between = reading.text[before.end : after.start]
            joined = bool(_JOINT.search(between)) and not _LINKED.search(between)
            if joined:
                groups.append([after])
            else:
                groups[-1].append(after)
        if len(groups) < 2:
            return [reading]
        out = []
        for n, group in enumerate(groups):
            start = group[0].start if n else 0
            end = groups[n + 1][0].start if n + 1 < len(groups) else len(reading.text)
            inside = {t for t, _ in reading.focus if t in reading.text[start:end]}
            text = reading.text  # without the words that ask for the other things
            for other in (a for g in groups if g is not group for a in g):
                text = text[: other.start] + "、" * (other.end - other.start) + text[other.end :]
            out.append(
                self._finish(
                    replace(
                        reading,
                        text=text,
                        asked=tuple(group),
                        terms=tuple(t for t in reading.terms if t[0] in inside),
                        focus=tuple(t for t in reading.focus if t[0] in inside),
                        modifiers=tuple(m for m in reading.modifiers if m in inside),
                        yesno=reading.yesno and n == len(groups) - 1,
                        premises=tuple(p for p in reading.premises if start <= p.start < end),
                        field_named=False,
                        query=replace(reading.query, fields=()),
                    )
                )
            )
        return out

    def _read_alone(self, question: str) -> Reading:
        """A question by itself. Kept for a while: a conversation reads its earlier questions at every turn."""
        known = self._known.get(question)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[question] = self._read_anew(question)
        return known

    def _read_anew(self, question: str) -> Reading:
        language = language_of(question)
        text = fold(question, language)
        if language == "zh" and re.search(r"[a-z]{2}", text):
            text = self.names.spell(text, self.labels)
        reading = self._read_text(question, text, language)
        doubtful = _doubtful(reading)
        plain = not reading.injection and not reading.smalltalk  # a command is not mended into a question
        if language == "zh" and plain and (doubtful or not reading.query.sections):
            mended = self.names.mend(reading.text, [*self.labels])
            if mended != reading.text:
                second = self._read_text(question, mended, language)
                told = self._strange(second) < self._strange(reading) or (second.asked and not reading.asked)
                told = told or (len(second.asked) > len(reading.asked) and self._odd(second) < self._odd(reading))
                named = second.scope == "named" and not reading.query.sections
                reading = second if (doubtful and told) or named else reading
        return reading

    def _strange(self, reading: Reading) -> int:
        """How many nouns are left over, those that no guide holds twice."""
        return sum(1 if self.names.holds(t) else 2 for t in _nouns(reading))

    def _odd(self, reading: Reading) -> int:
        """How many words are none: neither the dictionary nor a guide has them."""
        return sum(not is_word(t) and not self.names.holds(t) for t, _ in reading.focus)

    def _read_text(self, question: str, text: str, language: str) -> Reading:
        raw = text if language.startswith("zh") else plain_fold(question)
        raw = raw if len(raw) == len(text) else text
        named, places, unknown = self._sections(text, raw, language)
        # Words of a chapter's heading or of an article's title are as much what is asked as where it stands.
        closed_names = [(m.start, m.end) for m in named if m.how != "name" or not all(map(self._is_flat, m.clauses))]
        masked = masked_out(raw, closed_names)
        asked, labels = self._asked(masked, raw, language)
        bodies = bodies_in(masked, language)
        if language.startswith("zh") and len({name for name, _ in bodies}) > 1:  # "本人在…任教，我们高校能报吗"
            bodies = tuple(b for b in bodies if b[1] not in _ONESELF)
        premises = tuple(q for q in fact_module.quantities(masked, bare=True) if q.kind not in ("body", "place", "url"))
        premises = tuple(q for q in premises if q.unit not in _GRADES)
        premises = tuple(
            q for q in premises if not (q.kind in ("count", "amount") and q.start and masked[q.start - 1] in "哪那这前后第")
        )
        pointing = lexicon.pattern("of_both_re")  # "两个里面谁…" counts nothing
        premises = tuple(q for q in premises if not (q.kind == "count" and pointing.match(masked, q.start)))
        if len(premises) > 1:  # "一年…10天": the year is what the days are counted in
            premises = tuple(q for q in premises if q.value != "P1Y") or premises
        if any(q.unit == "岁" for q in premises):  # "37岁还来得及吗": too late by age, not by date
            asked = tuple(Asked("age", a.start, a.end) if _IN_TIME.fullmatch(masked[a.start : a.end]) else a for a in asked)
        kinds = form_of_question(masked, raw, language)
        if kinds["yesno"]:
            asked = without_granted(asked, masked, premises)
        edition = self._edition(text)
        parts = asking_parts(masked, asked)
        names = closed_names + [(p.start, p.end) for p in places]
        spans = names + [(a.start, a.end) for a in asked]
        words = [w for _, w in bodies if len(w) < 4 or self.names.holds(w)]
        if language.startswith("zh"):
            cut = words_of(text, parts)
            whole = cut if parts == [(0, masked)] else words_of(text, [(0, masked)])
            terms, focus = (terms_in(text, cut, closed, words) for closed in (spans, names))
            told = terms_in(text, whole, names, [])
        elif self.english and language == "en":
            terms, focus = (stems_of(raw, closed) for closed in (spans, names))
            told = terms
        else:
            asking = self._glossed(asking_sentences(raw), language)
            light = lexicon.words("stop_zh") | {w for w in self._glossed(raw, language) if w not in asking}
            terms = focus = told = tuple(Term(w, 0.4 if w in light else 1.0, 0, 0) for w in self._glossed(raw, language))
        if self.english and language != "en":
            terms = focus = told = in_english_words(terms)
        terms, focus = self._sure(terms), self._sure(focus)
        ranked = {f.word for f in focus}
        story = tuple(t.word for t in told if t.word not in ranked)
        if not focus and not asked and language.startswith("zh"):  # the part that asks says nothing: what is told before it does
            focus = tuple(replace(t, weight=0.7 * t.weight) for t in told)
        many = re.search(r"(?:多少|几)(?:个(?=人(?!员|才(?![给能可行算够会有要得发补]))))?(名|人|个|位|项|套|条|家|种|件(?!事)|天|年|月|次|所|县|市|州|区)?", masked)
        near = tuple((t.word, t.weight * (1.7 if many and -9 <= t.start - many.start() <= 6 else 1.0)) for t in focus)
        beside = [*((a.start, a.end) for a in asked), *((q.start, q.end) for q in premises)]
        modifiers = tuple(
            t.word for t in terms if t.weight >= 1 and t.end and any(0 <= start - t.end <= 4 for start, _ in beside)
        )
        if self.english and language == "en":  # what no clause speaks of is not answered
            modifiers = tuple(t.word for t in terms if t.weight >= 1 and not self._speaks_of(t.word))
        counted = re.search(r"(?:多少|几)(?:名|个|位|项|套|条|家|种|件)?([\u4e00-\u9fff]{2,8})", masked)
        if counted:
            modifiers += tuple(
                t.word for t in focus if t.weight >= 1 and counted.start(1) <= t.start <= counted.start(1) + 2
            )
        sections = tuple(dict.fromkeys(i for m in named for i in m.clauses))
        reading = Reading(
            query=Query(question, language, question, sections, labels, "value", unknown),
            text=raw, language=language, asked=asked, bodies=bodies, premises=premises,
            terms=weights_of(terms), focus=weights_of(focus), near=near, unit=unit_asked(many, masked), modifiers=modifiers, story=story,
            pending="pending" if lexicon.pattern("pending_re").search(raw) else "fixed" if lexicon.pattern("fixed_re").search(raw) else "",
            which=bool(lexicon.pattern("which_re").search(masked)), named=named, unknown_edition=edition, field_named=bool(labels),
            scope="named" if sections else ("all" if lexicon.pattern("global_re").search(text) else "none"),
            injection=bool(lexicon.pattern("injection_re").search(text)),
            smalltalk=bool(lexicon.pattern("smalltalk_re").search(text)),
            ordinals=ordinals_in(text), native=language == "en" if self.english else language.startswith("zh"),
            **kinds,
        )  # fmt: skip
        if not reading.asked and not reading.query.fields:
            reading = replace(reading, asked=asked_by_premise(reading.premises))
        if reading.scope == "none":
            reading = self._implied(reading)
        return self._finish(reading)

    def _sections(self, text: str, raw: str, language: str) -> tuple[tuple[Match, ...], list[Match], tuple[str, ...]]:
        """Named sections, all place names found, and the place names that no guide holds."""
        found = self.names.find(text) if _HAN.search(text) and language != "ja" else []
        if not language.startswith("zh"):
            glossed = normalise("，".join(self._glossed(raw, language)))
            found += [replace(m, start=0, end=0, how="gloss") for m in self.names.find(glossed)]
        if self.english:
            found += [Match(s, e, raw[s:e], ids, "name") for s, e, ids in self.titles.find(raw)]
        by_number, no_number = self._by_number(text)
        found += by_number
        places = places_in(text if language in ("zh", "zh-Hant", "ja") else raw, language)
        unknown: list[str] = no_number
        taken: list[Match] = []
        for p in places:
            hits = self.names.places(p.names)
            taken.append(Match(p.start, p.end, p.text, hits, "place"))
            if any(m.start <= p.start and p.end <= m.end for m in found):
                continue
            if not hits and not self._of_asker(text, raw, p):
                unknown.append(p.text)
            elif not hits:
                continue
            elif len(hits) <= 2 or self.names.in_name(hits[0], p.names):
                found.append(Match(p.start, p.end, p.text, hits, "place"))
        if not found and not unknown and language.startswith("zh"):
            found = self.names.by_sound(text)
        return (
            tuple(self._nearest(_agreeing(_drop_overlaps(found)), bool(lexicon.pattern("compare_en_re").search(raw)))),
            taken,
            tuple(dict.fromkeys(unknown)),
        )

    def _glossed(self, text: str, language: str) -> tuple[str, ...]:
        """What these guides call the words of a foreign question: of the words that one may mean those that they hold,
        the likeliest where they hold none."""
        held = (tuple(w for w in words if self.names.holds(w)) or words[:1] for words in gloss(text, language))
        return tuple(dict.fromkeys(w for words in held for w in words))

    def _of_asker(self, text: str, raw: str, place: Place) -> bool:
        """Whether a place that no guide holds is told of the asker ("Unsere Firma sitzt in …"), or beside the question
        where the guides name no place of its kind at all."""
        part = next(((a, b) for a, b in parts_of(raw) if a <= place.start < b), (0, len(raw)))
        marked = "?" in raw[part[1] - 1 : part[1] + 1]
        asking = marked or (bool(_HAN.search(raw)) and part in questions_in(raw))
        told = f"{raw[part[0] : place.start]}\x00{raw[place.end : part[1]]}"
        if asking:
            return False
        return bool(lexicon.pattern("own_place_re").search(told)) or not self._names_places()

    def _names_places(self) -> bool:
        """Whether the guides name any country or region beside their own: two of them at least."""
        if self._placed is None:
            named = (p.names for t in self.texts.values() for p in places_in(t, "zh"))
            self._placed = len(set(named)) >= 2
        return self._placed

    def _by_number(self, text: str) -> tuple[list[Match], list[str]]:
        """Sections named by their numbers ("第五条", "方向1.1", "专题一"), and such numbers that no clause bears."""
        found, unknown = [], []
        for m in _NUMBERED.finditer(text):
            word = re.sub(r"\s", "", m[0])
            ids = self.numbers.get(word, ())
            if ids:
                found.append(Match(m.start(), m.end(), m[0], ids[:3], "name"))
            elif re.sub(r"[\d一二三四五六七八九十百.．]+", "", word) in self.number_words:
                unknown.append(m[0])
        known, strange = self._by_class(text)
        return found + known, unknown + strange

    def _by_class(self, text: str) -> tuple[list[Match], list[str]]:
        """Sections named by class ("B类", "A和B类"), and classes of the guide's kind that it lacks."""
        found, unknown = [], []
        kinds = {(_kind_of_mark(m), m[-1]) for m in self.classes}
        for m in _CLASSES_SAID.finditer(text) if self.classes else ():
            for mark in _marks_of(m):
                ids = self.classes.get(mark, ())
                if ids:
                    found.append(Match(m.start(), m.end(), mark, ids[:3], "name"))
                elif (_kind_of_mark(mark), mark[-1]) in kinds and (m[1] or m[0].startswith("第")):
                    unknown.append(mark)
        letters = {m[0]: ids for m, ids in self.classes.items() if m[0].isascii()}
        for m in lexicon.pattern("class_foreign_re").finditer(text) if letters else ():
            for said in re.findall(r"\b[a-z]\b", next(filter(None, m.groups()))):
                if said in letters:
                    found.append(Match(m.start(), m.end(), said, letters[said][:3], "name"))
                else:
                    unknown.append(said)
        return found, unknown

    def _nearest(self, matches: Sequence[Match], comparing: bool) -> list[Match]:
        """Without sections that another match names more closely: "对口支援的青海项目" means the one under it.
        Places name sections best; words translated by the glossary count only where nothing else does."""
        if any(m.how != "gloss" for m in matches) and not comparing:
            matches = [m for m in matches if m.how != "gloss"] or list(matches)
        ids = {i for m in matches for i in m.clauses}
        over = {a for i in ids for a in self.ancestors(i)[1:]}
        out = []
        for m in matches:
            kept = tuple(i for i in m.clauses if i not in over)
            if kept or not m.clauses:
                out.append(replace(m, clauses=kept))
        return out

    def _sure(self, terms: Sequence[Term]) -> tuple[Term, ...]:
        """Terms, less sure of words that no guide holds and that begin or end in a function word, or that are no words: likely two halves."""
        stop = lexicon.words("stop_zh")

        def halves(word: str) -> bool:
            return word[0] in stop or word[-1] in stop or (len(word) == 2 and not is_word(word))

        def unsure(word: str) -> bool:
            if not _HAN.match(word):
                return len(split_pinyin(word) or ()) == 1  # half a word, typed by its sound
            return len(word) <= 3 and halves(word)

        return tuple(
            replace(t, weight=0.4) if t.weight >= 1 and unsure(t.word) and not self.names.holds(t.word) else t
            for t in map(self._inner, terms)
        )  # fmt: skip

    def _inner(self, term: Term) -> Term:
        """Of three characters that neither the dictionary nor a guide has ("卖算力"), the two in them that a guide has."""
        word = term.word
        if len(word) != 3 or not _HAN.match(word) or is_word(word) or self.names.holds(word):
            return term
        if word[0] in _NUMERALS:
            return replace(term, weight=min(term.weight, 0.4))  # "两件事" names nothing
        if self.names.holds(word[1:]) and is_word(word[1:]):
            soft = word[1:] in lexicon.words("stop_zh") | lexicon.words("soft_zh")
            return replace(term, word=word[1:], start=term.start + 1, weight=min(term.weight, 0.4) if soft else term.weight)
        return term

    def _asked(self, masked: str, text: str, language: str) -> tuple[tuple[Asked, ...], tuple[str, ...]]:
        """Concepts and guide labels that the question asks for; a longer wording beats one that it covers."""
        found: list[Asked] = []
        languages = ask_languages(masked, language)
        for group in (
            languages,
            # short questions leave the language open: another one may know the words
            _LATIN_LANGUAGES if language in _LATIN_LANGUAGES else (),
        ):
            if not found:
                found = concepts_in(masked, group)
        labels = []
        for label in self.labels:
            said = _label_re(normalise(label)).search(text) if len(label) >= 3 else None
            if said:
                labels.append(label)
                if self.concept_of[label]:
                    found.append(Asked(self.concept_of[label], said.start(), said.end()))
            elif self.english and (held := label_in(label, text)) is not None and held[1] - held[0] <= len(label) + 12:
                labels.append(label)
                if self.concept_of[label]:
                    found.append(Asked(self.concept_of[label], *held))
        found.sort(key=lambda a: (a.start - a.end, a.start, a.concept))
        found = cut_at_joints(found, masked)
        kept: list[Asked] = []
        for a in found:
            covered = any(k.start <= a.start and a.end <= k.end and (k.end - k.start) > (a.end - a.start) for k in kept)
            if not covered and all(k.concept != a.concept for k in kept):
                kept.append(a)
        if any(k.concept == "foreign_funding" for k in kept):  # "does the partner get money, and how much"
            kept = [k for k in kept if k.concept != "funding"]
        asking = lexicon.pattern("interrogative_re")
        detail = lexicon.concepts()
        questions = questions_in(masked)

        def telling(a: Asked) -> tuple[bool, bool, bool, bool, bool, bool, bool, int]:
            near = masked[max(0, a.start - 4) : a.end + 4]
            c = detail[a.concept]
            # "when is the money paid": a detail with a date of its own is what "when" asks for
            yields = any(detail[b.concept].detail and detail[b.concept].types & c.types for b in kept if b is not a)
            foreign_strict = not language.startswith("zh") and c.strict and not yields
            general = not language.startswith("zh") and (a.concept == "count_asked" or (c.strict and yields))
            general = general or (c.strict and yields and bool(_BARE_WHEN.fullmatch(masked[a.start : a.end])))
            # "主管部门的网站": what comes last in a row of Chinese nouns is what is asked
            headed = any(
                0 <= b.start - a.end <= 1 and b.concept != a.concept and masked[b.start] not in "几多什啥何哪谁怎" for b in kept
            )
            inner = headed and language.startswith("zh")
            # "推荐名额有上限吗": a bound may be that of anything else that is asked
            vague = len(kept) > 1 and lexicon.pattern("bound_re").fullmatch(masked[a.start : a.end])
            return (
                bool(vague),
                language.startswith("zh") and not any(s <= a.start < e for s, e in questions),
                inner,
                general,
                not foreign_strict and not asking.search(near),
                not c.detail,
                not foreign_strict,
                a.start - a.end,
            )

        return tuple(sorted(kept, key=telling)), tuple(labels)

    def _edition(self, text: str) -> str:
        """A year that the question gives as an edition and that no loaded guide has; "" where there is none. Of guides
        without a known edition any year that stands in them may be theirs."""
        chinese = bool(_HAN.search(text))
        years = _YEAR if chinese else _FOREIGN_YEAR if self._years else _FOREIGN_EDITION
        for m in years.finditer(text):
            phrase, year = text[m.start() : m.end()], next(g for g in m.groups() if g)
            if any(q.kind == "date" and q.start <= m.start() < q.end for q in fact_module.quantities(text)):
                continue
            if chinese and _OWN_PAST.match(text, m.end()):
                continue  # "2022年的项目还没结题": the asker's own
            if chinese and not self._years and not _GUIDE_OF_YEAR.match(text, m.start()):
                continue
            known = year in self._years if self._years else self._stands(year)
            if not known and not self._year_in_text(phrase, text):
                return phrase
        if not self._years:
            return ""
        for word, step in _RELATIVE_YEAR.items():
            _, said, after = text.partition(word)
            if said and not PART.search(after) and not self.names.holds(word):
                year = str(int(max(self._years)) + step) if max(self._years).isdigit() else ""
                if year and year not in self._years:
                    return word
        return ""

    def _stands(self, year: str) -> bool:
        """Whether a year stands anywhere in the guides or their titles."""
        return self.names.holds(year) or any(year in g.title for g in self.guides)

    def _year_in_text(self, phrase: str, text: str) -> bool:
        """Whether the guide itself speaks of that year next to other words of the question."""
        before, _, after = text.partition(phrase)
        told = re.match(r"度?\s*([\u3400-\u9fff]{2,4})", after)
        if told and any(re.search(rf"\d{{4}}年度?{told[1][:n]}", normalise(c.text)) for n in (4, 3, 2) for c in self.clauses if c.parent):
            return True  # "2022年度绩效评价" where the guide has "2024年度绩效评价": a year of something, not an edition
        rest = f"{before} {after}"
        around = [t.word for t in terms_in(rest, words_of(rest, [(0, rest)]), [], []) if t.weight >= 1]
        return any(
            any(t in normalise(self.by_id[i].text) for t in around)
            for i in self.names.clauses_with(phrase[:4])
            if self.by_id[i].parent is not None
        )

    def _implied(self, reading: Reading) -> Reading:
        """A section that the leftover words stand in and no other: "灵芝项目" → the project that names it."""
        votes: dict[ClauseId, float] = {}
        telling = (t for t in (*[t for t, _ in reading.terms], *reading.story) if t not in lexicon.words("soft_zh"))
        for term in dict.fromkeys(telling):
            holders = (
                {h for i in self._clauses_meant(term) if (h := self._unit(i)) is not None}
                if len(term) > 1
                else set()
            )
            homes = {self.home(h) for h in holders}
            if len(holders) > 1 and len(homes) == 1:
                holders = {h for h in homes if h is not None}
            for unit in holders if len(holders) <= 2 else ():
                votes[unit] = votes.get(unit, 0.0) + len(term) / len(holders) ** 2
        if not votes:
            return reading
        ranked = sorted(votes.items(), key=lambda kv: -kv[1])
        if len(ranked) > 1 and ranked[1][1] * 1.5 > ranked[0][1]:
            return reading
        return replace(reading, query=replace(reading.query, sections=(ranked[0][0],)), scope="implied")

    def _clauses_meant(self, term: str) -> set[ClauseId]:
        """Clauses that hold a word or, where none does, whose names hold one that stands for it ("场租": "租金")."""
        own = set(self.names.clauses_with(term))
        others = [other for other in lexicon.synonyms(term) if len(other) > 1]
        return own or {i for i in self.by_id if others and self.names.in_name(i, others)}

    def _unit(self, clause_id: ClauseId) -> ClauseId | None:
        """The named item that a clause is, or belongs to, within a section with fields; else that section."""
        home = self.home(clause_id)
        if home is None:
            return None
        chain = self.ancestors(clause_id)
        return next(
            (i for i in chain[: chain.index(home)] if self.by_id[i].kind == "item" and self.names.named(i)), home
        )

    # -- conversation ------------------------------------------------------------------------------------------

    def _state(self, history: Sequence[str]) -> list[Reading]:
        """The earlier questions as understood, each with what it took from those before it."""
        states: list[Reading] = []
        for question in history:
            alone = self._read_alone(question)
            states.append(self._follow(alone, states) if states else alone)
        return states

    def _follow(self, now: Reading, before: Sequence[Reading]) -> Reading:
        """Fill in what a follow-up leaves out."""
        if not before:
            return now
        last = before[-1]
        leaning = _leans(now)
        now = self._pointed(now, before)
        wants_section = now.scope in ("none", "implied") and not now.query.unknown
        if wants_section and (leaning or (now.scope == "none" and _incomplete(now))):
            source = next((r for r in reversed(before) if r.query.sections and r.scope != "none"), None)
            if lexicon.pattern("both_re").search(now.text) or (now.comparing and not now.query.sections):
                now = self._both(now, before)
            elif source is not None and (now.scope != "implied" or leaning or self._fits(now, source)):
                now = replace(now, query=replace(now.query, sections=source.query.sections), scope="inherited",
                              named=now.named)  # fmt: skip
        # "A类能延期吗", "D类呢": the heading that the first question named says what is asked of the second, too
        topics = tuple(s for s in last.query.sections if self._is_flat(s))
        bare = now.query.sections and now.scope == "named" and not (now.asked or now.terms or now.query.fields)
        if leaning and bare and topics:
            said = " ".join(m.text for m in last.named if set(m.clauses) & set(topics))
            about = tuple((w, 1.0) for w, _, _ in tagged(said, 0) if len(w) > 1)
            now = replace(now, query=replace(now.query, sections=(*now.query.sections, *topics)), yesno=last.yesno,
                          focus=with_last_terms(now.focus, about))  # fmt: skip
        if last.query.unknown and not last.query.sections and not now.query.sections and not now.query.unknown:
            now = replace(now, query=replace(now.query, unknown=last.query.unknown))
        if now.concepts == ("funding",) and "foreign_funding" in last.concepts and not now.named:
            now = replace(now, asked=last.asked)  # "does the partner get money, and how much": of the partner's
        if now.bodies and not now.asked and leaning and "eligible" in last.concepts:
            now = replace(now, asked=(Asked("eligible", 0, 0),))
        if (
            not now.asked
            and not now.query.fields
            and (leaning or not now.terms)
            and (last.asked or last.query.fields or last.terms or last.bodies)
            and not (now.bodies and now.yesno)
        ):
            now = replace(
                now, asked=last.asked, bodies=now.bodies or last.bodies, terms=now.terms or last.terms,
                focus=with_last_terms(now.focus, last.focus), near=with_last_terms(now.near, last.near), which=now.which or last.which, pending=now.pending or last.pending,
                yesno=now.yesno or last.yesno, need=last.need, field_named=last.field_named,
                direction=now.direction or last.direction, comparing=now.comparing or last.comparing,
                listing=now.listing or last.listing, premises=now.premises or (last.premises if last.yesno else ()),
                query=replace(now.query, fields=last.query.fields, kind=last.query.kind),
            )  # fmt: skip
        if not now.query.sections and now.scope != "all" and (leaning or _bare(now)):
            now = replace(now, story=(*now.story, *(t for t, _ in last.focus if t not in dict(now.focus))), topic=last.text)
        return self._finish(now)

    def _fits(self, now: Reading, source: Reading) -> bool:
        """Whether the words of a question all stand in the section that the conversation is about."""
        ids = {i for s in source.query.sections for a in (s, self.home(s)) if a is not None for i in self.subtree(a)}
        text = "\n".join(normalise(self.by_id[i].text) for i in ids)
        return all(t in text for t, _ in now.terms)

    def _pointed(self, now: Reading, before: Sequence[Reading]) -> Reading:
        """ "第二个呢": an ordinal points into what the last question listed, or into a section's items."""
        if not now.ordinals or now.query.sections:
            return now
        for past in reversed(before):
            options = self._options(past)
            picked = [options[n - 1 if n > 0 else n] for n in now.ordinals if n <= len(options) and options]
            if picked:
                return replace(now, query=replace(now.query, sections=tuple(picked)), scope="named")
        return now

    def _options(self, reading: Reading) -> list[ClauseId]:
        """What an earlier question was about, one by one: several sections, or the parts of a single one."""
        sections = list(reading.query.sections)
        if len(sections) != 1:
            return sections or [i for c in self.clauses if c.parent is None for i in c.children]
        inner = self.homes_under(sections[0])
        if len(inner) > 1:
            return inner
        items = [i for i in self.subtree(sections[0])[1:] if self.by_id[i].kind == "item"]
        parent = self.by_id[sections[0]].parent
        if not items and self.by_id[sections[0]].kind == "item" and parent is not None:
            return [i for i in self.children[parent] if self.by_id[i].kind == "item"]
        return items or list(self.children.get(sections[0], ()))

    def _both(self, now: Reading, before: Sequence[Reading]) -> Reading:
        seen: list[ClauseId] = []
        for past in reversed(before):
            for i in reversed(past.query.sections):
                if i not in seen:
                    seen.append(i)
        if len(seen) >= 2:
            picked = tuple(reversed(seen[:2]))
            now = replace(now, query=replace(now.query, sections=picked), scope="inherited")
        return now

    # -- overrides and the public part ---------------------------------------------------------------------------

    def _with_section(self, reading: Reading, section: str) -> Reading:
        if ClauseId(section) in self.by_id:
            ids: tuple[ClauseId, ...] = (ClauseId(section),)
        else:
            ids = tuple(dict.fromkeys(i for m in self.names.find(normalise(section)) for i in m.clauses))
        if not ids:
            return replace(reading, query=replace(reading.query, unknown=(section,)))
        query = replace(reading.query, sections=ids, unknown=())
        return self._finish(replace(reading, query=query, scope="named"))

    def _with_field(self, reading: Reading, field: str) -> Reading:
        concept = lexicon.concept_of_label(field)
        asked = (Asked(concept, 0, 0),) if concept else ()
        query = replace(reading.query, fields=(field,))
        return self._finish(
            replace(reading, query=query, asked=asked, field_named=True, terms=(), focus=(), near=(), modifiers=())
        )

    def with_concept(self, reading: Reading, concept: str) -> Reading:
        """The reading with a concept that its words did not show; as it is where there is none."""
        return self._finish(replace(reading, asked=(Asked(concept, 0, 0),))) if concept else reading

    def _finish(self, reading: Reading) -> Reading:
        fields = reading.query.fields or tuple(
            label for label in self.labels if self.concept_of[label] and self.concept_of[label] in reading.concepts[:2]
        )
        query = replace(
            reading.query,
            fields=fields,
            kind=_kind(reading),
            terms=tuple(t for t, _ in reading.terms),
            standalone=self._standalone(reading, fields),
        )
        return replace(reading, query=query)

    def _standalone(self, reading: Reading, fields: Sequence[str]) -> str:
        """The question with what was carried over put in front of it, for retrieval."""
        whole = reading.scope == "inherited"
        own = {i for m in reading.named for i in m.clauses}
        carried = [i for i in reading.query.sections[:4] if whole or (i not in own and self._is_flat(i))]
        if not carried:
            return f"{reading.topic} {reading.query.text}".strip()
        return " ".join([*(self.section_name(i) for i in carried), *(fields[:1] if whole else ()), reading.query.text])

    def section_name(self, clause_id: ClauseId) -> str:
        """A section's own name as a reader would say it: its line without number and leading label."""
        return bare_name(self.by_id[clause_id])


_GRADES = ("级", "等", "档")  # "二级医院" counts nothing
_KEPT = 512  # readings
_NUMERALS = "一两二三四五六七八九十几"
_ONESELF = ("本人", "我自己", "自己")
_IN_TIME = re.compile(r"还?来得及|赶得上")
_BARE_WHEN = re.compile(r"(?:什么|啥)时[候间]|何时|哪一?天|几号|几月几号|时间")
_OWN_THINGS = ("deadline", "url", "authority", "submit", "place", "content")
_JOINT = re.compile(r"[,，、;；]|和|与|及|还有|以及|另外|\d[.．、]|\band\b|\bet\b|\bund\b|\by\b|\bи\b|\bja\b|\bog\b")
_LINKED = re.compile(r"的$")


# --- helpers ----------------------------------------------------------------------------------------------------


def _grouped(pairs: Iterable[tuple[str, ClauseId]]) -> dict[str, tuple[ClauseId, ...]]:
    out: dict[str, list[ClauseId]] = {}
    for key, clause_id in pairs:
        out.setdefault(key, []).append(clause_id)
    return {key: tuple(ids) for key, ids in out.items()}


def _drop_overlaps(matches: Iterable[Match]) -> list[Match]:
    out: list[Match] = []
    for m in sorted(matches, key=lambda m: (m.start - m.end, m.start)):
        if all(m.end <= o.start or m.start >= o.end for o in out):
            out.append(m)
    return sorted(out, key=lambda m: m.start)


def _agreeing(matches: Sequence[Match]) -> list[Match]:
    """Of a name that several sections share only those that another match names alone: "青海的科技对口支援" is one of
    the three projects of that name."""
    out = []
    for m in matches:
        closer = {i for o in matches if o is not m and set(o.clauses) < set(m.clauses) for i in o.clauses}
        out.append(replace(m, clauses=tuple(i for i in m.clauses if i in closer)) if closer else m)
    return out


def _kind(reading: Reading) -> AnswerKind:
    if reading.comparing:
        return "compare"
    if reading.yesno:
        return "yesno"
    if reading.listing:
        return "list"
    if {"process", "materials", "requirements"} & set(reading.concepts[:1]):
        return "procedure"
    return "value"


_LATIN_LANGUAGES = ("fr", "de", "es", "pt", "it", "nl", "no", "da", "sv", "fi", "pl", "tr", "id", "vi")


def _is_short(label: str) -> bool:
    """Whether a label is no longer than a name: 16 characters, of Latin letters 40."""
    return 2 <= len(label) <= (40 if label.isascii() else 16)


def _nouns(reading: Reading) -> list[str]:
    return [t for t, w in reading.terms if w >= 1]


def _doubtful(reading: Reading) -> bool:
    """Whether a question may be misspelt: words left over, or neither a section nor a field understood."""
    return bool(_nouns(reading)) or (not reading.asked and not reading.bodies)


def _leans(reading: Reading) -> bool:
    """Whether a question shows by its form that it continues the one before."""
    p = lexicon.pattern
    if reading.language.startswith("zh"):
        return bool(p("followup_zh_re").search(reading.text))
    return bool(p("followup_en_re").search(reading.text) or p("followup_other_re").search(reading.text))


def _bare(reading: Reading) -> bool:
    """A few words that name nothing of their own ("最长能延多久")."""
    short = len(reading.text) <= 12 if _HAN.search(reading.text) else len(reading.text.split()) <= 6
    return short and not any(w >= 1 for _, w in reading.terms)


def _incomplete(reading: Reading) -> bool:
    """A short question without a section of its own, that does not speak of all projects."""
    if reading.scope == "all":
        return False
    size = len(reading.text) if _HAN.search(reading.text) else len(reading.text.split()) * 2
    return size <= 20


