"""The pages of leads and pools, as people of each role meet them."""

from decimal import Decimal

import pytest

from leads import actions
from leads.models import Lead

from .build import contact, default_pool, held, in_pool

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(acme, sign_in):
    """`visit(member, path)` → the answer to a GET below the company."""

    def get(member, path, **how):
        return sign_in(member).get(f"/acme/{path}", **how)

    return get


@pytest.mark.parametrize("view", ["", "?view=mine", "?view=team", "?view=pool", "?view=review", "?view=all", "?view=x"])
def test_every_tab_opens(acme, visit, view):
    held(acme.rep), in_pool(acme.admin), held(acme.manager)
    for member in (acme.rep, acme.manager, acme.admin, acme.partner):
        assert visit(member, f"leads/{view}").status_code == 200


def test_a_lead_opens_and_explains_its_clock(acme, visit):
    lead = held(acme.rep)
    text = visit(acme.rep, f"leads/{lead.pk}/").content.decode()
    assert lead.phone in text and "7 days without a follow-up" in text and "Starts anew by" in text


def test_a_form_posts_a_lead(acme, visit, sign_in):
    assert visit(acme.rep, "leads/new/").status_code == 200
    answer = sign_in(acme.rep).post("/acme/leads/new/", {**contact(), "source": "fair"})
    assert answer.status_code == 302
    assert Lead.objects.of(acme.tenant).get().owner == acme.rep


def test_pool_pages_open(acme, visit):
    pool = default_pool(acme.tenant)
    for path in ("pools/", f"pools/{pool.pk}/"):
        assert visit(acme.rep, path).status_code == 200
    for path in ("pools/new/", f"pools/{pool.pk}/edit/", f"pools/{pool.pk}/"):
        assert visit(acme.admin, path).status_code == 200
    assert visit(acme.rep, "pools/new/").status_code == 403


def test_every_act_asks_or_acts(acme, visit):
    lead = held(acme.rep)
    for name in ("return", "nurture", "disqualify", "transfer", "protect", "reclaim", "convert", "edit", "qualify"):
        assert visit(acme.manager, f"leads/{lead.pk}/{name}/").status_code == 200, name
        assert visit(acme.manager, f"leads/{lead.pk}/{name}/", headers={"HX-Request": "true"}).status_code == 200, name


def test_a_deal_names_the_lead_it_came_from(acme, visit):
    lead = held(acme.rep)
    deal = {"name": "Two machines", "amount": Decimal("120000.00")}
    done = actions.convert(lead, by=acme.rep, opportunity_values=deal)
    assert (
        f"leads/of-opportunity/{done.opportunity.pk}/"
        in visit(acme.rep, f"opportunities/{done.opportunity.pk}/").content.decode()
    )
    panel = visit(acme.rep, f"leads/of-opportunity/{done.opportunity.pk}/").content.decode()
    assert f"/acme/leads/{lead.pk}/" in panel and lead.name in panel
