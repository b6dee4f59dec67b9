"""Questions in other languages and in noisy Chinese: what is read from them, and what they are answered or refused."""

from __future__ import annotations

import pytest

from bot import lexicon
from bot.bot import GuideBot
from bot.names import places_in
from bot.retrieve import plain_questions
from bot.wording import fold, language_of

# A question about one concept in each language of lexicon/asking.toml, as people put it.
ASKED = [
    ("Bis zu welchem Datum muss man abgeben?", "deadline"),
    ("Jusqu’à quelle date peut-on déposer ?", "deadline"),
    ("¿Quién tiene derecho a presentarse?", "eligible"),
    ("Por quanto tempo pode decorrer o projeto?", "duration"),
    ("A quanto ammonta il contributo?", "funding"),
    ("Hoeveel jaar mag het project duren?", "duration"),
    ("Каким образом отбираются проекты?", "orgmode"),
    ("Kto może złożyć wniosek?", "eligible"),
    ("En geç ne zaman başvurulmalı?", "deadline"),
    ("Hur många dagar om året måste man vara på plats?", "onsite"),
    ("Hvilken etat skal vi henvende oss til?", "authority"),
    ("Hvor længe må projektet vare?", "duration"),
    ("Mille aloille yhteistyö painottuu?", "content"),
    ("どうやって選ばれますか", "orgmode"),
    ("어떤 방식으로 선정되나요?", "orgmode"),
    ("Thực hiện trong mấy năm?", "duration"),
    ("มีระยะเวลากี่ปี", "duration"),
    ("Siapa saja yang boleh mengajukan?", "eligible"),
    ("من يحق له التقدم؟", "eligible"),
    ("עד מתי צריך להגיש?", "deadline"),
    ("Können Universitäten Anträge stellen?", "eligible"),
    ("Wie hoch ist der Förderhöchstbetrag?", "funding"),
    ("Welche Forschungsschwerpunkte werden gefördert?", "content"),
    ("Wem gehört das geistige Eigentum?", "ip"),
    ("Mikä on hakemusaika?", "deadline"),
    ("Mikä on tuen enimmäismäärä?", "funding"),
    ("Montako vuotta projekti kestää?", "duration"),
    ("Mikä viranomainen vastaa Suomen puolella?", "authority"),
    ("Kuinka monta ihmistä on koulutettava?", "targets"),
    ("Voiko hanketta jatkaa?", "change"),
    ("¿Quién evalúa las solicitudes?", "review"),
    ("1つの機関から何件まで推薦できますか", "quota"),
    ("候補者リストの公示期間は何日間ですか", "announce"),
    ("지식재산권은 누구에게 귀속되나요", "ip"),
    ("Сколько денег выделяют на проект?", "funding"),
    ("Can a hospital take part?", "eligible"),
    ("When does the money arrive?", "payout"),
    ("When will winners be announced?", "announce"),
]
DETAILS = [
    ("Quand le financement sera-t-il versé sur notre compte ?", "payout"),
    ("Qual é o telefone para esclarecer dúvidas?", "contact"),
    ("Quanti esperti valutano le domande?", "review"),
    ("Krijgen we de reiskosten vergoed?", "budget"),
]


@pytest.mark.parametrize(("question", "concept"), [*ASKED, *DETAILS])
def test_concepts_are_asked_for_in_many_languages(bot: GuideBot, question: str, concept: str) -> None:
    assert bot.reader.read(question).concepts[0] == concept


def test_a_small_word_of_one_language_asks_for_nothing_in_another(bot: GuideBot) -> None:
    assert bot.reader.read("¿Y para Noruega?").concepts == ()  # "para" is money in Turkish
    assert "age" not in bot.reader.read("Mikä on hankkeen kesto?").concepts  # "ikä" is age, "mikä" is what


