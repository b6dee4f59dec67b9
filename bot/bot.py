"""`GuideBot.open(settings).ask(question, history)`: wiring and nothing else; the entry for CLI, page, API and eval."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import embed
from bot.desk import Desk
from bot.errors import BotError, NotFoundError, QuestionError
from bot.evidence import is_frame
from bot.index import Index, Vectors
from bot.lexical import normalise, tokens
from bot.library import Library, Room
from bot.passages import signs
from bot.ranking import DEPTH, Candidate, Later, Ranked, candidates, ranked, reranked
from bot.retrieve import lexical_scores, meant, nearest_field, plain_questions, question_vector, retrieve, similarity
from bot.settings import Settings
from bot.types import Answer, ClauseId, Fact, Guide, Hit, Segment, Status
from bot.understand import Reader, Reading
from bot.verify import verified
from bot.wording import split_questions
from bot.writer import EndpointWriter, drafted

Weighed = tuple[list[Candidate], tuple[float, ...]]
Looked = tuple[Reading, list[Hit], Mapping[ClauseId, float], Mapping[ClauseId, float]]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One generation of the index with what is made from it; a question keeps the one that it began with."""

    index: Index
    library: Library


class _Embedded:
    """The vectors of one message's texts, each made once whatever guides are asked, and the seconds that they took."""

    def __init__(self, encoder: Callable[[], embed.Encoder]) -> None:
        self._encoder = encoder
        self._vectors: dict[str, Vectors] = {}
        self.seconds = 0.0

    def of(self, text: str) -> Vectors:
        if text not in self._vectors:
            encoder = self._encoder()
            began = time.perf_counter()
            self._vectors[text] = encoder.encode_queries([text])[0]
            self.seconds += time.perf_counter() - began
        return self._vectors[text]


