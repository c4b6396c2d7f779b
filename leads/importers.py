"""Leads from a file: into hands where the file names an owner, else into a pool."""

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.importers import name_key
from crm.core import records
from crm.core.identity.models import IdentityKey
from crm.core.identity.subjects import subject_of
from crm.core.imports.columns import Column
from crm.core.imports.finders import Finder, folded, members
from crm.core.imports.importer import CREATE, Importer
from crm.core.imports.registry import register
from crm.core.imports.rows import Row
from crm.core.pools.claims import default_pool
from crm.core.pools.models import OwnerReason, Pool
from crm.core.web.forms import ScopedChoiceField

from .models import Channel, Lead, LeadTouch

Status = Lead.Status
LIVE = (Status.POOLED, *Lead.OWNED)
Kind = IdentityKey.Kind
# What a file may say of a lead; converted and merged ones come about by conversion and merging only.
STATES = [(status.value, status.label) for status in (*Lead.OWNED, Status.POOLED, Status.DISQUALIFIED)]


@register
class LeadImporter(Importer):
    key, label, icon, order = "leads", _("Leads"), "user-search", 50
    model = Lead
    unique_kinds = frozenset({"uscc", "email", "mobile"})
    columns = (
        Column("name", _("Company name"), required=True,
               synonyms="公司, 公司名称, 企业名称, 单位名称, 客户名称, 线索名称, company, lead name, "
                        "organisation, organization, account"),
        Column("contact_name", _("Contact"), max_length=100,
               synonyms="联系人, 联系人姓名, 姓名, contact name, contact person, full name"),
        Column("title", _("Job title"), synonyms="职位, 职务, 岗位, position", max_length=100),
        Column("phone", _("Phone"), max_length=100,
               synonyms="手机, 手机号, 手机号码, 电话, 联系电话, 联系方式, mobile, tel, phone number"),
        Column("email", _("E-mail"), kind="email", synonyms="邮箱, 电子邮箱, 邮件, mail, email address"),
        Column("wechat", _("WeChat"), synonyms="微信, 微信号", max_length=100),
        Column("website", _("Website"), synonyms="网站, 网址, 官网, url"),
        Column("uscc", _("Credit code"), synonyms="统一社会信用代码, 信用代码, 税号", max_length=40),
        Column("region", _("Region"), synonyms="地区, 区域, 省份, 城市, country, city", max_length=100),
        Column("industry", _("Industry"), synonyms="行业, 所属行业, sector", max_length=100),
        Column("size_band", _("Size"), synonyms="规模, 企业规模, company size", max_length=50),
        Column("source", _("Source"), kind="choice", choices=Channel,
               synonyms="来源, 线索来源, 渠道, channel, lead source",
               words={"展会": "fair", "官网": "website", "网站": "website", "百度": "search", "搜索": "search",
                      "转介绍": "referral", "老客户介绍": "referral", "推荐": "referral", "广告": "ads",
                      "地推": "field", "微信": "social",
                      "抖音": "social", "web": "website", "trade show": "fair", "其他": "other"}),
        Column("campaign", _("Campaign"), synonyms="活动, 市场活动", max_length=100),
        Column("needs", _("Needs"), kind="long", synonyms="需求, 需求描述, 备注, 说明, remark, notes, note"),
        Column("owner", _("Owner"), kind="relation",
               synonyms="负责人, 所有人, 销售, 业务员, 跟进人, lead owner, sales rep"),
        Column("pool", _("Pool"), kind="relation", synonyms="公海, 线索池, 公海池"),
        Column("status", _("Status"), kind="choice", synonyms="状态, 线索状态",
               words={"新线索": "assigned", "跟进中": "working", "已联系": "working", "无效": "disqualified",
                      "new": "assigned", "contacted": "working"}),
        Column("created", _("Created on"), kind="date",
               synonyms="创建时间, 创建日期, 获取时间, 录入时间, created at, created, date"),
    )  # fmt: skip

    @classmethod
    def option_fields(cls, by) -> dict[str, forms.Field]:
        """`pool`: where leads without an owner go; the default pool unless another is chosen."""
        pool = ScopedChoiceField(
            Pool, narrow=lambda pools: pools.filter(is_active=True), required=False,
            label=_("Leads without an owner go to"), empty_label=_("the default pool"),
        )  # fmt: skip
        pool.scope_to(by)
        return {"pool": pool}

    def load(self) -> None:
        pools = Pool.objects.of(self.tenant).filter(is_active=True)
        self.finders = {"owner": members(self.tenant), "pool": Finder(pools)}
        chosen = self.options.get("pool")
        self.pool = pools.filter(pk=int(chosen)).first() if chosen else default_pool(self.tenant)
        self.column = {column.key: column for column in self.columns}
        states = {folded(word): value for value, label in STATES for word in (value, str(label))}
        self.vocabularies["status"] = {**states, **self.column["status"].vocabulary()}

    def known_words(self, column: Column) -> list[str]:
        return [str(label) for _value, label in STATES] if column.key == "status" else super().known_words(column)

    def complete(self, row: Row) -> None:
        """In exactly one place (INV-L1): an owner's hands, or a pool."""
        owner, status = row.values.get("owner"), row.values.get("status")
        self.check_owner(row, self.column["owner"], owner)
        pool = row.values.get("pool") or self.pool
        if owner is None and pool is None and status != Status.DISQUALIFIED:
            row.fail(_("There is no pool for a lead without an owner. Name one, or name an owner."))
        if owner is None and status in Lead.OWNED[1:]:
            row.fail(_("A lead that somebody works on needs an owner. Fill in the owner, or clear the status."))

    def keys(self, row: Row) -> list[tuple]:
        return lead_keys(Lead(**{name: row.values.get(name, "") for name in IDENTITY}))

    def existing(self, rows: list[Row]) -> dict:
        """Leads that share a key with a row of the chunk; to be created anew, only live ones stand in the way."""
        wanted = Q(pk__in=[])
        for name, kind in KINDS.items():
            texts = {self._stored(key) for row in rows for key in row.keys if key[0] == name}
            wanted |= Q(kind=kind, key__in=texts)
        ids = IdentityKey.objects.of(self.tenant).filter(wanted, subject_type=Lead._meta.label_lower)
        leads = Lead.objects.of(self.tenant).filter(pk__in=list(ids.values_list("subject_id", flat=True)))
        leads = leads.filter(status__in=LIVE) if self.policy == CREATE else leads.exclude(status=Status.MERGED)
        return {key: lead for lead in leads.order_by("-pk") for key in lead_keys(lead)}

    @staticmethod
    def _stored(key: tuple) -> str:
        return key[1][0] if key[0] == "name" else key[1]

    def fields(self, row: Row) -> dict:
        return {name: value for name, value in super().fields(row).items() if name not in ("owner", "pool", "status")}

    def make(self, row: Row) -> Lead:
        lead = super().make(row)
        owner, status = row.values.get("owner"), row.values.get("status")
        home = row.values.get("pool") or self.pool
        lead.home_pool = home
        if status == Status.DISQUALIFIED:
            lead.status, lead.owner = status, owner
        elif owner:
            lead.status, lead.owner = status if status in Lead.OWNED else Status.ASSIGNED, owner
            # The clock of the pool starts with the import: nobody loses a lead he has not seen.
            lead.owner_reason, lead.owned_at = OwnerReason.IMPORT, timezone.now()
        else:
            lead.status, lead.pool = Status.POOLED, home
        return lead

    def insert(self, rows: list[Row]) -> None:
        super().insert(rows)
        records.append(
            LeadTouch(tenant_id=self.tenant.pk, lead=row.record, channel=row.record.source, at=row.record.created_at)
            for row in rows
        )


IDENTITY = ("name", "contact_name", "phone", "email", "website", "uscc")
KINDS = {"uscc": Kind.USCC, "email": Kind.EMAIL, "mobile": Kind.MOBILE, "name": Kind.NAME}


def lead_keys(lead: Lead) -> list[tuple]:
    """The BLOCK keys (domain.md 6.4); a lead without any is known by its name, contact and landline."""
    identity = subject_of(Lead).identity(lead)
    keys: list[tuple] = [("uscc", identity.code.code)] if identity.code.valid else []
    keys += [("email", mail) for mail in sorted(identity.mails)]
    keys += [("mobile", line, identity.firm.key) for line in sorted(identity.lines("mobile"))]
    plain = ("name", name_key(lead.name), folded(lead.contact_name), tuple(sorted(identity.lines("landline"))))
    return keys or [plain]
