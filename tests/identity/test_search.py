"""Search: two characters, initials, digits, a code; within what one may see, in a fixed number of queries."""

import pytest

from accounts.actions import add_contact, create_account, update_account
from accounts.models import Account
from crm.core.identity.search import everywhere, matching
from crm.core.identity.subjects import registered
from crm.core.tenancy.state import enter

pytestmark = pytest.mark.django_db
CODE = "91110000600037341L"


@pytest.fixture
def huawei(acme):
    account = create_account(by=acme.rep, name="深圳市华为技术有限公司", uscc=CODE, phone="0755-26680000")
    create_account(by=acme.rep, name="上海明远机电有限公司", phone="13900139000")
    add_contact(account, by=acme.rep, name="曾国栋", phone="138 0013 8000", email="zeng@huawei.example")
    return account


def found(member, text):
    return [one.label for group in everywhere(member, text) for one in group.found]


@pytest.mark.parametrize(
    "text", ["华为", "華為", "深圳", "hw", "szhw", "huawei", "huaweijishu", "26680000", "075526680000", CODE,
             CODE.lower(), CODE[:6], "华为 深圳", "0755-2668"],
)  # fmt: skip
def test_an_account_is_found(acme, huawei, text):
    assert list(matching(Account.objects.visible_to(acme.rep), text)) == [huawei]


@pytest.mark.parametrize("text", ["国栋", "曾", "zgd", "zengguo", "8000", "13800138000", "138-0013", "zeng@huawei"])
def test_a_person_is_found(acme, huawei, text):
    assert "曾国栋" in found(acme.rep, text)


@pytest.mark.parametrize("text", ["华士", "xyz", "1370000", "机械", "、", "%", "' OR 1=1 --", "😀"])
def test_what_is_not_there_is_not_found(acme, huawei, text):
    assert found(acme.rep, text) == []


def test_a_blank_text_narrows_nothing(acme, huawei):
    assert matching(Account.objects.visible_to(acme.rep), "  ").count() == 2
    assert everywhere(acme.rep, " ") == []


def test_search_stays_within_what_one_may_see(acme, huawei):
    assert found(acme.other_rep, "华为") == []
    assert found(acme.presales, "hw") == []
    assert found(acme.manager, "华为") == ["深圳市华为技术有限公司"]
    assert found(acme.admin, "hw") == ["深圳市华为技术有限公司"]


def test_search_never_crosses_companies(acme, globex, huawei):
    with enter(globex.tenant):
        create_account(by=globex.stranger, name="深圳市华为终端有限公司")
        assert found(globex.stranger, "华为") == ["深圳市华为终端有限公司"]
        assert found(globex.admin, CODE) == []
    assert found(acme.admin, "华为") == ["深圳市华为技术有限公司"]


def test_a_changed_name_is_found_by_the_new_one_only(acme, huawei):
    update_account(huawei, by=acme.rep, name="东莞市松山湖智造有限公司")
    assert found(acme.rep, "华为") == []
    assert found(acme.rep, "松山湖") == ["东莞市松山湖智造有限公司"]


def test_placeholders_are_not_offered(acme):
    create_account(by=acme.rep, name="未知客户", is_placeholder=True)
    assert found(acme.rep, "未知") == []


@pytest.mark.parametrize("rows", [1, 30])
def test_the_number_of_queries_is_fixed(acme, django_assert_max_num_queries, rows):
    """At most one for each kind of record, and one for what is found."""
    for number in range(rows):
        create_account(by=acme.rep, name=f"深圳市华为{number}分厂")
    with django_assert_max_num_queries(len(registered()) + 1):
        groups = everywhere(acme.rep, "华为")
    assert len(groups[0].found) == min(rows, 5)
    assert groups[0].more is (rows > 5)


def test_a_very_long_text_is_no_trouble(acme, huawei):
    found(acme.rep, "深圳市华为技术有限公司" * 300)
    assert found(acme.rep, "深圳市华为技术有限公司") == ["深圳市华为技术有限公司"]
    assert found(acme.rep, "深圳市华士技术有限公司") == []
