"""Customers and their people from a file."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.core import names, records
from crm.core.errors import Refused, ValidationError
from crm.core.identity.models import IdentityKey
from crm.core.imports.columns import Column
from crm.core.imports.finders import Finder, folded, members
from crm.core.imports.importer import Importer, sentence
from crm.core.imports.registry import register
from crm.core.imports.rows import Row

from . import actions
from .models import Account, Contact

SUGGESTED = 20_000  # names that are looked through for one like an unknown one
STEP = 200  # parents set in one transaction


def name_key(name: str) -> tuple:
    """Two names with one key are one customer for an import: same core, branch, 集团 and organisation form."""
    firm = names.company_name(name)
    return (firm.key, firm.branch, firm.group, firm.form) if firm.key else (folded(name),)


class AccountFinder(Finder):
    """Customers by name, read chunk by chunk: a company may have more than memory holds."""

    def __init__(self, tenant):
        super().__init__(key=name_key)
        self.tenant = tenant
        self._asked: set[str] = set()
        self._all_shown = False

    def load(self, texts: set[str]) -> None:
        new = texts - self._asked
        self._asked |= new
        for account in accounts_named(self.tenant, new):
            self.add(account)

    def names(self) -> list[str]:
        self._show_all()
        return super().names()

    def suggest(self, text: str) -> str:
        self._show_all()
        return super().suggest(text)

    def _show_all(self) -> None:
        if not self._all_shown:
            for name in Account.objects.of(self.tenant).values_list("name", flat=True).order_by("name")[:SUGGESTED]:
                self._shown.setdefault(folded(name), name)
            self._all_shown = True


def accounts_named(tenant, texts: Iterable[str]) -> list[Account]:
    """Customers whose name has the same core as one of `texts`, or is the same text."""
    texts = set(texts)
    if not texts:
        return []
    keys = {names.company_name(text).key[:200] for text in texts} - {""}
    found = IdentityKey.objects.of(tenant).filter(kind=IdentityKey.Kind.NAME, key__in=keys)
    ids = found.filter(subject_type=Account._meta.label_lower).values_list("subject_id", flat=True)
    live = Account.objects.of(tenant).exclude(status=Account.Status.MERGED)
    same_text = live.filter(name__in=texts)
    return list(
        {account.pk: account for rows in (live.filter(pk__in=list(ids)), same_text) for account in rows}.values()
    )


def create_missing(rows: Iterable[Row], column: str, *, by) -> None:
    """Write the customers that rows name in `column` and that nobody has yet."""
    named: list[Account] = [row.values[column] for row in rows if isinstance(row.values.get(column), Account)]
    missing = {id(account): account for account in named if account.pk is None}
    records.create_many(missing.values(), by=by, verb="imported")


def identified(account: Account) -> int | tuple:
    """What stands for an account in keys, also before it is written."""
    return account.pk or name_key(account.name)


@dataclass(frozen=True)
class Later:
    """A parent company that has a row of its own in the file."""

    name: str


class ParentFinder(AccountFinder):
    """Parents: customers that are there, else rows of the file."""

    def __init__(self, tenant, in_file: dict[tuple, str]):
        super().__init__(tenant)
        self.in_file = in_file

    def get(self, text: str):
        found = super().get(text)
        key = name_key(text)
        return found or (Later(self.in_file[key]) if key in self.in_file else None)


@register
class AccountImporter(Importer):
    key, label, icon, order = "accounts", _("Customers"), "building", 30
    model = Account
    scans = True
    unique_kinds = frozenset({"uscc"})
    columns = (
        Column("name", _("Company name"), required=True,
               synonyms="客户, 客户名称, 公司, 公司名称, 企业名称, 单位名称, account, account name, company, "
                        "customer, customer name, organisation, organization"),
        Column("uscc", _("Credit code"), max_length=40, synonyms="统一社会信用代码, 信用代码, 税号, 纳税人识别号"),
        Column("kind", _("Kind"), kind="choice", choices=Account.Kind, synonyms="类型, 客户类型, type",
               words={"终端": "end_customer", "经销商": "distributor", "代理商": "distributor", "政府": "government"}),
        Column("status", _("Status"), kind="choice", choices=Account.Status, synonyms="客户状态"),
        Column("parent", _("Parent company"), kind="relation", creates=True,
               synonyms="母公司, 上级公司, 集团, 所属集团, subsidiary of, parent, parent account"),
        Column("owner", _("Owner"), kind="relation",
               synonyms="负责人, 所有人, 销售, 业务员, 客户经理, account owner, sales rep"),
        Column("region", _("Region"), max_length=100,
               synonyms="地区, 区域, 省份, 城市, office location, location, country, city"),
        Column("industry", _("Industry"), synonyms="行业, 所属行业, sector", max_length=100),
        Column("size_band", _("Size"), synonyms="规模, 企业规模, company size", max_length=50),
        Column("employees", _("Employees"), kind="int", synonyms="员工数, 人数, 员工人数, headcount"),
        Column("annual_revenue", _("Annual revenue"), kind="money", synonyms="年营收, 营业额, 年收入, revenue"),
        Column("founded_year", _("Founded"), kind="int",
               synonyms="成立年份, 成立时间, year established, established, founded year"),
        Column("phone", _("Phone"), synonyms="电话, 联系电话, 座机, tel, telephone", max_length=100),
        Column("website", _("Website"), synonyms="网站, 网址, 官网, web, url"),
        Column("address", _("Address"), synonyms="地址, 联系地址, 详细地址", max_length=300),
        Column("description", _("Description"), kind="long", synonyms="描述, 备注, 说明, remark, notes"),
        Column("created", _("Created on"), kind="date", synonyms="创建时间, 创建日期, 建档日期, created at, created"),
    )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.in_file: dict[tuple, str] = {}

    def scan(self, rows: Iterable[Row]) -> None:
        """The names in the file: a parent may have its row after its children."""
        for row in rows:
            if name := row.values.get("name"):
                self.in_file[name_key(name)] = name

    def load(self) -> None:
        self.finders = {"owner": members(self.tenant), "parent": ParentFinder(self.tenant, self.in_file)}
        self.column = {column.key: column for column in self.columns}

    def new_related(self, column: Column, text: str) -> Account:
        return Account(tenant=self.tenant, name=text, owner=self.default_owner)

    @property
    def default_owner(self):
        """Rows without an owner belong to who imports them, as on the page; a company's own job names nobody."""
        return None if self.by.is_system else self.by

    def complete(self, row: Row) -> None:
        self.check_owner(row, self.column["owner"], row.values.get("owner"))
        parent = row.values.get("parent")
        if parent is not None and name_key(parent.name) == name_key(row.values["name"]):
            row.fail(_("“%(value)s” is named as its own parent company."), value=row.values["name"])

    def keys(self, row: Row) -> list[tuple]:
        return account_keys(row.values["name"], row.values.get("uscc", ""))

    def existing(self, rows: list[Row]) -> dict:
        found = {account.pk: account for account in accounts_named(self.tenant, {row.values["name"] for row in rows})}
        codes = {key[1] for row in rows for key in row.keys if key[0] == "uscc"}
        for account in Account.objects.of(self.tenant).filter(valid_uscc__in=codes).exclude(valid_uscc=""):
            found[account.pk] = account
        return {key: a for a in found.values() for key in account_keys(a.name, a.uscc)}

    def fields(self, row: Row) -> dict:
        values = super().fields(row)
        if isinstance(values.get("parent"), Later):
            del values["parent"]
        return actions.normalised(values)

    def make(self, row: Row) -> Account:
        row.values.setdefault("owner", self.default_owner)
        return super().make(row)

    def create_related(self, rows: list[Row]) -> None:
        create_missing(rows, "parent", by=self.by)

    def insert(self, rows: list[Row]) -> None:
        super().insert(rows)
        for row in rows:
            self._parent_later(row, row.record)

    def change(self, row: Row) -> None:
        super().change(row)
        self._parent_later(row, row.existing)

    def _parent_later(self, row: Row, account: Account) -> None:
        if isinstance(row.values.get("parent"), Later):
            self.memo.setdefault("parents", []).append([row.number, account.pk, row.values["parent"].name])

    def finish(self) -> bool:
        """Set the parents that came later in the file, or in the same chunk."""
        waiting = self.memo.get("parents", [])
        finder = AccountFinder(self.tenant)
        finder.load({name for _row, _pk, name in waiting[:STEP]})
        for row, pk, name in waiting[:STEP]:
            account = Account.objects.of(self.tenant).get(pk=pk)
            try:
                self._set_parent(account, finder.get(name))
            except (Refused, ValidationError) as refused:
                self.late.append(
                    (row, f"{gettext('The customer is in, without its parent company.')} {sentence(refused, Account)}")
                )
        self.memo["parents"] = waiting[STEP:]
        return bool(self.memo["parents"])

    def _set_parent(self, account: Account, parent: Account | None) -> None:
        if parent is None:
            raise ValidationError(gettext("The row of the parent company has an error."))
        actions.refuse_circle(account, parent)
        records.update(account, by=self.by, parent=parent)


