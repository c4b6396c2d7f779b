"""Keeps the keys and grams of records in step with their columns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db import connection, transaction

from crm.core import names
from crm.core.tenancy.models import TenantModel

from .models import IdentityKey, SearchGram
from .subjects import Subject, subject_of

CHUNK = 500  # records of a transaction
ROWS = 20_000  # keys or grams of a statement: a second or two
Kind = IdentityKey.Kind


def keys(identity: names.Identity) -> Iterator[tuple[str, str]]:
    """(kind, key) of everything comparable; blank, invalid and shared values have none (domain.md 6.4)."""
    found = {
        Kind.USCC: {identity.code.code} if identity.code.valid else set(),
        Kind.NAME: {identity.firm.key},
        Kind.MOBILE: identity.lines("mobile"),
        Kind.LANDLINE: identity.lines("landline"),
        Kind.EMAIL: identity.mails,
        Kind.EMAIL_DOMAIN: identity.mail_domains,
        Kind.WEB_DOMAIN: {names.web_domain(identity.website)},
    }
    return ((kind.value, key[:200]) for kind, values in found.items() for key in sorted(values) if key)


def watch(record, changed: set[str]) -> None:
    """After every insert and update (records.watchers): rewrite what the change touched."""
    subject = subject_of(type(record))
    if subject and changed & subject.columns:
        index([record])


@transaction.atomic
def index(records: Iterable[TenantModel]) -> None:
    """Bring keys and grams of records of one company up to date, by difference, in few statements."""
    by_model = defaultdict(list)
    for record in records:
        by_model[type(record)].append(record)
    for model, rows in by_model.items():
        if subject := subject_of(model):
            _rewrite(IdentityKey, ("kind", "key"), subject, rows, lambda row, s=subject: set(_own_keys(s, row)))
            _rewrite(SearchGram, ("gram",), subject, rows, lambda row, s=subject: _grams(s, row))


def _own_keys(subject: Subject, record) -> Iterator[tuple[str, str]]:
    """The name of a related firm is left out: the firm has it as a key already."""
    return (pair for pair in keys(subject.identity(record)) if subject.name or pair[0] != Kind.NAME)


def _grams(subject: Subject, record) -> set[tuple[str]]:
    return {(gram,) for gram in names.grams(*subject.texts(record))}


def _rewrite(model, columns: tuple[str, ...], subject: Subject, rows: list, wanted_of) -> None:
    tenant_id = rows[0].tenant_id
    mine = model.objects.of(tenant_id).filter(subject_type=subject.type, subject_id__in=[row.pk for row in rows])
    there = {(row[1], row[2:]): row[0] for row in mine.values_list("pk", "subject_id", *columns)}
    wanted = {(row.pk, values) for row in rows for values in wanted_of(row)}
    if gone := [pk for pair, pk in there.items() if pair not in wanted]:
        model.objects.of(tenant_id).filter(pk__in=gone).delete()
    new = sorted(wanted - there.keys())
    for start in range(0, len(new), ROWS):
        _insert(model, columns, subject, tenant_id, new[start : start + ROWS])


def _insert(model, columns: tuple[str, ...], subject: Subject, tenant_id: int, rows: list) -> None:
    """One statement without model instances: a record has some twenty grams, an import ten thousand records."""
    arrays = [[pk for pk, _values in rows], *([values[n] for _pk, values in rows] for n in range(len(columns)))]
    sql = (
        f"INSERT INTO {model._meta.db_table} (tenant_id, subject_type, subject_id, {', '.join(columns)})"
        f" SELECT %s, %s, * FROM unnest(%s::bigint[]{', %s::text[]' * len(columns)}) ON CONFLICT DO NOTHING"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [tenant_id, subject.type, *arrays])


def rebuild(tenant, model) -> int:
    """Index every record of a model anew, in chunks of a transaction each; returns how many. Safe to repeat."""
    last = count = 0
    while True:
        with transaction.atomic():
            rows = list(model.objects.of(tenant).filter(pk__gt=last).order_by("pk").select_for_update()[:CHUNK])
            index(rows)
        if not rows:
            return count
        last, count = rows[-1].pk, count + len(rows)
