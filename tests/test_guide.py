"""The clause tree: against outlines made by hand, and its laws on generated guides."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.guide import ClauseTree, parse
from bot.guide.numbering import han_value, label_of, lead_of, number_of
from bot.ingest import read_source
from bot.settings import Settings
from bot.types import Clause, Guide, LineHint, SourceText
from tests.conftest import ROOT

DATA = Path(__file__).parent / "data" / "guides"
OUTLINES = sorted(path.name.removesuffix(".outline.json") for path in DATA.glob("*.outline.json"))
LEAST = 0.97  # F1 over clause starts, and share of right path elements, that every document has to reach


def guide_of(source: SourceText) -> Guide:
    return Guide(slug="probe", title="", source=source.source, edition="2026")


def tree_of(text: str, hints: Sequence[LineHint] = ()) -> ClauseTree:
    """The tree of a text whose lines are joined as ingest joins them."""
    lines = [line.strip() for line in text.split("\n")]
    source = SourceText("probe.txt", "\n".join(line for line in lines if line), "", "txt", hints=tuple(hints))
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    return tree


def shape(tree: ClauseTree) -> list[tuple[int, str, str]]:
    """(depth, kind, label) of each clause."""
    return [(len(c.path), c.kind, c.label) for c in tree.clauses]


# --- the laws -----------------------------------------------------------------------------------------------------------


def check_laws(source: SourceText, tree: ClauseTree) -> None:
    """Offsets slice back; own slices and unplaced spans cover every visible character once; ids and links agree."""
    covered = bytearray(len(source.text))
    for start, end in [(c.start, c.end) for c in tree.clauses] + list(tree.unplaced):
        assert 0 <= start < end
        assert not any(covered[start:end]), "two clauses share characters"
        covered[start:end] = b"\1" * (end - start)
    assert all(covered[at] or char.isspace() for at, char in enumerate(source.text)), "characters in no clause"
    known = {c.clause_id: c for c in tree.clauses}
    assert len(known) == len(tree.clauses)
    starts = [c.start for c in tree.clauses]
    assert starts == sorted(starts)
    for clause in tree.clauses:
        assert source.text[clause.start : clause.end] == clause.text
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", clause.clause_id)
        assert clause.number == "" or clause.text.startswith(clause.number)
        assert all(known[child].parent == clause.clause_id for child in clause.children)
        assert all(ref in known and ref != clause.clause_id for ref in clause.refs)
        if clause.parent is None:
            assert clause.path == ()
        else:
            parent = known[clause.parent]
            assert clause.clause_id in parent.children
            assert clause.path[:-1] == parent.path


# --- outlines -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    f1: float  # over clause starts
    path: float  # share of the outline's entries whose clause has the right last path element
    faults: tuple[str, ...]


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def locate(text: str, outline: Sequence[dict]) -> list[int]:
    """Where each entry's `start` stands, in order; blanks do not count. At the start of a line where there is one."""
    visible = [at for at, char in enumerate(text) if not char.isspace()]
    dense = "".join(text[at] for at in visible)
    found, after = [], 0
    for entry in outline:
        wanted = squeeze(entry["start"])
        places = [m.start() for m in re.finditer(f"(?={re.escape(wanted)})", dense) if m.start() >= after]
        assert places, f"the outline's {wanted!r} is not in the text"
        at_line = [p for p in places if visible[p] == 0 or text[visible[p] - 1] == "\n"]
        place = (at_line or places)[0]
        found.append(visible[place])
        after = place + 1
    return found


def score(source: SourceText, tree: ClauseTree, outline: Sequence[dict]) -> Score:
    clauses = {c.start: c for c in tree.clauses}
    starts = locate(source.text, outline)
    faults = [f"no clause at {e['start']!r}" for s, e in zip(starts, outline, strict=True) if s not in clauses]
    faults += [f"clause too many: {clauses[s].text[:20]!r}" for s in clauses.keys() - set(starts)]
    met = [(clauses[s], e) for s, e in zip(starts, outline, strict=True) if s in clauses]
    right = 0
    for clause, entry in met:
        last = squeeze(clause.path[-1]) if clause.path else ""
        wanted = squeeze(entry["path"][-1]) if entry["path"] else ""
        right += last == wanted
        if last != wanted:
            faults.append(f"{clause.text[:20]!r} stands under {last!r}, not {wanted!r}")
    precision, recall = len(met) / len(clauses), len(met) / len(outline)
    return Score(2 * precision * recall / ((precision + recall) or 1), right / len(outline), tuple(faults))


