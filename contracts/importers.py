"""Signed contracts from a file, as they stand: one line each, one version, under the number they have."""

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from accounts.importers import AccountFinder, create_missing
from accounts.models import Account
from crm.core import records
from crm.core.entities.models import LegalEntity
from crm.core.imports.columns import Column
from crm.core.imports.finders import Finder, folded, members
from crm.core.imports.importer import Importer
from crm.core.imports.registry import register
from crm.core.imports.rows import Row
from opportunities.models import Opportunity

from . import lines
from .actions import activation, versions
from .actions.prices import tax_codes_on, usual_tax_code
from .models import Contract, ContractLine

Status = Contract.Status
# What was agreed elsewhere is signed at least; what is still a draft is typed in.
SIGNED = (Status.SIGNED, Status.EFFECTIVE, Status.PERFORMING, Status.COMPLETED, Status.CLOSED, Status.EXPIRED,
          Status.TERMINATED)  # fmt: skip
PLAIN = ("title", "account", "kind", "owner", "opportunity", "legal_entity", "sign_date", "start_date", "end_date")
WORDS = {
    "执行中": Status.PERFORMING, "履行中": Status.PERFORMING, "已生效": Status.EFFECTIVE, "生效": Status.EFFECTIVE,
    "已完成": Status.COMPLETED, "已关闭": Status.CLOSED, "已终止": Status.TERMINATED, "已到期": Status.EXPIRED,
    "active": Status.PERFORMING, "in force": Status.EFFECTIVE,
}  # fmt: skip


class OpportunityFinder(Finder):
    """Opportunities by name, read chunk by chunk."""

    def __init__(self, tenant):
        super().__init__()
        self.tenant = tenant

    def load(self, texts: set[str]) -> None:
        for deal in Opportunity.objects.of(self.tenant).filter(name__in=texts):
            self.add(deal)


