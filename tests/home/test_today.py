"""Where a member lands, and the day's worklist: one's own rows, in few queries; first steps of an empty company."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actions import create_account
from crm.core import records
from crm.core.activities.models import Task
from crm.core.notifications.actions import notify
from crm.core.tenancy.state import enter, leave
from crm.home import checklist, worklist
from leads.actions import create_lead
from opportunities.actions import open_opportunity
from tests.conftest import found

pytestmark = pytest.mark.django_db
ROLES = ["admin", "manager", "rep", "presales", "finance", "legal", "partner"]


def task(owner, title, due_at, **values):
    return records.create(Task, by=owner, owner=owner, title=title, due_at=due_at, **values)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_lands_on_a_page_that_it_may_see(acme, sign_in, role):
    client = sign_in(getattr(acme, role))
    assert client.get("/acme/", follow=True).status_code == 200
    assert client.get("/acme/today/").status_code == 200


def test_tasks_of_today_are_ones_own_by_the_companys_day(acme):
    zone = acme.tenant.zone
    now = timezone.now().astimezone(zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    task(acme.rep, "overdue", now - timedelta(days=3))
    task(acme.rep, "last minute of today", midnight + timedelta(hours=23, minutes=59))
    task(acme.rep, "tomorrow", midnight + timedelta(days=1))
    task(acme.peer, "of the peer", now - timedelta(days=1))
    done = task(acme.rep, "done", now - timedelta(days=1))
    records.move(done, Task.Status.DONE, by=acme.rep, verb="done")
    rows = worklist.tasks_due(acme.rep, acme.tenant.today())
    assert [row.task.title for row in rows] == ["overdue", "last minute of today"]
    assert rows[0].task.is_overdue
    assert worklist.tasks_due(acme.manager, acme.tenant.today()) == []


def test_the_page_shows_what_is_due_and_unread(acme, sign_in):
    task(acme.rep, "Call the mill", timezone.now() - timedelta(days=2))
    notify(acme.rep, "unknown.kind", dedupe_key="1")
    page = sign_in(acme.rep).get("/acme/today/").content.decode()
    assert "Call the mill" in page
    assert "overdue" in page
    assert "Something changed in Leadline" in page
    assert "Call the mill" not in sign_in(acme.peer).get("/acme/today/").content.decode()


def test_a_task_leads_to_its_record_if_the_member_may_see_it(acme):
    mine = create_account(by=acme.rep, name="Mine")
    theirs = create_account(by=acme.other_rep, name="CANARY")
    for account in (mine, theirs):
        task(acme.rep, "Call", timezone.now(), subject_type="accounts.account", subject_id=account.pk)
    first, second = worklist.tasks_due(acme.rep, acme.tenant.today())
    assert (first.about, first.url) == (mine, f"/acme/accounts/{mine.pk}/")
    assert (second.about, second.url) == (None, "")


def test_ones_own_leads_and_deals_stand_there_soonest_first(acme, sign_in):
    newer = create_lead(by=acme.rep, owner=acme.rep, name="Newer lead")
    older = create_lead(by=acme.rep, owner=acme.rep, name="Older lead", at=timezone.now() - timedelta(days=3))
    create_lead(by=acme.peer, owner=acme.peer, name="CANARY lead")
    account, today = create_account(by=acme.rep, name="Mill"), acme.tenant.today()
    deal = open_opportunity(by=acme.rep, account=account, name="My deal", close_date=today)
    open_opportunity(by=acme.rep, account=account, name="CANARY of next year", close_date=today + timedelta(days=400))
    assert [row.lead for row in worklist.leads_going_back(acme.rep)] == [older, newer]
    assert worklist.closing_this_month(acme.rep, acme.tenant.today()) == [deal]
    assert worklist.leads_going_back(acme.manager) == [], "the team's are seen elsewhere"
    assert worklist.closing_this_month(acme.manager, acme.tenant.today()) == []
    page = sign_in(acme.rep).get("/acme/today/").content.decode()
    assert "Older lead" in page
    assert "My deal" in page
    assert "CANARY" not in page


def test_first_steps_are_for_the_administrator_of_an_empty_company(acme, sign_in):
    with leave():
        tenant, admin = found("Fresh", "fresh")
    with enter(tenant):
        steps = checklist.steps(admin)
        assert {step.key for step in steps if step.done} == set()
        assert {step.key for step in steps} == {"invite", "import", "lead", "opportunity"}
    client = sign_in(admin)
    page = client.get("/fresh/today/").content.decode()
    for step in steps:
        assert f'href="{step.url}"' in page
        assert client.get(step.url).status_code == 200, step.url
    assert checklist.steps(acme.rep) == []
    assert {step.key for step in checklist.steps(acme.admin) if step.done} == {"invite"}


def test_first_steps_go_when_all_is_done(acme):
    account = create_account(by=acme.rep, name="Mill")
    create_lead(by=acme.rep, owner=acme.rep, name="Lead")
    assert {step.key for step in checklist.steps(acme.admin) if not step.done} == {"opportunity"}
    open_opportunity(by=acme.rep, account=account, name="Deal")
    assert checklist.steps(acme.admin) == []


@pytest.mark.parametrize(
    ("role", "page"),
    [("rep", "/acme/today/"), ("manager", "/acme/funnel/"), ("finance", "/acme/finance/"), ("admin", "/acme/funnel/"),
     ("presales", "/acme/today/"), ("partner", "/acme/today/")],
)  # fmt: skip
def test_the_home_of_a_role(acme, sign_in, role, page):
    open_opportunity(by=acme.rep, account=create_account(by=acme.rep, name="Mill"), name="Deal")
    assert sign_in(getattr(acme, role)).get("/acme/")["Location"] == page


def test_the_page_costs_the_same_for_many_rows(acme, sign_in, django_assert_max_num_queries):
    client = sign_in(acme.rep)
    task(acme.rep, "one", timezone.now())
    client.get("/acme/today/")
    with django_assert_max_num_queries(18) as few:
        client.get("/acme/today/")
    for n in range(10):
        task(acme.rep, f"t{n}", timezone.now())
        notify(acme.rep, "unknown.kind", dedupe_key=f"{n}")
    with django_assert_max_num_queries(18) as many:
        client.get("/acme/today/")
    assert len(few) == len(many)
