"""Tags and filters every template has without loading them (settings.TEMPLATES builtins)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.forms import BoundField, Select
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import get_language, ngettext_lazy
from django.utils.translation import gettext as _

from crm.core.people import reach
from crm.core.web import panels as record_panels
from crm.core.web.static import icon_names

register = template.Library()

MINUS = "\N{MINUS SIGN}"
NOTHING = format_html('<span class="muted">{}</span>', "\N{EM DASH}")
CJK_UNITS = ((Decimal(10**8), "亿"), (Decimal(10**4), "万"))
UNITS = {
    "year": ngettext_lazy("%(num)d year", "%(num)d years", "num"),
    "month": ngettext_lazy("%(num)d month", "%(num)d months", "num"),
    "week": ngettext_lazy("%(num)d week", "%(num)d weeks", "num"),
    "day": ngettext_lazy("%(num)d day", "%(num)d days", "num"),
    "hour": ngettext_lazy("%(num)d hour", "%(num)d hours", "num"),
    "minute": ngettext_lazy("%(num)d minute", "%(num)d minutes", "num"),
}
INLINE_FILTERS = 3
ANY_OPTION = re.compile(r'(<option value="(?:unknown)?"[^>]*>|data-placeholder=")[^<"]*')
LATIN_UNITS = ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "K"))
BROWSERS = (("MicroMessenger", "WeChat"), ("DingTalk", "DingTalk"), ("Edg/", "Edge"), ("Firefox", "Firefox"),
            ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
           ("Linux", "Linux"))  # fmt: skip


@register.simple_tag(takes_context=True)
def turl(context: template.Context, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a page of the current company: `{% turl 'leads:detail' pk=lead.pk %}`."""
    return reverse(name, args=args or None, kwargs=None if args else {"tenant": company_slug(context), **kwargs})


def company_slug(context: template.Context) -> str:
    member = context.get("member")
    company = context.get("company") or getattr(context.get("request"), "tenant", None)
    return company.slug if company else member.tenant.slug


@register.simple_tag(takes_context=True)
def repeat_block(context: template.Context, name: str) -> str:
    """A block's content once more: the browser tab's title as the heading of the page."""
    return context.render_context[BLOCK_CONTEXT_KEY].get_block(name).render(context)


@register.inclusion_tag("layout/panels.html", takes_context=True)
def panels(context: template.Context, record: Any) -> dict[str, Any]:
    """What other apps show on the page of a record (crm.core.web.panels)."""
    member, slug = context["request"].member, company_slug(context)
    shown = [
        {"key": one.key, "title": one.title, "url": reverse(one.url_name, kwargs={"tenant": slug, "pk": record.pk})}
        for one in record_panels.of(record, member)
    ]
    return {"panels": shown}


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> str:
    """A picture from our sprite; hidden from screen readers unless it has a label."""
    if name not in icon_names() and settings.CRM_ENV != "production":
        raise ValueError(f"Icon {name!r} is not in package.json; add it there and run tools/frontend.py.")
    css = f"icon {size}".strip()
    href = f"{static('npm/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', css, label, href)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', css, href)


@register.filter
def money(value: Any, currency: str = "") -> str:
    """1,234,567.00 with a true minus; the currency code muted behind it; a dash for nothing."""
    if value is None or value == "":
        return NOTHING
    text = grouped(Decimal(value), 2)
    code = format_html(' <span class="unit">{}</span>', currency) if currency else ""
    return format_html('<span class="money">{}{}</span>', text, code)


@register.filter
def short_money(value: Any, currency: str = "") -> str:
    """For charts and tiles: 1,234.6万 or 12.3M, with the full number in the title."""
    if value is None or value == "":
        return NOTHING
    amount = Decimal(value)
    full = f"{grouped(amount, 2)} {currency}".strip()
    return format_html('<span class="money" title="{}">{}</span>', full, abbreviated(amount))


def grouped(amount: Decimal, places: int) -> str:
    return f"{amount:,.{places}f}".replace("-", MINUS)


def abbreviated(amount: Decimal) -> str:
    """One decimal of the largest unit that fits: 万/亿 in Chinese, K/M/B elsewhere."""
    for size, unit in CJK_UNITS if (get_language() or "").startswith("zh") else LATIN_UNITS:
        if abs(amount) >= size:
            return grouped(amount / size, 1).removesuffix(".0") + unit
    return grouped(amount, 0)


@register.filter
def percent(value: Any, places: int = 1) -> str:
    """A ratio as a percentage with one decimal, or as many as named: 0.7778 → 77.8%."""
    if value is None or value == "":
        return NOTHING
    return f"{grouped(Decimal(value) * 100, places)}%"


@register.filter
def number(value: Any) -> str:
    """A count with thousands separators."""
    return NOTHING if value is None or value == "" else grouped(Decimal(value), 0)


@register.filter
def quantity(value: Any) -> str:
    """As people write it: 12.000 → 12, 0.500 → 0.5, 1250.000 → 1,250; a dash for nothing."""
    return NOTHING if value is None or value == "" else grouped(Decimal(value), 3).rstrip("0").rstrip(".")


@register.filter
def day(value: date | datetime | None) -> str:
    """The ISO date; of a moment, the date in the company's time zone."""
    if not value:
        return NOTHING
    local = timezone.localdate(value) if isinstance(value, datetime) else value
    return format_html('<time datetime="{0}">{0}</time>', local.isoformat())