def check_outline(path: Path, outline: Sequence[dict]) -> tuple[SourceText, ClauseTree]:
    source = read_source(path, path.name, Settings())
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    got = score(source, tree, outline)
    assert got.f1 >= LEAST, got.faults
    assert got.path >= LEAST, got.faults
    return source, tree


def source_of(name: str) -> Path:
    if name == "main":
        return next((ROOT / "corpus").glob("*.txt"))
    return next(path for path in DATA.glob(f"{name}.*") if path.suffix != ".json")


@pytest.mark.parametrize("name", OUTLINES)
def test_our_outlines(name: str) -> None:
    """Ours are met to the letter: kinds, whole paths and labels as well."""
    outline = json.loads((DATA / f"{name}.outline.json").read_text("utf-8"))
    _, tree = check_outline(source_of(name), outline)
    wanted = [(e["kind"], [squeeze(p) for p in e["path"]], squeeze(e["label"])) for e in outline]
    got = [(c.kind, [squeeze(p) for p in c.path], squeeze(c.label)) for c in tree.clauses]
    assert got == wanted


def test_outlines_of_real_documents(shared_dir: Path) -> None:
    file = shared_dir / "guides" / "outlines.json"
    if not file.is_file():
        pytest.skip("no outlines of real documents beside the repository")
    for name, outline in json.loads(file.read_text("utf-8")).items():
        check_outline(file.parent / name, outline)


def test_score_counts_what_is_wrong() -> None:
    source = SourceText("x", "标题\n一、甲\n正文。", "", "txt")
    tree = parse(source, guide_of(source))
    entries = [
        {"path": [], "start": "标题"},
        {"path": ["标题"], "start": "一、甲"},
        {"path": ["一、甲"], "start": "正文。"},
    ]
    assert score(source, tree, entries) == Score(1.0, 1.0, ())
    less = score(source, tree, entries[:2])
    assert less.f1 == pytest.approx(0.8)  # precision 2/3, recall 1
    wrong = score(source, tree, [*entries[:2], {"path": ["标题"], "start": "正文。"}])
    assert wrong.path == pytest.approx(2 / 3)


# --- beginnings of lines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "style", "value"),
    [
        ("一、总则", "一、", 1),
        ("十二、附则", "一、", 12),
        ("（十一）其他", "(一)", 11),
        ("(三)其他", "(一)", 3),
        ("第十条 经费", "条", 10),
        ("第 1 0 条 经费", "条", 10),
        ("第二十三条 本办法", "条", 23),
        ("第一部分 总则", "部分", 1),
        ("1. 挪威：优先", "1.", 1),
        ("12.泰国", "1.", 12),
        ("１．项目", "1.", 1),
        ("2、 项目名称：某", "1、", 2),
        ("（2）营业执照", "(1)", 2),
        ("3）身份证", "1)", 3),
        ("⑤其他", "①", 5),
        ("㉑其他", "①", 21),
        ("⑵设备", "(1)", 2),
        ("⒊设备", "1.", 3),
        ("Ⅱ. 领域", "I.", 2),
        ("A. 装备", "A.", 1),
        ("1.2 范围", "1.1", 2),
        ("1.2.3 范围", "1.1.1", 3),
        ("• 项目", "•", 0),
        ("1.2026年度项目", "1.", 1),
        ("3.2024、2025年度审计报告", "1.", 3),
        ("2．2023年、2024年纳税证明", "1.", 2),
        ("4.2024和2025年财务报表", "1.", 4),
    ],
)
def test_numbers(line: str, style: str, value: int) -> None:
    number = number_of(line)
    assert number is not None
    assert (number.style, number.value) == (style, value)
    assert line.startswith(number.text)


