"""Answers over made-up guides of other structures than labelled fields: questions and answers, headings with lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from bot.bot import GuideBot
from tests.conftest import bot_over
from tests.test_guide import tree_of

FAQS = {
    "numbered": """云岭市创业补贴政策问答
一、哪些人可以申请创业补贴？
答：下列人员可以申请：
（一）在校大学生和毕业5年内的高校毕业生；
（二）退役军人。
二、补贴标准是多少？
答：每户一次性补贴1万元。
三、申请需要提交哪些材料？
答：1.身份证复印件；
2.营业执照；
3.社保缴费记录；
4.银行卡。
四、多久能拿到补贴？
答：审核通过后20个工作日内拨付。""",
    "marks on lines of their own": """云岭市创业补贴常见问题
问
哪些人可以申请创业补贴？
答
在校大学生、毕业5年内的高校毕业生和退役军人。
问
补贴标准是多少？
答
每户一次性补贴1万元。
问
申请需要提交哪些材料？
答
（1）身份证复印件；
（2）营业执照；
（3）社保缴费记录。
问
多久能拿到补贴？
答
审核通过后20个工作日内拨付。""",
    "Q1 and A1": """云岭市创业补贴FAQ
Q1 哪些人可以申请创业补贴？
A1 在校大学生、毕业5年内的高校毕业生和退役军人。
Q2 补贴标准是多少？
A2 每户一次性补贴1万元。
Q3 申请需要提交哪些材料？
A3 身份证复印件、营业执照、社保缴费记录。
Q4 多久能拿到补贴？
A4 审核通过后20个工作日内拨付。""",
    "in brackets": """云岭市创业补贴问答
【问】哪些人可以申请创业补贴？
【答】在校大学生、毕业5年内的高校毕业生和退役军人。
【问】补贴标准是多少？
【答】每户一次性补贴1万元。
【问】申请需要提交哪些材料？
【答】身份证复印件、营业执照、社保缴费记录。
【问】多久能拿到补贴？
【答】审核通过后20个工作日内拨付。""",
    "on one line": """云岭市创业补贴问答
1.哪些人可以申请创业补贴？答：在校大学生、毕业5年内的高校毕业生和退役军人。
2.补贴标准是多少？答：每户一次性补贴1万元。
3.申请需要提交哪些材料？答：需要提交：
1.身份证复印件；
2.营业执照；
3.社保缴费记录；
4.银行卡。
4.多久能拿到补贴？答：审核通过后20个工作日内拨付。""",
    "without numbers or marks": """哪些人可以申请创业补贴？
