"""Every object goes in by a file: new, known, wrong (domain.md 6.4, issue of true dates)."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account, Contact
from crm.core.calendars import local_date
from crm.core.catalog.models import Product
from crm.core.events.models import Event
from crm.core.people.models import Member, Team
from leads.models import Lead, LeadTouch
from opportunities.models import Opportunity, OpportunityChange

from .conftest import counts, take_in

pytestmark = pytest.mark.django_db


def test_members_sit_below_their_manager_below_the_region(acme):
    batch = take_in(
        acme.admin, "members",
        "sales_agent,manager,regional_office\nAnna,Dustin,Central\nBoris,Dustin,Central\nDustin,,Central\n",
    )  # fmt: skip
    assert counts(batch) == (3, 0, 0, 0)
    dustin = Member.objects.of(acme.tenant).get(name="Dustin")
    team = Team.objects.of(acme.tenant).get(name="Dustin")
    assert (team.head, team.parent.name, dustin.roles) == (dustin, "Central", ["manager"])
    assert {member.name for member in team.members()} == {"Anna", "Boris", "Dustin"}
    assert Member.objects.of(acme.tenant).get(name="Anna").user is None
    assert batch.result["creates"] == {"region": 1, "manager": 1} or batch.result["creates"] == {"region": 1}


def test_products_are_told_apart_by_name(acme):
    text = "产品名称,系列,单价\n离心泵,P,1200\n离心泵,P,1300\n阀门,V,八百\n"
    batch = take_in(acme.admin, "products", text)
    assert counts(batch) == (1, 0, 1, 1)
    assert Product.objects.of(acme.tenant).get(name="离心泵").list_price == Decimal("1200.00")


def test_accounts_find_a_parent_that_comes_later(acme):
    text = "account,subsidiary_of,revenue,year_established,created\nChild,Parent Co,1.5,1999,2020-05-06\nParent Co,,2\n"
    batch = take_in(acme.admin, "accounts", text, options={"units": {"annual_revenue": 1_000_000}})
    assert counts(batch) == (2, 0, 0, 0)
    child = Account.objects.of(acme.tenant).get(name="Child")
    assert (child.parent.name, child.annual_revenue, child.founded_year) == ("Parent Co", Decimal("1500000.00"), 1999)
    assert local_date(child.created_at, acme.tenant.zone) == date(2020, 5, 6)
    event = Event.objects.of(acme.tenant).get(kind="account.imported", subject_id=child.pk)
    assert (event.source, event.at) == ("import", child.created_at)


def test_an_unknown_parent_is_an_error_or_created_by_choice(acme):
    text = "客户名称,母公司\n子公司,总公司\n"
    assert counts(take_in(acme.admin, "accounts", text)) == (0, 0, 0, 1)
    batch = take_in(acme.admin, "accounts", text, options={"create": ["parent"]})
    assert counts(batch) == (1, 0, 0, 0)
    assert batch.result["creates"] == {"parent": 1}
    assert Account.objects.of(acme.tenant).get(name="子公司").parent.name == "总公司"


def test_contacts_join_their_customer(acme):
    take_in(acme.admin, "accounts", "客户名称\n上海泵业有限公司\n")
    text = "客户,姓名,手机,邮箱\n上海泵业有限公司,王芳,13800138000,w@example.com\n没有的公司,李雷,,\n"
    batch = take_in(acme.admin, "contacts", text)
    assert counts(batch) == (1, 0, 0, 1)
    assert Contact.objects.of(acme.tenant).get(name="王芳").account.name == "上海泵业有限公司"
    assert counts(take_in(acme.admin, "contacts", text, options={"create": ["account"]})) == (1, 0, 1, 0)


def test_leads_go_to_an_owner_or_to_the_pool(acme):
    text = (
        "公司名称,联系人,手机号,来源,负责人,创建时间\n"
        "上海泵业有限公司,王芳,13800138000,展会,Rep,2024/3/1\n"
        "苏州阀门有限公司,李雷,13900139000,官网,,\n"
        "上海泵业有限公司,王芳,138 0013 8000,展会,,\n"
        "无锡机电,赵六,,火星,,\n"
    )
    batch = take_in(acme.admin, "leads", text)
    assert counts(batch) == (2, 0, 1, 1)
    owned = Lead.objects.of(acme.tenant).get(owner=acme.rep)
    assert (owned.status, owned.source, owned.owner_reason, owned.pool) == ("assigned", "fair", "import", None)
    assert local_date(owned.created_at, acme.tenant.zone) == date(2024, 3, 1)
    pooled = Lead.objects.of(acme.tenant).get(name="苏州阀门有限公司")
    assert pooled.status == "pooled" and pooled.pool.is_default
    assert LeadTouch.objects.of(acme.tenant).count() == 2
    assert batch.result["reasons"][0]["text"] and counts(take_in(acme.admin, "leads", text))[0] == 0


DEALS = (
    "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
    "A1,Rep,Pump,Big Co,赢单,2024-01-10,2024-03-01,1000\n"
    "A2,Rep,Pump,Big Co,Lost,2024-01-10,2024-02-01,\n"
    "A3,Rep,Pump,Big Co,报价,2024-02-10,,\n"
    "A4,Rep,Pump,,报价,2024-02-10,,\n"
    "A5,Nobody,Pump,Big Co,报价,2024-02-10,,\n"
    "A6,Rep,Pump,Big Co,Won,2024-02-10,2024-01-01,5\n"
)


@pytest.fixture
def shop(acme):
    take_in(acme.admin, "products", "product,price\nPump,70\n")
    take_in(acme.admin, "accounts", "account\nBig Co\n")
    return acme


def test_deals_come_with_their_true_past(shop):
    batch = take_in(shop.admin, "opportunities", DEALS)
    assert counts(batch) == (3, 0, 0, 3)
    deals = {deal.external_ref: deal for deal in Opportunity.objects.of(shop.tenant).select_related("stage")}
    won, lost, still = deals["A1"], deals["A2"], deals["A3"]
    assert (won.status, won.stage.is_won, won.furthest_order, won.probability) == ("won", True, 5, 1)
    assert local_date(won.opened_at, shop.tenant.zone) == date(2024, 1, 10)
    assert local_date(won.closed_at, shop.tenant.zone) == date(2024, 3, 1)
    assert (lost.status, lost.stage.key, lost.furthest_order, lost.probability) == ("lost", "contact", 1, 0)
    assert (still.status, still.stage.key, still.amount, still.close_date) == ("open", "quote", None, None)
    assert won.name == "Big Co · Pump"


def test_change_rows_tell_stages_at_opening_and_close(shop):
    take_in(shop.admin, "opportunities", DEALS)
    won = Opportunity.objects.of(shop.tenant).get(external_ref="A1")
    told = OpportunityChange.objects.of(shop.tenant).filter(opportunity=won)
    stages = list(told.filter(field="stage").values_list("at", "after"))
    first = won.pipeline.stages.get(order=1)
    assert stages == [(won.opened_at, str(first.pk)), (won.closed_at, str(won.stage_id))]
    assert list(told.filter(field="status").values_list("before", "after")) == [("", "open"), ("open", "won")]
    assert list(told.filter(field="amount").values_list("at", "after")) == [(won.closed_at, "1000.00")]
    assert list(told.filter(field="probability").values_list("after", flat=True)) == ["0.100000", "1.000000"]


def test_what_deals_lack_is_decided_by_the_user(shop):
    options = {"without_account": "unknown", "open_amount": "list-price", "create": ["account"]}
    batch = take_in(shop.admin, "opportunities", DEALS, options=options)
    assert counts(batch) == (4, 0, 0, 2)
    nameless = Opportunity.objects.of(shop.tenant).get(external_ref="A4")
    assert nameless.account.is_placeholder and nameless.amount == Decimal("70.00")
    assert sum(batch.result["notes"].values()) == 3
    take_in(shop.admin, "opportunities", DEALS.replace("A4", "B4"), options=options)
    assert Account.objects.of(shop.tenant).filter(is_placeholder=True).count() == 1


def test_the_same_deals_are_brought_up_to_date(shop):
    take_in(shop.admin, "opportunities", DEALS)
    later = (
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
        "A3,Rep,Pump,Big Co,Won,2024-02-10,2024-06-01,800\n"
    )
    assert counts(take_in(shop.admin, "opportunities", later)) == (0, 0, 1, 0)
    assert counts(take_in(shop.admin, "opportunities", later, options={"policy": "update"})) == (0, 1, 0, 0)
    deal = Opportunity.objects.of(shop.tenant).get(external_ref="A3")
    assert (deal.status, deal.amount) == ("won", Decimal("800.00"))
