"""Requests through their nodes (domain.md 4.5, WC-25)."""

import pytest

from crm.core.approvals import actions
from crm.core.errors import Refused

from .conftest import approve_all, asked, node, open_tasks, the_task

pytestmark = pytest.mark.django_db


def test_a_small_amount_needs_the_manager_only(acme, ask, told):
    instance = ask("99999.99")
    assert asked(instance) == ["Manager"]
    approve_all(instance, acme.manager)
    instance.refresh_from_db()
    assert instance.status == "approved"
    assert told == [("approved", instance.subject_id)]


def test_a_large_amount_goes_up_the_levels(acme, ask, told):
    instance = ask("999999.99")
    approve_all(instance, acme.manager)
    assert asked(instance) == ["Finance"] and told == []
    approve_all(instance, acme.finance)
    assert asked(instance) == ["Legal"] and told == []
    approve_all(instance, acme.legal)
    assert told == [("approved", instance.subject_id)]


def test_a_million_waits_for_a_general_manager_whom_nobody_named(acme, ask, told):
    instance = ask("1000000.00")
    approve_all(instance, acme.manager, acme.finance, acme.legal)
    assert asked(instance) == [""] and told == []
    assert open_tasks(instance)[0].kind == "admin_queue"


def test_all_must_approve_and_the_first_no_rejects(acme, ask, flow, told):
    """WC-25: parallel-all of three: approve, reject → rejected at once, the third has no response."""
    flow(node("All", acme.manager, acme.finance, acme.legal, mode="all"))
    instance = ask()
    assert asked(instance) == ["Manager", "Finance", "Legal"]
    approve_all(instance, acme.manager)
    actions.reject(the_task(instance, acme.finance), by=acme.finance, comment="Too cheap")
    instance.refresh_from_db()
    assert instance.status == "rejected"
    assert the_task(instance, acme.legal).status == "no_response"
    assert told == [("rejected", instance.subject_id)]


def test_an_edited_document_voids_its_request(acme, ask, told):
    from opportunities.models import Opportunity

    instance = ask()
    Opportunity.objects.of(acme.tenant).filter(pk=instance.subject_id).update(name="Sixty pumps")
    with pytest.raises(Refused) as refused:
        actions.approve(the_task(instance, acme.manager), by=acme.manager)
    assert refused.value.code == "CONTENT_CHANGED"
    instance.refresh_from_db()
    assert instance.status == "void"
    assert told == [("returned", instance.subject_id)]
