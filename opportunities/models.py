"""Deals and the staged way to win them (domain.md 3.4, 4.4, 6.9, 6.10)."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Cast, Coalesce, Round
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account
from crm.core import records
from crm.core.catalog.models import Product
from crm.core.people.models import Member
from crm.core.people.reach import reach_q
from crm.core.records import Record
from crm.core.tenancy.models import AppendOnlyModel, TenantForeignKey, TenantModel

PROBABILITY = {"max_digits": 9, "decimal_places": 6}
BETWEEN_0_AND_1 = [MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))]


class Pipeline(Record):
    """One version of a way to sell. An edit that changes stages makes the next version."""

    class Mode(models.TextChoices):
        FREE = "free", _("Free order")
        STRICT = "strict_linear", _("Strict order")

    key = models.CharField(max_length=40)
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    name = models.CharField(_("name"), max_length=100)
    mode = models.CharField(_("mode"), max_length=14, choices=Mode, default=Mode.FREE)
    is_current = models.BooleanField(default=True, editable=False)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key", "number"], name="pipeline_version_once"),
            models.UniqueConstraint(
                fields=["tenant", "key"], condition=Q(is_current=True), name="pipeline_one_current"
            ),
            models.UniqueConstraint(fields=["tenant"], condition=Q(is_default=True), name="pipeline_one_default"),
        ]

    def __str__(self):
        return self.name

    @property
    def is_strict(self) -> bool:
        return self.mode == self.Mode.STRICT


class Category(models.TextChoices):
    """Forecast categories (domain.md 6.11)."""

    OMITTED = "omitted", _("Omitted")
    PIPELINE = "pipeline", pgettext_lazy("forecast category", "Pipeline")
    BEST_CASE = "best_case", _("Best case")
    COMMIT = "commit", _("Commit")
    CLOSED = "closed", pgettext_lazy("forecast category", "Closed")


class Stage(TenantModel):
    """A step of one pipeline version; never edited, so that history keeps its meaning."""

    pipeline = TenantForeignKey(Pipeline, models.CASCADE, related_name="stages")
    key = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=100)
    order = models.PositiveSmallIntegerField()
    probability = models.DecimalField(_("win probability"), **PROBABILITY, validators=BETWEEN_0_AND_1)
    category = models.CharField(_("forecast category"), max_length=10, choices=Category, default=Category.PIPELINE)
    buyer_stage = models.CharField(_("the buyer's step"), max_length=100, blank=True)
    reference_days = models.PositiveIntegerField(_("usual days"), null=True, blank=True)
    is_won = models.BooleanField(default=False)

    class Meta:
        ordering = ["pipeline_id", "order"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "pipeline", "order"], name="stage_order_once"),
            models.UniqueConstraint(fields=["tenant", "pipeline", "key"], name="stage_key_once"),
        ]

    def __str__(self):
        return self.name


class LostReason(models.TextChoices):
    """Why a deal was lost (product.md O22)."""

    PRICE = "price", _("Price")
    SOLUTION = "solution", _("Our solution did not fit")
    COMPETITOR = "competitor", _("A competitor won")
    NO_BUDGET = "no_budget", _("No budget")
    NO_DECISION = "no_decision", _("No decision")
    TIMING = "timing", _("Timing")
    OTHER = "other", _("Other")


class Opportunity(Record):
    """A deal. Amount (tax-inclusive) and close date may be unknown, and are then shown as such."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        SUSPENDED = "suspended", _("Suspended")

    MOVES = {
        Status.OPEN: {Status.WON, Status.LOST, Status.SUSPENDED},
        Status.SUSPENDED: {Status.OPEN},
        Status.LOST: {Status.OPEN},
        Status.WON: {Status.OPEN},
    }
    # Every change of these leaves an append-only row, so that any past funnel can be rebuilt.
    TRACKED = ("amount", "stage", "close_date", "owner", "probability", "status")

    # Left out of the timeline: they follow from what it tells, or stand in the list of changes.
    UNTOLD_COLUMNS = (
        "probability", "probability_override", "override_reason", "furthest_order", "stage_entered_at", "closed_at",
        "close_date_pushes", "last_followup_at",
    )  # fmt: skip

    name = models.CharField(_("name"), max_length=200)
    account = TenantForeignKey(Account, related_name="opportunities", verbose_name=_("customer"))
    pipeline = TenantForeignKey(Pipeline, related_name="+", editable=False, verbose_name=_("pipeline"))
    stage = TenantForeignKey(Stage, related_name="+", editable=False, verbose_name=_("stage"))
    furthest_order = models.PositiveSmallIntegerField(default=1, editable=False)
    product = TenantForeignKey(Product, null=True, blank=True, related_name="+", verbose_name=_("product"))
    amount = models.DecimalField(
        _("amount"), max_digits=18, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    # Hundredths, -1 for an unknown amount: what lists sort and filter by, as indexes on
    # numeric cannot be used under row-level security. The database keeps it.
    amount_minor = models.GeneratedField(
        expression=Coalesce(Cast(F("amount") * 100, models.BigIntegerField()), -1),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY", editable=False)
    close_date = models.DateField(_("expected close"), null=True, blank=True)
    probability = models.DecimalField(_("win probability"), **PROBABILITY, editable=False, validators=BETWEEN_0_AND_1)
    probability_override = models.DecimalField(
        _("own estimate"), **PROBABILITY, null=True, blank=True, editable=False, validators=BETWEEN_0_AND_1
    )
    override_reason = models.CharField(max_length=300, blank=True, editable=False)
    # domain.md 6.10: rounded for each deal, so that every sum equals its rows (INV-O4). The database keeps it.
    weighted = models.GeneratedField(
        expression=Round(F("amount") * F("probability"), 2),
        output_field=models.DecimalField(max_digits=18, decimal_places=2),
        db_persist=True,
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN, editable=False)
    owner = TenantForeignKey(Member, related_name="+", editable=False, verbose_name=_("owner"))
    source = models.CharField(_("source"), max_length=100, blank=True)
    next_step = models.CharField(_("next step"), max_length=200, blank=True)
    lost_reason = models.CharField(_("reason"), max_length=40, choices=LostReason, blank=True, editable=False)
    lost_detail = models.CharField(_("details"), max_length=300, blank=True, editable=False)
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    stage_entered_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    close_date_pushes = models.PositiveIntegerField(default=0, editable=False)
    last_followup_at = models.DateTimeField(null=True, editable=False)
    external_ref = models.CharField(max_length=60, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # INV-O2
            models.CheckConstraint(
                condition=Q(status="won", probability=1)
                | Q(status="lost", probability=0)
                | Q(status__in=["open", "suspended"], probability__gt=0, probability__lt=1),
                name="opportunity_probability_of_status",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["won", "lost"], closed_at__isnull=False)
                | Q(status__in=["open", "suspended"], closed_at__isnull=True),
                name="opportunity_closed_at_of_status",
            ),
            models.UniqueConstraint(
                fields=["tenant", "external_ref"], condition=~Q(external_ref=""), name="opportunity_external_ref_once"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "status", "stage", "-id"], name="opportunity_of_stage"),
            models.Index(fields=["tenant", "status", "stage", "-amount_minor", "-id"], name="opportunity_by_amount"),
            models.Index(fields=["tenant", "owner", "status"], name="opportunity_of_owner"),
            models.Index(fields=["tenant", "account", "-id"], name="opportunity_of_account"),
            models.Index(fields=["tenant", "status", "close_date"], name="opportunity_by_close"),
            models.Index(fields=["tenant", "status", "closed_at"], name="opportunity_by_closed_at"),
            models.Index(fields=["tenant", "opened_at"], name="opportunity_by_opening"),
            models.Index(fields=["tenant", "-amount_minor", "-id"], name="opportunity_by_size"),
        ]

    def __str__(self):
        return self.name

    @classmethod
    def visible_q(cls, member) -> Q:
        return reach_q(member, "opportunity.read")

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def is_closed(self) -> bool:
        return self.status in (self.Status.WON, self.Status.LOST)

    def followed_up(self, activity) -> None:
        """A follow-up was logged about this deal; its next step, if any, becomes the deal's."""
        values = {"last_followup_at": max(filter(None, (self.last_followup_at, activity.occurred_at)))}
        if activity.next_step:
            values["next_step"] = activity.next_step
        records.update(self, by=activity.actor, verb="followed_up", at=activity.occurred_at, **values)

    def recorded(self, event, changes: dict) -> None:
        records.append(
            OpportunityChange(
                tenant_id=self.tenant_id,
                opportunity=self,
                field=name,
                before=_as_text(name, changes[name][0]),
                after=_as_text(name, changes[name][1]),
                at=event.at,
                recorded_at=event.recorded_at,
                by_id=event.actor_id,
                reason=event.reason[:300],
            )
            for name in self.TRACKED
            if name in changes
        )
        if not event.kind.endswith(".created") and {"amount", "probability"} & set(changes):
            self.refresh_from_db(fields=["amount_minor", "weighted"])

    @classmethod
    def recorded_in_bulk(cls, batch, tenant_id: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGES_OF_BATCH, [tenant_id, batch, cls._meta.label_lower, list(cls.TRACKED)])