class GuideBot:
    """A bot over one index. Safe for several threads; the model is loaded with the first question."""

    def __init__(self, index: Index, settings: Settings, encoder: embed.Encoder | None = None) -> None:
        self.settings = settings
        self._encoder = encoder
        self._plain: Vectors | None = None
        self._writer = EndpointWriter(settings) if settings.llm_base_url else None
        self._lock = threading.Lock()
        self._looked_at = ""
        self._loaded = self._load(index)

    @classmethod
    def open(cls, settings: Settings, encoder: embed.Encoder | None = None) -> GuideBot:
        """Raises IndexMissingError and its kin with the command that mends it."""
        return cls(Index.open(settings.index, settings), settings, encoder)

    def _load(self, index: Index) -> _Loaded:
        return _Loaded(index, Library(index, self.settings))

    @property
    def index(self) -> Index:
        return self._loaded.index

    @property
    def reader(self) -> Reader:
        """The reader of the newest edition of every guide."""
        library = self._loaded.library
        return library.room(library.scope("", (), None, None)).reader

    def encoder(self) -> embed.Encoder:
        """The encoder, loaded on first use. Raises ModelMissingError."""
        with self._lock:
            if self._encoder is None:
                encoder = embed.open_encoder(self.settings)
                self.index.check_encoder(encoder)  # other weights under the same name would rank by chance
                self._encoder = encoder
            return self._encoder

    def _plain_questions(self) -> Vectors:
        """What `meant` holds a question against, embedded when one first needs it: half a second that most never pay."""
        if self._plain is None:
            self._plain = self.encoder().encode_queries([text for _, text in plain_questions()])
        return self._plain

    def reload_if_changed(self) -> bool:
        """Take up a newer generation of the index where one was published; False where nothing changed or the new
        one cannot be read (the old one goes on serving)."""
        try:
            current = (self.settings.index / "CURRENT").read_text("utf-8").strip()
            if current in (self.index.folder.name, self._looked_at):
                return False
            self._looked_at = current  # a damaged generation is looked at once, not at every check
            index = Index.open(self.settings.index, self.settings)
            if index.fingerprint == self.index.fingerprint:
                return False
            self._loaded = self._load(index)
        except (OSError, BotError):
            return False
        return True

    # -- asking ------------------------------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        guide: str | None = None,
        edition: str | None = None,
        section: str | None = None,
        field: str | None = None,
    ) -> Answer:
        """The answer to `question` in a conversation (`history`: earlier questions, oldest first). `section` (a heading
        or a clause id) and `field` (a label) override what was understood. Raises QuestionError."""
        began = time.perf_counter()
        cleaned = self._checked(question)
        loaded = self._loaded
        past = [h for h in (embed.clean(str(h), self.settings.max_question) for h in history) if h][-8:]
        answers: list[Answer] = []
        slugs = loaded.library.scope(cleaned, past, guide, edition)
        embedded = _Embedded(self.encoder)
        told, rivals = list(slugs), list[str]()
        if len(slugs) > 1:
            told, rivals = loaded.library.route(cleaned, past, embedded.of(cleaned), slugs)
        for slug in told:
            answers += self._in_room(loaded, loaded.library.room((slug,)), cleaned, past, section, field, embedded)
        for slug in rivals if len(answers) == 1 else ():
            others = self._in_room(loaded, loaded.library.room((slug,)), cleaned, past, section, field, embedded)
            if len(others) == 1 and loaded.library.contradicts(cleaned, past, answers[0], others[0]):
                answers += others
        if len({c.guide for a in answers for c in a.citations}) > 1 or len(told) > 1:
            answers = _told_by_guide(answers, loaded.index.guides)
        whole = answers[0] if len(answers) == 1 else _joined(answers)
        latency = (time.perf_counter() - began) * 1000
        return replace(whole, latency_ms=round(latency, 3), embed_ms=round(embedded.seconds * 1000, 3))

    def _in_room(
        self, loaded: _Loaded, room: Room, question: str, past: Sequence[str], section: str | None, field: str | None,
        embedded: _Embedded,
    ) -> list[Answer]:  # fmt: skip
        """The answers of one guide to each question of a message."""
        told: list[tuple[Reading, Answer]] = []
        parts = [p for whole in split_questions(room.reader.honest(question)) for p in room.reader.split(whole)]
        for n, part in enumerate(parts):
            reading = room.reader.read(part, [*past, *parts[:n]], section=section, field=field)
            vector = embedded.of(reading.query.standalone)
            readings = room.reader.parts(reading)
            alone = len(parts) == len(readings) == 1
            told += [(r, self._one(loaded, room, r, vector, alone)) for r in readings]
        return room.answerer.beside(told)

    def _one(self, loaded: _Loaded, room: Room, reading: Reading, vector: Vectors, alone: bool) -> Answer:
        reading, found, similar, lexical = self._looked(loaded, room, reading, vector)
        desk = room.answerer.desk
        at_home = any(room.reader.home(s) for s in reading.query.sections)
        found, spoken = _spoken_of(desk, reading, found, similar, lexical) if at_home else (found, [])
        own = set(room.reader.subtree(reading.query.sections[0])) if spoken else set()
        if spoken and spoken[0].clause.clause_id not in own:
            return self._rewritten(loaded, reading, self._spoken(room, reading, found, spoken, similar, alone))
        if at_home and reading.scope != "implied":  # its fields answer; where none does, the likeliest sentence may
            order: Sequence[Ranked] = Later(
                lambda: ranked(candidates(desk.finder, reading, _of_sections(desk, reading, found), similar, lexical))
            )
            hits = found[: self.settings.top_k]
        else:
            order = ranked(candidates(desk.finder, reading, found, similar, lexical))
            # a foreign question shares too few words with the guide for signs of words: its hits stay as they came
            hits = reranked(found, order, self.settings.top_k) if reading.native else found[: self.settings.top_k]
        answer = room.answerer.answer(reading, hits, similar, order, alone)
        others = [r for r in spoken if r.clause.clause_id not in own]
        if others and answer.status == "refused":
            elsewhere = self._spoken(room, reading, found, others, similar, alone)
            answer = elsewhere if elsewhere.status == "answered" else answer
        return self._rewritten(loaded, reading, answer)

    def _spoken(
        self, room: Room, reading: Reading, found: Sequence[Hit], order: Sequence[Ranked],
        similar: Mapping[ClauseId, float], alone: bool,
    ) -> Answer:  # fmt: skip
        """The answer out of sentences, of a section and of others that speak of it."""
        free = replace(reading, scope="none", query=replace(reading.query, sections=()))
        return room.answerer.answer(free, reranked(found, order, self.settings.top_k), similar, order, alone)

    def _looked(self, loaded: _Loaded, room: Room, reading: Reading, vector: Vectors) -> Looked:
        """The question as read with what its meaning adds, the clauses that it finds, and how like it they are in
        meaning and in words."""
        weighed = question_vector(loaded.index, reading, vector)
        rows = None if len(room.rows) == len(loaded.index.chunks) else room.rows
        similar = similarity(loaded.index, weighed, rows)
        if reading.wordless and len(loaded.index.parts) == 2:  # the pair for which the distances were measured
            near = nearest_field(room.reader, reading, similar)
            reading = room.reader.with_concept(reading, meant(loaded.index, vector, self._plain_questions(), near))
        lexical = lexical_scores(loaded.index, reading)
        depth = max(DEPTH, self.settings.top_k)
        hits = retrieve(loaded.index, room.reader, reading, similar, lexical, depth, room.slugs)
        return reading, hits, similar, lexical

    def weighed(self, question: str, history: Sequence[str] = ()) -> Weighed:
        """The sentences that a question is answered from, with their features, and the signs of whether the guide
        answers it at all (no sentences, no signs); for `eval.ranker`."""
        loaded = self._loaded
        room = loaded.library.room(loaded.library.scope(question, history, None, None))
        reading = room.reader.read(embed.clean(question, self.settings.max_question), history)
        vector = _Embedded(self.encoder).of(reading.query.standalone)
        reading, found, similar, lexical = self._looked(loaded, room, reading, vector)
        desk = room.answerer.desk
        rows = candidates(desk.finder, reading, found, similar, lexical)
        order = ranked(rows)
        return rows, signs(desk, reading, order, similar) if order else ()

    def _rewritten(self, loaded: _Loaded, reading: Reading, answer: Answer) -> Answer:
        """The answer in a language model's words, where one is configured and what it says holds; else as it is."""
        if self._writer is None or answer.status != "answered":
            return answer
        ids = dict.fromkeys([*(c.clause_id for c in answer.citations), *(h.clause.clause_id for h in answer.hits)])
        statements = self._writer.write(reading.query.standalone, [loaded.index.by_id[i] for i in list(ids)[:8]])
        if not statements:
            return answer
        draft = drafted(statements, reading.language)
        text = replace(
            answer,
            text=draft.text(),
            segments=draft.segments(),
            citations=draft.citations(loaded.index.guides),
            table=None,
        )
        sources = {s.source: s.text for s in loaded.index.sources}
        today = self.settings.date().isoformat()
        return text if verified(text, sources, question=reading.query.text, today=today) else answer

    def _checked(self, question: str) -> str:
        if len(question) > 4 * self.settings.max_question:
            raise QuestionError(
                f"问题太长 the question is too long: at most {self.settings.max_question} characters; shorten it"
            )
        cleaned = embed.clean(question, self.settings.max_question + 1)
        if not cleaned:
            raise QuestionError('问题是空的 the question is empty; type one, for example: bot ask "某项目最多补助多少"')
        if len(cleaned) > self.settings.max_question:
            raise QuestionError(
                f"问题太长 the question is too long: at most {self.settings.max_question} characters; shorten it"
            )
        return cleaned

    def read(self, question: str, history: Sequence[str] = ()) -> Reading:
        return self.reader.read(question, history)

    # -- searching ---------------------------------------------------------------------------------------------

    def search(self, words: str, k: int = 10, guide: str | None = None) -> list[Hit]:
        """The `k` best clauses for some words, without the encoder: names, fields, BM25, and parts of words."""
        loaded = self._loaded
        cleaned = self._checked(words)
        slugs = loaded.library.scope("", (), guide, None)
        reader = loaded.library.room(slugs).reader
        reading = reader.read(cleaned)
        hits = retrieve(loaded.index, reader, reading, {}, lexical_scores(loaded.index, reading), k, slugs)
        return hits or self._containing(loaded.index, cleaned, k)

    def _containing(self, index: Index, words: str, k: int) -> list[Hit]:
        keys = [normalise(words), *tokens(words)]
        found = [c for c in index.clauses if any(key and key in normalise(c.text) for key in keys)]
        return [Hit(c, 0.0, n, "lexical") for n, c in enumerate(found[:k], 1)]


