"""Propose cases: from the clause tree (one for each field, item and fact) and from the log of the chat page (what was
refused or thumbed down). A proposal is marked `draft` and counts for nothing until a person has read it, corrected it
and taken the mark away.

    python -m eval.propose --out eval/cases/drafts.jsonl
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from bot import settings as bot_settings
from bot.errors import BotError
from bot.types import Clause, Fact
from eval import cases as sets
from eval.cases import Case, CasesError, Evidence, near_pairs, to_json

SHORT = 40  # characters up to which a clause's whole text is the expected fact
_NUMBER = re.compile(r"^[\s　]*(?:[（(]?[一二三四五六七八九十百\d]{1,4}[）)、.．]|第[一二三四五六七八九十百\d]+[章节条款]|\d+(?:\.\d+)+)\s*")
_ASKS: Mapping[str, str] = {
    "amount": "{name}的{label}是多少钱？", "date": "{name}的{label}是什么时候？", "duration": "{name}的{label}是多久？",
    "count": "{name}的{label}里，数量要求是多少？", "ratio": "{name}的{label}里，比例是多少？", "rate": "{name}的{label}里，频次要求是多少？",
    "url": "{name}的网址是什么？", "body": "{name}由哪个部门负责？", "place": "{name}涉及哪些地区？",
}  # fmt: skip


def _id(*parts: str) -> str:
    return "draft-" + hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:10]


def bare(heading: str) -> str:
    """A heading without its number and its closing mark."""
    return _NUMBER.sub("", heading).strip(" ：:。")


def _body(clause: Clause) -> str:
    return clause.text[clause.body_offset :].strip()


def _case(clause: Clause, question: str, kind: str, facts: Iterable[str], quote: str, section: str, note: str) -> Case:
    return Case(
        id=_id(clause.clause_id, question, quote), type=kind, lang="zh", persona="applicant", question=question,
        expect="answer", facts=tuple((f,) for f in facts), evidence=(Evidence(section, quote),), guide=clause.guide,
        note=note, draft=True,
    )  # fmt: skip


def _names(clause: Clause) -> tuple[str, str]:
    """(what a person calls the place of the clause, its label). A numbered heading is preferred: the nearest heading
    of an item may be a mere field ("主要研究内容")."""
    headings = [h for h in clause.path if bare(h)]
    numbered = [h for h in headings if _NUMBER.match(h)]
    name = bare((numbered or headings or [""])[-1])
    return name, bare(clause.label) if clause.label else name


def from_clause(clause: Clause, facts: Sequence[Fact]) -> list[Case]:
    """Drafts for one clause: its field or item, and each typed fact in it."""
    body = _body(clause)
    name, label = _names(clause)
    if clause.kind == "heading" or len(body) < 2 or not name or not label:
        return []
    section = clause.path[-1]
    out = []
    if clause.kind in ("field", "row") or (clause.kind == "item" and label != body[: len(label)]):
        # Of a long field, its first values, or its first words: enough to see that the field was found.
        expected = [body] if len(body) <= SHORT else [f.strip() for f in _surfaces(clause, facts)[:3]]
        expected = expected or [re.split(r"[，。；、：\n]", body)[0][:SHORT] or body[:SHORT]]
        quote = body if len(body) <= 120 else body[:120]
        out.append(_case(clause, f"{name}的{label}是什么？", "lookup", expected, quote, section, "proposed from the clause"))
    for fact in facts:
        words, quote = clause.text[fact.start - clause.start : fact.end - clause.start], _sentence(clause, fact)
        if not words.strip() or words not in quote or fact.kind not in _ASKS:
            continue
        question = _ASKS[fact.kind].format(name=name, label=label)
        lead = quote[: quote.find(words)][-24:].lstrip("的，、")
        if sum(f.kind == fact.kind for f in facts) > 1 and lead:
            question = f"{name}的{label}里，“{lead}”后面是多少？"  # which of several, in the clause's own words
        kind = "numeric" if fact.kind in ("amount", "date", "duration", "count", "ratio", "rate") else "item"
        out.append(_case(clause, question, kind, [words], quote, section, f"proposed from a fact: {fact.kind} {fact.value}"))
    return out


def _surfaces(clause: Clause, facts: Sequence[Fact]) -> list[str]:
    return list(dict.fromkeys(clause.text[f.start - clause.start : f.end - clause.start] for f in facts))


def _sentence(clause: Clause, fact: Fact) -> str:
    """The part of a sentence that holds a fact, verbatim."""
    start, end = fact.start - clause.start, fact.end - clause.start
    left = max(clause.text.rfind(c, 0, start) for c in "。；;，,\n：:") + 1
    right = min((p for c in "。；;\n" if (p := clause.text.find(c, end)) >= 0), default=len(clause.text))
    return clause.text[left:right].strip()


def from_tree(clauses: Sequence[Clause], facts: Sequence[Fact]) -> list[Case]:
    """Drafts for all clauses, without those that ask the same question."""
    of: dict[str, list[Fact]] = {}
    for fact in facts:
        of.setdefault(fact.clause_id, []).append(fact)
    seen: dict[str, Case] = {}
    for clause in clauses:
        for case in from_clause(clause, of.get(clause.clause_id, [])):
            seen.setdefault(case.question, case)
    return list(seen.values())


def from_log(path: Path) -> list[Case]:
    """Drafts from the log's tables `asked` and `feedback`: what was refused, and what was thumbed down."""
    if not path.is_file():
        raise CasesError(f"{path}: there is no such log; give the log_path of the settings")
    query = """
        SELECT a.question, a.history, a.language, a.status, COALESCE(f.reason, ''), COALESCE(f.verdict, ''), COUNT(*)
        FROM asked a LEFT JOIN feedback f ON f.asked_id = a.id
        WHERE a.status = 'refused' OR f.verdict = 'down'
        GROUP BY a.question, a.history ORDER BY COUNT(*) DESC, MIN(a.at)
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = db.execute(query).fetchall()
    except sqlite3.Error as error:
        raise CasesError(f"{path}: cannot be read as the chat page's log ({error})") from error
    out = []
    for question, history, language, status, reason, verdict, count in rows:
        why = f"thumbed down: {reason}" if verdict == "down" else "refused"
        try:
            earlier = tuple(str(q) for q in json.loads(history or "[]"))
        except ValueError:
            earlier = ()
        out.append(Case(
            id=_id("log", question, history), type="followup" if earlier else "unanswerable" if status == "refused" else "lookup",
            lang=language or "zh", persona="applicant", question=question, history=earlier,
            expect="refuse" if status == "refused" else "answer", note=f"from the log, {count} times, {why}; say what is expected",
            draft=True,
        ))  # fmt: skip
    return [c for c in out if c.question.strip()]


def new_only(drafts: Sequence[Case], known: Sequence[Case]) -> list[Case]:
    """Drafts that ask nothing that a known case asks already, nor the same as an earlier draft."""
    # Known cases of the main guide name no guide; the drafts do, and must be comparable with them.
    both = [replace(c, guide="", edition="") for c in (*known, *drafts)]
    doubles = {j for i, j in near_pairs(both) if i < len(known) <= j}
    seen = {c.id for c in known}
    out = []
    for number, draft in enumerate(drafts, len(known)):
        if number not in doubles and draft.id not in seen:
            out.append(draft)
        seen.add(draft.id)
    return out


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m eval.propose", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--index", type=Path, metavar="DIR", help="index whose clauses are asked about (default: index/)")
    p.add_argument("--log", type=Path, metavar="FILE", help="the chat page's log; proposes from it instead of the clauses")
    p.add_argument("--cases", type=Path, nargs="+", default=[], metavar="FILE", help="known cases (default: eval/cases/)")
    p.add_argument("--out", type=Path, metavar="FILE", help="append the drafts to this file (default: print them)")
    args = p.parse_args(argv)
    try:
        known = sets.load([*args.cases, *([args.out] if args.cases and args.out and args.out.is_file() else [])])
        if args.log:
            drafts = from_log(args.log)
        else:
            from bot.index import Index

            settings = bot_settings.load({"index": args.index})
            index = Index.open(settings.index, settings)
            drafts = from_tree(index.clauses, index.facts)
        drafts = new_only(drafts, known)
    except (BotError, CasesError) as error:
        print(f"eval.propose: {error}", file=sys.stderr)
        return 1
    lines = "".join(json.dumps(to_json(c), ensure_ascii=False) + "\n" for c in drafts)
    if args.out:
        with args.out.open("a", encoding="utf-8") as file:
            file.write(lines)
    else:
        print(lines, end="")
    print(f"{len(drafts)} drafts; read each, correct it and remove its \"draft\" mark", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
