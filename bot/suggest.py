"""What may be asked next, and what a reader should know besides: questions that the guide answers, and notices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bot import lexicon
from bot.desk import Desk
from bot.evidence import body
from bot.facts import is_field
from bot.types import Citation, Clause, ClauseId, Hit
from bot.understand import Reading

MOST = 3
LONGEST = 30  # characters of a section's name that one would still type
# The question form of a field by the type of value that answers it; the first that fits.
_FORMS = (("amount", "next_amount"), ("date", "next_date"), ("duration", "next_duration"))


def suggestions(desk: Desk, reading: Reading, cited: Sequence[Citation], hits: Sequence[Hit]) -> tuple[str, ...]:
    """Up to three questions on the same section (for a refusal the nearest one): its other fields, or where a guide
    is a list of questions the ones that stand beside. `cited` are the clauses that the reader has seen by now."""
    near = [*reading.query.sections, *(c.clause_id for c in cited), *(h.clause.clause_id for h in hits)]
    asked = {c.clause_id for c in cited}
    for section in dict.fromkeys(near):
        found = [*_fields(desk, reading, section, asked), *_questions(desk, section, asked)]
        if found:
            return tuple(dict.fromkeys(found))[:MOST]
    return ()


def _fields(desk: Desk, reading: Reading, section: ClauseId, asked: set[ClauseId]) -> Iterable[str]:
    reader = desk.reader
    home = reader.home(section) if section in reader.by_id else None
    named = section if section in reading.query.sections else home
    name = reader.section_name(named) if named is not None else ""
    if home is None or not 2 <= len(name) <= LONGEST:
        return

    def plain(clause_id: ClauseId) -> bool:
        """Values are asked for more often than descriptions: their fields come first."""
        return not lexicon.concepts()[concept].types if (concept := _concept(desk, clause_id)) else True

    for clause_id in sorted(reader.children.get(home, ()), key=plain):
        clause = reader.by_id[clause_id]
        concept = _concept(desk, clause_id)
        if not concept or concept in reading.concepts or clause_id in asked or not _says_something(clause):
            continue
        yield question(name, clause.label, concept, lexicon.concepts()[concept].types, reading.language)


def question(section: str, label: str, concept: str, kinds: Collection[str], language: str) -> str:
    """A question for one field of one section, in the form that fits the kinds of value that answer it."""
    form = next((form for kind, form in _FORMS if kind in kinds), "next_what")
    field = label if language.startswith("zh") else lexicon.concepts()[concept].en
    return lexicon.message(form, language, section=section, field=field)


def _concept(desk: Desk, clause_id: ClauseId) -> str:
    clause = desk.reader.by_id[clause_id]
    return desk.reader.concept_of.get(clause.label, "") if is_field(clause) else ""


def _says_something(clause: Clause) -> bool:
    start, end = body(clause)
    return end > start or bool(clause.children)


def _questions(desk: Desk, section: ClauseId, asked: set[ClauseId]) -> Iterable[str]:
    """Questions of an FAQ beside the one that was answered, in the guide's words."""
    clause = desk.reader.by_id.get(section)
    if clause is None or clause.parent is None:
        return
    for clause_id in desk.reader.children.get(clause.parent, ()):
        label = desk.reader.by_id[clause_id].label
        if (
            clause_id not in asked
            and clause_id != section
            and label.endswith(("？", "?"))
            and len(label) <= 2 * LONGEST
        ):
            yield desk.reader.section_name(clause_id).rstrip("？?") + "？"


def notices(desk: Desk, language: str, cited: Sequence[Citation]) -> tuple[str, ...]:
    """What a reader of this answer should know: an expired guide, an old text of a file that cannot be read now, an
    index that is not whole."""
    today = desk.settings.date().isoformat()
    slugs = {c.guide for c in cited}
    out = [
        lexicon.message("expired", language, title=g.title, date=g.valid_to)
        for g in desk.index.guides
        if g.slug in slugs and g.valid_to and g.valid_to < today
    ]
    stale = dict.fromkeys(c.source for c in cited if (found := desk.index.by_id.get(c.clause_id)) and found.stale)
    out += [lexicon.message("stale", language, source=source) for source in stale]
    return (*out, *desk.index.warnings)
