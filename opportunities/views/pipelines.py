"""The company's pipelines, under the settings: versions, stages, and what the past says about them."""

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm.core.errors import ValidationError
from crm.core.people.reach import may, require
from crm.core.web.forms import attempt
from crm.core.web.pages import form_page, get_visible, go

from .. import actions
from ..ladders import Ladder
from ..metrics import learned_probabilities
from ..models import Pipeline
from ..pipeline_forms import PipelineForm
from ..playbooks import PLAYBOOKS


@require_safe
def pipelines(request, tenant: str):
    require(request.member, "opportunity.read")
    rows = Pipeline.objects.visible_to(request.member).filter(is_current=True).prefetch_related("stages")
    taken = {pipeline.key for pipeline in rows}
    templates = [playbook for key, playbook in PLAYBOOKS.items() if key not in taken]
    locale = request.tenant.locale
    context = {
        "pipelines": rows, "may_manage": may(request.member, "pipeline.manage"),
        "templates": [(p.key, p.name.of(locale), [step.name.of(locale) for step in p.steps]) for p in templates],
    }  # fmt: skip
    return render(request, "opportunities/pipelines.html", context)


@require_safe
def pipeline(request, tenant: str, pk: int):
    """One version: its stages, with the template's probability and what was learned beside it."""
    version = get_visible(Pipeline, request, pk, "opportunity.read")
    learned = learned_probabilities(request.tenant, Ladder.of(request.tenant, version.key))
    context = {
        "pipeline": version,
        "stages": [(stage, learned.get(stage.key)) for stage in version.stages.all()],
        "versions": Pipeline.objects.visible_to(request.member).filter(key=version.key).order_by("-number"),
        "may_manage": may(request.member, "pipeline.manage"),
    }
    return render(request, "opportunities/pipeline.html", context)


@require_POST
def start(request, tenant: str):
    """A pipeline from a template."""
    playbook = PLAYBOOKS.get(request.POST.get("playbook", ""))
    if playbook is None:
        raise ValidationError(_("Choose one of the templates."))
    created = actions.start_playbook(playbook, by=request.member)
    return go(request, "opportunities:pipeline", pk=created.pk)


def publish(request, tenant: str, pk: int):
    """The next version of a pipeline."""
    require(request.member, "pipeline.manage")
    version = get_visible(Pipeline, request, pk, "pipeline.manage")
    form = PipelineForm(request.POST if request.method == "POST" else None, pipeline=version, member=request.member)
    following = attempt(form, lambda: actions.publish(version, by=request.member, **form.values))
    if following:
        return go(request, "opportunities:pipeline", pk=following.pk)
    return form_page(request, "opportunities/publish.html", form, pipeline=version)


@require_POST
def make_default(request, tenant: str, pk: int):
    version = get_visible(Pipeline, request, pk, "pipeline.manage")
    actions.make_default(version, by=request.member)
    return go(request, "opportunities:pipelines")
