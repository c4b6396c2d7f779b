"""How a quote that gives something away is approved: what approvers are shown and what they bind (INV-C3, C7)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from contracts.actions import quotes
from contracts.floors import Checked
from contracts.models import Quote
from crm.core.approvals.subjects import Card, Facts, Line, Subject, standard_levels
from crm.core.money import to_json
from crm.core.web.templatetags.crm import grouped

FACTS = (
    "number", "revision", "title", "account_id", "legal_entity_id", "price_list_id", "currency", "discount_reason",
    *quotes.TERMS,
)  # fmt: skip


def facts(quote: Quote) -> Facts:
    """The quote's amount decides the level; what lies below a floor or is free is money given up."""
    seat = quote.owner.memberships.order_by("-is_primary", "pk").first()
    return Facts(
        amount=quote.amount, money=quote.below_floor, below_floor=quote.below_floor, nonstandard=quote.nonstandard,
        discount=quote.discount, team_id=seat.team_id if seat else None,
    )  # fmt: skip


def content(quote: Quote) -> dict:
    """Everything that is approved; amounts and days as text."""
    return {
        **{name: getattr(quote, name) for name in FACTS},
        "valid_until": quote.valid_until.isoformat(),
        "amount": to_json(quote.amount),
        "lines": [[row.order, *(_plain(getattr(row, name)) for name in quotes.LINE)] for row in quote.lines.all()],
    }


def _plain(value):
    return value if value is None or isinstance(value, str | int | bool) else f"{value.normalize():f}"


def card(quote: Quote) -> Card:
    found = quotes.checked(quote)
    return Card(
        title=f"{quote} · {quote.account}",
        reason=quote.discount_reason,
        money=effect(quote, found),
        lines=[
            Line(_("Quote"), f"{grouped(quote.amount, 2)} {quote.currency}", grouped(quote.list_amount, 2)),
            Line(_("Valid until"), quote.valid_until.isoformat()),
            *([Line(pgettext("quote", "Terms"), _("differ from our standard terms"))] if quote.nonstandard else []),
            *(_line(row, found) for row in quote.lines.select_related("product") if row.order in _special(found)),
        ],
    )


def effect(quote: Quote, found: Checked) -> str:
    """The money in one sentence."""
    return _("%(given)s %(currency)s off the price list (%(discount).1f %%), %(under)s of it below the floors") % {
        "given": grouped(found.given, 2), "currency": quote.currency, "discount": quote.discount * 100,
        "under": grouped(found.under, 2),
    }  # fmt: skip


def _special(found: Checked) -> set[int]:
    return {*found.below, *found.gifts}


def _line(row, found: Checked) -> Line:
    name = row.description or str(row.product)
    said = _("free of charge") if row.order in found.gifts else _("−%(discount)s %%") % {"discount": row.discount}
    return Line(name, f"{row.quantity.normalize():f} × {grouped(row.unit_price, 2)} · {said}")


def subject() -> Subject:
    return Subject(
        model=Quote, facts=facts, content=content, card=card, approved=quotes.approved, dropped=quotes.dropped,
        url_name="quotes:detail", label=gettext_lazy("Quote"), default_nodes=standard_levels(),
    )  # fmt: skip
