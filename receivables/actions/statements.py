"""Bank accounts, and statements on their way in: kept, understood, imported once (domain.md 6.21b, WC-26)."""

from collections.abc import Mapping
from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.core import records
from crm.core.errors import Refused, ValidationError
from crm.core.people.models import Member
from crm.core.people.reach import require
from crm.core.uploads import clean_upload
from receivables.models import BankAccount, BankLine, Incoming, StatementFile
from receivables.statements.keys import keyed
from receivables.statements.profiles import FIELDS
from receivables.statements.reading import Reading, Row, read

CHUNK = 1000


def create_bank_account(*, by: Member, **values) -> BankAccount:
    require(by, "bank.manage")
    return records.create(BankAccount, by=by, **_tidy(values))


def update_bank_account(account: BankAccount, *, by: Member, expected: int | None = None, **values) -> BankAccount:
    """Statements and receipts stay where they are; an account no longer in use is not offered any more."""
    require(by, "bank.manage")
    has_lines = BankLine.objects.of(by.tenant_id).filter(bank_account=account).exists()
    if has_lines and any(name in values and values[name] != getattr(account, name) for name in ("legal_entity",)):
        raise Refused(_("This account has statements: it stays with its legal entity."), code="HAS_STATEMENTS")
    return records.update(account, by=by, expected=expected, **_tidy(values))


def _tidy(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "number": "".join(values["number"].split())} if "number" in values else values


@transaction.atomic
def upload_statement(account: BankAccount, *, by: Member, file: Any, name: str = "") -> StatementFile:
    """Keep a statement to be looked at and imported. A file brought twice and not imported is the first one again.

    Refused with FILE_ALREADY_IMPORTED; raises Unacceptable or Unreadable for what is no statement.
    """
    require(by, "bank.import")
    clean = clean_upload(file, name=name or getattr(file, "name", "") or "statement.csv")
    known = StatementFile.objects.of(by.tenant_id).filter(bank_account=account, sha256=clean.sha256).first()
    if known is not None:
        _require_new(known)
        return known
    read(clean.file, remembered=account.profile.get("columns"))
    clean.file.seek(0)
    return records.create(
        StatementFile, by=by, verb="uploaded", bank_account=account, name=clean.name, sha256=clean.sha256,
        file=File(clean.file, name=clean.name),
    )  # fmt: skip


def _require_new(statement: StatementFile) -> None:
    if statement.status == StatementFile.Status.IMPORTED:
        raise Refused(
            _("“%(file)s” has been imported already. Its lines are there; nothing was added.") % {"file": statement},
            code="FILE_ALREADY_IMPORTED",
        )


def reading_of(statement: StatementFile) -> Reading:
    """The kept file as it is understood now."""
    try:
        stored = statement.file.open("rb")
    except (OSError, ValueError) as error:
        raise Refused(_("The file is gone. Upload the statement again."), code="FILE_GONE") from error
    with stored:
        return read(stored, chosen=statement.columns, remembered=statement.bank_account.profile.get("columns"))


def choose_columns(statement: StatementFile, columns: Mapping[str, str], *, by: Member) -> StatementFile:
    """Say what the headers mean; the account remembers it once the statement is imported."""
    require(by, "bank.import")
    _require_new(statement)
    chosen = {name: header for name, header in columns.items() if header}
    if unknown := set(chosen) - set(FIELDS):
        raise ValidationError({"columns": _("There is no field “%s”.") % sorted(unknown)[0]})
    return records.update(statement, by=by, verb="columns_chosen", columns=chosen)


@transaction.atomic
def import_statement(statement: StatementFile, *, by: Member) -> StatementFile:
    """Enter the lines that are not known yet, all or none; lines that overlap other statements are counted only.

    Raises ValidationError for a statement with rows that cannot be understood. Running balances that do not
    follow are kept as `gaps`: nothing of such a file is posted by itself.
    """
    require(by, "bank.import")
    account = records.lock(statement.bank_account)
    statement = records.lock(statement)
    _require_new(statement)
    reading = reading_of(statement)
    if reading.problems:
        raise ValidationError([str(problem) for problem in reading.problems])
    rows = new_rows(account, reading)
    _enter_lines(statement, rows)
    _remember(account, reading, by)
    days = [row.day for row in reading.rows]
    return records.move(
        statement, StatementFile.Status.IMPORTED, by=by, verb="imported", lines_new=len(rows),
        lines_known=len(reading.rows) - len(rows), gaps=reading.gaps[:100], columns=reading.columns,
        first_day=min(days), last_day=max(days),
    )  # fmt: skip


def new_rows(account: BankAccount, reading: Reading) -> dict[str, Row]:
    """Row key → row of those the account has no line of."""
    pairs = dict(keyed(reading.rows))
    lines = BankLine.objects.of(account.tenant_id).filter(bank_account=account)
    keys, known = list(pairs), set()
    for start in range(0, len(keys), CHUNK):
        known |= set(lines.filter(row_key__in=keys[start : start + CHUNK]).values_list("row_key", flat=True))
    return {key: row for key, row in pairs.items() if key not in known}


def _enter_lines(statement: StatementFile, rows: Mapping[str, Row]) -> None:
    lines = records.append(_line(statement, key, row) for key, row in rows.items())
    records.append(
        Incoming(
            tenant_id=line.tenant_id, line=line, bank_account_id=line.bank_account_id, day=line.day, amount=line.credit
        )
        for line in lines
        if line.credit > 0
    )


def _line(statement: StatementFile, key: str, row: Row) -> BankLine:
    same = ("txn_no", "day", "time", "credit", "debit", "counterparty", "counterparty_account", "counterparty_bank",
            "summary", "memo")  # fmt: skip
    return BankLine(
        tenant_id=statement.tenant_id, bank_account_id=statement.bank_account_id, statement=statement, row_key=key,
        running_balance=row.balance, **{name: getattr(row, name) for name in same},
    )  # fmt: skip


def _remember(account: BankAccount, reading: Reading, by: Member) -> None:
    profile = {"profile": reading.profile, "columns": reading.columns}
    if account.profile != profile:
        records.update(account, by=by, verb="profile_learned", profile=profile)
