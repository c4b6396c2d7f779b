"""Names, keys and likeness: the worked cases WC-04 and WC-21 of the domain, and search by grams."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.names import (
    Identity,
    Tier,
    check_digit,
    company_name,
    dice,
    email_domain,
    email_key,
    fold,
    grams,
    mask_email,
    mask_phone,
    matches,
    phone_key,
    query_grams,
    same_firm,
    uscc,
    web_domain,
)

VALID_A, VALID_B = "91110000600037341L", "91350100M000100Y43"


def tier(a: Identity, b: Identity) -> Tier:
    verdict = same_firm(a, b)
    assert verdict == same_firm(b, a), "likeness has no direction"
    return verdict.tier


# WC-04


@pytest.mark.parametrize("code", [VALID_A, VALID_B, "911522010783762860", "N2330106MF00000010", "A1110000600037341K"])
def test_valid_credit_codes(code):
    assert uscc(code) == (code, True)
    assert uscc(f" {code[:6]}-{code[6:].lower()} ") == (code, True)


def test_full_width_credit_code_is_normalised():
    assert uscc("９１１１００００６００037341l") == (VALID_A, True)


@pytest.mark.parametrize(
    "code", ["91110000600037341N", "9111000060003IOZSV", "91110000600037341", "A1110000600037341L", "", None, "汉" * 18]
)
def test_invalid_credit_codes(code):
    assert not uscc(code).valid


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_check_digit_notices_every_single_wrong_digit(digits, place, shift):
    code = digits + check_digit(digits)
    wrong = str((int(digits[place]) + shift) % 10)
    assert uscc(code).valid
    assert not uscc(code[:place] + wrong + code[place + 1 :]).valid


# WC-21: names


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("腾讯科技（深圳）有限公司", "騰訊科技(深圳)有限公司", Tier.REVIEW),
        ("北京星河软件有限公司", "北京 星河软件 有限责任公司", Tier.REVIEW),
        ("深圳市远望谷信息技术股份有限公司", "深圳远望谷信息技术股份有限公司", Tier.REVIEW),
        ("ＡＢＢ（中国）有限公司", "abb(中国)有限公司", Tier.REVIEW),
        ("腾讯科技(深圳)", "腾讯科技（深圳）有限公司", Tier.REVIEW),
        ("上海明远机电有限公司", "上海明远机电有限公司杭州分公司", Tier.RELATED),
        ("东方电气集团有限公司", "东方电气有限公司", Tier.RELATED),
        ("中国电信股份有限公司", "中国电信集团有限公司", Tier.RELATED),
        ("杭州云帆科技股份有限公司", "杭州云帆科技有限公司", Tier.HINT),
        ("广东粤华精密机械有限公司", "广东粤华精密机械制造有限公司", Tier.HINT),
        ("广东粤华精密机械有限公司", "广东粤海精密机械有限公司", Tier.NONE),
        ("华为技术有限公司", "华为终端有限公司", Tier.NONE),
        ("阿里巴巴(中国)有限公司", "阿里巴巴(北京)有限公司", Tier.NONE),
        ("北京星河软件有限公司", "上海星河软件有限公司", Tier.NONE),
        ("Acme Corporation", "ACME Corp.", Tier.REVIEW),
        ("Acme Co., Ltd.", "acme", Tier.REVIEW),
        ("Siemens Group", "Siemens Ltd", Tier.RELATED),
        ("腾讯科技深圳有限公司", "腾讯科技（深圳）有限公司", Tier.REVIEW),
        ("江苏省昆山市华扬机械有限公司", "江苏昆山华扬机械有限公司", Tier.REVIEW),
        ("明远机电杭州分公司", "明远机电", Tier.RELATED),
        ("", "", Tier.NONE),
        ("有限公司", "有限公司", Tier.NONE),
    ],
)
def test_pairs_of_names(a, b, expected):
    assert tier(Identity(a), Identity(b)) is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("广东粤华精密机械", "广东粤华精密机械制造", 0.875),
        ("广东粤华精密机械", "广东粤海精密机械", 0.714),
        ("华为技术", "华为终端", 0.333),
        ("阿里巴巴(中国)", "阿里巴巴(北京)", 0.571),
        ("北京星河软件", "上海星河软件", 0.600),
        ("", "", 0.0),
        ("A", "A", 1.0),
        ("A", "B", 0.0),
    ],
)
def test_dice(a, b, expected):
    assert round(dice(a, b), 3) == expected


def test_parts_of_a_name():
    name = company_name("深圳市 腾讯科技（集团）股份有限公司 杭州分公司")
    assert (name.core, name.core_reg) == ("深圳市腾讯科技", "深圳腾讯科技")
    assert (name.branch, name.form, name.group) == ("杭州分公司", "JOINT", True)


@pytest.mark.parametrize(
    "name", ["上海市场营销策划中心", "北京市政工程公司", "新城市软件", "海尔集团电器产业有限公司", "Zinc"]
)
def test_what_only_looks_like_a_rank_or_a_form_stays(name):
    assert company_name(name).core_reg == name.upper().removesuffix("有限公司").removesuffix("公司")


# WC-21: codes, phones, mail, web


def test_same_credit_code_blocks_whatever_the_names():
    assert tier(Identity("甲机械", uscc=VALID_A), Identity("乙电气", uscc=VALID_A.lower())) is Tier.BLOCK
    assert (
        tier(Identity("甲机械", uscc="91110000600037341N"), Identity("乙电气", uscc="91110000600037341N")) is Tier.NONE
    )


def test_two_valid_credit_codes_are_two_firms():
    same = {"name": "北京星河软件有限公司", "phones": ("13800138000",), "emails": ("a@xh.com",)}
    a, b = Identity(**same, uscc=VALID_A), Identity(**same, uscc=VALID_B)
    assert tier(a, b) is Tier.RELATED  # the mail domain still relates them
    assert tier(Identity("星河软件", uscc=VALID_A), Identity("星河软件", uscc=VALID_B)) is Tier.HINT


@pytest.mark.parametrize(
    "raw",
    [
        "138-0013-8000",
        "+86 138 0013 8000",
        "１３８００１３８０００",
        "0086-13800138000",
        "13800138000转1",
        "+86(138)00138000",
    ],
)
def test_one_mobile_in_many_spellings(raw):
    assert phone_key(raw) == ("+8613800138000", "mobile")


@pytest.mark.parametrize(
    "raw", ["010-8888 8888 转 123", "(010)88888888", "+86-10-88888888", "01088888888 ext. 5", "010-88888888#2"]
)
def test_one_landline_in_many_spellings(raw):
    assert phone_key(raw) == ("+861088888888", "landline")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("400-810-8888", "shared"), ("800 810 8888", "shared"), ("95588", "shared"), ("12800138000", "invalid"),
     ("", "invalid"), (None, "invalid"), ("电话", "invalid"), ("+", "invalid"), ("1" * 500, "invalid")],
)  # fmt: skip
def test_other_numbers(raw, kind):
    assert phone_key(raw).kind == kind


def test_foreign_numbers_keep_their_country():
    assert phone_key("+852 2345 6789").key == "+85223456789"
    assert phone_key("0044 20 7946 0958").key == "+442079460958"


@pytest.mark.parametrize(
    ("a", "b", "expected", "reason"),
    [
        (Identity("甲", phones=("138-0013-8000",)), Identity("乙", phones=("13800138000",)), Tier.REVIEW, "MOBILE"),
        (Identity("星河软件", phones=("138-0013-8000",)), Identity("星河软件有限公司", phones=("13800138000",)),
         Tier.BLOCK, "MOBILE_AND_NAME"),
        (Identity("甲", phones=("(010)88888888",)), Identity("乙", phones=("010-88888888转1",)), Tier.HINT, "LANDLINE"),
        (Identity("甲", phones=("400-810-8888",)), Identity("乙", phones=("4008108888",)), Tier.NONE, None),
        (Identity("甲", phones=("12800138000",)), Identity("乙", phones=("12800138000",)), Tier.NONE, None),
        (Identity("", phones=("13800138000",)), Identity("", phones=("13800138000",)), Tier.REVIEW, "MOBILE"),
        (Identity(emails=("a@qq.com",)), Identity(emails=("b@qq.com",)), Tier.NONE, None),
        (Identity(emails=("a@qq.com",)), Identity(emails=("A@QQ.com",)), Tier.BLOCK, "EMAIL"),
        (Identity(emails=("a@abb.com",)), Identity(emails=("b@abb.com",)), Tier.RELATED, "EMAIL_DOMAIN"),
        (Identity(emails=("A@abb.com",)), Identity(emails=("a@abb.com",)), Tier.BLOCK, "EMAIL"),
        (Identity(website="http://www.abb.com/cn"), Identity(website="abb.com"), Tier.REVIEW, "WEB_DOMAIN"),
        (Identity(website="www.1688.com"), Identity(website="www.1688.com"), Tier.NONE, None),
    ],
)  # fmt: skip
def test_other_marks(a, b, expected, reason):
    assert tier(a, b) is expected
    assert same_firm(a, b).reasons[:1] == ((reason,) if reason else ())


def test_keys_of_mail_and_web():
    assert email_key(" Mailto:Zhang.San@ABB.com ") == "zhang.san@abb.com"
    assert [email_key(bad) for bad in ("", None, "a@b", "a b@c.d", "@c.d", "a@.d")] == [""] * 6
    assert (email_domain("a@vip.163.com"), email_domain("a@abb.com.cn")) == ("", "abb.com.cn")
    assert web_domain("HTTPS://www.Example.COM.cn:8080/x?y#z") == "example.com.cn"
    assert web_domain("www.com") == "www.com"
    assert [web_domain(bad) for bad in ("", None, "无", "http://[::1", "10.0.0.1", "localhost", "a b.c")] == [""] * 7


def test_masks_hide_what_a_stranger_must_not_see():
    assert mask_phone("+86 138 0013 8000") == "138****8000"
    assert mask_phone("010-88888888") == "010****8888"
    assert (mask_phone("88888888"), mask_phone("8888"), mask_phone("")) == ("****88", "****", "")
    assert (mask_email("zhang@abb.com"), mask_email("z@abb.com")) == ("z***@abb.com", "***@abb.com")
    assert (mask_email("13800138000"), mask_email("")) == ("***", "")


@given(st.from_regex(r"1[38][0-9]{9}", fullmatch=True), st.integers(3, 9))
def test_phone_key_does_not_depend_on_spelling(digits, cut):
    key = phone_key(digits)
    assert phone_key(f"+86 {digits[:cut]}-{digits[cut:]}") == key
    assert not key.key or phone_key(key.key) == key
    assert digits[3:7] not in mask_phone(digits)[3:7]


# Search


@given(st.text(max_size=40))
def test_fold_is_idempotent_and_everything_survives_it(text):
    assert fold(fold(text)) == fold(text)
    assert len(grams(text)) <= 120
    company_name(text), phone_key(text), email_domain(text), web_domain(text), uscc(text), query_grams(text)


@pytest.mark.parametrize("ugly", ["\ud800", "\x00", "a\u202eb", "\u0345", "ﷺ" * 300, "北" * 5000, "1" * 5000])
def test_hostile_text(ugly):
    assert len(grams(ugly, ugly + "华为")) <= 120
    assert "\ud800" not in fold(ugly) and "\x00" not in fold(ugly)
    same_firm(Identity(ugly, (ugly,), (ugly,), ugly, ugly), Identity(ugly, (ugly,), (ugly,), ugly, ugly))


def found(record: str, query: str) -> bool:
    """Whether the record is a candidate by its grams and the verification agrees."""
    wanted = query_grams(query)
    return bool(wanted) and set().union(*wanted) <= grams(record) and matches(record, query)


@pytest.mark.parametrize(
    ("record", "query"),
    [
        ("深圳市华为技术有限公司", "华为"),
        ("深圳市华为技术有限公司", "華為技術"),
        ("深圳市华为技术有限公司", "深"),
        ("深圳市华为技术有限公司", "深圳 技术"),
        ("深圳市华为技术有限公司", "huawei"),
        ("深圳市华为技术有限公司", "hwjs"),
        ("深圳市华为技术有限公司", "SZSHW"),
        ("深圳市华为技术有限公司", "szhw"),
        ("ABB（中国）有限公司", "abb 中国"),
        ("ABB（中国）有限公司", "ABB(中国)"),
        ("Cheers Manufacturing Co., Ltd", "manu che"),
        ("曾小明", "zeng"),
        ("曾小明", "zxm"),
        ("曾小明", "ceng"),
        ("单田芳", "shantianfang"),
        ("万俟雪", "moqi"),
        ("万俟雪", "mqx"),
        ("重庆长江机械", "chongqing"),
        ("138-0013-8000", "8000"),
        ("138-0013-8000", "138 0013 8000"),
        ("+86 138 0013 8000", "13800138000"),
        ("+86 138 0013 8000", "00138000"),
        ("GTX500 Pro", "500"),
        ("GTX500 Pro", "gtx5"),
        ("zhang.san@abb.com", "zhang.san@abb.com"),
        ("zhang.san@abb.com", "abb.com"),
        ("Internationalisation GmbH", "internationalisation"),
        ("张伟", "张"),
    ],
)
def test_found_by(record, query):
    assert found(record, query)


@pytest.mark.parametrize(
    ("record", "query"),
    [("深圳市华为技术有限公司", "华技"), ("深圳市华为技术有限公司", "中兴"), ("138-0013-8000", "8001"),
     ("曾小明", "zengd"),
     ("甲", ""), ("甲", "  "), ("甲", "()"), ("Cheers", "heers")],
)  # fmt: skip
def test_not_found_by(record, query):
    assert not found(record, query)


def test_a_two_character_word_is_one_lookup():
    assert query_grams("华为") == [{"华为"}]
    assert query_grams("张") == [{"张"}]
    assert query_grams("8000") == [{"8000"}]
    assert query_grams("zw") == [{"zw"}]


def test_a_record_of_many_long_texts_stays_findable_by_each():
    texts = [
        "上海" + "明远机电设备制造安装工程技术咨询服务" * 9 + "有限公司",
        "13800138000",
        "zhang.san@abb.com",
        "曾小明",
    ]
    made = grams(*texts)
    assert len(made) == 120
    assert {"上海", "138", "8000", "zhang", "小明", "zxm"} <= made


@given(st.text(string.ascii_lowercase + "华为技术深圳", min_size=2, max_size=10))
def test_a_name_is_found_by_itself(name):
    assert found(name, name)
