from django.apps import AppConfig
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Customers")

    def ready(self):
        self._enter_menus()
        from crm.core.company import holdings
        from crm.core.identity.subjects import register

        from .models import Account, Contact

        live = ~Q(status=Account.Status.MERGED)
        register(
            Account, name="name", phones=("phone",), website="website", uscc="uscc",
            search=("name", "uscc", "phone"), live=live & Q(is_placeholder=False),
            url_name="accounts:detail", icon="building",
        )  # fmt: skip
        register(
            Contact, firm="account", phones=("phone",), emails=("email",), search=("name", "phone", "email", "wechat"),
            live=~Q(account__status=Account.Status.MERGED), url_name="accounts:contact", icon="user",
        )  # fmt: skip
        holdings.register(
            lambda member: (_("customers"), Account.objects.of(member.tenant_id).filter(live, owner=member).count())
        )

    def _enter_menus(self):
        from crm.core.web.navigation import Entry, Group, register

        sales = frozenset({"rep", "manager"})
        readers = sales | {"presales", "finance", "admin"}
        visitors = sales | {"presales"}
        register(
            Entry("accounts", _("Customers"), "accounts:list", "building", roles=readers, order=30, group=Group.SALES)
        )
        register(
            Entry("accounts", _("Customers"), "accounts:list", "building", roles=readers, place="bottom", order=20)
        )
        register(
            Entry("visits", _("Visits"), "visits:list", "map-pin", roles=visitors | {"admin"}, order=50,
                  group=Group.SALES)
        )  # fmt: skip
        register(Entry("visit", _("Visit"), "visits:new", "map-pin", roles=visitors, place="create", order=10))
        register(Entry("account", _("Customer"), "accounts:create", "building", roles=sales, place="create", order=40))
