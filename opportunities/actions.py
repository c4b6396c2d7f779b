"""What people do with deals and pipelines (domain.md 4.4, 6.9).

`at` is a true date of the past: imports and demo data only.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from crm.core import records
from crm.core.errors import Conflict, Forbidden, Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import owners_covered, require
from crm.core.people.roles import Role

from . import gates
from .models import Category, LostReason, Opportunity, OpportunityChange, Pipeline, Stage
from .playbooks import Playbook

OPEN, WON, LOST, SUSPENDED = Opportunity.Status.values
# What winning or losing decides for good.
DECIDED = ("amount", "close_date")
NO_OVERRIDE: dict[str, Any] = {"probability_override": None, "override_reason": ""}


def default_pipeline(tenant) -> Pipeline:
    """The current version of the pipeline that new deals go to."""
    return Pipeline.objects.of(tenant).get(is_default=True)


@transaction.atomic
def open_opportunity(*, by: Member, account: Account, name: str, pipeline: Pipeline | None = None,
                     stage: Stage | None = None, owner: Member | None = None, at: datetime | None = None,
                     source: str = "", **values) -> Opportunity:  # fmt: skip
    """Open a deal, in the first stage of the default pipeline unless said otherwise.

    `source` is where the deal came from (the column), `values` are further columns
    (amount, close_date, product, next_step, external_ref). ValidationError for a
    won stage: open the deal first, then win it.
    """
    require(by, "opportunity.create")
    owner = owner or by
    if (covered := owners_covered(by, "opportunity.create")) is not None and owner.pk not in covered:
        raise Forbidden("opportunity.create")
    stage = stage or (pipeline or default_pipeline(by.tenant_id)).stages.order_by("order").first()
    if stage.is_won:
        raise ValidationError({"stage": _("A deal opens in a stage before the won one.")})
    opened = at or timezone.now()
    return records.create(
        Opportunity, by=by, at=opened, account=account, name=name, owner=owner, source=source,
        pipeline=stage.pipeline, stage=stage, furthest_order=stage.order, probability=stage.probability,
        currency=by.tenant.base_currency, opened_at=opened, stage_entered_at=opened, **values,
    )  # fmt: skip


@transaction.atomic
def update_opportunity(opp: Opportunity, *, by: Member, expected: int | None = None, at: datetime | None = None,
                       **values) -> Opportunity:  # fmt: skip
    """Change a deal's own facts. Amount and close date of a closed deal stay as they were decided."""
    require(by, "opportunity.update", opp)
    _refresh(opp, expected)
    if opp.is_closed and any(values.get(name, getattr(opp, name)) != getattr(opp, name) for name in DECIDED):
        raise Refused(
            _("The deal is closed: its amount and date stay as they were decided. Reopen it to change them."),
            code="CLOSED",
        )
    if _is_later(values.get("close_date"), opp.close_date):
        values["close_date_pushes"] = opp.close_date_pushes + 1
    return records.update(opp, by=by, at=at, **values)


def _is_later(new, old) -> bool:
    return bool(new and old and new > old)


@transaction.atomic
def move_stage(opp: Opportunity, stage: Stage, *, by: Member, expected: int | None = None, reason: str = "",
               at: datetime | None = None) -> Opportunity:  # fmt: skip
    """Bring an open deal into another stage of its pipeline; entering the won stage wins it (INV-O3).

    A strict pipeline allows the next stage only, and earlier ones with a reason.
    """
    require(by, "opportunity.move", opp)
    _refresh(opp, expected)
    if stage.pk == opp.stage_id:
        return opp
    if stage.is_won:
        return win(opp, by=by, at=at)
    _check_open(opp)
    _check_step(opp, stage, reason, at)
    moment = _moment(opp, at)
    return records.update(
        opp, by=by, verb="moved", reason=reason, at=moment, stage=stage, stage_entered_at=moment,
        furthest_order=max(opp.furthest_order, stage.order), probability=stage.probability, **NO_OVERRIDE,
    )  # fmt: skip


def stage_of(opp: Opportunity, key: str) -> Stage:
    """The stage with this key in the deal's own version of its pipeline."""
    if stage := opp.pipeline.stages.filter(key=key).first():
        return stage
    raise ValidationError(
        {"stage": _("The deal's version of the pipeline has no such stage. Open the deal to move it.")}
    )


@transaction.atomic
def win(opp: Opportunity, *, by: Member, expected: int | None = None, at: datetime | None = None,
        **values) -> Opportunity:  # fmt: skip
    """Close a deal as won; `amount` and `close_date` may be given as they were agreed."""
    require(by, "opportunity.close", opp)
    _refresh(opp, expected)
    won = opp.pipeline.stages.get(is_won=True)
    if opp.is_open:
        _check_step(opp, won, "", at)
    moment = _moment(opp, at)
    return records.move(
        opp, WON, by=by, verb="won", at=moment, stage=won, stage_entered_at=moment, closed_at=moment,
        furthest_order=won.order, probability=Decimal(1), **NO_OVERRIDE, **values,
    )  # fmt: skip


