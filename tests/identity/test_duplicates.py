"""WC-21 through the database: who is found, at which tier, and what a stranger learns (INV-L13)."""

import pytest

from accounts.actions import add_contact, create_account, update_account
from accounts.models import Account
from crm.core.errors import Forbidden
from crm.core.identity.duplicates import find
from crm.core.identity.index import index, rebuild
from crm.core.identity.models import IdentityKey, SearchGram
from crm.core.names import Identity, Tier
from crm.core.tenancy.state import enter

pytestmark = pytest.mark.django_db
VALID_A, VALID_B = "91110000600037341L", "91350100M000100Y43"


def tiers(hits):
    return [hit.tier for hit in hits]


@pytest.mark.parametrize(
    ("there", "typed", "expected"),
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
        ("广东粤华精密机械有限公司", "广东粤海精密机械有限公司", None),
        ("华为技术有限公司", "华为终端有限公司", None),
        ("阿里巴巴(中国)有限公司", "阿里巴巴(北京)有限公司", None),
        ("北京星河软件有限公司", "上海星河软件有限公司", None),
    ],
)
def test_names(acme, there, typed, expected):
    create_account(by=acme.rep, name=there)
    assert tiers(find(Identity(typed), by=acme.rep)) == ([expected] if expected else [])


def test_credit_codes(acme):
    create_account(by=acme.rep, name="甲机械", uscc=VALID_A)
    assert tiers(find(Identity("乙电气", uscc=VALID_A.lower()), by=acme.rep)) == [Tier.BLOCK]
    assert tiers(find(Identity("甲机械", uscc=VALID_B), by=acme.rep)) == [Tier.HINT]


@pytest.mark.parametrize("typed", ["138-0013-8000", "+86 138 0013 8000", "１３８００１３８０００", "0086-13800138000"])
def test_mobiles(acme, typed):
    create_account(by=acme.rep, name="北京星河软件有限公司", phone="13800138000")
    assert tiers(find(Identity("别的公司", phones=(typed,)), by=acme.rep)) == [Tier.REVIEW]
    assert tiers(find(Identity("北京星河软件", phones=(typed,)), by=acme.rep)) == [Tier.BLOCK]


def test_several_numbers_in_one_field(acme):
    create_account(by=acme.rep, name="甲", phone="010-8888 8888 转 123 / 400-810-8888 / 13800138000")
    assert tiers(find(Identity("乙", phones=("(010)88888888",)), by=acme.rep)) == [Tier.HINT]
    assert find(Identity("乙", phones=("400-810-8888",)), by=acme.rep) == []
    assert tiers(find(Identity("乙", phones=("13800138000",)), by=acme.rep)) == [Tier.REVIEW]


def test_mail(acme):
    account = create_account(by=acme.rep, name="甲")
    add_contact(account, by=acme.rep, name="王一", email="a@abb.com")
    add_contact(account, by=acme.rep, name="王二", email="a@qq.com")
    assert tiers(find(Identity("乙", emails=("A@abb.com",)), by=acme.rep)) == [Tier.BLOCK]
    assert tiers(find(Identity("乙", emails=("b@abb.com",)), by=acme.rep)) == [Tier.RELATED]
    assert find(Identity("乙", emails=("b@qq.com",)), by=acme.rep) == []


def test_a_contacts_mobile_and_its_firms_name_block(acme):
    account = create_account(by=acme.rep, name="北京星河软件有限公司")
    add_contact(account, by=acme.rep, name="王一", phone="13800138000")
    hits = find(Identity("北京星河软件", phones=("13800138000",)), by=acme.rep)
    assert {hit.subject_type: hit.tier for hit in hits} == {
        "accounts.contact": Tier.BLOCK, "accounts.account": Tier.REVIEW,
    }  # fmt: skip