def _of_sections(desk: Desk, reading: Reading, found: Sequence[Hit]) -> list[Hit]:
    """The clauses to look in for the named sections: those found in their order, then the rest."""
    own = dict.fromkeys(i for s in reading.query.sections for tier in desk.finder.pool(s) for i in tier)
    hits = [h for h in found if h.clause.clause_id in own]
    known = {h.clause.clause_id for h in hits}
    rest = (desk.reader.by_id[i] for i in own if i not in known)
    return hits + [Hit(c, 0.0, len(found) + 1, "structure") for c in rest if not is_frame(c)]


def _spoken_of(
    desk: Desk, reading: Reading, found: Sequence[Hit], similar: Mapping[ClauseId, float],
    lexical: Mapping[ClauseId, float],
) -> tuple[list[Hit], list[Ranked]]:  # fmt: skip
    """Where one section is named that clauses elsewhere call by its class ("劳务费上限：…D类不超过…"): the hits with
    those clauses, and its sentences and theirs in the order in which they may answer; else no sentences."""
    found = list(found)
    reader = desk.reader
    if len(reading.query.sections) != 1 or reading.comparing:
        return found, []
    others = dict.fromkeys(reader.spoken_of(reading.query.sections[0]))
    if not others:
        return found, []
    own = set(reader.subtree(reading.query.sections[0]))
    known = {h.clause.clause_id for h in found}
    found += [Hit(reader.by_id[i], 0.0, len(found) + 1, "structure") for i in others if i not in known]
    hits = [h for h in found if h.clause.clause_id in own or h.clause.clause_id in others]
    order = [
        r for r in ranked(candidates(desk.finder, reading, hits, similar, lexical))
        if r.clause.clause_id in own or reader.speaks_of(r.clause.label + r.sentence.text, reading.query.sections[0])
    ]  # fmt: skip
    return found, order


