"""The member's notices: list, open, mark as read."""

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from crm.core.web.pages import company_url, get_visible, go, keyset_page

from . import actions
from .filters import NoticeFilter
from .models import Notification
from .texts import text_of


def notices(request, tenant):
    filters = NoticeFilter(request.GET, Notification.objects.visible_to(request.member), request=request)
    page = keyset_page(filters.qs, after=request.GET.get("after", ""))
    for notice in page:
        notice.tenant = request.tenant
        notice.text = text_of(notice)
    unread = bool(filters.form.cleaned_data.get("unread")) if filters.is_valid() else False
    return render(request, "notifications/list.html", {"page": page, "unread": unread, "all": not unread})


@require_POST
def open_notice(request, tenant, pk):
    """Mark one notice as read and go to what it is about."""
    notice = get_visible(Notification, request, pk, "member.read")
    notice.tenant = request.tenant
    actions.mark_read(request.member, [notice.pk])
    return HttpResponseRedirect(text_of(notice).url or company_url(request, "notifications:list"))


@require_POST
def read_all(request, tenant):
    actions.mark_all_read(request.member)
    return go(request, "notifications:list")
