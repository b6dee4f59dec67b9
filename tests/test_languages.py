"""Questions in other languages and in noisy Chinese: what is read from them, and what they are answered or refused."""

from __future__ import annotations

import pytest

from bot import lexicon
from bot.bot import GuideBot
from bot.names import places_in
from bot.retrieve import plain_questions
from bot.wording import asking_sentences, fold, gloss, language_of
from tests.conftest import bot_over

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
    ("Wie hoch ist der Zinssatz?", "interest"),
    ("Какая процентная ставка?", "interest"),
    ("設立から何年必要ですか", "established"),
    ("Avec qui faut-il collaborer ?", "partner"),
    ("Met wie moeten we samenwerken?", "partner"),
    ("È cumulabile con altri contributi?", "overlap"),
    ("다른 지원과 중복 수혜가 가능한가요?", "overlap"),
    ("¿Cuándo se entrega el informe final?", "acceptance"),
    ("Milloin loppuraportti on jätettävä?", "acceptance"),
    ("Kan vi bytte prosjektleder?", "change"),
    ("Jak można złożyć odwołanie?", "appeal"),
    ("異議を申し立てられますか", "appeal"),
    ("Ab wann kann man sich bewerben?", "opening"),
    ("Từ ngày nào bắt đầu nhận hồ sơ?", "opening"),
    ("Gibt es ein Webinar?", "training"),
    ("Combien de projets l’année dernière ?", "history_stats"),
    ("Giltig till vilket datum?", "validity"),
    ("Em que língua se escreve?", "paperformat"),
    ("Kaç nüsha gerekli?", "paperformat"),
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


# Words of the genre in each language of lexicon/glossary/, in the forms that questions use.
GLOSSED = [
    ("Who pays the rent of a flat for postdocs?", ("租金", "博士后")),
    ("Does a relocated firm repay the subsidy?", ("迁出", "退还")),
    ("Wie hoch ist der Mietzuschuss für Postdoktoranden?", ("租金", "博士后")),
    ("Les entreprises qui déménagent doivent-elles rembourser ?", ("迁出", "退还")),
    ("¿Cuántas copias selladas hay que entregar?", ("复印件", "盖章")),
    ("Qual è il contributo sull’incasso dei film?", ("票房", "电影")),
    ("O projeto pode ser prorrogado se o líder se demitir?", ("延期", "离职")),
    ("Hoeveel werknemers moet de coöperatie hebben?", ("员工", "合作社")),
    ("Нужна ли гарантия по кредиту?", ("贷款", "担保")),
    ("Kto składa sprawozdanie końcowe z audytem?", ("验收", "审计报告")),
    ("Får företag med anställda studenter hyresbidrag?", ("员工", "学生")),
    ("Kan barn av utøvere få skoleplass?", ("子女", "运动员")),
    ("Kan virksomheder få tilskud til renteudgifter?", ("贴息",)),
    ("Saako vuokratukea, jos muuttaa pois?", ("租金",)),
    ("営業許可証の写しは何部必要ですか", ("营业执照", "复印件")),
    ("블랙리스트에 오른 기업은 보조금을 반환해야 하나요?", ("黑名单", "退还")),
    ("Hợp tác xã có được hỗ trợ mua thiết bị không?", ("合作社", "设备")),
    ("สหกรณ์ซื้อเครื่องจักรได้หรือไม่", ("合作社", "设备")),
    ("Apakah koperasi boleh membeli kendaraan?", ("合作社", "车辆")),
    ("Kooperatifler kredi alabilir mi?", ("合作社", "贷款")),
    ("هل يمكن للجمعيات شراء معدات؟", ("社会组织", "购置")),
]


@pytest.mark.parametrize(("question", "words"), GLOSSED)
def test_words_of_the_genre_are_known_in_many_languages(question: str, words: tuple[str, ...]) -> None:
    known = {group[0] for group in gloss(question.lower(), language_of(question))}
    assert known >= set(words)


@pytest.mark.parametrize(
    "question",
    [
        "Nimmt man ein Taxi zum Amt?", "Quel est son objectif ?", "¿Qué áreas son prioritarias?",
        "Is een aanvraag van maar één partij geldig?", "Entro quale data?", "What share is it?", "In which cases is that so?",
        "We are interested in it", "ประเทศไทยเน้นสาขาใด",
    ],
)  # fmt: skip
def test_words_that_look_like_others_are_not_glossed(question: str) -> None:
    assert gloss(question.lower(), language_of(question)) == []


def test_every_language_that_asks_has_a_glossary_of_sound_patterns() -> None:
    for language in lexicon.table("asking"):
        known = lexicon.glossary(language)
        assert known is not lexicon.glossary("en") or language == "en"
        assert not any(pattern.search("") or not words for pattern, words in known)


def test_chinese_questions_load_no_glossary(bot: GuideBot) -> None:
    lexicon.glossary.cache_clear()
    bot.ask("四川项目的联系电话是多少？申报材料交给谁？")
    assert lexicon.glossary.cache_info().currsize == 0


LODGING = """青年安居办法
第一条 毕业生在本区租赁住房的，按每人每月600元发放房租补贴，补贴期限不超过二年。
第二条 区住房保障服务中心负责受理，受理时间为每年5月1日至6月30日。
第三条 合作社购置农机的，按购置价格的20%给予补助，单个合作社最高15万元。
"""


@pytest.fixture(scope="module")
def lodging(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("lodging"), LODGING, today="2026-05-02")


def test_a_foreign_word_is_read_as_what_this_guide_calls_it(lodging: GuideBot) -> None:
    terms = dict(lodging.reader.read("Wie hoch ist die Miete?").terms)
    assert "房租" in terms and "租金" not in terms  # the likeliest word stands nowhere in this guide


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Quel est le montant maximal pour une coopérative qui achète des machines ?", "15万元"),
        ("Какова максимальная сумма субсидии для кооператива?", "15万元"),
        ("卒業生の家賃補助は月いくらですか", "600元"),
        ("Cuánto reciben los graduados para el alquiler?", "600元"),
    ],
)
def test_plain_texts_answer_questions_in_other_languages(lodging: GuideBot, question: str, fact: str) -> None:
    answer = lodging.ask(question)
    assert (answer.status, fact in answer.text) == ("answered", True), answer.text


def test_what_a_foreign_asker_tells_of_himself_need_not_stand_in_the_guide() -> None:
    assert asking_sentences("We are a start-up. May a club apply? Thank you.") == "May a club apply?"
    assert asking_sentences("wer darf beantragen") == "wer darf beantragen"


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