def account_keys(name: str, code: str) -> list[tuple]:
    """The valid credit code, else the name: two codes are two companies, whatever they are called."""
    text, valid = names.uscc(code)
    return [("uscc", text), ("name", name_key(name))] if valid else [("name", name_key(name))]


@register
class ContactImporter(Importer):
    key, label, icon, order = "contacts", _("Contacts"), "user", 40
    model = Contact
    columns = (
        Column("account", _("Customer"), kind="relation", required=True, creates=True,
               synonyms="客户, 客户名称, 公司, 公司名称, company, account, account name, company name"),
        Column("name", _("Name"), required=True, max_length=100,
               synonyms="姓名, 联系人, 联系人姓名, contact, contact name, full name"),
        Column("title", _("Job title"), synonyms="职位, 职务, 岗位, position", max_length=100),
        Column("phone", _("Phone"), synonyms="手机, 手机号, 电话, 联系电话, mobile, tel", max_length=100),
        Column("email", _("E-mail"), kind="email", synonyms="邮箱, 电子邮箱, mail, email address"),
        Column("wechat", _("WeChat"), synonyms="微信, 微信号", max_length=100),
        Column("note", _("Note"), kind="long", synonyms="备注, 说明, remark, notes"),
        Column("has_left", _("Has left the company"), kind="flag", synonyms="离职, 已离职, left"),
        Column("created", _("Created on"), kind="date", synonyms="创建时间, 创建日期, created at, created"),
    )  # fmt: skip

    def load(self) -> None:
        self.finders = {"account": AccountFinder(self.tenant)}

    def new_related(self, column: Column, text: str) -> Account:
        return Account(tenant=self.tenant, name=text, owner=None if self.by.is_system else self.by)

    def complete(self, row: Row) -> None:
        account = row.values["account"]
        if account.pk and not self.may_change(account):
            row.fail(_("Customer “%(value)s” belongs to somebody outside your teams."), value=account)

    def keys(self, row: Row) -> list[tuple]:
        return [("contact", identified(row.values["account"]), folded(row.values["name"]))]

    def existing(self, rows: list[Row]) -> dict:
        ids = {row.values["account"].pk for row in rows} - {None}
        known = Contact.objects.of(self.tenant).filter(account__in=ids).select_related("account")
        return {("contact", contact.account_id, folded(contact.name)): contact for contact in known}

    def create_related(self, rows: list[Row]) -> None:
        create_missing(rows, "account", by=self.by)