回答：在校大学生、毕业5年内的高校毕业生和退役军人。
补贴标准是多少？
回答：每户一次性补贴1万元。
申请需要提交哪些材料？
回答：身份证复印件、营业执照、社保缴费记录。
多久能拿到补贴？
回答：审核通过后20个工作日内拨付。""",
}
ASKED = ("哪些人可以申请创业补贴？", "补贴标准是多少？", "申请需要提交哪些材料？", "多久能拿到补贴？")


@pytest.mark.parametrize("name", FAQS)
def test_a_question_and_its_answer_are_one_clause(name: str) -> None:
    tree = tree_of(FAQS[name])
    items = [c for c in tree.clauses if c.kind == "item"]
    assert [c.label for c in items] == list(ASKED)
    assert len(tree.clauses) - len(items) == (0 if name.startswith("without") else 1)  # the title
    assert all(c.text[c.body_offset :][:1] not in "答A【回\n" for c in items)


@pytest.fixture(scope="module")
def open_bot(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GuideBot]:
    bots: dict[str, GuideBot] = {}

    def opened(text: str) -> GuideBot:
        if text not in bots:
            bots[text] = bot_over(tmp_path_factory.mktemp("structure"), text, "guide.txt", today="2027-02-01")
        return bots[text]

    return opened


@pytest.mark.parametrize("name", FAQS)
@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("哪些人能申请创业补贴", ["大学生", "退役军人"]),
        ("补多少", ["1万元"]),
        ("要交什么材料", ["身份证复印件", "营业执照", "社保缴费记录"]),
        ("多久到账", ["20个工作日"]),
    ],
)
def test_an_answer_of_a_faq_is_whole(
    open_bot: Callable[[str], GuideBot], name: str, question: str, said: Sequence[str]
) -> None:
    answer = open_bot(FAQS[name]).ask(question)
    assert answer.status == "answered"
    assert all(words in answer.text for words in said), answer.text
    assert len(answer.citations) == 1


def test_the_question_nearest_in_words_answers(open_bot: Callable[[str], GuideBot]) -> None:
    bot = open_bot(
        "云岭市稳岗返还问答\n【问】小微企业的返还比例是多少？\n【答】按企业上年度实际缴纳失业保险费的60%返还。\n"
        "【问】大型企业的返还比例是多少？\n【答】30%。\n【问】什么样的企业不能享受？\n【答】严重违法失信企业不享受。"
    )
    assert "30%" in bot.ask("大企业返还比例").text
    assert "60%" in bot.ask("小微企业返还多少").text


HEADINGS = """云岭市专精特新企业奖励申报指南
一、申报条件
（一）在本市登记注册，具有独立法人资格；
（二）上年度营业收入1000万元以上；
（三）近三年未发生重大安全事故。
二、奖励标准
（一）首次认定为国家级专精特新“小巨人”企业的，奖励100万元；
（二）首次认定为省级专精特新中小企业的，奖励30万元。
三、申报材料
（一）申请表；
（二）营业执照复印件；
（三）上年度审计报告。
四、申报时间
2027年6月30日前。
"""
BARE = """云岭市绿色建筑奖励资金申报指南
申报对象
取得二星级以上绿色建筑标识的建设单位。
奖励标准
单个项目最高100万元。
申报材料
奖励资金申请表
绿色建筑标识证书复印件
申报时间
每年5月1日至6月30日
联系方式
市住建局节能科，电话0888-7654321
"""


DATED = """云岭市扶持办法
发布机关：云岭市科技局
实施日期：2026年1月1日
失效日期：2028年12月31日
第一条 为规范扶持资金管理，制定本办法。
第二条 本办法适用于在本市注册的企业。
"""


@pytest.mark.parametrize(
    ("text", "question", "said"),
    [
        (HEADINGS, "申报条件有哪些", ["独立法人资格", "1000万元以上", "安全事故"]),
        (HEADINGS, "需要什么材料", ["申请表", "营业执照复印件", "审计报告"]),
        (HEADINGS, "奖励标准是什么", ["奖励100万元", "奖励30万元"]),
        (HEADINGS, "申报截止到哪天", ["2027年6月30日前"]),
        (HEADINGS, "营业收入要多少", ["1000万元以上"]),
        (DATED, "这个办法是哪天失效的", ["2028年12月31日"]),
        (BARE, "要交什么材料", ["奖励资金申请表", "标识证书复印件"]),
        (BARE, "什么时候申报", ["5月1日至6月30日"]),
        (BARE, "联系电话是多少", ["0888-7654321"]),
    ],
)
def test_a_heading_stands_for_what_is_under_it(
    open_bot: Callable[[str], GuideBot], text: str, question: str, said: Sequence[str]
) -> None:
    answer = open_bot(text).ask(question)
    assert answer.status == "answered"
    assert all(words in answer.text for words in said), answer.text


def test_labels_on_lines_of_their_own_are_headings_of_a_guide_without_numbers() -> None:
    tree = tree_of(BARE)
    headings = [c.label for c in tree.clauses if c.kind == "heading"][1:]
    assert headings == ["申报对象", "奖励标准", "申报材料", "申报时间", "联系方式"]


# --- long lists and counted people ------------------------------------------------------------------------------------

LONG = """云岭市创业场租补贴指南
一、场租补贴
补贴对象：符合条件的创业者。
补贴条件：
（1）初创企业的法定代表人（女性不超过55周岁、男性不超过60周岁）须为下列人员之一：
①普通高等学校、中等职业学校和技工院校在校及毕业5年内的学生，以及取得国（境）外学历学位认证的留学回国人员；
②军队转业干部、退役军人，含自主择业和逐月领取退役金的人员；
③登记失业人员、就业困难人员，以失业登记系统的记录为准；
④开办农家乐、民宿的人员，须取得特种行业许可或者完成备案。
（2）租赁合同已经备案（合同期限不少于一年），租金由企业对公账户支付；
（3）获奖项目吸纳就业3人以上，并且连续缴纳社会保险费满6个月。
补贴标准：每年6000元。
"""


@pytest.fixture(scope="module")
def long_list(open_bot: Callable[[str], GuideBot]) -> GuideBot:
    return open_bot(LONG)


def test_a_long_list_names_each_of_its_items(long_list: GuideBot) -> None:
    """Each up to its first mark, and that something is left out is shown; a lead-in to other items stays whole."""
    text = long_list.ask("哪些人可以领场租补贴").text
    assert all(w in text for w in ("学校", "军队转业干部", "登记失业人员", "农家乐", "租赁合同已经备案", "吸纳就业3人以上")), text
    assert "须为下列人员之一" in text and "租赁合同已经备案……" in text
    assert len(text) < 280, len(text)


@pytest.mark.parametrize("question", ["场租补贴要吸纳就业几个人才给", "一个人的场租补贴多少"])
def test_people_who_are_counted_are_no_class_of_applicants(long_list: GuideBot, question: str) -> None:
    reading = long_list.read(question)
    assert not reading.bodies
    assert "人才" not in dict(reading.focus)


# --- sections told by a class ---------------------------------------------------------------------------------------

CLASSES = """云岭医院2027年度培育项目申请指南
■ 项目类别
【A类：起步项目】
资助对象：本院医师、药师，1989年1月1日以后出生
资助强度：每项8万元
研究类型：回顾性研究、诊断试验
研究期限：2年
【B类：面上项目】
资助对象：本院在职职工，中级以上职称
资助强度：每项20万元
研究类型：队列研究、随机对照试验
研究期限：3年
【C类：护理项目】
资助对象：本院护理人员，不限职称
资助强度：每项4万元
研究类型：护理质量改进
研究期限：1年
■ 时间安排
网上申请：2027年1月11日至2月5日
形式审查：2027年2月22日至3月5日
■ 经费使用
劳务费上限：A类和B类不超过资助额的30%，C类不超过资助额的20%
结余经费：由科室统筹使用
■ 常见问题
问：项目可以延期吗？
答：A类、B类可以申请延期一次，最长12个月；C类不得延期。
问：可以更换负责人吗？
答：B类经批准可以更换；A类和C类不得更换。"""


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("classes"), CLASSES, "云岭.txt", today="2027-01-05")


@pytest.mark.parametrize(
    ("question", "said", "unsaid"),
    [
        ("A类最多资助多少钱", ["8万元"], ["20万元", "4万元"]),
        ("b类做几年", ["3年"], ["2年"]),
        ("A类可以做哪些类型的研究", ["回顾性研究", "诊断试验"], ["队列"]),
        ("B类研究类型有哪些", ["队列研究", "随机对照试验"], ["护理"]),
        ("A类跟C类资助多少", ["8万元", "4万元"], ["20万元"]),
        ("A类资助额和年限各是多少", ["8万元", "2年"], ["没有写明"]),
        ("A类跟C类资助额和年限差多少", ["8万元", "4万元", "2年", "1年"], ["20万元"]),
        ("A类能不能延期", ["可以"], ["不能", "不得"]),
        ("C类能不能延期", ["不能", "不得延期"], ["12个月"]),
        ("C类可以换负责人吗", ["不能"], ["经批准"]),
        ("C类劳务费最多多少", ["20%"], ["30%"]),
        ("How much funding does category C give?", ["4万元", "40,000"], ["8万元"]),
    ],
)
def test_a_section_is_known_by_its_class(classes: GuideBot, question: str, said: list[str], unsaid: list[str]) -> None:
    answer = classes.ask(question)
    assert answer.status == "answered", answer.text
    assert all(words in answer.text for words in said), answer.text
    assert not any(words in answer.text for words in unsaid), answer.text


def test_a_follow_up_about_another_class_keeps_the_topic(classes: GuideBot) -> None:
    assert "不得延期" in classes.ask("C类呢", ["A类项目能申请延期吗"]).text
    assert "20%" in classes.ask("C类呢", ["A类劳务费上限是多少"]).text


def test_a_class_that_the_guide_lacks_is_refused(classes: GuideBot) -> None:
    answer = classes.ask("E类项目资助多少")
    assert answer.status == "refused"
    assert "e类" in answer.text.lower()


# --- a school's rules without labelled fields ---------------------------------------------------------------------------

SCHOOL = """云岭市技工实训室管理办法
第一章 总则
第一条 为规范技工实训室管理，制定本办法。
第二条 实训室建成后，由市人社局每年组织考评。考评内容包括设备完好率、安全制度、开放课时和学员满意度。
第三条 考评合格的实训室，给予运行经费5万元。
第二章 申报
第四条 申报单位应当已开展实训工作，主体登记时间在4年内。
第五条 申报人及其配偶应没有其他实训贷款。
第六条 申报单位应当有具体实训项目，项目经营规范。
第七条 本办法与本市相关政策有重叠的，按照“从高、不重复”的原则执行。
附表
1. 云岭市技工实训室考评表
2. 云岭市技工实训室学员名册
"""


@pytest.fixture(scope="module")
def school(open_bot: Callable[[str], GuideBot]) -> GuideBot:
    return open_bot(SCHOOL)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("实训室考评主要看哪几样", "设备完好率、安全制度、开放课时和学员满意度"),  # a sentence that lists, not a form's title
        ("市里别的政策也有奖，能两边都拿吗", "不重复"),
        ("同一件事可以重复享受吗", "不重复"),
        ("How recently must my company have been registered to apply?", "4年内"),
    ],
)
def test_the_sentence_that_says_what_is_asked_answers(school: GuideBot, question: str, told: str) -> None:
    answer = school.ask(question)
    assert answer.status == "answered", answer.text
    assert told in answer.text


@pytest.mark.parametrize("question", ["Muss man einen Antrag stellen?", "Can a young man apply?"])
def test_an_everyday_word_is_no_country(school: GuideBot, question: str) -> None:
    assert not school.read(question).query.unknown


def test_a_label_that_names_what_is_asked_comes_before_a_list(open_bot: Callable[[str], GuideBot]) -> None:
    text = "云岭市人才措施\n一、人才引进\n对引进的高端人才，给予最高30万元支持。\n允许企业自主认定人才，认定后享受同等待遇。\n（责任单位：市人才办、市科技局、市人社局）\n二、金融支持\n鼓励银行放款。\n（责任单位：市金融办）\n"
    answer = open_bot(text).ask("人才引进这条是哪几个部门负责的")
    assert "市人才办、市科技局、市人社局" in answer.text and "30万元" not in answer.text, answer.text


def test_a_word_that_stands_for_one_of_a_section_means_it(open_bot: Callable[[str], GuideBot]) -> None:
    reading = open_bot(SUBSIDIES).read("房租最多补几年")
    assert reading.scope == "implied" and len(reading.query.sections) == 1
    once = open_bot(SUBSIDIES).ask("登记满几个月才能申请一次性开业资助")
    assert "6个月" in once.text, once.text


SUBSIDIES = """云岭市开业扶持指南
一、一次性开业资助
补贴条件：企业登记满6个月。
补贴标准：1万元。
补贴期限：一次性。
二、场租支持
补贴条件：场租合同已经备案。
补贴标准：每年6000元。
补贴期限：累计不超过3年。
"""


def test_people_are_counted_by_people(open_bot: Callable[[str], GuideBot]) -> None:
    """ "几个人才给资助": an amount of money is no answer where another clause counts people."""
    text = LONG.replace("二、", "三、") + "二、大赛资助\n补贴标准：一等奖20万元，二等奖10万元。\n补贴条件：大赛获奖项目吸纳就业6人以上。\n"
    answer = open_bot(text).ask("大赛资助的获奖项目要招够几个人才给资助")
    assert "6人以上" in answer.text, answer.text


def test_words_that_name_no_section_stay_words_of_the_question(school: GuideBot) -> None:
    assert "考评" in dict(school.read("实训室考评主要看哪几样").focus)
    assert dict(school.read("我老婆有一笔贷款没还，还能不能行").focus)  # told before the part that asks


# --- sums ---------------------------------------------------------------------------------------------------------------

SUMS = """云岭市冷库建设补助办法
第一章 补助标准
第一条 冷库补助。新建冷库的，按核定设施造价的30%给予补助，单个主体最高80万元；位于山区县的，补助比例提高到40%，单个主体最高120万元。
第二条 车辆补助。新能源冷藏车每辆补助6万元，燃油冷藏车每辆补助3万元，单个企业合计最高50万元。
第三条 留用补助。稳定就业6个月以上的，按每人3000元给予用人单位留用补助。
第四条 检修补助。检修费用占总投资的比例不得超过35%。
第二章 管理
第五条 本办法由市农业局负责解释，有效期三年。"""


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("sums"), SUMS, "云岭.txt", today="2027-01-05")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("新建冷库核定造价200万，能补多少？", "60万元（200万×30%）：按核定设施造价的30%给予补助，单个主体最高80万元"),
        ("新建冷库核定造价500万，最多能补多少？", "80万元（500万×30%=150万元）"),
        ("山区县的冷库，造价200万能补多少？", "80万元（200万×40%）"),
        ("买了5辆新能源冷藏车能补多少钱？", "30万元（5辆×6万元）"),
        ("买了10台新能源冷藏车一共补多少？", "50万元（10台×6万元=60万元）"),
        ("稳定就业的留用了4个人，留用补助总共多少钱？", "1.2万元（4个×3000元）"),
    ],
)
def test_a_share_or_so_much_for_each_is_worked_out(sums: GuideBot, question: str, said: str) -> None:
    answer = sums.ask(question)
    assert answer.status == "answered"
    assert answer.text.startswith(said)
    assert answer.citations[0].text.startswith("第")


@pytest.mark.parametrize("question", ["新能源冷藏车补助多少钱？", "年营收500万的企业，新能源冷藏车补助多少？", "检修花了200万，补助多少？"])
def test_what_no_rule_takes_a_share_of_is_not_worked_out(sums: GuideBot, question: str) -> None:
    assert "×" not in sums.ask(question).text


TOPICS = """云岭区安居政策问答（2026年版）