@pytest.mark.parametrize(
    "line",
    [
        "2025年9月25日前提交",
        "1.5万元以下的",
        "3.2024、2.1万元两档",
        "3.5%的利率",
        "一、二等奖各奖励5万元",
        "1、2号楼",
        "第五条所列条件",
        "第三、四款规定的情形",
        "（一）（二）项规定的情形",
        "30人以上的企业",
        "100,000元",
        "一般不超过3年",
        "申报主体：企业",
        "",
    ],
)
def test_no_numbers(line: str) -> None:
    assert number_of(line) is None


def test_values_of_numbers() -> None:
    assert [han_value(t) for t in ("十", "二十", "三十五", "一百零二", "1 0", "二〇")] == [10, 20, 35, 102, 10, 20]


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("申报主体：企业牵头", "申报主体"),
        ("文　　号：某规字", "文　　号"),
        ("【支持标准】100万元", "支持标准"),
        ("（责任单位：市科技局）", "责任单位"),
        ("**补贴对象**：企业", "补贴对象"),
        ("Own contribution: 20 %", "Own contribution"),
        ("经费标准：3万元", "经费标准"),
        ("项目名称：某项目", "项目名称"),
        ("https://example.org", None),
        ("具体如下：", None),
        ("申报单位应当符合下列条件：", None),
        ("各区科技局，各有关单位：", None),
        ("10:30开始", None),
        ("对获得一等奖的企业，给予奖励：10万元", None),
    ],
)
def test_labels(line: str, label: str | None) -> None:
    found = label_of(line)
    assert (found.text if found else None) == label


def test_leads() -> None:
    assert lead_of("挪威：优先支持海洋经济。") == "挪威"
    assert lead_of("服务“元首外交”科技合作项目。支持依托单位。") == "服务“元首外交”科技合作项目"
    assert lead_of("违约责任；") == ""
    assert lead_of("申请对象。") == ""
    assert lead_of("项目完成后，由负责人填写。提交学院。") == ""


# --- structures ---------------------------------------------------------------------------------------------------------


def test_a_number_that_goes_on_in_another_style() -> None:
    tree = tree_of("标题指南\n一、甲项目\n（一）子项\n金额：1万元\n2、 乙项目\n（一）子项\n金额：2万元")
    assert shape(tree)[1] == (1, "heading", "一、甲项目")
    assert shape(tree)[4] == (1, "heading", "2、 乙项目")
    assert tree.clauses[-1].path == ("标题指南", "2、 乙项目", "（一）子项")


def test_lists_inside_sentences_stay_whole() -> None:
    tree = tree_of("标题指南\n一、材料\n需提交：（1）申请表；（2）身份证；1.合同；一、发票。\n二、其他\n无。")
    assert find(tree, "需提交").text.count("；") == 3


def test_the_same_number_style_again_inside_a_field() -> None:
    tree = tree_of(
        "标题指南\n1、甲项目\n条件：\n1、某甲；\n2、某乙。\n标准：3万元\n2、乙项目\n条件：\n1、某丙。\n标准：4万元"
    )
    assert [(len(c.path), c.label) for c in tree.clauses[1:]] == [
        (1, "1、甲项目"), (2, "条件"), (3, "1、"), (3, "2、"), (2, "标准"),
        (1, "2、乙项目"), (2, "条件"), (3, "1、"), (2, "标准"),
    ]  # fmt: skip


def test_heading_levels_of_the_format() -> None:
    text = "标题\n甲章\n正文一。\n甲节\n正文二。\n乙章\n正文三。"
    levels = {"标题": 1, "甲章": 2, "甲节": 3, "乙章": 2}
    hints = [
        LineHint(m.start(), m.end(), "heading", levels[m[0]]) for m in re.finditer(r"[^\n]+", text) if m[0] in levels
    ]
    tree = tree_of(text, hints)
    assert [c.path for c in tree.clauses if c.kind == "paragraph"] == [
        ("标题", "甲章"),
        ("标题", "甲章", "甲节"),
        ("标题", "乙章"),
    ]


