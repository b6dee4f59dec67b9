"""Guides written in English: values, sentences, labels, titles named by some of their words, lists, what is absent."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.bot import GuideBot
from bot.compose import spoken
from bot.english import Titles, in_english, label_in, stem
from bot.evidence import segments, sentences
from bot.facts import quantities
from bot.lexicon import concept_of_label
from bot.types import ClauseId
from tests.conftest import bot_over

GUIDE = """Oakvale Science Fund: Guide for Applicants 2027

1. Open calls

1.1 Seed Research Grants
Eligible applicants: hospitals and universities in Oakvale.
Funding: up to USD 40,000 per grant, no more than 75% of the costs.
Duration: 12 to 18 months.
Deadline: 15 May 2027.

1.2 Doctoral Exchange Fellowships
Eligible applicants: doctoral students aged 24 to 35.
Funding: a monthly stipend of EUR 1,850, paid for up to ten months.
Duration: three to ten months.
Deadline: 30 November 2027.
Participating countries: Finland, Japan and Peru.

2. Selection
An application is rejected if it
(a) arrives after the deadline;
(b) lacks the signature of the host, or
(c) exceeds 12 pages.
A panel of seven experts ranks the remaining applications. Applicants are informed within six weeks, e.g. By letter. The final report is due 90 days after the end of the stay.
"""


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("english"), GUIDE, "oakvale.txt", today="2027-01-10")


@pytest.mark.parametrize(
    ("question", "told", "untold"),
    [
        ("How much money is there for seed grants?", ["up to USD 40,000"], ["1,850"]),
        ("What stipend do doctoral fellowships bring?", ["EUR 1,850"], ["40,000"]),
        ("How long do the exchange fellowships last?", ["three to ten months"], ["18 months"]),
        ("When is the closing date of seed research grants?", ["15 May 2027"], ["November"]),
        ("Who is eligible for seed grants?", ["hospitals and universities"], ["doctoral"]),
        ("How old may doctoral students be for the exchange?", ["24 to 35"], []),
        ("Which countries participate in the doctoral exchange?", ["Finland, Japan and Peru"], []),
        ("How many experts rank the applications?", ["seven experts"], ["12 pages"]),
        ("When is the final report due?", ["90 days after the end of the stay"], ["May"]),
        ("Why is an application rejected?", ["arrives after the deadline", "signature of the host", "12 pages"], []),
        ("Doctoral Exchange Fellowships 的截止时间是哪天", ["30 November 2027"], ["15 May"]),
        ("Seed Research Grants 最多资助多少", ["USD 40,000"], ["1,850"]),
    ],
)
def test_an_english_guide_answers(guide: GuideBot, question: str, told: Sequence[str], untold: Sequence[str]) -> None:
    answer = guide.ask(question)
    assert answer.status == "answered", answer.text
    assert all(words in answer.text for words in told), answer.text
    assert not any(words in answer.text for words in untold), answer.text
    assert answer.citations


@pytest.mark.parametrize(
    "question",
    ["How much is the meal allowance for seed grants?", "Which insurance do fellows need?", "What is the weather tomorrow?", "评审专家每人发多少劳务费"],
)
def test_what_an_english_guide_does_not_say_is_refused(guide: GuideBot, question: str) -> None:
    assert guide.ask(question).status == "refused"


def test_the_value_is_not_said_twice_in_english(guide: GuideBot) -> None:
    assert guide.ask("When is the closing date of seed research grants?").text.count("15 May 2027") == 1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("at least three years", "duration", "P3Y"), ("within eight weeks", "duration", "P8W"), ("ten business days", "duration", "P10WD"),
        ("under the age of 40", "duration", "40 岁"), ("aged 24 to 35", "duration", "24-35 岁"), ("35 years old", "duration", "35 岁"),
        ("€25,000", "amount", "25000 EUR"), ("USD 20k", "amount", "20000 USD"), ("EUR 1.5m", "amount", "1500000 EUR"),
        ("RMB 0.5 million", "amount", "500000 CNY"), ("no more than 3 candidates", "count", "3 candidates"), ("five experts", "count", "5 experts"),
    ],
)  # fmt: skip
def test_values_in_english(text: str, kind: str, value: str) -> None:
    assert [(q.kind, q.value) for q in quantities(text)] == [(kind, value)]


@pytest.mark.parametrize("text", ["a wall of 100 m", "phone one of us", "tendency", "the average age 3.5%"])
def test_no_values_in_english(text: str) -> None:
    assert not [q for q in quantities(text) if q.kind in ("amount", "duration", "count")]


def test_bounds_in_english() -> None:
    assert [q.qualifier for q in quantities("Up to EUR 5,000; at least 3 years")] == ["up to", "at least"]


def test_half_a_year_is_said_in_words() -> None:
    """No digits are shown that the guide does not have ("0.5 years")."""
    assert [spoken(q) for q in quantities("延期不得超过半年")] == ["up to half a year"]


def test_sentences_end_at_a_full_stop_and_not_at_an_abbreviation() -> None:
    text = "The grant is 2.5 million. Costs, e.g. Travel, count. Dr. Lee of the U.S. Fund decides."
    assert [text[s:e] for s, e in sentences(text)] == [
        "The grant is 2.5 million", "Costs, e.g. Travel, count", "Dr. Lee of the U.S. Fund decides",
    ]  # fmt: skip
    assert [text[s:e] for text in ["补助25,000元，分两次拨付"] for s, e in segments(text, 0, len(text))] == ["补助25,000元", "分两次拨付"]


def test_words_are_known_by_their_stems() -> None:
    assert stem("universities") == stem("university")
    assert stem("applicants") == stem("applicant")
    assert stem("funded") == stem("funds") == "fund"
    assert label_in("Eligible applicants", "which applicants are eligible") == (6, 29)
    assert label_in("Eligible applicants", "which costs are eligible") is None
    assert in_english([GUIDE]) and not in_english(["申报主体：高校 (University)", GUIDE[:20]])


def test_titles_are_named_by_most_of_their_words() -> None:
    a, b, c = ClauseId("a"), ClauseId("b"), ClauseId("c")
    titles = Titles({a: "Seed Research Grants", b: "Doctoral Exchange Fellowships", c: "Selection"}, [c])
    assert [ids for _, _, ids in titles.find("the deadline for exchange fellowships")] == [(b,)]
    assert [ids for _, _, ids in titles.find("seed grants or doctoral fellowships")] == [(b,), (a,)]
    assert titles.find("which grants are there") == []  # a word that titles share names none
    assert titles.find("how does selection work") == []


@pytest.mark.parametrize(
    ("label", "concept"), [("Eligible applicants", "eligible"), ("Maximum grant", "funding"), ("Closing date", "deadline"), ("Project period", "duration")]
)
def test_labels_in_english_carry_their_concepts(label: str, concept: str) -> None:
    assert concept_of_label(label) == concept
