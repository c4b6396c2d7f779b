"""The visit page: few fields, forgiving, once for each key, usable without JavaScript."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import nearby
from accounts.actions import create_account
from crm.core.activities import actions
from crm.core.activities.models import Activity, Attachment, Task
from crm.core.tenancy.state import leave

from .test_pages import get, post, text

__all__ = ["get", "post"]
pytestmark = pytest.mark.django_db
BUND, HONGQIAO = ("31.239700", "121.490000"), ("31.194000", "121.327000")


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="上海明远机电有限公司")


@pytest.fixture
def typed(account):
    return {"account": account.pk, "outcome": "quote", "note": "要五轴报价", "key": "k-1"}


def visits(acme):
    return Activity.objects.of(acme.tenant).filter(type="visit")


def test_two_taps_are_one_visit(acme, typed, post):
    first, second = (post(acme.rep, "visits/new/", typed) for _tap in range(2))
    assert first.url == second.url
    visit = visits(acme).get()
    assert (visit.outcome, visit.note, visit.actor, visit.counts_as_followup) == ("quote", "要五轴报价", acme.rep, True)


def test_another_text_under_the_same_key_is_another_visit(acme, typed, post):
    """Somebody went back and logged the next customer: nothing is lost."""
    post(acme.rep, "visits/new/", typed)
    post(acme.rep, "visits/new/", {**typed, "note": "下午又去了一次"})
    assert visits(acme).count() == 2


def test_a_key_belongs_to_its_member(acme, typed, post):
    post(acme.rep, "visits/new/", typed)
    post(acme.manager, "visits/new/", typed)
    assert visits(acme).count() == 2


@pytest.mark.parametrize("missing", ["account", "outcome"])
def test_only_customer_and_outcome_are_needed(acme, typed, post, missing):
    response = post(acme.rep, "visits/new/", {**typed, missing: ""})
    assert response.status_code == 422
    assert "要五轴报价" in text(response)
    assert not visits(acme).exists()
    assert post(acme.rep, "visits/new/", {name: typed[name] for name in ("account", "outcome")}).status_code == 302


def test_a_refused_visit_does_not_use_up_its_key(acme, typed, post):
    assert post(acme.rep, "visits/new/", {**typed, "next_date": "2001-01-01"}).status_code == 422
    assert post(acme.rep, "visits/new/", typed).status_code == 302
    assert visits(acme).count() == 1


def test_the_position_is_kept_as_the_device_gave_it(acme, typed, post):
    told = {"latitude": BUND[0], "longitude": BUND[1], "accuracy": "35", "device_time": "2026-01-02T03:04:05.000Z"}
    post(acme.rep, "visits/new/", {**typed, **told})
    visit = visits(acme).get()
    assert (visit.latitude, visit.longitude, visit.accuracy_m) == (Decimal(BUND[0]), Decimal(BUND[1]), 35)
    assert visit.device_time.isoformat() == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    "told", [{}, {"latitude": "91", "longitude": "0"}, {"latitude": "NaN", "longitude": "1"}, {"latitude": "1"},
             {"latitude": "x", "longitude": "y", "accuracy": "-1", "device_time": "gestern"},
             {"latitude": "1e400", "longitude": "1"}],
)  # fmt: skip
def test_a_visit_is_saved_without_a_position_rather_than_not(acme, typed, post, get, told):
    response = post(acme.rep, "visits/new/", {**typed, **told})
    visit = visits(acme).get()
    assert (visit.latitude, visit.longitude, visit.accuracy_m, visit.device_time) == (None, None, None, None)
    assert get(acme.rep, response.url.removeprefix("/acme/")).status_code == 200


def test_the_next_step_becomes_a_task(acme, typed, post):
    post(acme.rep, "visits/new/", {**typed, "next": "three_days", "next_step": "发报价"})
    task = Task.objects.of(acme.tenant).get()
    assert timezone.localtime(task.due_at, acme.tenant.zone).date() == acme.tenant.today() + timedelta(days=3)
    assert (task.title, task.subject_type) == ("发报价", "accounts.account")


def test_a_photo_is_drawn_anew_and_a_trap_is_refused(acme, typed, post, get, upload, picture):
    post(acme.rep, "visits/new/", {**typed, "photos": upload("现场.jpg", picture, content_type="image/jpeg")})
    visit, photo = visits(acme).get(), Attachment.objects.of(acme.tenant).get()
    assert f"/files/{photo.pk}/" in text(get(acme.rep, f"visits/{visit.pk}/"))
    trap = upload("x.jpg", b"<svg onload=alert(1)>", content_type="image/jpeg")
    response = post(acme.rep, "visits/new/", {**typed, "note": "又一次", "photos": trap})
    assert response.status_code == 422 and "又一次" in text(response)
    assert visits(acme).count() == 1


def test_the_page_works_without_javascript(acme, account, get):
    """The search is a GET of the same page that brings back what was typed."""
    page = text(get(acme.rep, "visits/new/?q=明远&note=写了一半&outcome=quote"))
    assert "上海明远" in page and "写了一半" in page
    assert f'value="{account.pk}" checked' in text(get(acme.rep, f"visits/new/?account={account.pk}"))
    assert "上海明远" not in text(get(acme.rep, "visits/new/?q=北京"))


@pytest.mark.parametrize(
    "query", ["account=x", "account=99999999999999999999", "latitude=x&longitude=1", "q=%00", "q=%27"]
)
def test_a_strange_address_is_no_trouble(acme, account, get, query):
    for path in ("visits/new/", "visits/new/customers/"):
        assert get(acme.rep, f"{path}?{query}").status_code == 200


def test_a_customer_of_somebody_else_cannot_be_visited(acme, typed, post, get):
    assert post(acme.other_rep, "visits/new/", typed).status_code == 422
    assert "上海" not in text(get(acme.other_rep, "visits/new/?q=明远"))
    assert not visits(acme).exists()


def test_the_nearest_customers_come_first(acme, account, get):
    far = create_account(by=acme.rep, name="虹桥模具厂")
    for place, subject in ((BUND, account), (HONGQIAO, far)):
        actions.log([subject], by=acme.rep, type="visit", latitude=Decimal(place[0]), longitude=Decimal(place[1]))
    create_account(by=acme.other_rep, name="别人的客户")
    here = tuple(Decimal(angle) for angle in BUND)
    assert [(choice.account, choice.metres and choice.metres // 1000) for choice in nearby.choices(acme.rep, here)] == [
        (account, 0), (far, 16),
    ]  # fmt: skip
    assert [choice.account for choice in nearby.choices(acme.rep)] == [far, account]
    page = text(get(acme.rep, f"visits/new/customers/?latitude={HONGQIAO[0]}&longitude={HONGQIAO[1]}"))
    assert page.index("虹桥") < page.index("明远")


def test_a_visit_is_seen_by_those_who_may(acme, account, get):
    visit = actions.log([account], by=acme.rep, type="visit", note="密")
    for member, code in [
        (acme.rep, 200), (acme.manager, 200), (acme.admin, 200), (acme.peer, 404), (acme.other_rep, 404),
        (acme.presales, 404), (acme.finance, 403),
    ]:  # fmt: skip
        assert get(member, f"visits/{visit.pk}/").status_code == code
    assert "密" in text(get(acme.manager, "visits/?view=team"))
    assert "密" not in text(get(acme.manager, "visits/?view=mine"))
    assert "密" not in text(get(acme.peer, "visits/?view=all"))
    assert get(acme.peer, f"visits/?account={account.pk}").status_code == 404


def test_a_visit_of_another_company_is_not_there(acme, globex, account, get):
    visit = actions.log([account], by=acme.rep, type="visit")
    with leave():
        assert get(globex.stranger, f"visits/{visit.pk}/").status_code == 404