def _told_by_guide(answers: Sequence[Answer], guides: Sequence[Guide]) -> list[Answer]:
    """Answers of two guides to one question: only those that answer, each under its guide's title; where none or only
    one answers, that one alone."""
    good = [a for a in answers if a.status == "answered"]
    if len(good) < 2 or len({c.guide for a in good for c in a.citations}) < 2:
        return good[:1] or list(answers[:1])
    titles = {g.slug: f"《{g.title}》" + (f"（{g.edition}）" if g.edition else "") for g in guides}
    out = []
    for answer in good:
        head = Segment("template", titles.get(answer.citations[0].guide, "") + "：")
        out.append(replace(answer, segments=(head, *answer.segments), text=head.text + answer.text))
    return out


def _without_repeats(answers: Sequence[Answer]) -> list[Answer]:
    """Without answers whose quoted words an earlier one has all said, unless they open with a verdict of their own."""
    kept: list[Answer] = []
    told: set[tuple[str, int | None, int | None]] = set()
    for answer in answers:
        quoted = {
            (answer.citations[s.citation].clause_id, s.start, s.end)
            for s in answer.segments if s.kind == "verbatim" and s.citation is not None
        }  # fmt: skip
        verdict = bool(answer.segments) and answer.segments[0].kind == "template"
        if not (answer.status == "answered" and quoted and quoted <= told and not verdict):
            kept.append(answer)
        if answer.status == "answered":
            told |= quoted
    return kept


