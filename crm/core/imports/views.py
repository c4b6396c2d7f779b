"""The wizard: file, columns, check, import."""

from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.core.errors import Refused
from crm.core.people.reach import require
from crm.core.spreadsheets import write_rows_csv
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go, keyset_page

from . import actions, registry
from .forms import ColumnsForm, OptionsForm, UploadForm, ValuesForm, as_form_data
from .models import Import
from .preview import preview, samples
from .report import Report
from .running import importer_of

STEPS = [gettext_lazy("File"), gettext_lazy("Columns"), gettext_lazy("Check"), gettext_lazy("Import")]


@require_GET
def index(request, tenant):
    require(request.member, "import.run")
    rows = Import.objects.visible_to(request.member).select_related("created_by")
    page = keyset_page(rows, after=request.GET.get("after", ""))
    labels = {importer.key: importer.label for importer in registry.all_importers()}
    return render(request, "imports/list.html", {"page": page, "labels": labels})


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request, tenant):
    require(request.member, "import.run")
    initial = {"object": request.GET.get("object", "")}
    form = UploadForm(request.POST or None, request.FILES or None, member=request.member, initial=initial)
    batch = attempt(form, lambda: _upload(request.member, form.cleaned_data)) if request.method == "POST" else None
    if batch:
        return go(request, "imports:columns", pk=batch.pk)
    importers = registry.offered_to(request.member)
    return form_page(request, "imports/upload.html", form, steps=STEPS, importers=importers)


def _upload(member, data) -> Import:
    return actions.upload(by=member, object=data["object"], file=data["file"], name=data["file"].name)


@require_GET
def detail(request, tenant, pk):
    batch = _visible(request, pk)
    if batch.status in (Import.Status.UPLOADED, Import.Status.MAPPED):
        return go(request, "imports:columns", pk=pk)
    context = {"batch": batch, "steps": STEPS, "importer": registry.get(batch.object), "report": Report(batch)}
    if batch.status == Import.Status.CHECKED and batch.check_report.get("unknown"):
        context["values_form"] = _values_form(batch)
    return render(request, "imports/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def columns(request, tenant, pk):
    batch = _visible(request, pk)
    form, options = _column_forms(request, batch)
    if (
        request.method == "POST"
        and options.is_valid()
        and attempt(form, lambda: _choose(request, batch, form, options))
    ):
        return go(request, "imports:detail", pk=pk)
    rows = list(zip(form, samples(batch), strict=True))
    context = {"batch": batch, "rows": rows, "options": options, "steps": STEPS}
    return form_page(request, "imports/columns.html", form, importer=registry.get(batch.object), **context)


def _column_forms(request, batch: Import) -> tuple[ColumnsForm, OptionsForm]:
    importer = registry.allowed(request.member, batch.object)
    posted = request.POST if request.method == "POST" else request.GET if "c0" in request.GET else None
    form = ColumnsForm(posted, importer=importer, headers=batch.headers, mapping=batch.mapping)
    initial = as_form_data(batch.options)
    return form, OptionsForm(posted, importer=importer, member=request.member, initial=initial)


def _choose(request, batch: Import, form: ColumnsForm, options: OptionsForm) -> Import:
    actions.choose_columns(batch, form.mapping, by=request.member, options=options.options)
    return actions.start_check(batch, by=request.member)


@require_GET
def preview_rows(request, tenant, pk):
    """The first rows by the choices on the page, which are not saved."""
    batch = _visible(request, pk)
    form, options = _column_forms(request, batch)
    try:
        if form.is_bound and form.is_valid() and options.is_valid():
            batch.mapping, batch.options = form.mapping, options.options
        labels, lines = preview(batch)
    except ValidationError as error:
        return render(request, "imports/_preview.html", {"problem": " ".join(error.messages)})
    return render(request, "imports/_preview.html", {"labels": labels, "lines": lines})


@require_POST
def values(request, tenant, pk):
    batch = _visible(request, pk)
    form = _values_form(batch, request.POST)
    if not form.is_valid():
        raise ValidationError(_("Choose one of the names offered."))
    actions.choose_values(batch, form.values, by=request.member)
    actions.start_check(batch, by=request.member)
    return go(request, "imports:detail", pk=pk)


def _values_form(batch: Import, data=None) -> ValuesForm:
    importer = importer_of(batch)
    importer.load()
    return ValuesForm(data, importer=importer, batch=batch)


@require_POST
def check(request, tenant, pk):
    actions.start_check(_visible(request, pk), by=request.member)
    return go(request, "imports:detail", pk=pk)


@require_POST
def run(request, tenant, pk):
    actions.start_run(_visible(request, pk), by=request.member)
    return go(request, "imports:detail", pk=pk)


@require_POST
def cancel(request, tenant, pk):
    actions.cancel(_visible(request, pk), by=request.member)
    return go(request, "imports:detail", pk=pk)


@require_GET
def state(request, tenant, pk):
    """The progress, asked for every second; tells the page to reload itself when the work has ended."""
    batch = _visible(request, pk)
    if batch.is_working:
        return render(request, "imports/_progress.html", {"batch": batch})
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


@require_GET
def errors(request, tenant, pk):
    batch = _visible(request, pk)
    if not batch.error_file:
        raise Http404(_("There is nothing here."))
    return error_file(batch)


def error_file(batch: Import) -> FileResponse:
    """The rows that did not go in, with the reason behind each."""
    try:
        stored = batch.error_file.open("rb")
    except (OSError, ValueError) as error:
        raise Refused(_("The file is gone. Import the file again to get it.")) from error
    name = batch.file_name.rpartition(".")[0] or batch.file_name
    return FileResponse(stored, as_attachment=True, filename=f"{name}-{_('errors')}.csv", content_type="text/csv")


@require_GET
def template(request, tenant, object):
    """An empty file with the headers of an object, to be filled in."""
    if registry.get(object) is None:
        raise Http404(_("There is nothing here."))
    importer = registry.allowed(request.member, object)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = get_valid_filename(f"{importer.label}.csv")
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{_quoted(name)}"
    write_rows_csv(response, [str(column.label) for column in importer.columns], [])
    return response


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def _visible(request, pk: int) -> Import:
    return get_visible(Import, request, pk, "import.run", "created_by", "created_by__user")
