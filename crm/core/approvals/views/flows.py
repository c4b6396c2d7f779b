"""Which way documents go: the flows, their waiting times, and the editor."""

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from crm.core.calendars import Period
from crm.core.people.reach import require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from .. import flows, subjects
from ..card import described
from ..flow_forms import Editor
from ..metrics import waits
from ..models import Flow
from ..subjects import Facts


@require_safe
def index(request, tenant):
    require(request.member, "flow.manage")
    current = {flow.subject_type: flow for flow in Flow.objects.visible_to(request.member).filter(is_current=True)}
    rows = [(subject, current.get(subject.type)) for subject in subjects.all_subjects()]
    return render(request, "approvals/flows.html", {"rows": rows})


@require_POST
def start(request, tenant, subject_type):
    """Found the flow of a kind that has none yet."""
    require(request.member, "flow.manage")
    if not subjects.is_registered(subject_type):
        raise Http404
    return go(request, "approvals:flow", pk=flows.current(request.tenant, subject_type).pk)


@require_safe
def show(request, tenant, pk):
    require(request.member, "flow.manage")
    flow = get_visible(Flow, request, pk, "flow.manage")
    period = Period.parse(request.GET.get("period") or "all")
    versions = Flow.objects.visible_to(request.member).filter(subject_type=flow.subject_type)
    context = {"flow": flow, "versions": versions, "period": period, "periods": _periods(request.tenant, period)}
    context["nodes"] = described(flow, waits(request.tenant, flow.subject_type, period))
    return render(request, "approvals/flow.html", context)


def _periods(tenant, chosen: Period):
    today = tenant.today()
    choices = [Period.all(), *(Period.of(today, kind) for kind in ("month", "quarter", "year"))]
    return [(each.label, f"?period={each}", str(each) == str(chosen)) for each in choices]


def edit(request, tenant, pk):
    require(request.member, "flow.manage")
    flow = get_visible(Flow, request, pk, "flow.manage")
    editor = Editor(flow, request.member, request.POST if request.method == "POST" else None)
    valid = editor.checks and editor.is_valid()
    if valid and editor.do == "save" and (saved := attempt(editor.header, lambda: _publish(request, flow, editor))):
        return go(request, "approvals:flow", pk=saved.pk)
    found = attempt(editor.header, lambda: _tried(request, editor)) if valid and editor.do == "try" else None
    answer = form_page(request, "approvals/edit.html", editor.header, flow=flow, editor=editor, found=found)
    if editor.checks and not valid:
        answer.status_code = 422
    return answer


def _publish(request, flow, editor):
    given = editor.header.cleaned_data
    return flows.publish(
        flow, by=request.member, nodes=editor.nodes, name=given["name"], cc=given["cc"], expected=given["number"]
    )


def _tried(request, editor):
    submitter = editor.trial.cleaned_data["submitter"] or request.member
    return flows.preview(request.tenant, editor.nodes, Facts(**editor.trial.facts), submitter)