def test_sentences_about_the_whole_document_stand_under_its_title() -> None:
    closing = "本办法自2026年1月1日起施行。"
    title = "某某市扶持办法"
    assert tree_of(f"{title}\n一、甲\n正文。\n{closing}").clauses[-1].path == (title,)
    assert tree_of(f"{title}\n一、甲\n正文。\n二、附则\n{closing}").clauses[-1].path == (title, "二、附则")
    assert (
        tree_of(f"{title}\n一、甲\n正文。\n二、附则\n本办法由市科技局负责解释。\n{closing}").clauses[-1].path[-1]
        == "二、附则"
    )


def test_a_form_of_address_below_the_particulars_of_a_notice_holds_nothing() -> None:
    tree = tree_of(
        "关于申报奖励的通知\n发布时间：2027-01-05\n各有关单位：\n现通知如下：\n一、申报条件\n取得标识。\n二、其他\n无。"
    )
    assert all("各有关单位" not in "".join(c.path) for c in tree.clauses)


def test_tables_hang_under_their_caption() -> None:
    lines = ["标题办法", "一、标准", "表1 补贴标准", "类别\t金额", "甲类\t1万元", "乙类\t2万元", "二、其他", "无。"]
    text, hints, at = "\n".join(lines), [], 0
    for line in lines:
        if "\t" in line:
            first = line.index("\t")
            cells = ((at, at + first), (at + first + 1, at + len(line)))
            kind = "header_row" if line.startswith("类别") else "row"
            hints.append(LineHint(at, at + len(line), kind, table=1, cells=cells, header=("类别", "金额")))
        at += len(line) + 1
    source = SourceText("t.docx", text, "", "docx", hints=tuple(hints))
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    assert [(c.label, c.path[-1]) for c in tree.clauses if c.kind == "row"] == [
        ("甲类", "表1 补贴标准"),
        ("乙类", "表1 补贴标准"),
    ]
    assert tree.clauses[-1].path == ("标题办法", "二、其他")


def test_an_annex_that_is_a_table_stands_by_itself() -> None:
    """Also in the midst of a notice: what closes the notice is the notice's. It is known by its number and its name."""
    lines = ["关于申报补助的通知", "一、标准", "补助标准见附件1。", "附件1：补助标准一览表", "类别\t金额", "甲类\t1万元"]
    lines += ["注：每年核定一次。", "附件2：申报表（略）", "某市体育局", "2027年2月9日"]
    text, hints, at = "\n".join(lines), [], 0
    for line in lines:
        if "\t" in line:
            first = line.index("\t")
            cells = ((at, at + first), (at + first + 1, at + len(line)))
            kind = "header_row" if line.startswith("类别") else "row"
            hints.append(LineHint(at, at + len(line), kind, table=1, cells=cells, header=("类别", "金额")))
        at += len(line) + 1
    source = SourceText("t.docx", text, "", "docx", hints=tuple(hints))
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    paths = {c.text: c.path for c in tree.clauses}
    assert paths["甲类\t1万元"] == paths["注：每年核定一次。"] == ("附件1：补助标准一览表",)
    assert paths["附件2：申报表（略）"] == paths["某市体育局"] == ("关于申报补助的通知",)
    assert next(c.label for c in tree.clauses if c.start == text.index("附件1：")) == "补助标准一览表"


def test_bare_headings_need_company_or_bold_type() -> None:
    text = "标题办法\n支持范围\n本市企业均可申报。\n一般说明如此。"
    assert [c.kind for c in tree_of(text).clauses][1] != "heading" or len(tree_of(text).clauses) < 4
    at = text.index("支持范围")
    tree = tree_of(text, [LineHint(at, at + 4, bold=True)])
    assert (1, "heading", "支持范围") in shape(tree)