@register.filter
def when(value: datetime | None) -> str:
    """How long ago or ahead, with the full moment (company's time zone) in the title."""
    if not value:
        return NOTHING
    local = timezone.localtime(value)
    full = local.strftime("%Y-%m-%d %H:%M")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), full, distance(value))


def distance(value: datetime) -> str:
    """The largest unit alone: 3 days ago, in 2 hours, just now."""
    seconds = (value - timezone.now()).total_seconds()
    if abs(seconds) < 60:
        return _("just now")
    if seconds < 0:
        return _("%(time)s ago") % {"time": timesince(value, depth=1, time_strings=UNITS)}
    return _("in %(time)s") % {"time": timeuntil(value, depth=1, time_strings=UNITS)}


@register.filter
def moment(value: datetime | None) -> str:
    """The date and minute in the company's time zone."""
    if not value:
        return NOTHING
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), local.strftime("%Y-%m-%d %H:%M"))


@register.filter
def may(member: Any, action: str) -> bool:
    """Whether the member's roles allow the act at all: `{% if member|may:"lead.create" %}`. Offers, never decides."""
    return reach.may(member, action)


@register.filter
def initial(name: Any) -> str:
    """What stands in a round mark: 静 for 陈静 (given name last), 华 for a longer name, AS for Ana Souza."""
    text = str(name or "").strip()
    if not text.isascii():
        return text[-1:] if len(text) <= 3 else text[:1]
    return "".join(word[0] for word in text.split()[:2]).upper()


@register.simple_tag(takes_context=True)
def sort_state(context: template.Context, key: str, param: str = "sort") -> dict[str, str]:
    """How a column is sorted now, and the address that sorts by it next."""
    query = context["request"].GET.copy()
    current = query.get(param, "")
    descending = current == f"-{key}"
    query[param] = key if current != key else f"-{key}"
    query.pop("after", None)
    aria = "descending" if descending else "ascending" if current == key else "none"
    return {"aria": aria, "url": f"?{query.urlencode()}"}


@register.simple_tag(takes_context=True)
def hidden_query(context: template.Context, names: str = "sort view") -> list[tuple[str, str]]:
    """The parameters of this page that a filter form must carry along."""
    query = context["request"].GET
    return [(name, value) for name in names.split() for value in query.getlist(name)]


@register.simple_tag
def filter_field(field: BoundField) -> str:
    """A field of a filter bar, whose labels are hidden: its "any" is written as the label, not as dashes."""
    label = conditional_escape(capfirst(field.label))
    return mark_safe(ANY_OPTION.sub(lambda option: option[1] + label, field.as_field_group(), count=1))


@register.simple_tag(takes_context=True)
def filter_parts(context: template.Context, form: Any, search: str = "", carry: str = "") -> dict[str, Any]:
    """A filter form for its bar: the first three selects side by side, the rest behind a button, how many are set."""
    left_out = [search, *carry.split()]
    fields = [field for field in form.visible_fields() if field.name not in left_out] if form else []
    inline = [field for field in fields if isinstance(field.field.widget, Select)][:INLINE_FILTERS]
    query = context["request"].GET
    used = [key for key in query if query[key] and any(key.startswith(field.html_name) for field in fields)]
    return {"inline": inline, "more": [field for field in fields if field not in inline], "used": len(used)}


@register.filter
def querypart(values: dict[str, Any]) -> str:
    """A mapping as `a=1&b=2`."""
    return urlencode({key: value for key, value in values.items() if value not in (None, "")}, doseq=True)


@register.filter
def sparkline(values: Iterable[Any]) -> str:
    """The points of a 100 × 24 polyline through the values, first to last."""
    numbers = [float(value) for value in values]
    if len(numbers) < 2:
        return ""
    low, spread = min(numbers), (max(numbers) - min(numbers)) or 1
    step = 100 / (len(numbers) - 1)
    return " ".join(f"{i * step:.1f},{22 - (n - low) / spread * 20:.1f}" for i, n in enumerate(numbers))


@register.filter
def share(value: Any, whole: Any) -> str:
    """How much of `whole` a value is, 0 to 100 with one decimal, for the widths of bars."""
    if not whole or not value:
        return "0"
    return f"{min(100.0, float(value) / float(whole) * 100):.1f}"


@register.filter
def centred(value: Any, whole: Any) -> str:
    """Where a centred bar of this share begins, 0 to 50."""
    return f"{(100 - float(share(value, whole))) / 2:.1f}"


@register.simple_tag
def largest(rows: Iterable[Any], key: str) -> Any:
    """The largest `key` among mappings or objects, for charts; 0 when there are none."""
    values = (row.get(key) if isinstance(row, dict) else getattr(row, key) for row in rows)
    return max((value for value in values if value), default=0)


@register.simple_tag(takes_context=True)
def turn_page(context: template.Context, param: str, cursor: str) -> str:
    """The address of this list at another cursor, everything else kept; empty cursor: the first page."""
    query = context["request"].GET.copy()
    query.pop(param, None)
    if cursor:
        query[param] = cursor
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def query_value(context: template.Context, name: str) -> str:
    """What this page's address holds for a parameter."""
    return context["request"].GET.get(name, "")


@register.filter
def browser(agent: str) -> str:
    """What a person calls the sender of this user agent: Chrome · Windows."""
    known = [next((name for mark, name in names if mark in (agent or "")), "") for names in (BROWSERS, SYSTEMS)]
    return " · ".join(filter(None, known)) or (agent or "?")[:40]
