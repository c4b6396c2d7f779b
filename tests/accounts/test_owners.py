"""No live record is owned by somebody who left (INV-A1), and no company belongs to itself."""

import pytest
from django.core.exceptions import ValidationError

from accounts.actions import (
    add_collaborator,
    create_account,
    enter_account,
    transfer_account,
    update_account,
)
from accounts.models import Account
from crm.core.company import actions as company
from crm.core.errors import Forbidden, Refused
from crm.core.events.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme):
    return create_account(by=acme.rep, name="北京星河软件有限公司")


def test_who_holds_customers_cannot_leave_before_handing_over(acme, account):
    with pytest.raises(Refused, match="1"):
        company.deactivate(acme.rep, by=acme.admin)
    transfer_account(account, acme.peer, by=acme.manager, reason="r")
    company.deactivate(acme.rep, by=acme.admin)
    event = Event.objects.of(acme.tenant).get(kind="account.transferred")
    assert (event.changes["owner"], event.reason) == ([acme.rep.pk, acme.peer.pk], "r")


def test_nobody_who_left_is_given_anything(acme, account):
    company.deactivate(acme.peer, by=acme.admin)
    for give in (
        lambda: create_account(by=acme.admin, name="甲", owner=acme.peer),
        lambda: transfer_account(account, acme.peer, by=acme.manager, reason="r"),
        lambda: add_collaborator(account, acme.peer, by=acme.rep),
    ):
        with pytest.raises(ValidationError):
            give()


def test_collaborators_do_not_let_a_foreign_manager_take_a_customer(acme, account):
    theirs = create_account(by=acme.other_rep, name="南方的客户")
    add_collaborator(theirs, acme.rep, by=acme.other_rep)
    assert Account.objects.visible_to(acme.manager).filter(pk=theirs.pk).exists()
    with pytest.raises(Forbidden):
        transfer_account(theirs, acme.rep, by=acme.manager, reason="r")


def test_the_new_owner_is_no_collaborator_any_more(acme, account):
    add_collaborator(account, acme.peer, by=acme.rep)
    transfer_account(account, acme.peer, by=acme.manager, reason="r")
    assert not account.collaborations.exists()
    with pytest.raises(Refused):
        add_collaborator(account, acme.peer, by=acme.peer)


def test_no_company_belongs_to_itself(acme, account):
    child = create_account(by=acme.rep, name="子公司", parent=account)
    grandchild = create_account(by=acme.rep, name="孙公司", parent=child)
    for parent in (account, child, grandchild):
        with pytest.raises(ValidationError) as error:
            update_account(account, by=acme.rep, parent=parent)
        assert list(error.value.message_dict) == ["parent"]


def test_who_may_make_customers_for_whom(acme):
    assert create_account(by=acme.manager, name="甲", owner=acme.rep).owner == acme.rep
    for by, owner in [(acme.rep, acme.peer), (acme.manager, acme.other_rep), (acme.finance, None)]:
        with pytest.raises(Forbidden):
            create_account(by=by, name="乙", owner=owner)
    assert create_account(by=acme.system, name="导入").owner is None
    with pytest.raises(Forbidden):
        enter_account(by=acme.finance, name="丙")
