"""Opening a company and its settings; what concerns a user in every company."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from crm.core.company import holdings
from crm.core.errors import Refused
from crm.core.events import history
from crm.core.people.models import Member, Seat, User
from crm.core.people.reach import require
from crm.core.people.roles import Reach, Role
from crm.core.tenancy.models import Tenant
from crm.core.tenancy.slugs import RESERVED_SLUGS
from crm.core.tenancy.state import enter

from .members import add_member
from .tokens import end_tokens

SETTINGS = ("name", "tz", "locale", "base_currency")


@transaction.atomic
def found_company(*, name: str, founder: User, slug: str = "", **options) -> tuple[Tenant, Member]:
    """Open a company with its system member and its first admin (the founder, who also manages sales)."""
    tenant = _take_address(Tenant(name=name.strip(), slug=slug, **options))
    with enter(tenant):
        system = Member(tenant=tenant, name="Leadline", is_system=True, reach=Reach.ALL)
        system.save(force_insert=True)
        admin = add_member(
            by=system, name=str(founder), email=founder.email, roles=[Role.ADMIN, Role.MANAGER], reach=Reach.ALL,
            user=founder,
        )  # fmt: skip
        history.note(tenant, kind="tenant.founded", by=admin, data={"name": tenant.name, "slug": tenant.slug})
        for prepare in holdings.on_founding:
            prepare(tenant, system)
    return tenant, admin


def _take_address(tenant: Tenant) -> Tenant:
    """Save the company under its slug; a free one is chosen again when another sign-up was faster."""
    chosen = tenant.slug
    for _attempt in range(5):
        tenant.slug = chosen or free_slug(tenant.name)
        tenant.full_clean()
        try:
            with transaction.atomic():
                tenant.save(force_insert=True)
            return tenant
        except IntegrityError:
            continue
    raise ValidationError({"slug": _("This address is taken. Choose another.")})


def free_slug(name: str) -> str:
    """An address for the company: its Latin name, else its pinyin, made unique."""
    from pypinyin import lazy_pinyin

    base = slugify("".join(lazy_pinyin(name)))[:30].strip("-_").replace("_", "-") or "company"
    if len(base) < 2 or base in RESERVED_SLUGS:
        base = f"{base}-co"
    slug, n = base, 1
    while Tenant.objects.filter(slug=slug).exists():
        n += 1
        slug = f"{base}-{n}"
    return slug


def system_member(tenant) -> Member:
    """The actor of jobs."""
    return Member.objects.of(tenant).get(is_system=True)


@transaction.atomic
def update_company(tenant: Tenant, *, by: Member, **values) -> Tenant:
    """Change name, zone, language or currency of the company; the currency only while no amount is kept in it."""
    require(by, "company.manage")
    locked = Tenant.objects.select_for_update(no_key=True).get(pk=by.tenant_id)
    changes = {name: [getattr(locked, name), values[name]] for name in SETTINGS if name in values}
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if "base_currency" in changes and any(keeps(locked) for keeps in holdings.keep_money):
        raise Refused(
            _("Amounts are kept in %(currency)s already, so the currency stays.") % {"currency": locked.base_currency},
            code="CURRENCY_IN_USE",
        )
    if changes:
        _save(locked, {name: after for name, (before, after) in changes.items()})
        history.note(locked, kind="tenant.updated", by=by, changes=changes)
    tenant.__dict__.update(locked.__dict__)
    return tenant


def _save(tenant: Tenant, values: dict) -> None:
    for name, value in values.items():
        setattr(tenant, name, value)
    tenant.clean_fields()
    tenant.save(update_fields=list(values))


def set_language(user: User, language: str) -> None:
    """The language that this person reads everywhere, in pages and mails."""
    User.objects.filter(pk=user.pk).update(language=language)
    user.language = language


@transaction.atomic
def end_tokens_of(user: User) -> None:
    """Revoke the person's tokens in every company: whoever knew the old password may have made some."""
    for tenant in Tenant.objects.filter(pk__in=Seat.objects.filter(user=user).values("tenant_id")):
        with enter(tenant):
            for member in Member.objects.of(tenant).filter(user=user):
                end_tokens(member, by=member)