一、租房补贴

问：租房补贴每个月多少钱？
答：甲类每月5000元，乙类中硕士每月1200元、本科生每月800元。

问：租房补贴最长能领多久？
答：甲类最长60个月，乙类最长36个月。

二、购房补贴

问：购房补贴是多少？
答：甲类最高150万元，乙类中硕士10万元、本科生不享受购房补贴。

问：购房补贴怎么发？
答：分五年发放，每年发放20%。

三、办理流程

问：需要交哪些材料？
答：共同材料有身份证件和劳动合同。申请租房补贴另交租赁备案证明；申请购房补贴另交购房合同和付款发票。

问：审核要多长时间？
答：租房补贴10个工作日，购房补贴30个工作日。材料需要补正的，补正时间不计算在内。

问：什么时候可以申请？
答：租房补贴全年受理。购房补贴每年集中受理两次，分别为3月和9月。

问：可以请别人代办吗？
答：租房补贴可以由用人单位的人事专员代办。购房补贴必须由本人办理。
"""


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("topics"), TOPICS, today="2026-03-01")


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("购房补贴是一下子给完还是分几年，每年给几成？", "每年发放20%"),
        ("同是乙类，硕士和本科每月租房补贴差多少，各是多少？", "本科生每月800元"),
    ],
)
def test_a_heading_is_named_and_not_the_question_under_it_that_begins_with_its_words(
    topics: GuideBot, question: str, says: str
) -> None:
    """ "购房补贴是…" is the heading 购房补贴 with all its answers, not the one to 购房补贴是多少."""
    assert says in topics.ask(question).text


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("租房补贴交上去审多久？", "租房补贴10个工作日"),
        ("办购房补贴除了共同材料还要带啥？", "购房合同和付款发票"),
    ],
)
def test_a_heading_over_questions_is_also_told_of_by_answers_elsewhere_that_name_it(
    topics: GuideBot, question: str, says: str
) -> None:
    assert says in topics.ask(question).text


def test_what_one_must_do_oneself_nobody_else_may_do(topics: GuideBot) -> None:
    assert topics.ask("购房补贴能找人代办吗").text.startswith("不")
    assert topics.ask("租房补贴能找人代办吗").text.startswith("可以")


def test_a_longer_run_that_only_an_answer_holds_takes_no_name_away(topics: GuideBot) -> None:
    """ "购房补贴，每年…" stands in the answer to 什么时候可以申请, and still is the heading 购房补贴."""
    assert topics.ask("乙类硕士的购房补贴每年发多少？").understood.startswith("购房补贴")


def test_which_platform_to_apply_on_is_where_to_apply(topics: GuideBot) -> None:
    reader = topics._loaded.library.room(topics._loaded.library.scope("补助到哪个平台申报", (), None, None)).reader
    assert reader.read("补助到哪个平台申报", ()).concepts[0] == "process"


RULED_OUT = """云岭市群众赛事补助办法