_CHANGES_OF_BATCH = """
    INSERT INTO opportunities_opportunitychange
        (tenant_id, opportunity_id, field, before, after, at, recorded_at, by_id, reason)
    SELECT e.tenant_id, e.subject_id, c.key, t.before, t.after, e.at, e.recorded_at, e.actor_id, left(e.reason, 300)
    FROM events_event e
    CROSS JOIN LATERAL jsonb_each(e.changes) c
    CROSS JOIN LATERAL (
        SELECT coalesce(CASE WHEN p.places IS NULL THEN c.value ->> 0
                             ELSE round((c.value ->> 0)::numeric, p.places)::text END, '') AS before,
               coalesce(CASE WHEN p.places IS NULL THEN c.value ->> 1
                             ELSE round((c.value ->> 1)::numeric, p.places)::text END, '') AS after
        FROM (SELECT CASE c.key WHEN 'amount' THEN 2 WHEN 'probability' THEN 6 END AS places) p
    ) t
    WHERE e.tenant_id = %s AND e.batch = %s AND e.subject_type = %s AND c.key = ANY(%s) AND t.before <> t.after
"""


def _as_text(name: str, value) -> str:
    """A tracked value as change rows keep it: ids, ISO dates, decimals with all their places; empty for none."""
    field = Opportunity._meta.get_field(name)
    if value is None:
        return ""
    return f"{value:.{field.decimal_places}f}" if isinstance(field, models.DecimalField) else str(value)


class OpportunityChange(AppendOnlyModel):
    """What a tracked column was and became: the past of the funnel is read from these rows."""

    opportunity = TenantForeignKey(Opportunity, models.CASCADE, related_name="changes")
    field = models.CharField(max_length=20)
    before = models.CharField(max_length=40, blank=True)
    after = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    by = TenantForeignKey(Member, null=True, related_name="+", db_index=False)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["tenant", "opportunity", "field", "at"], name="change_of_opportunity"),
            models.Index(fields=["tenant", "field", "at"], name="change_of_field"),
        ]
