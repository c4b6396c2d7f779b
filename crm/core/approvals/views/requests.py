"""The inbox, the card of a request, and what people do there."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.core.errors import Refused
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.middleware import refusal
from crm.core.web.pages import company_url, form_page, get_visible, go, keyset_page

from .. import subjects, verbs
from ..card import Progress
from ..filters import InstanceFilter, boxes
from ..metrics import to_decide
from ..models import ApprovalTask, Instance


@require_safe
def inbox(request, tenant):
    """What waits for my decision first; everything I take part in by tabs."""
    require(request.member, "approval.act")
    names = boxes(request.member)
    box = request.GET.get("box") if request.GET.get("box") in names else "decide"
    found = InstanceFilter({"box": box}, Instance.objects.visible_to(request.member), request=request)
    rows = found.qs.select_related("submitter").prefetch_related(_open_tasks(request.tenant))
    page = keyset_page(rows, after=request.GET.get("after", ""))
    tabs = [(label, f"?box={key}", key == box, _waiting(request, key)) for key, label in names.items()]
    return render(request, "approvals/list.html", {"page": page, "tabs": tabs, "box": box})


def _open_tasks(tenant) -> Prefetch:
    rows = ApprovalTask.objects.of(tenant).filter(status=ApprovalTask.Status.OPEN)
    return Prefetch("tasks", rows.select_related("assignee", "principal"), to_attr="open_tasks")


def _waiting(request, key: str):
    return to_decide(request.member).count() if key == "decide" else ""


@require_safe
def detail(request, tenant, pk):
    instance = get_visible(Instance, request, pk, "approval.act", "submitter", "owner", "flow")
    return render(request, "approvals/detail.html", {"progress": Progress.of(instance, request.member)})


def act_on_task(request, tenant, pk, verb):
    """The questions of a verb (GET), and the verb itself (POST)."""
    task = get_visible(ApprovalTask, request, pk, "approval.act", "instance__submitter", "instance__flow")
    return _act(request, verbs.TASK.get(verb), task, task.instance)


def act_on_request(request, tenant, pk, verb):
    instance = get_visible(Instance, request, pk, "approval.act", "submitter", "flow")
    return _act(request, verbs.INSTANCE.get(verb), instance, instance)


def _act(request, verb, about, instance):
    if verb is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = verb.form(data, member=request.member, about=about)
    outcome = attempt(form, lambda: verbs.run(verb, about, by=request.member, **form.cleaned_data))
    if isinstance(outcome, Refused):
        return refusal(request, outcome.message, outcome.status)
    if outcome:
        messages.success(request, _("Done: %(verb)s.") % {"verb": verb.label})
        return go(request, "approvals:detail", pk=instance.pk)
    return form_page(request, "approvals/act.html", form, verb=verb, instance=instance, url=_here(request, verb, about))


def _here(request, verb, about) -> str:
    name = "approvals:task" if isinstance(about, ApprovalTask) else "approvals:request"
    return company_url(request, name, pk=about.pk, verb=verb.key)


@require_safe
def panel(request, tenant, subject_type, pk):
    """The state of a record's approval, as a part of its page: for whoever sees the record."""
    require(request.member, "approval.act")
    if not subjects.is_registered(subject_type):
        raise Http404
    model = subjects.of(subject_type).model
    if not model.objects.visible_to(request.member).filter(pk=pk).exists():
        raise Http404
    rows = Instance.objects.of(request.tenant).filter(subject_type=subject_type, subject_id=pk)
    instance = rows.select_related("submitter", "owner", "flow").order_by("-pk").first()
    progress = Progress.of(instance, request.member) if instance else None
    return render(request, "approvals/panel.html", {"progress": progress})