@transaction.atomic
def lose(opp: Opportunity, *, by: Member, reason: str, detail: str = "", expected: int | None = None,
         at: datetime | None = None) -> Opportunity:  # fmt: skip
    """Close a deal as lost for one of LostReason; it keeps the stage in which it was lost."""
    require(by, "opportunity.close", opp)
    if reason not in LostReason.values:
        raise ValidationError({"reason": _("Choose why the deal was lost.")})
    _refresh(opp, expected)
    moment = _moment(opp, at)
    return records.move(
        opp, LOST, by=by, verb="lost", at=moment, reason=detail, lost_reason=reason, lost_detail=detail,
        closed_at=moment, probability=Decimal(0), **NO_OVERRIDE,
    )  # fmt: skip


@transaction.atomic
def suspend(opp: Opportunity, *, by: Member, reason: str, expected: int | None = None,
            at: datetime | None = None) -> Opportunity:  # fmt: skip
    """Put a deal aside: it leaves the funnel until it is resumed."""
    require(by, "opportunity.close", opp)
    _refresh(opp, expected)
    return records.move(opp, SUSPENDED, by=by, verb="suspended", reason=_said(reason), at=_moment(opp, at))


@transaction.atomic
def resume(opp: Opportunity, *, by: Member, expected: int | None = None, at: datetime | None = None) -> Opportunity:
    require(by, "opportunity.close", opp)
    _refresh(opp, expected)
    if opp.status != SUSPENDED:
        raise Refused(_("Only a suspended deal can be resumed."), code="INVALID_TRANSITION")
    return records.move(opp, OPEN, by=by, verb="resumed", at=_moment(opp, at))


@transaction.atomic
def reopen(opp: Opportunity, *, by: Member, reason: str, expected: int | None = None,
           at: datetime | None = None) -> Opportunity:  # fmt: skip
    """Open a lost deal again (manager), or a won one (administrator, while nothing downstream stands on it)."""
    _refresh(opp, expected)
    require(by, "opportunity.reopen_won" if opp.status == WON else "opportunity.reopen", opp)
    if not opp.is_closed:
        raise Refused(_("Only a closed deal can be reopened."), code="INVALID_TRANSITION")
    if opp.status == WON:
        gates.check_reopening(opp)
    stage = _last_open_stage(opp)
    moment = _moment(opp, at)
    return records.move(
        opp, OPEN, by=by, verb="reopened", reason=_said(reason), at=moment, stage=stage, stage_entered_at=moment,
        probability=stage.probability, closed_at=None, lost_reason="", lost_detail="",
    )  # fmt: skip


@transaction.atomic
def override_probability(opp: Opportunity, probability: Decimal, *, by: Member, reason: str,
                         expected: int | None = None) -> Opportunity:  # fmt: skip
    """The owner's own estimate (0 < p < 1) until the next stage change; the stage's value stays visible."""
    require(by, "opportunity.override", opp)
    _refresh(opp, expected)
    _check_open(opp)
    if not 0 < probability < 1:
        raise ValidationError({"probability": _("Enter a percentage above 0 and below 100.")})
    return records.update(
        opp, by=by, verb="overridden", reason=_said(reason), probability=probability,
        probability_override=probability, override_reason=reason.strip(),
    )  # fmt: skip


@transaction.atomic
def clear_override(opp: Opportunity, *, by: Member, expected: int | None = None) -> Opportunity:
    """Back to the stage's win probability."""
    require(by, "opportunity.override", opp)
    _refresh(opp, expected)
    _check_open(opp)
    return records.update(opp, by=by, verb="override_cleared", probability=opp.stage.probability, **NO_OVERRIDE)


@transaction.atomic
def transfer(opp: Opportunity, to: Member, *, by: Member, reason: str, expected: int | None = None) -> Opportunity:
    """Give a deal to another seller."""
    require(by, "opportunity.transfer", opp)
    _refresh(opp, expected)
    if not to.is_active or not to.has_role(Role.REP, Role.MANAGER):
        raise ValidationError({"to": _("Choose an active seller or sales manager.")})
    return records.update(opp, by=by, verb="transferred", reason=_said(reason), owner=to)


def _refresh(opp: Opportunity, expected: int | None) -> None:
    """Bring `opp` up to date and lock it, so that rules judge what is true now."""
    locked = records.lock(opp)
    if expected is not None and locked.version != expected:
        raise Conflict(locked)
    opp.__dict__.update(locked.__dict__)


def _check_open(opp: Opportunity) -> None:
    if not opp.is_open:
        raise Refused(
            _("“%(deal)s” is %(status)s. Open it again first.") % {"deal": opp, "status": opp.get_status_display()},
            code="INVALID_TRANSITION",
        )