def test_a_stranger_learns_tier_owner_and_status_only(acme):
    account = create_account(by=acme.rep, name="北京星河软件有限公司", phone="13800138000")
    add_contact(account, by=acme.rep, name="王小明", phone="13800138000", email="wang@xinghe.example")
    typed = Identity("某公司", phones=("13800138000",))
    for hit in find(typed, by=acme.other_rep):
        assert (hit.pk, hit.label, hit.url) == (None, "", "")
        assert hit.owner_name == "Rep" and hit.status
        assert not any(secret in str(hit) for secret in ("王小明", "星河", "1380", "wang"))
    assert {hit.label for hit in find(typed, by=acme.rep)} == {"北京星河软件有限公司", "王小明"}
    for hit in find(typed, by=acme.partner):
        assert (hit.reasons, hit.owner_name, hit.status, hit.label) == ((), "", "", "")
        assert hit.tier is Tier.REVIEW
    with pytest.raises(Forbidden):
        find(typed, by=acme.finance)


def test_duplicates_never_cross_companies(acme, globex):
    with enter(globex.tenant):
        create_account(by=globex.stranger, name="北京星河软件有限公司", phone="13800138000", uscc=VALID_A)
    typed = Identity("北京星河软件有限公司", phones=("13800138000",), uscc=VALID_A)
    assert find(typed, by=acme.admin) == []


def test_an_uninformative_key_is_ignored(acme):
    for number in range(21):
        create_account(by=acme.rep, name=f"第{number}工厂", website="https://www.shared-park.example/")
        if number == 19:
            assert len(find(Identity("新", website="shared-park.example"), by=acme.rep)) == 20
    assert find(Identity("新", website="shared-park.example"), by=acme.rep) == []


def test_the_record_itself_and_its_people_are_no_duplicates(acme):
    account = create_account(by=acme.rep, name="甲机械", phone="13800138000")
    contact = add_contact(account, by=acme.rep, name="王一", phone="13800138000")
    typed = Identity("甲机械", phones=("13800138000",))
    assert find(typed, by=acme.rep, exclude=account) == []
    assert find(typed, by=acme.rep, exclude=contact) == []


def test_keys_follow_the_record(acme):
    account = create_account(by=acme.rep, name="甲机械", phone="13800138000")
    update_account(account, by=acme.rep, name="乙电气", phone="")
    assert find(Identity("甲机械", phones=("13800138000",)), by=acme.rep) == []
    assert tiers(find(Identity("乙电气"), by=acme.rep)) == [Tier.REVIEW]


def rows(tenant):
    keys = IdentityKey.objects.of(tenant).values_list("kind", "key", "subject_type", "subject_id")
    grams = SearchGram.objects.of(tenant).values_list("gram", "subject_type", "subject_id")
    return set(keys) | set(grams)


def test_rebuild_makes_the_same_rows_and_mends_wrong_ones(acme):
    account = create_account(by=acme.rep, name="北京星河软件有限公司", phone="13800138000", uscc=VALID_A)
    add_contact(account, by=acme.rep, name="王一", phone="13800138001")
    before = rows(acme.tenant)
    SearchGram.objects.of(acme.tenant).filter(gram__startswith="星").delete()
    IdentityKey.objects.of(acme.tenant).filter(kind="mobile").update(key="+8613900000000")
    assert rebuild(acme.tenant, Account) == 1
    from accounts.models import Contact

    rebuild(acme.tenant, Contact)
    assert rows(acme.tenant) == before


def test_many_records_are_indexed_in_as_many_statements_as_one(acme, django_assert_num_queries):
    accounts = [create_account(by=acme.rep, name=f"第{number}工厂") for number in range(30)]
    before = rows(acme.tenant)
    for count in (1, 30):
        IdentityKey.objects.of(acme.tenant).delete()
        SearchGram.objects.of(acme.tenant).delete()
        with django_assert_num_queries(6):
            index(accounts[:count])
    assert rows(acme.tenant) == before


@pytest.mark.parametrize("others", [1, 15])
def test_the_number_of_queries_does_not_depend_on_the_hits(acme, django_assert_max_num_queries, others):
    for number in range(others):
        account = create_account(by=acme.rep, name=f"北京星河软件有限公司{number}分公司", phone="13800138000")
        add_contact(account, by=acme.rep, name="王一", phone="13800138000", email="a@xinghe.example")
    typed = Identity("北京星河软件有限公司", phones=("13800138000",), emails=("a@xinghe.example",), uscc=VALID_A)
    with django_assert_max_num_queries(5):
        assert len(find(typed, by=acme.rep)) >= 2 * others