第一章 总则

第一条 本市行政区域内举办的群众赛事，可以申请补助。

第二条 下列赛事活动不予补助：
（一）已获得上级经费的赛事；
（二）企业内部职工运动会。

第二章 补助标准

第三条 补助资金按照赛事实际支出的30%核定，最高不得超过20万元。

第四条 补助资金可以用于场地租赁、器材租用、裁判劳务和保险。不得用于发放奖金、购置固定资产和招待支出。

第三章 申报程序

第五条 申报单位应当提交赛事方案和经费预算。
"""


@pytest.fixture(scope="module")
def ruled_out(tmp_path_factory: pytest.TempPathFactory) -> GuideBot:
    return bot_over(tmp_path_factory.mktemp("ruled_out"), RULED_OUT, today="2026-03-01")


@pytest.mark.parametrize(
    ("question", "says", "unsaid"),
    [
        ("补助的钱哪些地方不准花？", "不得用于发放奖金、购置固定资产和招待支出", "可以用于"),
        ("补助资金不能花在哪些地方？", "不得用于发放奖金、购置固定资产和招待支出", "可以用于"),
        ("补助资金能花在哪些地方？", "场地租赁、器材租用", "不得用于"),
        ("什么样的比赛是明确不给补的？全部列一下", "企业内部职工运动会", "可以申请"),
        ("哪些情况是不给补助的", "企业内部职工运动会", "可以申请"),
    ],
)
def test_a_list_of_what_is_not_given_or_allowed(ruled_out: GuideBot, question: str, says: str, unsaid: str) -> None:
    text = ruled_out.ask(question).text
    assert says in text
    assert unsaid not in text
