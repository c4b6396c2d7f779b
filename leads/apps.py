from django.apps import AppConfig
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = _("Leads")

    def ready(self):
        from crm.core.activities import timeline
        from crm.core.company import holdings
        from crm.core.identity.subjects import register
        from crm.core.web import navigation, panels

        from . import notices, tasks  # noqa: F401  (register their handlers and the job)
        from .models import Lead
        from .words import VERBS

        timeline.verbs(VERBS)
        # Phone and e-mail are no search words: a pool hides them (INV-L12); leads/search.py finds by their keys.
        register(
            Lead, name="name", phones=("phone",), emails=("email",), website="website", uscc="uscc",
            search=("name", "contact_name", "uscc"), live=~Q(status=Lead.Status.MERGED),
            url_name="leads:detail", icon="user-search",
        )  # fmt: skip
        holdings.register(
            lambda member: (
                _("leads"), Lead.objects.of(member.tenant_id).filter(owner=member, status__in=Lead.OWNED).count()
            )
        )  # fmt: skip
        sales = frozenset({"rep", "manager", "admin"})
        entry = navigation.Entry("leads", _("Leads"), "leads:list", "user-search", roles=sales | {"partner"}, order=20,
                                 group=navigation.Group.SALES)  # fmt: skip
        navigation.register(entry)
        pool = navigation.Entry("pool", _("Public pool"), "leads:pool", "ripple", roles=sales, order=21,
                                group=navigation.Group.SALES)  # fmt: skip
        navigation.register(pool)
        navigation.register(
            navigation.Entry("lead", _("New lead"), "leads:create", "user-search", roles=sales | {"partner"},
                             place="create", order=20)
        )  # fmt: skip
        panels.register(
            "opportunities.opportunity",
            panels.Panel("origin", _("Came from the lead"), "leads:origin", "lead.read", 60),
        )
