"""Who decides for me while I am away."""

from django.views.decorators.http import require_POST

from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from .. import deputies
from ..forms import DelegationForm
from ..models import Delegation


def delegations(request, tenant):
    require(request.member, "approval.act")
    form = DelegationForm(request.POST or None, member=request.member)
    if attempt(form, lambda: deputies.delegate(by=request.member, **form.cleaned_data)):
        return go(request, "approvals:delegations")
    rows = Delegation.objects.visible_to(request.member).select_related("principal", "deputy")
    page = keyset_page(rows, after=request.GET.get("after", ""))
    return form_page(request, "approvals/delegations.html", form, page=page, today=request.tenant.today())


@require_POST
def revoke(request, tenant, pk):
    deputies.revoke(get_visible(Delegation, request, pk, "approval.act"), by=request.member)
    return go(request, "approvals:delegations")
