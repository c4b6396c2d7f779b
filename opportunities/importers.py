"""Deals from a file, with their true past: opened, won and lost on the days the file says.

What happened is told in Events at those days, and the change rows follow from the Events, so
that past funnels, conversion and days from opening to close come out as they were. Stage gates
are not asked: it has happened already.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.importers import AccountFinder, create_missing, identified
from accounts.models import Account
from crm.core import records
from crm.core.calendars import local_date
from crm.core.catalog.models import Product
from crm.core.imports.columns import Column
from crm.core.imports.finders import Finder, folded, members
from crm.core.imports.importer import Importer
from crm.core.imports.registry import register
from crm.core.imports.rows import Row
from crm.core.web.rendering import DateInput

from . import actions
from .models import LostReason, Opportunity, Pipeline, Stage

OPEN, WON, LOST, SUSPENDED = Opportunity.Status.values
CLOSED = (WON, LOST)
CERTAIN, HOPELESS = Decimal("1.000000"), Decimal("0.000000")
ERROR, UNKNOWN, NONE, LIST_PRICE = "error", "unknown", "none", "list-price"
WORDS = {
    WON: ("won", "closed won", "赢单", "成交", "已成交", "成单", "已赢单", "赢"),
    LOST: ("lost", "closed lost", "输单", "丢单", "失败", "流失", "已输单", "输"),
}
PLAIN = ("name", "account", "product", "amount", "close_date", "owner", "source", "next_step")


@register
class OpportunityImporter(Importer):
    key, label, icon, order = "opportunities", _("Opportunities"), "target-arrow", 60
    model = Opportunity
    unique_kinds = frozenset({"ref"})
    columns = (
        Column("external_ref", _("Number in the former system"), max_length=60,
               synonyms="编号, 商机编号, 单号, opportunity id, deal id, id, ref, reference"),
        Column("name", _("Name"),
               synonyms="名称, 商机, 商机名称, 项目名称, opportunity, opportunity name, deal, deal name"),
        Column("account", _("Customer"), kind="relation", creates=True,
               synonyms="客户, 客户名称, 公司, 公司名称, account, account name, company"),
        Column("product", _("Product"), kind="relation", creates=True, synonyms="产品, 产品名称, 商品, product name"),
        Column("owner", _("Owner"), kind="relation",
               synonyms="负责人, 所有人, 销售, 销售员, 业务员, sales agent, sales rep, opportunity owner"),
        Column("stage", _("Stage"), kind="choice",
               synonyms="阶段, 商机阶段, 销售阶段, deal stage, sales stage"),
        Column("status", _("Status"), kind="choice", choices=Opportunity.Status,
               synonyms="状态, 商机状态, 结果, deal status",
               words={word: status for status, words in WORDS.items() for word in words}),
        Column("amount", _("Amount"), kind="money",
               synonyms="金额, 商机金额, 预计金额, 成交金额, 合同金额, close value, value, deal value"),
        Column("opened", _("Opened on"), kind="date",
               synonyms="创建时间, 创建日期, 立项日期, 开始日期, engage date, created, created at, open date"),
        Column("close_date", _("Close date"), kind="date",
               synonyms="预计成交日期, 预计成交, 成交日期, 结单日期, 关闭日期, expected close, "
                        "expected close date, closed on",
               help=_("Expected for open deals; the true day for won and lost ones.")),
        Column("lost_reason", _("Why it was lost"), kind="choice", choices=LostReason,
               synonyms="输单原因, 丢单原因, 失败原因, lost reason, loss reason"),
        Column("source", _("Source"), synonyms="来源, 商机来源, lead source", max_length=100),
        Column("next_step", _("Next step"), synonyms="下一步, 下一步计划, next step"),
    )  # fmt: skip

    @classmethod
    def option_fields(cls, by) -> dict[str, forms.Field]:
        """`closed_from`: the stage in which closed deals stood before, when the file does not say."""
        stages = Stage.objects.of(by.tenant_id).filter(pipeline__is_current=True).select_related("pipeline")
        pipelines = list(
            {stage.pipeline_id: (str(stage.pipeline_id), stage.pipeline.name) for stage in stages}.values()
        )
        steps = [(str(stage.pk), f"{stage.pipeline.name}: {stage.name}") for stage in stages if not stage.is_won]
        return {
            "pipeline": forms.ChoiceField(
                label=_("Pipeline"), choices=[("", _("the default pipeline")), *pipelines], required=False
            ),
            "closed_from": forms.ChoiceField(
                label=_("Stage of won and lost deals before they closed"),
                choices=[("", _("the first stage")), *steps], required=False,
            ),
            "without_account": forms.ChoiceField(
                label=_("Deals without a customer"), required=False,
                choices=[(ERROR, _("go to the error file")), (UNKNOWN, _("go to a marked “unknown customer”"))],
            ),
            "open_amount": forms.ChoiceField(
                label=_("Open deals without an amount"), required=False,
                choices=[(NONE, _("stay without one")), (LIST_PRICE, _("take the product's list price"))],
            ),
            "undated": forms.DateField(
                label=_("Opening date of deals without one"), required=False, widget=DateInput(),
                help_text=_("Today when left empty."),
            ),
        }  # fmt: skip

    def load(self) -> None:
        self.finders = {
            "account": AccountFinder(self.tenant),
            "product": Finder(Product.objects.of(self.tenant), names=lambda product: (product.name, product.code)),
            "owner": members(self.tenant),
        }
        self.column = {column.key: column for column in self.columns}
        self._load_pipeline()
        self._load_unknown_account()
        given = self.options.get("undated")
        self.undated = date.fromisoformat(given) if given else None

    def _load_pipeline(self) -> None:
        pipelines = Pipeline.objects.of(self.tenant).filter(is_current=True)
        chosen = self.options.get("pipeline")
        self.pipeline = pipelines.get(pk=int(chosen)) if chosen else actions.default_pipeline(self.tenant)
        self.stages = list(self.pipeline.stages.order_by("order"))
        for stage in self.stages:
            stage.pipeline = self.pipeline
        self.won = next(stage for stage in self.stages if stage.is_won)
        before = {str(stage.pk): stage for stage in self.stages}
        self.closed_from = before.get(self.options.get("closed_from") or "", self.stages[0])
        words: dict = {folded(word): status for status, words in WORDS.items() for word in words}
        words |= {folded(word): stage for stage in self.stages for word in (stage.key, stage.name)}
        self.vocabularies["stage"] = words

    def _load_unknown_account(self) -> None:
        found = Account.objects.of(self.tenant).filter(is_placeholder=True).order_by("pk").first()
        self.unknown_account = found or Account(
            tenant=self.tenant, name=gettext("Unknown customer (import)"), is_placeholder=True
        )

    def known_words(self, column: Column) -> list[str]:
        if column.key == "stage":
            return [*(stage.name for stage in self.stages), str(Opportunity.Status.LOST.label)]
        return super().known_words(column)

    def new_related(self, column: Column, text: str):
        if column.key == "product":
            return Product(tenant=self.tenant, name=text)
        return Account(tenant=self.tenant, name=text, owner=None if self.by.is_system else self.by)

    # --- one row ----------------------------------------------------------------------------------

    def complete(self, row: Row) -> None:
        self._place(row)
        self._date(row)
        self._customer(row)
        values = row.values
        values.setdefault("owner", None if self.by.is_system else self.by)
        if values["owner"] is None:
            row.fail(_("“%(column)s” is empty. Fill it in."), column=self.column["owner"].label)
        self.check_owner(row, self.column["owner"], values["owner"])
        product = values.get("product")
        if values["status"] == OPEN and "amount" not in values and self.options.get("open_amount") == LIST_PRICE:
            values["amount"] = values["listed"] = product.list_price if product else None
        if not values.get("name") and row.live:
            values["unnamed"] = True
            values["name"] = " · ".join(str(part) for part in (values["account"], product) if part)[:200]

    def _place(self, row: Row) -> None:
        """Stage and status; the stage column may say Won or Lost, the status column decides when there is one."""
        stage = row.values.get("stage")
        said = stage if isinstance(stage, str) else WON if stage == self.won else OPEN
        status = row.values["status"] = row.values.get("status") or said
        named = stage if isinstance(stage, Stage) and not stage.is_won else None
        row.values["before"] = named or (self.closed_from if status in CLOSED else self.stages[0])
        row.values["stage"] = self.won if status == WON else row.values["before"]

    def _date(self, row: Row) -> None:
        """Opening and close as moments. A closed deal without an opening date was opened the day it closed."""
        values, today = row.values, self.tenant.today()
        closed = values.get("close_date") if values["status"] in CLOSED else None
        opened = values.get("opened") or closed or self.undated
        if values["status"] in CLOSED and not closed:
            row.fail(_("A won or lost deal needs its close date."))
        elif closed and opened > closed:
            row.fail(_("Closed on %(value)s, before it was opened."), value=closed)
        elif max(filter(None, (closed, opened)), default=today) > today:
            row.fail(_("The date %(value)s lies in the future."), value=closed or opened)
        values["opened_at"] = self.moment(opened)
        # A second later when both are one day, so that the close follows the opening.
        values["closed_at"] = max(self.moment(closed), values["opened_at"] + timedelta(seconds=1)) if closed else None

    def _customer(self, row: Row) -> None:
        if "account" in row.values:
            return
        if self.options.get("without_account") == UNKNOWN:
            row.values["account"] = self.unknown_account
        else:
            row.fail(_("No customer is named."))

    def count_related(self, row: Row) -> None:
        super().count_related(row)
        if row.values["account"] is self.unknown_account:
            self.tally.note(gettext("no customer is named: “%s”") % self.unknown_account)
        if row.values.get("listed") is not None:
            self.tally.note(gettext("open without an amount: the list price is taken"))
        elif row.values["status"] == OPEN and row.values.get("amount") is None:
            self.tally.note(gettext("open without an amount: stays without"))

    def keys(self, row: Row) -> list[tuple]:
        if ref := row.values.get("external_ref"):
            return [("ref", ref)]
        account, name = identified(row.values["account"]), folded(row.values["name"])
        exact = (row.values.get("opened"), row.values.get("amount")) if "unnamed" in row.values else ()
        return [("deal", account, name, *exact)]

    def existing(self, rows: list[Row]) -> dict:
        deals = Opportunity.objects.of(self.tenant).select_related("stage")
        refs = {key[1] for row in rows for key in row.keys if key[0] == "ref"}
        known = deals.filter(external_ref__in=refs) if refs else ()
        found: dict[tuple, Opportunity] = {("ref", deal.external_ref): deal for deal in known}
        names = {row.values["name"] for row in rows if row.keys[0][0] == "deal"}
        for deal in deals.filter(name__in=names) if names else ():
            key = ("deal", deal.account_id, folded(deal.name))
            found[key] = found[(*key, local_date(deal.opened_at, self.zone), deal.amount)] = deal
        return found

    def make(self, row: Row) -> Opportunity:
        values, status = row.values, row.values["status"]
        probability = {WON: CERTAIN, LOST: HOPELESS}.get(status, values["stage"].probability)
        plain = {name: values[name] for name in (*PLAIN, "external_ref") if values.get(name) is not None}
        return Opportunity(
            tenant=self.tenant, created_at=values["opened_at"], opened_at=values["opened_at"], status=status,
            pipeline=self.pipeline, stage=values["stage"], furthest_order=values["stage"].order,
            stage_entered_at=values["closed_at"] if status == WON else values["opened_at"],
            closed_at=values["closed_at"], probability=probability, currency=self.tenant.base_currency,
            lost_reason=values.get("lost_reason", LostReason.OTHER) if status == LOST else "", **plain,
        )  # fmt: skip

    def differences(self, row: Row) -> dict:
        """The deal's own facts, and `status` or `stage` when the file is further; a closed deal stays as decided."""
        deal = row.existing
        if deal.is_closed:
            return {}
        given = {name: row.values[name] for name in PLAIN if row.values.get(name) not in (None, "")}
        if "unnamed" in row.values:
            del given["name"]
        changes = {name: value for name, value in given.items() if getattr(deal, name) != value}
        if row.values["status"] in CLOSED:
            changes["status"] = row.values["status"]
        elif row.values["stage"].key != deal.stage.key and row.values["stage"].order > deal.stage.order:
            changes["stage"] = row.values["stage"]
        return changes

    # --- writing ----------------------------------------------------------------------------------

    def create_related(self, rows: list[Row]) -> None:
        create_missing(rows, "account", by=self.by)
        products = {id(p): p for row in rows if (p := row.values.get("product")) is not None and p.pk is None}
        records.create_many(products.values(), by=self.by, verb="imported")

    def insert(self, rows: list[Row]) -> None:
        told = {id(row.record): row for row in rows}
        records.create_many(
            [row.record for row in rows], by=self.by, verb="imported", story=lambda deal: story(deal, told[id(deal)])
        )

    def change(self, row: Row) -> None:
        """By the verbs of the page, so that its roles and rules hold."""
        plain = {name: value for name, value in row.changes.items() if name in PLAIN and name != "owner"}
        deal = actions.update_opportunity(row.existing, by=self.by, **plain) if plain else row.existing
        if "owner" in row.changes:
            actions.transfer(deal, row.changes["owner"], by=self.by, reason=gettext("import"))
        if "stage" in row.changes:
            actions.move_stage(deal, deal.pipeline.stages.get(key=row.changes["stage"].key), by=self.by)
        if row.changes.get("status") == WON:
            actions.win(deal, by=self.by, at=max(row.values["closed_at"], deal.stage_entered_at))
        if row.changes.get("status") == LOST:
            reason = row.values.get("lost_reason", LostReason.OTHER)
            actions.lose(deal, by=self.by, reason=reason, at=max(row.values["closed_at"], deal.stage_entered_at))


def story(deal: Opportunity, row: Row) -> Iterator[tuple[str, datetime, dict]]:
    """The past of an imported deal: opened in a stage, and, when it is closed, won or lost on its day.

    What a deal was worth and when it closed are known from the close on: nothing is said of what was
    expected before.
    """
    born = records.birth_values(deal)
    if deal.status not in CLOSED:
        yield "imported", deal.opened_at, born
        return
    before: Stage = row.values["before"]
    opening = {
        "status": OPEN, "stage": before.pk, "probability": before.probability, "furthest_order": before.order,
        "stage_entered_at": deal.opened_at,
    }  # fmt: skip
    ending = {name: born.pop(name) for name in ("amount", "close_date", "closed_at", "lost_reason") if name in born}
    ending |= {n: [was, getattr(deal, deal._meta.get_field(n).attname)] for n, was in opening.items()}
    yield "imported", deal.opened_at, {**born, **{name: [None, value] for name, value in opening.items()}}
    yield deal.status, deal.closed_at, {name: pair for name, pair in ending.items() if pair[0] != pair[1]}
