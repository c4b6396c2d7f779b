"""What is reminded of on a day, as SQL for a whole company (domain.md 6.20, INV-R14).

Each function starts from one policy and returns receivables with `next_level`, the one step each takes.
`dunning_rules.next_step` says the same for a single receivable.
"""

from datetime import date, timedelta

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.utils.translation import gettext_lazy as _

from receivables.dunning_rules import NONE, Level, following, gap
from receivables.models import ArEntry, CreditClass, DunningNotice, DunningPolicy, PromiseToPay, Receivable

# Why a notice that is due does not go out; the first that fits is shown.
REASONS = {
    "disputed": _("The customer disputes it"),
    "on_hold": _("A complaint is open"),
    "promised": _("The customer promised to pay"),
    "inactive": _("Reminders are switched off for this credit class"),
}


def open_rows(tenant) -> QuerySet[Receivable]:
    """Receivables that can be reminded of at all: something is owed and the day is known."""
    return Receivable.objects.of(tenant).filter(balance__gt=0, superseded=False, due_date__isnull=False)


def of_policy(policy: DunningPolicy) -> Q:
    """Receivables of the policy's credit class; without a class: of whoever has no policy of his own class.

    A customer of whom no class is noted is of the default class.
    """
    policies = DunningPolicy.objects.of(policy.tenant_id).exclude(credit_class="")
    if policy.credit_class:
        return _of_classes(policy.tenant_id, {policy.credit_class})
    return ~_of_classes(policy.tenant_id, set(policies.values_list("credit_class", flat=True)))


def _of_classes(tenant_id: int, letters: set[str]) -> Q:
    classes = CreditClass.objects.of(tenant_id)
    if CreditClass.Letter.B in letters:
        return ~Q(account_id__in=classes.exclude(letter__in=letters).values("account_id"))
    return Q(account_id__in=classes.filter(letter__in=letters).values("account_id")) if letters else Q(pk__in=[])


def due(policy: DunningPolicy, today: date) -> QuerySet[Receivable]:
    """What the ladder alone would remind of today, stopped or not."""
    steps = policy.ladder
    rows = open_rows(policy.tenant_id).filter(of_policy(policy))
    if not steps:
        return rows.none().annotate(next_level=Value(None, IntegerField()))
    earliest = min(step.days for step in steps)
    rows = rows.filter(due_date__lte=today - timedelta(days=earliest))
    next_level = Case(*_whens(policy, today), default=None, output_field=IntegerField())
    return rows.annotate(next_level=next_level).filter(next_level__isnull=False)


def _whens(policy: DunningPolicy, today: date) -> list[When]:
    steps, whens = policy.ladder, []
    rested = _rested(today, policy.min_gap_days)
    first_overdue = next((step for step in steps if step.days > 0), None)
    for step in sorted(steps, key=lambda step: -step.days):
        if step.days <= 0 or step is first_overdue:
            whens.append(When(_at(NONE, step.days, today) & rested, then=step.level))
    for level in Level.values:
        if above := following(steps, level):
            rest = _rested(today, gap(steps, level, above, policy.min_gap_days))
            whens.append(When(_at(level, above.days, today) & rest, then=above.level))
    return whens


def _at(level: int, days: int, today: date) -> Q:
    return Q(dunning_level=level, due_date__lte=today - timedelta(days=days))


def _rested(today: date, days: int) -> Q:
    return Q(dunned_on__isnull=True) | Q(dunned_on__lte=today - timedelta(days=days))


def settled_since(tenant) -> QuerySet:
    """Reminded receivables that were settled after their last notice, whether they still are or not.

    The ledger tells: nothing is owed now, or an entry that raised the balance met a balance of zero.
    """
    before = ArEntry.objects.of(tenant).filter(receivable=OuterRef("receivable"), pk__lt=OuterRef("pk")).order_by()
    raised = ArEntry.objects.of(tenant).filter(
        receivable=OuterRef("pk"), amount__gt=0, recorded_at__gt=OuterRef("last_notice")
    )
    reopened = raised.annotate(before=Subquery(_sum(before))).filter(before=0)
    notices = DunningNotice.objects.of(tenant).filter(receivable=OuterRef("pk")).order_by("-recorded_at")
    rows = Receivable.objects.of(tenant).filter(dunning_level__gt=NONE)
    rows = rows.annotate(last_notice=Subquery(notices.values("recorded_at")[:1]))
    return rows.filter(Q(balance=0) | Exists(reopened))


def _sum(entries: QuerySet[ArEntry]) -> QuerySet:
    return entries.values("receivable").annotate(sum=Sum("amount")).values("sum")


def promised(tenant, today: date) -> Exists:
    """A promise-to-pay whose day has not passed stops the clock, that day included."""
    live = PromiseToPay.objects.of(tenant).filter(withdrawn_at=None, promised_for__gte=today)
    return Exists(live.filter(receivable=OuterRef("pk")))


def stops(tenant, today: date) -> dict[str, Q]:
    """The reasons that lie in the receivable itself, as conditions."""
    return {"disputed": Q(disputed=True), "on_hold": Q(on_hold=True), "promised": Q(promised(tenant, today))}


def with_stop(policy: DunningPolicy, today: date) -> QuerySet[Receivable]:
    """Everything due, each with `stop`: the key of the reason why it does not go out, or empty."""
    if not policy.is_active:
        return due(policy, today).annotate(stop=Value("inactive"))
    whens = [When(condition, then=Value(key)) for key, condition in stops(policy.tenant_id, today).items()]
    return due(policy, today).annotate(stop=Case(*whens, default=Value("")))


def sendable(policy: DunningPolicy, today: date) -> QuerySet[Receivable]:
    """What goes out today."""
    if not policy.is_active:
        return due(policy, today).none()
    return free(due(policy, today), policy.tenant_id, today)


def free(rows: QuerySet[Receivable], tenant, today: date) -> QuerySet[Receivable]:
    """Without what a dispute, a complaint or a promise stops."""
    return rows.filter(~promised(tenant, today), disputed=False, on_hold=False)


def policies(tenant) -> list[DunningPolicy]:
    return list(DunningPolicy.objects.of(tenant).order_by("credit_class", "pk"))


def waiting(tenant, today: date) -> int:
    """How many notices a run would give today."""
    return sum(sendable(policy, today).count() for policy in policies(tenant))
