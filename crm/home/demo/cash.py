"""Plays the demo company's sales from signature to cash, act by act on the day of each (architecture.md 5b).

The acts are the product's own, so that every rule holds; a queue keeps them in the order of their days. What would
lie in the future is left undone: it is what the screens show as open.
"""

import heapq
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from contracts.actions import batches, changes, contracts, handover, orders, prices, quotes, renewals, templates
from contracts.models import Contract, Order, PriceList
from crm.core.approvals import actions as approvals
from crm.core.approvals import flows
from crm.core.approvals.models import ApprovalTask, Flow
from crm.core.clock import dated
from crm.core.entities.actions import update_entity
from crm.core.entities.models import LegalEntity
from crm.core.money import round_half_up
from crm.core.people.models import Member
from receivables.actions import disputes, invoices, periods, plans, promises, reds, refunds, statements, write_offs
from receivables.models import Invoice, InvoiceRequest, Period, Receipt, Receivable
from receivables.plan_lines import TEMPLATES

from . import vocabulary as words
from .sales import Sale, later, tell_sales
from .story import MONTHS, ZONE
from .till import Till, Transfer

PLANS = {"staged": "standard", "halves": "halves", "net": "at_once", "quarters": "halves"}
SERVICE = "quarters"
Act = Callable[[], object]