@register
class ContractImporter(Importer):
    key, label, icon, order = "contracts", _("Contracts"), "file-text", 70
    model = Contract
    unique_kinds = frozenset({"number"})
    columns = (
        Column("number", _("Number"), required=True, max_length=40,
               synonyms="合同编号, 合同号, 编号, contract number, contract no, contract id"),
        Column("title", _("Title"), synonyms="合同名称, 标题, 名称, contract name, name, subject"),
        Column("account", _("Customer"), kind="relation", creates=True, required=True,
               synonyms="客户, 客户名称, 甲方, 公司名称, account, account name, company"),
        Column("amount", _("Amount"), kind="money", required=True,
               synonyms="金额, 合同金额, 含税金额, 签约金额, contract amount, value, contract value"),
        Column("kind", _("Kind"), kind="choice", choices=Contract.Kind, synonyms="类型, 合同类型, contract type"),
        Column("status", _("Status"), kind="choice", choices=Status, synonyms="状态, 合同状态", words=WORDS),
        Column("owner", _("Owner"), kind="relation", synonyms="负责人, 销售, 销售员, 业务员, 签约人, sales rep"),
        Column("legal_entity", _("Legal entity"), kind="relation", synonyms="销售主体, 我方主体, 乙方, 签约主体"),
        Column("opportunity", _("Opportunity"), kind="relation", synonyms="商机, 商机名称, 项目, deal"),
        Column("tax", _("Tax code"), kind="relation", synonyms="税码, 税率, tax, vat"),
        Column("sign_date", _("Signed on"), kind="date", required=True,
               synonyms="签订日期, 签约日期, 合同日期, 签署日期, sign date, date signed, signed"),
        Column("start_date", _("From"), kind="date", synonyms="开始日期, 生效日期, 起始日期, start date"),
        Column("end_date", _("Until"), kind="date", synonyms="结束日期, 到期日期, 截止日期, end date, expiry date"),
    )  # fmt: skip

    def load(self) -> None:
        entities = list(LegalEntity.objects.of(self.tenant).filter(is_active=True))
        self.entity = next((entity for entity in entities if entity.is_default), entities[0] if entities else None)
        codes = list(tax_codes_on(self.tenant, self.tenant.today()))
        rate = lambda code: f"{(code.rate * 100).normalize():f}%"  # noqa: E731
        self.finders = {
            "account": AccountFinder(self.tenant),
            "owner": members(self.tenant),
            "legal_entity": Finder(entities, names=lambda entity: (entity.name, entity.short_name, entity.code)),
            "opportunity": OpportunityFinder(self.tenant),
            "tax": Finder(codes, names=lambda code: (code.code, code.name, rate(code) if code.rate else "")),
        }
        self.column = {column.key: column for column in self.columns}

    def new_related(self, column: Column, text: str) -> Account:
        return Account(tenant=self.tenant, name=text, owner=None if self.by.is_system else self.by)

    def complete(self, row: Row) -> None:
        values = row.values
        values.setdefault("owner", None if self.by.is_system else self.by)
        values.setdefault("legal_entity", self.entity)
        values.setdefault("status", Status.PERFORMING)
        values["title"] = values.get("title") or str(values["account"])
        if values["owner"] is None:
            row.fail(_("“%(column)s” is empty. Fill it in."), column=self.column["owner"].label)
        self.check_owner(row, self.column["owner"], values["owner"])
        self._check(row, values.get("opportunity"))

    def _check(self, row: Row, deal: Opportunity | None) -> None:
        values = row.values
        start, end = values.get("start_date") or values["sign_date"], values.get("end_date")
        if values["status"] not in SIGNED:
            row.fail(_("Only signed contracts are imported. Type drafts in."))
        elif values["amount"] < 0:
            row.fail(_("The amount is negative."))
        elif values["sign_date"] > self.tenant.today():
            row.fail(_("The date %(value)s lies in the future."), value=values["sign_date"])
        elif end and end < start:
            row.fail(_("The contract ends before it starts. Check the dates."))
        elif deal is not None and deal.account_id != values["account"].pk:
            row.fail(_("“%(value)s” belongs to another customer."), value=deal)

    def keys(self, row: Row) -> list[tuple]:
        return [("number", folded(row.values["number"]))]

    def existing(self, rows: list[Row]) -> dict:
        numbers = {row.values["number"] for row in rows}
        known = Contract.objects.of(self.tenant).filter(number__in=numbers)
        return {("number", folded(contract.number)): contract for contract in known}

    def make(self, row: Row) -> Contract:
        values, amount = row.values, row.values["amount"]
        plain = {name: values[name] for name in PLAIN if values.get(name) is not None}
        return Contract(
            tenant=self.tenant, created_at=self.moment(values["sign_date"]), number=values["number"],
            status=values["status"], base_amount=amount, effective_amount=amount, revision=1,
            currency=self.tenant.base_currency, effective_on=values.get("start_date") or values["sign_date"], **plain,
        )  # fmt: skip

    def differences(self, row: Row) -> dict:
        """What a signed contract says is changed by a change order; a file brings up its owner and title only."""
        given = {name: row.values[name] for name in ("title", "owner")}
        return {name: value for name, value in given.items() if getattr(row.existing, name) != value}

    def create_related(self, rows: list[Row]) -> None:
        create_missing(rows, "account", by=self.by)

    def insert(self, rows: list[Row]) -> None:
        contracts = records.create_many([row.record for row in rows], by=self.by, verb="imported")
        records.append(self._line(row) for row in rows)
        records.append(versions.of(contract, by=self.by) for contract in contracts)
        self._awaken(contract for contract in contracts if contract.status in Contract.LIVE)

    def _line(self, row: Row) -> ContractLine:
        contract = row.record
        tax = row.values.get("tax") or usual_tax_code(contract.legal_entity, self.tenant.today())
        given = {"description": contract.title, "quantity": Decimal(1), "unit_price": contract.base_amount,
                 "tax_code": tax}  # fmt: skip
        return lines.build(ContractLine, [given], tenant_id=self.tenant.pk, contract=contract)[0]

    def _awaken(self, contracts: Iterable[Contract]) -> None:
        """A customer with a contract in force is active."""
        first = {contract.account_id: contract for contract in contracts}
        for contract in first.values():
            activation.awaken_customer(contract, by=self.by)
