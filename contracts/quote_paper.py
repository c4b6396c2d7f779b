"""A quote as it is read: its lines with tax and sums, on the page, on paper and by the customer."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language

from contracts import floors
from contracts.models import Quote, QuoteLine
from crm.core.approvals.actions import latest
from crm.core.capitals import rmb_capitals
from crm.core.taxes import NOTHING, Taxed, from_gross
from crm.core.web import pdf

TERMS = ("payment_terms", "delivery_terms", "acceptance_terms", "warranty_terms", "penalty_terms")


@dataclass(frozen=True)
class PaperLine:
    row: QuoteLine
    taxed: Taxed

    @property
    def name(self) -> str:
        return self.row.product.name if self.row.product else self.row.description

    @property
    def detail(self) -> str:
        return self.row.description if self.row.product else ""

    @property
    def quantity(self) -> str:
        """Without zeros that say nothing: 3, 0.5."""
        return f"{self.row.quantity.normalize():f}"

    @property
    def discount(self) -> str:
        return f"{self.row.discount.normalize():f}"


def facts(quote: Quote) -> dict:
    """What everybody may read of a quote, its customer too: nothing internal is in it."""
    rows = quote.lines.select_related("product", "tax_code")
    lines = [PaperLine(row, from_gross(row.amount, row.tax_code.rate)) for row in rows]
    return {
        "quote": quote, "lines": lines, "taxed": sum((line.taxed for line in lines), NOTHING),
        "has_discount": any(line.row.discount for line in lines),
        "capitals": rmb_capitals(quote.amount) if quote.currency == "CNY" else "",
        "terms": [(quote._meta.get_field(name).verbose_name, getattr(quote, name)) for name in TERMS
                  if getattr(quote, name)],
    }  # fmt: skip


def inside(quote: Quote) -> dict:
    """What the company's own people read beside it."""
    rows = quote.lines.all()
    found = floors.check(rows, floors.prices_of(quote.price_list))
    return {"checked": found, "special": {*found.below, *found.gifts}, "asked": latest(quote) is not None}


def language(code: str) -> str:
    return code if code in dict(settings.LANGUAGES) else get_language()


def answer(quote: Quote) -> HttpResponse:
    """The PDF, in the active language."""
    context = {**facts(quote), "html_lang": "zh-Hans" if get_language().startswith("zh") else "en"}
    return pdf.answer("quotes/pdf.html", context, stylesheet="quotes/pdf.css", name=f"{quote.number}-v{quote.revision}")