class Cash:
    """`loader` has told the rest of the story: members, products, customers, deals."""

    def __init__(self, loader):
        self.loader, self.story, self.tenant = loader, loader.story, loader.tenant
        self.sales = tell_sales(loader.story)
        self.now = datetime.combine(self.story.today, time(8, 30), ZONE)
        self.queue: list[tuple[datetime, int, Act]] = []
        self.order, self.invoice_numbers = count(), count(1)
        self.rng = Random(f"cash-{self.story.today.isoformat()}")
        self.seen: set[int] = set()
        self._cast()

    def _cast(self) -> None:
        people = list(zip(self.story.people, self.loader.members, strict=True))
        with_role = lambda role: [member for person, member in people if person.roles == [role]]  # noqa: E731
        self.boss, self.admin = self.loader.members[0], self.loader.members[1]
        self.finance, self.clerk = with_role("finance")
        self.legal, self.engineer = with_role("legal")[0], with_role("presales")[0]

    def run(self) -> None:
        self._found()
        for sale in self.sales.signed:
            self._plan_sale(sale)
        self._plan_weeks()
        while self.queue:
            moment, _turn, act = heapq.heappop(self.queue)
            with dated(moment):
                act()
        with dated(self.now) if self.tenant.today() > self.story.today else nullcontext():
            self._today()

    def at(self, moment: datetime, act: Act) -> None:
        """Do it then; what lies ahead of today is left out."""
        if moment <= self.now:
            heapq.heappush(self.queue, (moment, next(self.order), act))

    # --- what stands before the first sale --------------------------------------------------------

    def _found(self) -> None:
        with dated(later(self.now, -MONTHS * 30 - 5)):
            entity = LegalEntity.objects.of(self.tenant).get(is_default=True)
            self.entity = update_entity(
                entity, by=self.admin, name=self.tenant.name, short_name="恒锐", code="HR",
                uscc=words.credit_code(self.rng, "华东"), address="上海市嘉定区安亭镇园区路 88 号",
            )  # fmt: skip
            self._price()
            self._papers()
            self._name_general_manager()
            account = statements.create_bank_account(
                by=self.finance, legal_entity=self.entity, name="招行基本户", bank="招商银行", number="6214850212345678"
            )
        self.till = Till(account, self.finance)

    def _price(self) -> None:
        price_list = PriceList.objects.of(self.tenant).get(is_default=True)
        prices.update_price_list(price_list, by=self.finance, valid_from=self.tenant.today())
        for product in self.loader.products:
            floor = round_half_up(product.list_price * Decimal("0.85"))
            tax = prices.usual_tax_code(self.entity, self.story.today)
            prices.add_price(
                price_list, by=self.finance, product=product, price=product.list_price, floor=floor, tax_code=tax
            )
        self.tax = prices.usual_tax_code(self.entity, self.story.today)

    def _papers(self) -> None:
        """The standard clauses every contract settles, and a template to start from."""
        for name, text in words.CLAUSES:
            templates.put_clause(by=self.legal, name=name, text=text)
        terms = {"payment_terms": "预付 30%,到货 30%,验收 30%,质保金 10%", "warranty_terms": "验收合格后质保 12 个月"}
        templates.put_template(by=self.legal, name="设备采购合同", kind="fixed", percents="30/30/30/10", **terms)

    def _name_general_manager(self) -> None:
        for flow in Flow.objects.of(self.tenant).filter(is_current=True):
            nodes = [
                {**node, "assignee": {"kind": "member", "value": [self.boss.pk]}} if node["key"] == "gm" else node
                for node in flow.nodes
            ]
            if nodes != flow.nodes:
                flows.publish(flow, by=self.admin, nodes=nodes)

    # --- one sale ---------------------------------------------------------------------------------

    def _plan_sale(self, sale: Sale) -> None:
        self.at(later(sale.signed, -5), lambda: self._agree(sale))

    def _agree(self, sale: Sale) -> None:
        deal = self.loader.deals[sale.deal]
        contract = self._draft(deal, sale)
        contracts.submit_contract(contract, by=contract.owner, grounds="客户已确认技术协议与付款条件")
        self.decide(contract)
        self.at(sale.signed, lambda: self._sign(sale, contract))

    def _draft(self, deal, sale: Sale | None = None) -> Contract:
        start = (sale.signed if sale else self.now).date()
        is_service = sale is not None and sale.plan == SERVICE
        term = 365 - sale.deal % 7 * 45 if sale and is_service else 365
        contract = contracts.draft_contract(
            by=deal.owner, account=deal.account, legal_entity=self.entity, opportunity=deal, title=deal.name,
            kind="service" if is_service else "fixed", start_date=start, end_date=start + timedelta(days=term),
            lines=[{"product": deal.product, "quantity": Decimal(1), "unit_price": deal.amount, "tax_code": self.tax}],
        )  # fmt: skip
        agreed = [{"status": "agreed"} for _clause in contract.clauses]
        return contracts.settle_clauses(contract, agreed, by=deal.owner) if agreed else contract

    def _sign(self, sale: Sale, contract: Contract) -> None:
        contract.refresh_from_db()
        contracts.sign_contract(
            contract, by=self.legal, sign_date=self.tenant.today(), on_paper=f"档案柜 A-{sale.deal % 40 + 1}"
        )
        contracts.activate(contract, by=self.legal)
        template = TEMPLATES[PLANS[sale.plan]]
        plan = plans.draft_plan(contract, by=contract.owner, mode=template.mode, lines=template.lines(contract))
        plans.confirm_plan(plan, by=self.finance)
        self._expect_money(sale, contract)
        self.at(later(sale.signed, 1), lambda: self._hand_over(sale, contract))

    def _hand_over(self, sale: Sale, contract: Contract) -> None:
        handover.offer(contract, by=contract.owner, to=self.engineer)
        handover.accept(contract, by=self.engineer)
        promised = self.tenant.today() + timedelta(days=sale.delivered_after + 10)
        order = orders.create_order(contract, by=contract.owner, promised_on=promised)
        self.at(later(sale.signed, sale.delivered_after), lambda: self._deliver(sale, order))

    def _deliver(self, sale: Sale, order: Order) -> None:
        batch = batches.plan_batch(order, by=self.engineer, planned_on=self.tenant.today(), is_final=True)
        batches.ship(batch, by=self.engineer, delivery_note=f"SH{order.pk:06}")
        self.at(later(sale.signed, sale.delivered_after + 3), lambda: batches.deliver(batch, by=self.engineer))
        self.at(later(sale.signed, sale.delivered_after + 8), lambda: self._accepted(sale, order, batch))

    def _accepted(self, sale: Sale, order: Order, batch) -> None:
        batches.accept(batch, by=self.engineer, accepted_by=self.rng.choice(words.TITLES))
        self._expect_money(sale, order.contract)
        if sale.deal % 2:
            self.at(later(sale.signed, sale.delivered_after + 30), lambda: self._complete(order.contract))

    def _complete(self, contract: Contract) -> None:
        contract.refresh_from_db()
        contracts.complete(contract, by=self.legal)

    # --- its money --------------------------------------------------------------------------------

    def _expect_money(self, sale: Sale, contract: Contract) -> None:
        """Bill what has a due date by now, and let the customer pay in his way."""
        rows = Receivable.objects.of(self.tenant).filter(contract=contract, due_date__isnull=False)
        for receivable in rows.exclude(pk__in=self.seen):
            self.seen.add(receivable.pk)
            due = self._moment(receivable.due_date)
            self.at(max(later(due, -8), later(sale.signed, 2)), lambda one=receivable: self._bill(one))
            for part, days in self._payments(sale):
                paid = max(later(due, days), later(sale.signed, 3))
                self.at(paid, lambda one=receivable, part=part: self._pay(sale, one, part))

    def _payments(self, sale: Sale) -> list[tuple[Decimal, int]]:
        if sale.delay is None:
            return []
        if sale.in_parts:
            return [(Decimal("0.6"), sale.delay), (Decimal(1), sale.delay + 25)]
        return [(Decimal(1), sale.delay)]

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, time(10, 0), ZONE)

    def _bill(self, receivable: Receivable) -> None:
        receivable.refresh_from_db()
        if not receivable.billable:
            return
        [request] = invoices.request_invoice(
            receivable.contract, {receivable.pk: receivable.billable}, by=receivable.contract.owner
        )
        invoices.issue_invoice(request, by=self.clerk, number=self._number(), date=self.tenant.today())

    def _number(self) -> str:
        return f"{26312000000000000000 + next(self.invoice_numbers)}"

    def _pay(self, sale: Sale, receivable: Receivable, part: Decimal) -> None:
        receivable.refresh_from_db()
        amount = round_half_up(receivable.balance * part)
        if amount <= 0:
            return
        account, contract = receivable.account, receivable.contract
        payer = f"{account.name[:4]}供应链管理有限公司" if sale.other_payer else account.name
        memo = f"{contract.number} 货款" if sale.names_contract else "货款"
        number = f"6222{account.pk % 10**6:06}{8000 + sale.other_payer}"
        self.till.take(Transfer(self.tenant.today(), amount, payer, number, memo, receivable))

    # --- weeks and months -------------------------------------------------------------------------

    def _plan_weeks(self) -> None:
        day = self.story.today - timedelta(days=MONTHS * 30)
        while day <= self.story.today:
            if day.weekday() == 0:
                self.at(datetime.combine(day, time(8, 0), ZONE), self.till.close_week)
            if day.day == 12:
                self.at(datetime.combine(day, time(18, 0), ZONE), self._close_month)
            day += timedelta(days=1)

    def _close_month(self) -> None:
        """Last month is soft-closed, the one before closed."""
        last = (self.tenant.today().replace(day=1) - timedelta(days=1)).replace(day=1)
        before = (last - timedelta(days=1)).replace(day=1)
        if Period.objects.of(self.tenant).filter(legal_entity=self.entity, month=before).exists():
            periods.close(self.entity, before, by=self.finance)
        periods.soft_close(self.entity, last, by=self.finance)

    # --- decisions --------------------------------------------------------------------------------

    def decide(self, record) -> None:
        """Everybody who is asked says yes."""
        instance = approvals.latest(record)
        tasks = ApprovalTask.objects.of(self.tenant).filter(instance=instance, status="open")
        while task := tasks.select_related("assignee").order_by("pk").first():
            if task.assignee is None:
                approvals.assign(task, by=self.admin, to=self._second(record))
                task.refresh_from_db()
            approvals.approve(task, by=self._present(task.assignee), comment="同意")

    def _second(self, record) -> Member:
        return self.boss if record.created_by_id != self.boss.pk else self.legal

    def _present(self, member: Member) -> Member:
        member.tenant = self.tenant
        return member

    # --- what waits today -------------------------------------------------------------------------

    def _today(self) -> None:
        """Requests on people's desks, quotes with customers, a dispute, promises, a write-off, a refund, a red."""
        for number in self.sales.contracted[:4]:
            contract = self._draft(self.loader.deals[number])
            contracts.submit_contract(contract, by=contract.owner, grounds="本季度重点项目,请优先审批")
        self._quotes()
        self._change()
        self._trouble()
        self._renewals()
        self._desk()

    def _desk(self) -> None:
        """This week's statement: payers who are not certain, two debts in one transfer, a part, and interest."""
        rows = Receivable.objects.of(self.tenant).filter(balance__gt=0, disputed=False, due_date__isnull=False)
        owed = list(rows.select_related("account", "contract").order_by("-due_date")[:10])
        for turn, one in enumerate(owed):
            amount = one.balance if turn % 3 else round_half_up(one.balance * Decimal("0.4"))
            payer = (
                f"{one.account.name[:4]}供应链管理有限公司" if turn % 2 else one.account.name.removesuffix("有限公司")
            )
            memo = f"{one.contract.number} 进度款" if turn % 4 == 1 else "设备款"
            day = self.story.today - timedelta(days=turn % 4)
            self.till.take(Transfer(day, amount, payer, f"6217{turn:012}", memo, None))
        self.till.take(Transfer(self.story.today, Decimal("1283.46"), "招商银行", "", "结息", None))
        self.till.close_week(clear=False)

    def _quotes(self) -> None:
        for turn, number in enumerate(self.sales.quoted[:14]):
            deal = self.loader.deals[number]
            discount = Decimal(22) if turn % 7 == 0 else Decimal(turn % 5 * 2)
            line = {"product": deal.product, "quantity": Decimal(1), "unit_price": deal.product.list_price,
                    "discount": discount, "tax_code": self.tax}  # fmt: skip
            quote = quotes.create_quote(
                by=deal.owner, opportunity=deal, lines=[line], title=deal.name, legal_entity=self.entity,
                valid_until=self.story.today + timedelta(days=25), discount_reason="竞争项目" if discount > 15 else "",
            )  # fmt: skip
            quotes.submit_quote(quote, by=deal.owner, grounds="竞争对手报价低,申请特价" if discount > 15 else "")
            if quote.status == quote.Status.APPROVED and turn % 3:
                quotes.send_quote(quote, by=deal.owner)

    def _change(self) -> None:
        """Two changes of running contracts: one applied, one waiting for approval."""
        running = Contract.objects.of(self.tenant).filter(status="performing", kind="fixed").order_by("-pk")
        for turn, contract in enumerate(running.select_related("owner")[:2]):
            contract.tenant = self.tenant
            tail = (
                Receivable.objects.of(self.tenant).filter(contract=contract, superseded=False).order_by("-line").first()
            )
            delta = -round_half_up(tail.current / 10)
            change = changes.draft_change(
                contract, by=self._present(contract.owner), kind="reduce", delta=delta,
                grounds="调试延期两周,免除尾款的 10%", effects=[{"receivable": tail.pk, "delta": delta}],
            )  # fmt: skip
            changes.submit_change(change, by=contract.owner)
            if turn == 0:
                self.decide(change)

    def _trouble(self) -> None:
        late = (
            Receivable.objects.of(self.tenant).filter(balance__gt=0, due_date__lt=self.story.today).order_by("due_date")
        )
        rows = list(late.select_related("contract", "owner", "account")[:12])
        for receivable in rows[1:2]:
            disputes.raise_dispute(receivable, by=self.finance, reason="客户认为第二台设备噪音超标,等待复测")
        for receivable in rows[2:5]:
            promises.promise(
                receivable, by=self.finance, promised_for=self.story.today + timedelta(days=9), note="财务总监电话承诺"
            )
        if rows:
            write_offs.request_write_off(
                rows[0],
                by=self.finance,
                amount=round_half_up(rows[0].balance / 2),
                reason="客户进入破产清算,预计收回一半",
            )
        self._refund()
        self._red()

    def _refund(self) -> None:
        receipt = Receipt.objects.of(self.tenant).filter(unallocated__gt=0, status="posted").first()
        if receipt is not None and receipt.account_id:
            refunds.request_refund(
                receipt,
                by=self.clerk,
                amount=receipt.unallocated,
                reason="客户重复付款",
                payee_account="6222000011112222",
            )

    def _red(self) -> None:
        """A red invoice that waits for the buyer's confirmation."""
        invoice = Invoice.objects.of(self.tenant).filter(is_red=False).order_by("-date", "-pk").first()
        if invoice is not None:
            share = invoice.shares.first()
            [request] = reds.request_red(
                invoice, {share.receivable_id: round_half_up(share.amount / 10)}, by=self.finance,
                reason_code=InvoiceRequest.Reason.REDUCTION, note="质量折让",
            )  # fmt: skip
            reds.set_confirmation(request, InvoiceRequest.Confirmation.SELLER, by=self.finance)

    def _renewals(self) -> None:
        ended = Contract.objects.of(self.tenant).filter(
            status__in=Contract.LIVE, end_date__lte=self.story.today + timedelta(days=30)
        )
        for contract in ended.select_related("owner").order_by("end_date")[:3]:
            contract.tenant = self.tenant
            renewals.renew(contract, by=self._present(contract.owner))