def test_drawn_marks_and_brackets_show_headings() -> None:
    tree = tree_of(
        "云岭医院培育项目申请指南\n■ 项目简介\n面向本院职工，分两类资助：\n■ 项目类别\n【甲类：起步项目】\n资助对象：医师、药师\n"
        "资助强度：每项8万元\n【乙类：面上项目】\n资助对象：护理人员\n资助强度：每项4万元\n■ 申请须知\n1. 每人限报一项。\n"
        "2. 已承担项目者不得申请。\n■ 联系方式\n业务咨询：项目办"
    )
    paths = {c.text: c.path for c in tree.clauses}
    title = "云岭医院培育项目申请指南"
    assert paths["资助强度：每项4万元"] == (title, "项目类别", "乙类：面上项目")
    assert paths["2. 已承担项目者不得申请。"] == (title, "申请须知")
    assert paths["业务咨询：项目办"] == (title, "联系方式")
    listed = tree_of("云岭医院培育项目申请指南\n一、材料\n● 申请书\n● 承诺书\n● 预算表\n二、方式\n网上提交。")
    assert not [c for c in listed.clauses if c.kind == "heading" and "书" in c.text and c.parent != listed.root]
    boxed = tree_of("云岭医院培育项目申请指南\n【申报条件】\n本院职工可以申报。\n【资助强度】\n每项4万元。")
    assert {c.label for c in boxed.clauses if c.kind == "field"} == {"申报条件", "资助强度"}


def test_gaps_and_repeats_are_reported() -> None:
    tree = tree_of("标题办法\n第一条 甲。\n第二条 乙。\n第四条 丙。\n第四条 丁。")
    assert len(tree.gaps) == 2
    assert "第二条" in tree.gaps[0] and "第四条" in tree.gaps[0]
    assert "重复" in tree.gaps[1]
    assert tree_of("标题办法\n第一章 甲\n第一条 甲。\n第二章 乙\n第二条 乙。").gaps == ()


def test_rules_and_page_numbers_are_unplaced() -> None:
    tree = tree_of("标题办法\n——————\n一、甲\n正文。\n- 2 -\n二、乙\n正文。")
    assert len(tree.unplaced) == 2


def test_references() -> None:
    tree = tree_of(
        "某某办法\n第一条 依据《某某条例》第二条，制定本办法。\n第二条 条件如下：\n（一）甲；\n（二）乙；\n（三）丙。\n"
        "第三条 除第二条第（一）项、第（三）项外，按照第一条执行，材料见附件2。\n附件1\n申报表\n姓名：\n附件2\n材料清单\n1.甲；\n2.乙。"
    )
    known = {c.clause_id: c for c in tree.clauses}
    refs = {c.label: [known[r].text[:5] for r in c.refs] for c in tree.clauses if c.refs}
    assert refs == {"第三条": ["（一）甲；", "（三）丙。", "第一条 依", "附件2\n材"]}


def test_reference_to_what_stands_above() -> None:
    tree = tree_of(
        "某某指南\n一、甲项目\n内容：支持如下：\n1.平台。每个限报1项。\n2.基地。每个限报2项。\n3.其他。不限。\n"
        "方式：第1和第2项为择优；第3项为竞争。\n限额：按上述限额推荐。\n二、乙项目\n内容：无\n方式：竞争\n限额：无"
    )
    known = {c.clause_id: c for c in tree.clauses}
    refs = [[known[r].label for r in c.refs] for c in tree.clauses if c.refs]
    assert refs == [["平台", "基地", "其他"], ["平台", "基地"]]


# --- ids ----------------------------------------------------------------------------------------------------------------


def test_ids_are_readable_and_survive_changes_elsewhere() -> None:
    path = source_of("main")
    source = read_source(path, path.name, Settings())
    before = {c.clause_id: c.text for c in parse(source, guide_of(source)).clauses}
    lines = source.text.split("\n")
    for at in (4, 20, 40, len(lines) - 1):
        changed = [*lines[:at], "绩效说明：这是后来加上的一句话。", *lines[at:]]
        other = SourceText(source.source, "\n".join(changed), "", "txt")
        after = {c.clause_id: c.text for c in parse(other, guide_of(other)).clauses}
        assert {i for i in before if i not in after} == set()
        assert sum(after[i] != text for i, text in before.items()) <= 1
    assert any(i.endswith(".xizangkejiduikouzhiyuan-xiangmu") or "xizangkejiduikouzhiyuan" in i for i in before)


