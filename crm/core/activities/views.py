"""The panel of every record: timeline, log, tasks and files; and the door of the files."""

from datetime import datetime

from django.core.exceptions import BadRequest
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.people.reach import may
from crm.core.web.forms import attempt
from crm.core.web.pages import company_url, get_visible

from . import actions, subjects, timeline
from .forms import ActivityForm, FileForm, TaskForm
from .models import Attachment, Task

TASK_VERBS = {"complete": actions.complete_task, "reopen": actions.reopen_task, "drop": actions.drop_task}
SANDBOX = "default-src 'none'; sandbox"


def subject_or_404(request, subject_type: str, pk: int):
    subject = subjects.find(subject_type, pk, member=request.member)
    if subject is None:
        raise Http404(_("There is nothing here."))
    return subject


@require_safe
def panel(request, tenant: str, subject_type: str, pk: int):
    """Everything that was and will be done about a record; `?before=` answers with older lines only."""
    subject = subject_or_404(request, subject_type, pk)
    if not request.GET.get("before"):
        return show(request, subject)
    lines, cursor = timeline.of(subject, member=request.member, before=moment(request.GET["before"]))
    context = {"subject": subject, "subject_type": subject_type, "lines": lines, "cursor": cursor}
    return render(request, "activities/_lines.html" if request.htmx else "activities/older.html", context)


def moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise BadRequest("before") from error
    if at.tzinfo is None:
        raise BadRequest("before")
    return at


def show(request, subject, status: int = 200, **forms):
    """The panel with what was typed in `forms` (log, task, file)."""
    member, hidden = request.member, subjects.is_hidden(subject, request.member)
    lines, cursor = timeline.of(subject, member=member)
    context = {
        "subject": subject, "subject_type": subjects.label(subject), "lines": lines, "cursor": cursor, "hidden": hidden,
        "tasks": [] if hidden else tasks_of(subject),
        "files": [] if hidden else timeline.files_of(subject)[:50],
        "log": forms.get("log") or ActivityForm(member=member, auto_id="log_%s"),
        "task_form": forms.get("task") or TaskForm(member=member, auto_id="task_%s"),
        "file": forms.get("file") or FileForm(member=member, auto_id="file_%s"),
        "may_log": not hidden and may(member, "activity.create"),
        "may_plan": not hidden and may(member, "task.create"),
        "may_attach": not hidden and may(member, "file.add"),
    }  # fmt: skip
    template = "activities/_panel.html" if request.htmx else "activities/panel.html"
    return render(request, template, context, status=status)


def tasks_of(subject):
    rows = Task.objects.of(subject.tenant_id).filter(subjects.of(subject), status=Task.Status.OPEN)
    return rows.select_related("owner").order_by("due_at", "id")[:50]


@require_POST
def log(request, tenant: str, subject_type: str, pk: int):
    subject = subject_or_404(request, subject_type, pk)
    form = ActivityForm(request.POST, request.FILES, member=request.member, auto_id="log_%s")
    done = attempt(form, lambda: actions.log([subject], by=request.member, **form.values))
    return answer(request, subject, done, log=form)


@require_POST
def plan(request, tenant: str, subject_type: str, pk: int):
    subject = subject_or_404(request, subject_type, pk)
    form = TaskForm(request.POST, member=request.member, auto_id="task_%s")
    done = attempt(form, lambda: actions.add_task(subject, by=request.member, **form.values))
    return answer(request, subject, done, task=form)


@require_POST
def attach(request, tenant: str, subject_type: str, pk: int):
    subject = subject_or_404(request, subject_type, pk)
    form = FileForm(request.POST, request.FILES, member=request.member, auto_id="file_%s")
    done = attempt(form, lambda: actions.attach([subject], form.cleaned_data["file"], by=request.member))
    return answer(request, subject, done, file=form)


def answer(request, subject, done, **form):
    """The panel again, with the form when it was refused; without JavaScript back to where one came from."""
    if done is None:
        refused = getattr(next(iter(form.values())), "refused", None)
        return show(request, subject, status=refused.status if refused else 422, **form)
    if request.htmx:
        return show(request, subject)
    return back(request, company_url(request, "activities:panel", subject_type=subjects.label(subject), pk=subject.pk))


def back(request, otherwise: str):
    came_from = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(came_from if safe else otherwise)


@require_POST
def task(request, tenant: str, pk: int, verb: str):
    """Complete, reopen or drop a task; the answer is its row."""
    if verb not in TASK_VERBS:
        raise Http404
    record = get_visible(Task, request, pk, "task.create", "owner")
    TASK_VERBS[verb](record, by=request.member)
    if request.htmx:
        return render(request, "activities/_task.html", {"task": record})
    return back(request, f"/{request.tenant.slug}/")


@require_safe
def download(request, tenant: str, pk: int):
    """A file to those who may read a record it is kept with. It never runs here: attachment, nosniff, sandbox (A5)."""
    attachment = get_visible(Attachment, request, pk, "member.read")
    return file_response(attachment, inline=bool(request.GET.get("show")) and attachment.is_picture)


def file_response(attachment: Attachment, *, inline: bool = False) -> FileResponse:
    try:
        content = default_storage.open(attachment.file)
    except FileNotFoundError as error:
        raise Http404(_("This file is missing from the store. Ask your administrator.")) from error
    response = FileResponse(
        content, as_attachment=not inline, filename=attachment.name, content_type=attachment.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SANDBOX
    return response
