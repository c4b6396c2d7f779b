"""Money owed and money received elsewhere, from a file; finance only (domain.md 9)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from accounts.importers import AccountFinder
from contracts.models import Contract
from crm.core import records
from crm.core.entities.models import LegalEntity
from crm.core.entities.numbering import next_number
from crm.core.errors import Refused, ValidationError
from crm.core.imports.columns import Column
from crm.core.imports.finders import Finder, folded
from crm.core.imports.importer import SKIP, Importer
from crm.core.imports.registry import register
from crm.core.imports.rows import Row

from .actions.receipts import post_receipt
from .models import ArEntry, Plan, Receipt, Receivable

MONEY_POLICIES = (SKIP,)  # what is posted is corrected by an opposite posting, never by a file
KINDS = {
    "其他": "other",
    "预付": "advance", "预付款": "advance", "进度": "progress", "进度款": "progress", "验收": "acceptance",
    "验收款": "acceptance", "质保": "retention", "质保金": "retention", "尾款": "retention", "服务费": "service",
}  # fmt: skip
METHODS = {"转账": "transfer", "电汇": "transfer", "汇款": "transfer", "承兑": "bank_draft", "银承": "bank_draft"}


class ContractFinder(Finder):
    """Contracts by number, read chunk by chunk."""

    def __init__(self, tenant):
        super().__init__(names=lambda contract: (contract.number,))
        self.tenant = tenant

    def load(self, texts: set[str]) -> None:
        rows = Contract.objects.of(self.tenant).filter(number__in=texts)
        for contract in rows.select_related("account", "legal_entity", "owner"):
            self.add(contract)


@register
class ReceivableImporter(Importer):
    """Receivables of contracts whose plan was made elsewhere; together at most what the contract is worth."""

    key, label, icon, order = "receivables", _("Receivables"), "coin", 80
    permission, policies = "import.money", MONEY_POLICIES
    model = Receivable
    unique_kinds = frozenset({"number"})
    columns = (
        Column("contract", _("Contract"), kind="relation", required=True,
               synonyms="合同, 合同编号, 合同号, contract number, contract no"),
        Column("amount", _("Amount"), kind="money", required=True,
               synonyms="金额, 应收金额, 应收, 计划金额, amount due, receivable amount"),
        Column("due_date", _("Due"), kind="date",
               synonyms="应收日期, 到期日期, 到期日, 计划收款日期, 收款日期, due date"),
        Column("kind", _("Kind"), kind="choice", choices=Receivable.Kind, words=KINDS,
               synonyms="类型, 款项, 款项性质, 期次, payment type"),
        Column("number", _("Number"), max_length=40, synonyms="应收编号, 应收单号, 编号, 单号"),
        Column("issue_date", _("Owed since"), kind="date", synonyms="挂账日期, 立账日期, 业务日期, issue date"),
    )  # fmt: skip

    def load(self) -> None:
        self.finders = {"contract": ContractFinder(self.tenant)}
        self.owed: dict[int, Decimal] = {}
        self.planned: dict[int, bool] = {}

    def complete(self, row: Row) -> None:
        values = row.values
        if values["amount"] <= 0:
            row.fail(_("Enter an amount above zero."))
        elif values["contract"].status not in Contract.LIVE:
            row.fail(_("“%(value)s” is not in force."), value=values["contract"])
        elif values.get("issue_date") and values["issue_date"] > self.tenant.today():
            row.fail(_("The date %(value)s lies in the future."), value=values["issue_date"])

    def keys(self, row: Row) -> list[tuple]:
        values = row.values
        if number := values.get("number"):
            return [("number", folded(number))]
        return [("line", values["contract"].pk, values.get("due_date"), values["amount"], values.get("kind", ""))]

    def existing(self, rows: list[Row]) -> dict:
        own = Receivable.objects.of(self.tenant).filter(contract__in={row.values["contract"].pk for row in rows})
        found: dict[tuple, Receivable] = {}
        for one in own:
            found["line", one.contract_id, one.due_date, one.original, one.kind] = one
            found.setdefault(("line", one.contract_id, one.due_date, one.original, ""), one)
        numbers = {row.values["number"] for row in rows if row.values.get("number")}
        for one in Receivable.objects.of(self.tenant).filter(number__in=numbers) if numbers else ():
            found["number", folded(one.number)] = one
        return found

    def make(self, row: Row) -> Receivable:
        values, contract = row.values, row.values["contract"]
        self._claim(contract, values["amount"])
        since: date = values.get("issue_date") or contract.effective_on or contract.sign_date or self.tenant.today()
        plain: dict[str, Any] = {name: values[name] for name in ("kind", "number") if values.get(name)}
        return Receivable(
            tenant=self.tenant, created_at=self.moment(since), contract=contract, account=contract.account,
            legal_entity=contract.legal_entity, owner=contract.owner, currency=contract.currency, issue_date=since,
            original=values["amount"], due_date=values.get("due_date"), **{"number": f"#{row.number}", **plain},
        )  # fmt: skip

    def _claim(self, contract: Contract, amount: Decimal) -> None:
        """Refuse what a confirmed plan owes already, or what is more than the contract."""
        if contract.pk not in self.owed:
            rows = Receivable.objects.of(self.tenant).filter(contract=contract, superseded=False)
            self.owed[contract.pk] = rows.aggregate(sum=Sum(F("original") + F("adjusted")))["sum"] or Decimal(0)
            plans = Plan.objects.of(self.tenant).filter(contract=contract, status=Plan.Status.CONFIRMED)
            self.planned[contract.pk] = plans.exists()
        if self.planned[contract.pk]:
            raise Refused(_("The contract has a confirmed plan; its receivables come from there."), code="PLANNED")
        if self.owed[contract.pk] + amount > contract.effective_amount and contract.kind != Contract.Kind.FRAMEWORK:
            raise Refused(
                _("With this line %(number)s would owe more than the contract's %(amount)s.")
                % {"number": contract.number, "amount": f"{contract.effective_amount:,.2f}"}, code="PLAN_SUM",
            )  # fmt: skip
        self.owed[contract.pk] += amount

    def insert(self, rows: list[Row]) -> None:
        made = [row.record for row in rows]
        for one in made:
            if one.number.startswith("#"):
                one.number = next_number(one.legal_entity, "YS", one.issue_date)
        records.create_many(made, by=self.by, verb="imported")
        records.append(
            ArEntry(
                tenant=self.tenant, receivable=one, type=ArEntry.Type.OPEN, amount=one.original,
                effective_date=one.issue_date, by=self.by,
            )
            for one in made
        )  # fmt: skip


@register
class ReceiptImporter(Importer):
    """Receipts, posted as by hand: each is allocated at once by the rules of domain.md 6.16."""

    key, label, icon, order = "receipts", _("Receipts"), "inbox", 90
    permission, policies = "import.money", MONEY_POLICIES
    model = Receipt
    columns = (
        Column("account", _("Customer"), kind="relation", required=True,
               synonyms="客户, 客户名称, 付款客户, account, account name, customer"),
        Column("amount", _("Amount"), kind="money", required=True,
               synonyms="金额, 回款金额, 收款金额, 到账金额, amount received"),
        Column("received_on", _("Received on"), kind="date", required=True,
               synonyms="回款日期, 收款日期, 到账日期, 日期, payment date, date"),
        Column("contract", _("For contract"), kind="relation", synonyms="合同, 合同编号, 合同号, contract number"),
        Column("method", _("Method"), kind="choice", choices=Receipt.Method, words=METHODS,
               synonyms="回款方式, 收款方式, 支付方式, payment method"),
        Column("payer", _("Payer"), synonyms="付款方, 付款人, 付款单位, 对方户名"),
        Column("legal_entity", _("Legal entity"), kind="relation", synonyms="收款主体, 销售主体, 我方主体"),
        Column("note", _("Note"), max_length=300, synonyms="备注, 摘要, 附言, remark, memo"),
    )  # fmt: skip

    def load(self) -> None:
        entities = list(LegalEntity.objects.of(self.tenant).filter(is_active=True))
        self.entity = next((entity for entity in entities if entity.is_default), entities[0] if entities else None)
        self.finders = {
            "account": AccountFinder(self.tenant),
            "contract": ContractFinder(self.tenant),
            "legal_entity": Finder(entities, names=lambda entity: (entity.name, entity.short_name, entity.code)),
        }

    def complete(self, row: Row) -> None:
        values, contract = row.values, row.values.get("contract")
        values.setdefault("legal_entity", contract.legal_entity if contract else self.entity)
        if values["amount"] <= 0:
            row.fail(_("Enter an amount above zero."))
        elif values["received_on"] > self.tenant.today():
            row.fail(_("The date %(value)s lies in the future."), value=values["received_on"])
        elif contract is not None and contract.account_id != values["account"].pk:
            row.fail(_("“%(value)s” belongs to another customer."), value=contract)

    def keys(self, row: Row) -> list[tuple]:
        values = row.values
        texts = (folded(values.get(name) or "") for name in ("payer", "note"))
        return [("receipt", values["account"].pk, values["received_on"], values["amount"], *texts)]

    def existing(self, rows: list[Row]) -> dict:
        accounts = {row.values["account"].pk for row in rows}
        days = {row.values["received_on"] for row in rows}
        known = Receipt.objects.of(self.tenant).filter(account__in=accounts, received_on__in=days)
        return {
            ("receipt", one.account_id, one.received_on, one.amount, folded(one.payer), folded(one.note)): one
            for one in known.exclude(status=Receipt.Status.REVERSED)
        }

    def make(self, row: Row) -> Receipt:
        return Receipt(tenant=self.tenant, number=f"#{row.number}", currency=self.tenant.base_currency, **row.values)

    def insert(self, rows: list[Row]) -> None:
        for row in rows:
            try:
                post_receipt(by=self.by, **row.values)
            except Refused as refused:  # such as a closed month: the row's own error
                raise ValidationError(str(refused)) from refused