def _check_step(opp: Opportunity, stage: Stage, reason: str, at: datetime | None) -> None:
    """The order of the pipeline and its gates; dated history happened already and is not asked."""
    if stage.pipeline_id != opp.pipeline_id:
        raise ValidationError({"stage": _("Choose a stage of the deal's own pipeline.")})
    if at is not None:
        return
    if opp.pipeline.is_strict and stage.order > opp.stage.order + 1:
        raise Refused(_("This pipeline goes step by step. Move to the next stage first."), code="STRICT_ORDER")
    if opp.pipeline.is_strict and stage.order < opp.stage.order and not reason.strip():
        raise ValidationError({"reason": _("Say why the deal goes back.")})
    gates.check_stage(opp, stage)


def _moment(opp: Opportunity, at: datetime | None) -> datetime:
    """The business time of a step: now, or `at`, which may not lie before the last step (INV-O1)."""
    if at is not None and at < opp.stage_entered_at:
        raise ValidationError({"at": _("This is earlier than the deal's last step. Check the dates.")})
    return at or timezone.now()


def _last_open_stage(opp: Opportunity) -> Stage:
    if not opp.stage.is_won:
        return opp.stage
    change = OpportunityChange.objects.of(opp.tenant_id).filter(opportunity=opp, field="stage").last()
    return opp.pipeline.stages.get(pk=int(change.before))


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValidationError({"reason": _("Say why, in a few words.")})
    return reason.strip()


@transaction.atomic
def create_pipeline(*, by: Member, key: str, name: str, stages: Iterable[dict], mode: str = Pipeline.Mode.FREE,
                    is_default: bool = False) -> Pipeline:  # fmt: skip
    """A new pipeline with the columns of its stages in order; the last one is the won stage."""
    require(by, "pipeline.manage")
    if Pipeline.objects.of(by.tenant_id).filter(key=key).exists():
        raise ValidationError({"key": _("There is a pipeline with this key already. Publish a new version of it.")})
    if is_default:
        _clear_default(by)
    pipeline = records.create(Pipeline, by=by, key=key, name=name, mode=mode, is_default=is_default)
    records.append(_stages(pipeline, stages))
    return pipeline


def start_playbook(playbook: Playbook, *, by: Member, is_default: bool = False) -> Pipeline:
    """A pipeline from one of `playbooks`, in the language of the company."""
    locale = by.tenant.locale
    return create_pipeline(
        by=by, key=playbook.key, name=playbook.name.of(locale), mode=playbook.mode, stages=playbook.stages(locale),
        is_default=is_default,
    )  # fmt: skip


@transaction.atomic
def publish(pipeline: Pipeline, stages: Iterable[dict], *, by: Member, expected: int | None = None,
            **values) -> Pipeline:  # fmt: skip
    """The next version of a pipeline (values: name, mode). Open deals stay on their version, new ones use this."""
    require(by, "pipeline.manage")
    was_default = records.lock(pipeline).is_default
    records.update(pipeline, by=by, verb="replaced", expected=expected, is_current=False, is_default=False)
    latest = Pipeline.objects.of(by.tenant_id).filter(key=pipeline.key).order_by("-number").first()
    if latest.pk != pipeline.pk:
        raise Conflict(latest)
    following = records.create(
        Pipeline, by=by, verb="published", key=pipeline.key, number=pipeline.number + 1, is_default=was_default,
        **{"name": pipeline.name, "mode": pipeline.mode, **values},
    )  # fmt: skip
    records.append(_stages(following, stages))
    return following


@transaction.atomic
def make_default(pipeline: Pipeline, *, by: Member) -> Pipeline:
    """New deals go to this pipeline unless the seller chooses another."""
    require(by, "pipeline.manage")
    if not pipeline.is_current:
        raise Refused(_("This is an old version. Choose the current one."), code="OLD_VERSION")
    _clear_default(by)
    return records.update(pipeline, by=by, verb="made_default", is_default=True)


def _clear_default(by: Member) -> None:
    for former in Pipeline.objects.of(by.tenant_id).filter(is_default=True):
        records.update(former, by=by, is_default=False)


def _stages(pipeline: Pipeline, columns: Iterable[dict]) -> list[Stage]:
    """Stages of a version in their order, checked: only the last wins, and only it is certain (INV-O2).

    The key of a stage ties the versions together; that of the won stage is always the same.
    """
    rows = [
        Stage(tenant_id=pipeline.tenant_id, pipeline=pipeline, order=order, **given)
        for order, given in enumerate(columns, 1)
    ]
    if len(rows) < 2:
        raise ValidationError({"stages": _("A pipeline needs one open stage at least, and the won stage.")})
    rows[-1].key, rows[-1].is_won, rows[-1].probability, rows[-1].category = WON, True, Decimal(1), Category.CLOSED
    if len({stage.key for stage in rows}) < len(rows):
        raise ValidationError({"stages": _("Two stages have the same key. Give each its own.")})
    for stage in rows:
        stage.clean_fields(exclude=["tenant", "pipeline"])
        if not stage.is_won and not 0 < stage.probability < 1:
            raise ValidationError(
                {"stages": _("“%(stage)s”: enter a probability above 0 and below 100 %%.") % {"stage": stage.name}}
            )
    return rows