def _joined(answers: Sequence[Answer]) -> Answer:
    """Answers to the questions of one message as one: answered where any is, each part in its turn; what one sentence
    answers twice ("一集给多少，封顶多少") is said once."""
    answers = _without_repeats(answers)
    if len(answers) == 1:
        return answers[0]
    segments: list[Segment] = []
    citations: list[Any] = []
    for n, answer in enumerate(answers):
        if n:
            segments.append(Segment("template", "\n"))
        place: list[int] = []
        for c in answer.citations:
            known = next((i for i, o in enumerate(citations) if o.clause_id == c.clause_id), None)
            if known is None:
                citations.append(c)
                place.append(len(citations) - 1)
            else:
                citations[known] = replace(citations[known], spans=tuple(sorted({*citations[known].spans, *c.spans})))
                place.append(known)
        for s in answer.segments:
            at = place[s.citation] if s.citation is not None else None
            text = f"[{at + 1}]" if s.kind == "mark" and at is not None else s.text
            segments.append(replace(s, text=text, citation=at))
    statuses = [a.status for a in answers]
    status: Status = "answered" if "answered" in statuses else "clarify" if "clarify" in statuses else "refused"
    lead = next(a for a in answers if a.status == status)
    hits = list({h.clause.clause_id: h for a in answers for h in a.hits}.values())[:10]
    return replace(
        lead, status=status, text="".join(s.text for s in segments), segments=tuple(segments), citations=tuple(citations),
        hits=tuple(replace(h, rank=n) for n, h in enumerate(hits, 1)), table=None,
        understood="；".join(dict.fromkeys(a.understood for a in answers if a.understood)),
        confidence=min(a.confidence for a in answers), missing="；".join(a.missing for a in answers if a.missing),
        withheld=sum(a.withheld for a in answers),
        notices=tuple(dict.fromkeys(n for a in answers for n in a.notices)),
    )  # fmt: skip


def hit_json(hit: Hit) -> dict[str, Any]:
    c = hit.clause
    return {
        "clause_id": c.clause_id, "path": list(c.path), "label": c.label, "text": c.text, "score": hit.score,
        "rank": hit.rank, "source": c.source, "start": c.start, "end": c.end, "kind": c.kind, "guide": c.guide,
    }  # fmt: skip


def answer_json(answer: Answer, id: str | None = None) -> dict[str, Any]:
    """An answer as the contract's JSON object; further fields come after those of the contract."""
    return {
        "id": id,
        "status": answer.status,
        "answer": answer.text,
        "citations": [
            {
                "clause_id": c.clause_id, "path": list(c.path), "label": c.label, "text": c.text,
                "spans": [list(s) for s in c.spans], "source": c.source, "start": c.start, "end": c.end,
                "title": c.title, "edition": c.edition, "url": c.url, "page": c.page, "guide": c.guide,
            }
            for c in answer.citations
        ],
        "hits": [hit_json(h) for h in answer.hits],
        "understood": answer.understood,
        "confidence": round(answer.confidence, 4),
        "latency_ms": answer.latency_ms,
        "embed_ms": answer.embed_ms,
        "segments": [
            {"kind": s.kind, "text": s.text, "citation": s.citation, "start": s.start, "end": s.end}
            for s in answer.segments
        ],
        "suggestions": list(answer.suggestions),
        "missing": answer.missing,
        "refused_by": answer.refused_by,
        "withheld": answer.withheld,
        "notices": list(answer.notices),
        "language": answer.query.language if answer.query else "",
    }  # fmt: skip


def clause_json(index: Index, clause_id: ClauseId) -> Mapping[str, Any]:
    """One clause with its facts. Raises NotFoundError."""
    c = index.by_id.get(clause_id)
    if c is None:
        raise NotFoundError(
            f"没有这个条款 no such clause: {clause_id}; 用 bot search 查找 look it up with: bot search WORDS"
        )
    return {
        "clause_id": c.clause_id, "path": list(c.path), "label": c.label, "text": c.text, "source": c.source,
        "start": c.start, "end": c.end, "kind": c.kind, "children": list(c.children), "parent": c.parent,
        "number": c.number, "guide": c.guide, "page": c.page, "refs": list(c.refs), "stale": c.stale,
        "facts": [fact_json(f) for f in index.facts_of(c.clause_id)],
    }  # fmt: skip


def fact_json(fact: Fact) -> dict[str, Any]:
    return {"kind": fact.kind, "value": fact.value, "qualifier": fact.qualifier, "start": fact.start, "end": fact.end}
