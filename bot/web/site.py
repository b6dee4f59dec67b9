"""What the page and the JSON routes share: the bot, views made from its index, and the log."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from bot import lexicon
from bot.errors import NotFoundError, QuestionError
from bot.facts import FieldTable, table
from bot.library import diff
from bot.names import bare_name
from bot.settings import Settings
from bot.suggest import question
from bot.types import Answer, Clause, ClauseId, Fact, Guide, Hit
from bot.web import render
from bot.web.log import Asked, Log
from bot.web.lookup import Found, Lookup

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("bot.web")

EXAMPLES = 6


class IndexLike(Protocol):
    """What the page reads of `bot.index.Index`."""

    @property
    def guides(self) -> tuple[Guide, ...]: ...
    @property
    def clauses(self) -> tuple[Clause, ...]: ...
    @property
    def by_id(self) -> Mapping[ClauseId, Clause]: ...
    @property
    def facts(self) -> tuple[Fact, ...]: ...
    @property
    def fingerprint(self) -> str: ...

    def facts_of(self, clause_id: ClauseId) -> tuple[Fact, ...]: ...


class BotLike(Protocol):
    """What the page needs of `bot.bot.GuideBot`."""

    @property
    def index(self) -> Any: ...

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        guide: str | None = None,
        edition: str | None = None,
        section: str | None = None,
        field: str | None = None,
    ) -> Answer: ...

    def search(self, words: str, k: int = 10, guide: str | None = None) -> list[Hit]: ...

    def reload_if_changed(self) -> bool: ...


@dataclass(frozen=True)
class View:
    """One generation of the index, as the page shows it. Parts are made when they are first wanted."""

    index: IndexLike

    @cached_property
    def guides(self) -> dict[str, Guide]:
        return {g.slug: g for g in self.index.guides}

    @cached_property
    def lookup(self) -> Lookup:
        return Lookup(self.index.clauses, self.index.facts, self.index.guides)

    @cached_property
    def tables(self) -> dict[str, FieldTable]:
        """The table section × field of each guide that has one, by slug."""
        clauses: dict[str, list[Clause]] = {g: [] for g in self.guides}
        for c in self.index.clauses:
            clauses.setdefault(c.guide, []).append(c)
        facts: dict[str, list[Fact]] = {}
        by_id = self.index.by_id
        for f in self.index.facts:
            facts.setdefault(by_id[f.clause_id].guide, []).append(f)
        made = {g: table(cs, facts.get(g, ())) for g, cs in clauses.items()}
        return {g: t for g, t in made.items() if t.sections}

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """Guides with the sections that have fields, and the fields: filters, and the chip's lists."""
        out = []
        for slug, guide in self.guides.items():
            t = self.tables.get(slug)
            sections = [] if t is None else [
                {
                    "id": s.clause_id,
                    "label": render.visible(bare_name(s)),
                    "fields": [label for label in t.labels if (s.clause_id, label) in t.cells],
                }
                for s in t.sections
            ]  # fmt: skip
            out.append(
                {
                    "slug": slug,
                    "title": render.visible(guide.title or guide.source),
                    "edition": guide.edition,
                    "issuer": guide.issuer,
                    "url": render.safe_url(guide.url),
                    "valid_to": guide.valid_to,
                    "sections": sections,
                    "fields": [] if t is None else list(t.labels),
                }
            )
        return out

    def twins(self, old: str, new: str) -> dict[ClauseId, Clause]:
        """For the clauses of one guide their counterparts in a later edition of it; kept, as long as the index is."""
        if (old, new) not in self._twins:
            sides = ([c for c in self.index.clauses if c.guide == slug] for slug in (old, new))
            self._twins[old, new] = {c.old.clause_id: c.new for c in diff(*sides) if c.old and c.new}
        return self._twins[old, new]

    @cached_property
    def _twins(self) -> dict[tuple[str, str], dict[ClauseId, Clause]]:
        return {}

    def clause(self, clause_id: str) -> Clause:
        """The clause of that id. Raises NotFoundError."""
        clause = self.index.by_id.get(ClauseId(clause_id))
        if clause is None:
            raise NotFoundError(
                "没有这个条款，链接可能来自旧版指南。 No such clause; the link may be of an older edition."
            )
        return clause

    def section_of(self, clause: Clause) -> Clause | None:
        """The nearest enclosing section that has fields."""
        t = self.tables.get(clause.guide)
        ids = {s.clause_id for s in t.sections} if t else set()
        at: Clause | None = clause
        while at is not None and at.clause_id not in ids:
            at = self.index.by_id.get(at.parent) if at.parent else None
        return at


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that was asked, with its answer or what was wrong with it."""

    id: str
    question: str
    answer: Answer | None
    problem: str = ""
    section: str = ""  # clause id of the section it was understood to be about
    field: str = ""


class Site:
    """The state of the served page. Thread-safe: readers take `view` once and keep it."""

    def __init__(self, settings: Settings, bot: BotLike) -> None:
        self.settings = settings
        self.bot = bot
        self.log = Log(settings.log_path, settings.log_retention_days) if settings.log else None
        self._view = View(bot.index)
        self._examples: dict[tuple[str, str], tuple[str, ...]] = {}  # by generation of the index and language
        self._lock = threading.Lock()

    @property
    def view(self) -> View:
        """Of the index that the bot holds now."""
        index = self.bot.index
        if self._view.index is not index:
            with self._lock:
                if self._view.index is not index:
                    self._view = View(index)
        return self._view

    def warm(self) -> None:
        """Make what the first visitor would otherwise wait for."""
        view = self.view
        view.lookup.search("预热 warm", 1)  # loads the word list too
        _ = view.choices
        for language in ("zh", "en"):
            self.examples(language)

    def reload(self) -> bool:
        """Take up a newer index if there is one; a bad one is logged and the old one goes on."""
        try:
            changed = self.bot.reload_if_changed()
        except Exception:
            logger.exception("the new index cannot be used; the old one goes on answering")
            return False
        if changed:
            self.warm()
        return changed

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        guide: str | None = None,
        edition: str | None = None,
        section: str | None = None,
        field: str | None = None,
        session: str = "",
    ) -> Exchange:
        """Ask the bot and log it. Never raises for a bad question: `problem` says what is wrong with it."""
        key = secrets.token_hex(8)
        try:
            answer = self.bot.ask(question, tuple(history), guide=guide, edition=edition, section=section, field=field)
        except (QuestionError, NotFoundError) as error:
            return Exchange(key, question, None, str(error))
        except Exception:
            logger.exception("request %s failed", key)
            return Exchange(key, question, None, f"出错了，请再试一次；若仍不行，请把编号 {key} 告诉管理员。")
        sections, fields = (answer.query.sections, answer.query.fields) if answer.query else ((), ())
        exchange = Exchange(key, question, answer, "", sections[0] if sections else "", fields[0] if fields else "")
        if self.log is not None:
            self.log.asked(
                Asked(
                    key,
                    session,
                    question,
                    tuple(history),
                    answer.query.language if answer.query else "",
                    answer.understood,
                    answer.status,
                    answer.text,
                    tuple(c.clause_id for c in answer.citations),
                    answer.confidence,
                    answer.latency_ms,
                    self.bot.index.fingerprint,
                )
            )
        return exchange

    def find(
        self, words: str, k: int, *, guide: str = "", section: str = "", field: str = ""
    ) -> tuple[list[Found], int, str]:
        """Clauses for the help desk and how they were found: "words", or "meaning" when no clause holds the words."""
        found, total = self.view.lookup.search(words, k, guide=guide, section=section, field=field)
        if found or not words.strip() or section or field:
            return found, total, "words"
        try:
            hits = self.bot.search(words, k, guide or None)
        except (QuestionError, NotFoundError):
            hits = []
        near = [Found(h.clause, h.score, (), (), ()) for h in hits]
        return near, len(near), "meaning"

    def examples(self, language: str = "zh") -> tuple[str, ...]:
        """Questions made from the loaded guides, in Chinese or English, each of which the bot answers from the clause
        that it was made of."""
        view = self.view
        key = (view.index.fingerprint, "zh" if language.startswith("zh") else "en")
        if key not in self._examples:
            self._examples = {k: v for k, v in self._examples.items() if k[0] == key[0]}
            self._examples[key] = tuple(self._make_examples(view, key[1]))
        return self._examples[key]

    def _make_examples(self, view: View, language: str) -> list[str]:
        """Different fields of different sections, guide by guide in turn."""
        queues = [_candidates(t, language) for t in view.tables.values()]
        made: list[str] = []
        tried = 0
        while any(queues) and len(made) < EXAMPLES and tried < 40:
            for pairs in queues:
                if pairs and len(made) < EXAMPLES:
                    tried += 1
                    asks, clause_id = pairs.pop(0)
                    if self._answers(asks, clause_id):
                        made.append(asks)
        return made

    def _answers(self, question: str, clause_id: ClauseId) -> bool:
        try:
            answer = self.bot.ask(question)
        except QuestionError:
            return False
        return answer.status == "answered" and any(c.clause_id == clause_id for c in answer.citations)

    def close(self) -> None:
        """Write what is still to be logged."""
        if self.log is not None:
            self.log.close()


def _kinds(t: FieldTable, section: Clause, label: str) -> set[str]:
    cell = t.cells[section.clause_id, label]
    return {f.kind for f in cell.facts} if len(cell.clause.text) < 60 else set()


def _rank(t: FieldTable, section: Clause, label: str) -> tuple[int, int]:
    """Fields that hold an amount, then a date or duration, then who may do it, then the rest, shorter first."""
    kinds = _kinds(t, section, label)
    length = len(t.cells[section.clause_id, label].clause.text)
    return (0 if "amount" in kinds else 1 if kinds & {"date", "duration"} else 2, length)


def _candidates(t: FieldTable, language: str) -> list[tuple[str, ClauseId]]:
    """A question for each section of a guide, each for another field where there are several, with its clause. In
    English only for fields whose name is known in it."""
    out = []
    for i, s in enumerate(t.sections):
        concepts = {label: lexicon.concept_of_label(label) for label in t.labels if (s.clause_id, label) in t.cells}
        labels = [label for label, concept in concepts.items() if concept or language == "zh"]
        labels.sort(key=lambda label: _rank(t, s, label))
        if labels:
            label = labels[i % min(len(labels), 4)]
            asks = question(bare_name(s), label, concepts[label], _kinds(t, s, label), language)
            out.append((asks, t.cells[s.clause_id, label].clause.clause_id))
    return out