def test_identical_siblings_get_an_ordinal() -> None:
    ids = [c.clause_id for c in tree_of("标题办法\n一、甲\n金额：1元\n金额：1元\n金额：2元").clauses]
    assert len(set(ids)) == 5
    assert ids[3] == ids[2] + "-2"


# --- generated guides -------------------------------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    ["一、", "二、", "（一）", "（二）", "1.", "2.", "1、", "（1）", "①", "第一章 ", "第一条 ", "第二条", "1.1 ", "1.2", "A.", "a)",
     "附件", "附件1", "附表：", "问：", "答：", "申报条件", "申报条件：", "补贴标准：", "【对象】", "（责任单位：某局）", "。", "；", "：", "如下：",
     "3万元", "2025年1月1日", "某某局", "关于某事的通知", "本办法自发布之日起施行。", "——", "- 1 -", "\t", " ", "　", "x", "？", "上述标准",
     "第五条", "第（一）项", "……12", "*", "•", "\u200b", "😀", "\ud800"]
)  # fmt: skip
LINES = st.lists(st.lists(FRAGMENTS | st.text(max_size=12), min_size=1, max_size=6).map("".join), max_size=40)


def canonical(lines: Sequence[str]) -> str:
    parts = [" ".join(re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", line)).strip() for line in lines]
    return "\n".join(part for part in parts if part)


@given(LINES, st.data())
def test_laws_hold_on_any_text(lines: list[str], data: st.DataObject) -> None:
    text = canonical(lines)
    hints = []
    for match in re.finditer(r"[^\n]+", text):
        kind = data.draw(st.sampled_from(["", "", "text", "title", "heading", "list", "row", "header_row", "note"]))
        if kind:
            level = data.draw(st.none() | st.integers(1, 9)) if kind == "heading" else None
            cells = ((match.start(), match.end()),) if kind in ("row", "header_row") else ()
            bold = data.draw(st.booleans())
            hints.append(
                LineHint(match.start(), match.end(), kind, level, bold, table=1 if cells else None, cells=cells)
            )
    source = SourceText("any.txt", text, "", "txt", hints=tuple(hints))
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    assert tree == parse(source, guide_of(source))


OUTER = ("{han}、", "第{han}章 ", "第{han}部分 ", "{n}、", "{n}. ")
MIDDLE = ("（{han}）", "第{han}节 ", "({n})", "{n}．", "{circle}", "{n}）")
INNER = ("{n}．", "（{n}）", "{circle}")
HAN = "一二三四五六七八九"
NAMES = (
    "海洋装备项目",
    "人才引进补贴",
    "平台建设奖励",
    "成果转化资助",
    "基地认定",
    "贷款贴息",
    "首台套保险",
    "标准研制",
)
LABELS = ("支持对象", "支持标准", "申报条件", "受理时间", "联系方式")


def numbered(style: str, value: int) -> str:
    return style.format(han=HAN[value - 1], n=value, circle=chr(ord("①") + value - 1))


@st.composite
def guides(draw: st.DrawFn) -> tuple[str, list[dict]]:
    """A guide in a random pair of numbering styles, with labelled fields and lists, and its outline."""
    outer = draw(st.sampled_from(OUTER))
    middle = draw(st.sampled_from([style for style in MIDDLE if not (outer == "{n}. " and style == "{n}．")]))
    taken = {"{n}. ": "{n}．", "({n})": "（{n}）"}
    inner = draw(st.sampled_from([s for s in INNER if s not in (middle, taken.get(outer), taken.get(middle))]))
    labels = draw(st.lists(st.sampled_from(LABELS), min_size=2, max_size=4, unique=True))
    title = "某某市扶持办法"
    lines, outline = [title], [{"path": [], "start": title}]

    def put(line: str, path: list[str]) -> None:
        lines.append(line)
        outline.append({"path": path, "start": line})

    for first in range(1, draw(st.integers(2, 4)) + 1):
        chapter = numbered(outer, first) + draw(st.sampled_from(NAMES))
        put(chapter, [title])
        for second in range(1, draw(st.integers(2, 3)) + 1):
            section = numbered(middle, second) + draw(st.sampled_from(NAMES))
            put(section, [title, chapter])
            for label in labels:
                if draw(st.booleans()):
                    put(f"{label}：", [title, chapter, section])
                    for third in range(1, draw(st.integers(1, 3)) + 1):
                        put(f"{numbered(inner, third)}满足第{third}类要求的企业；", [title, chapter, section, label])
                else:
                    put(f"{label}：本市企业，最高{draw(st.integers(1, 900))}万元。", [title, chapter, section])
    return "\n".join(lines), outline


@given(guides())
def test_generated_guides_are_read_as_they_were_made(made: tuple[str, list[dict]]) -> None:
    text, outline = made
    tree = tree_of(text)
    assert [(squeeze(c.path[-1]) if c.path else "", c.text) for c in tree.clauses] == [
        (squeeze(e["path"][-1]) if e["path"] else "", e["start"]) for e in outline
    ]


# --- size ---------------------------------------------------------------------------------------------------------------


def seconds(text: str, hints: Sequence[LineHint] = ()) -> float:
    source = SourceText("big.txt", text, "", "txt", hints=tuple(hints))
    start = time.process_time()  # of this process alone: what else runs on the machine does not count
    parse(source, guide_of(source))
    return time.process_time() - start


@pytest.mark.parametrize("unit", ["申报", "1.", "（", "一、", "第1、 2", "附件", "上述标准", "第一条", "：", "【"])
def test_one_enormous_line(unit: str) -> None:
    assert seconds(unit * (5_000_000 // len(unit))) < 20


@pytest.mark.parametrize(
    "line",
    [
        "{}、项目名称",
        "一段没有句号的正文{}",
        "正文{}。",
        "标签{}：",
        "附件{}",
        "问：某某{}？",
        "第{}条 按照第{}条执行。",
        "1.1.{} 项目",
        "上述标准{}：",
    ],
)
def test_time_is_linear(line: str) -> None:
    def text(lines: int) -> str:
        return "某某办法\n" + "\n".join(line.replace("{}", str(at)) for at in range(lines))

    seconds(text(1_000))  # imports and caches
    small, large = seconds(text(1_000)), min(seconds(text(8_000)), seconds(text(8_000)))
    assert large < 8 * 4 * max(small, 0.02)


def test_a_thousand_levels() -> None:
    lines = [f"层级{at}" for at in range(1_000)]
    hints, at = [], 0
    for level, line in enumerate(lines, 1):
        hints.append(LineHint(at, at + len(line), "heading", level))
        at += len(line) + 1
    source = SourceText("deep.docx", "\n".join(lines), "", "docx", hints=tuple(hints))
    tree = parse(source, guide_of(source))
    check_laws(source, tree)
    assert len(tree.clauses) == 1_000
    assert max(len(c.path) for c in tree.clauses) <= 40


def find(tree: ClauseTree, words: str) -> Clause:
    return next(c for c in tree.clauses if words in c.text)


def test_the_guide_in_corpus() -> None:
    path = source_of("main")
    source = read_source(path, path.name, Settings())
    tree = parse(source, guide_of(source))
    assert (len(tree.clauses), tree.unplaced) == (73, ())
    assert [gap.split("：")[0] for gap in tree.gaps] == ["编号样式不同"]
    norway = find(tree, "1. 挪威：")
    assert (norway.label, norway.number, norway.kind) == ("挪威", "1.", "item")
    assert norway.path[1:] == ("一、项目名称：国际（含港澳台）科技合作项目", "（一）政府间科技合作项目", "主要研究内容")
    last = tree.clauses[-1]
    assert last.text == "推荐限额：对口支援与东西部协作项目推荐限额合并计算，可登录申报系统查询。"
    assert last.path[1:] == ("2、 项目名称：对口支援与东西部协作项目", "（四）西藏科技对口支援项目")