def test_the_files_of_other_languages_name_concepts() -> None:
    known = set(lexicon.concepts())
    assert {c for table in lexicon.table("asking").values() for c in table} <= known
    assert {c for c, _ in plain_questions()} <= known | {"none"}


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("projekt w Tybecie", "西藏"), ("projet au Setchouan", "四川"), ("in der Inneren Mongolei", "内蒙古"),
        ("проект в Ганьсу", "甘肃"), ("윈난 사업", "云南"), ("โครงการกวางตุ้ง", "广东"), ("הפרויקט בטיבט", "西藏"),
        ("la parte noruega", "挪威"), ("الجانب النرويجي", "挪威"), ("der westflandrische Partner", "比利时"),
        ("West-Vlaamse partner", "比利时"), ("한국과의 협력", "韩国"), ("Norwegens Partner", "挪威"),
    ],
)  # fmt: skip
def test_places_are_known_by_their_foreign_names(question: str, name: str) -> None:
    assert name in [n for p in places_in(question.lower(), language_of(question)) for n in p.names]


@pytest.mark.parametrize(("question", "language"), [("tot wanneer kan men indienen", "nl"), ("kuka vastaa hakijan puolella", "fi"), ("기대만큼 받나요", "ko")])
def test_a_word_that_begins_like_a_place_is_none(question: str, language: str) -> None:
    assert places_in(question, language) == []


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("xiangmu zuiduo bu duoshao qian", "zh"), ("那个project的deadline是how many days", "zh"), ("Hvem kan søge støtte?", "da"),
        ("Wer darf „联合实验室“ Projekte beantragen und bis wann?", "de"), ("Ποιος μπορεί να υποβάλει αίτηση;", "el"),
    ],
)  # fmt: skip
def test_the_language_of_mixed_and_short_questions(question: str, language: str) -> None:
    assert language_of(question) == language


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("项 目 谁 能 报", "项目谁能报"), ("补贴 最多 给 多少", "补贴最多给多少"), ("经费 期限", "经费 期限"), ("xm jf", "项目 经费"),
        ("xiangmu zuichang ji nian", "项目最长几年"), ("zuiduo bu duoshao qian", "最多补多少钱"),
    ],
)  # fmt: skip
def test_blanks_initials_and_pinyin_are_read_as_chinese(typed: str, read: str) -> None:
    assert fold(typed, "zh") == read


def test_letters_that_spell_nothing_are_not_read_over(bot: GuideBot) -> None:
    assert bot.reader.names.spell("外方xqz是哪天", ()) == "外方xqz是哪天"  # no "方式" across the letters
    assert bot.reader.read("挪威外方DDL是哪天").concepts[0] == "deadline"


def test_words_half_in_pinyin_are_words_of_the_guide(bot: GuideBot) -> None:
    assert bot.reader.names.spell("优先zhi持哪些", ()).startswith("优先支持")
    assert bot.reader.names.spell("data center", ()) == "data center"


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        # Languages of which the lexicon holds no word: the section by its name, the field by its meaning.
        ("Kui palju raha võib Tiibeti projekt maksimaalselt saada?", "60万元"),
        ("Koliko najviše novca može dobiti projekt u Tibetu?", "60万元"),
        ("Кто выдаёт рекомендательное письмо для Сычуани?", "指挥部"),
        ("Wer stellt das Empfehlungsschreiben für Sichuan aus?", "指挥部"),
    ],
)
def test_a_question_is_answered_by_its_meaning(bot: GuideBot, question: str, fact: str) -> None:
    answer = bot.ask(question)
    assert (answer.status, fact in answer.text) == ("answered", True), answer.text


@pytest.mark.parametrize(
    "question",
    [
        "Jaké je telefonní číslo pro projekt v Tibetu?",
        "Quand le financement sera-t-il versé sur notre compte ?",
        "한국과의 정부간 협력 프로젝트 마감일은 언제인가요?",
        "How much does the agency give to the Norwegian partner?",
        "Kakvo je vrijeme danas u Tibetu?",
    ],
)
def test_what_the_guide_does_not_say_is_refused_in_any_language(bot: GuideBot, question: str) -> None:
    assert bot.ask(question).status == "refused"
