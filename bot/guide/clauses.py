"""Nodes → clauses: names, paths, ids, gaps in the numbering."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from bot.guide import numbering
from bot.guide.lines import HEADING_MAX
from bot.guide.numbering import LEGAL
from bot.guide.refs import find_refs
from bot.guide.tree import Node, is_lead
from bot.slug import make_slug
from bot.types import Clause, ClauseId, Guide, SourceText

Path = tuple[str, ...]
SHORT: Final = 16  # characters of a heading that ends in a full stop


def make_clauses(source: SourceText, guide: Guide, nodes: Sequence[Node]) -> tuple[Clause, ...]:
    """The clauses of the nodes, in the same order."""
    for node in nodes:
        _settle_names(node)
    texts = [source.text[node.line.start : node.end] for node in nodes]
    paths = _paths(nodes)
    ids = _identify(guide, nodes, paths, texts)
    refs = find_refs(nodes, texts)
    children: dict[int, list[ClauseId]] = defaultdict(list)
    for index, node in enumerate(nodes):
        children[node.parent].append(ids[index])
    return tuple(
        Clause(
            clause_id=ids[index],
            path=paths[index],
            label=node.label,
            text=texts[index],
            source=source.source,
            start=node.line.start,
            end=node.end,
            kind=node.kind,
            children=tuple(children.get(index, ())),
            parent=ids[node.parent] if node.parent >= 0 else None,
            number=node.line.number.text if node.line.number else "",
            guide=guide.slug,
            page=node.line.hint.page if node.line.hint else None,
            refs=tuple(ids[target] for target in refs[index]),
            cells=_cells(node),
        )
        for index, node in enumerate(nodes)
    )


def _cells(node: Node) -> tuple[tuple[int, int, str], ...]:
    """The cells of a table row or its header by column, each with the header's words for it."""
    hint = node.line.hint
    if node.style != "row" or hint is None:
        return ()
    names = hint.header if len(hint.header) == len(hint.cells) else ("",) * len(hint.cells)
    at = node.line.start
    return tuple((start - at, end - at, name) for (start, end), name in zip(hint.cells, names, strict=True))


# --- names ------------------------------------------------------------------------------------------------------------


def _settle_names(node: Node) -> None:
    """Kind, label and path element, now that it is known whether the node has children."""
    line, number = node.line, node.line.number
    if node.kind == "field" and node.children and node.lines == 1 and not line.value.strip():
        node.kind = "heading"
    if number is None or node.label:
        return
    if node.style == "条":
        node.label = node.element = number.text
    elif node.lines == 1 and len(line.words) <= HEADING_MAX and (node.style in LEGAL or _heads(node)):
        node.kind = "heading"
        node.label = node.element = line.text
    else:
        lead = line.words.rstrip("。") if node.lines > 1 and is_lead(line) else numbering.lead_of(line.words)
        node.label = lead or (number.text if number.value else "")
        node.element = line.text[: number.end] + lead if lead else node.label


def _heads(node: Node) -> bool:
    """Whether a numbered line is the heading of what stands below it, and not a sentence that announces it."""
    words = node.line.words
    if not words or not node.children or not node.value or re.search(r"[。；;！!](?=.)|[；;，,]$", words):
        return False
    if words[-1] in "：:":
        return numbering.lead_of(words) != ""
    return words[-1] != "。" or (len(words) <= SHORT and is_lead(node.line) and not re.search(r"\d", words))


def _paths(nodes: Sequence[Node]) -> list[Path]:
    paths: list[Path] = []
    inner: dict[int, Path] = {-1: ()}  # what stands under each node that has children
    for index, node in enumerate(nodes):
        path = inner[node.parent]
        paths.append(path)
        if node.children:
            inner[index] = (*path, node.element or node.line.text[:HEADING_MAX])
    return paths


# --- ids --------------------------------------------------------------------------------------------------------------


def _identify(guide: Guide, nodes: Sequence[Node], paths: Sequence[Path], texts: Sequence[str]) -> list[ClauseId]:
    """An id from each clause's own path, label and words, so that a change elsewhere does not touch it."""
    base = guide.slug if not guide.edition or guide.edition in guide.slug else f"{guide.slug}-{guide.edition}"
    titles = [node.element for node in nodes if node.style == "title"]
    root = guide.title if guide.title in titles else titles[0] if titles else ""
    short = _Names()
    plain = []
    for node, path, text in zip(nodes, paths, texts, strict=True):
        own = short.of(node.label) if node.label else f"{make_slug(text[:8], 24)}-{_hash(text)}"
        plain.append(".".join((base, *(short.of(element) for element in path if element != root), own)))
    shared = Counter(plain)
    used: Counter[str] = Counter()
    ids = []
    for name, text in zip(plain, texts, strict=True):
        if shared[name] > 1:
            name += f"-{_hash(text)}"
        used[name] += 1
        ids.append(ClauseId(name if used[name] == 1 else f"{name}-{used[name]}"))
    return ids


class _Names:
    """Short forms of headings and labels, each spelt once. Two that differ only in what is cut off stay apart."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = self._shorten(text)
        return self._known[text]

    def _shorten(self, text: str) -> str:
        number = numbering.number_of(text)
        words = text[number.end :].strip() if number else text
        if number and not words:
            return str(number.value) if number.value else "x"
        label = numbering.label_of(words) if number else None
        name = words[label.value :] if label and words[label.value :] else words
        slug = make_slug(name[:80], 24)
        return slug if len(name) <= 80 and slug == make_slug(name, 400) else f"{slug}-{_hash(name)[:3]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:5]


# --- gaps -------------------------------------------------------------------------------------------------------------


def find_gaps(nodes: Sequence[Node]) -> tuple[str, ...]:
    """One sentence for each number that leaves out another, stands twice or is written in another style."""
    found = []
    last: dict[tuple[int, str], Node] = {}
    roots: list[int] = []
    for node in nodes:
        roots.append(roots[node.parent] if node.parent >= 0 else len(roots))
        if not node.value:
            continue
        key = (roots[-1] if node.style == "条" else node.parent, node.style)
        before = last.get(key)
        last[key] = node
        if before is None:
            continue
        pair = f"“{_shown(before)}”之后是“{_shown(node)}”"
        if node.value == before.value:
            found.append(f"编号重复：{pair} / number stands twice")
        elif node.value > before.value + 1:
            found.append(f"编号不连续：{pair} / number left out")
        elif node.value > before.value and node.line.style != before.line.style:
            found.append(f"编号样式不同：{pair} / number in another style")
    return tuple(found)


def _shown(node: Node) -> str:
    text = node.line.text.replace("\n", "")
    return text if len(text) <= 16 else text[:15] + "…"
