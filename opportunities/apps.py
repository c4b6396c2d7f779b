from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpportunitiesConfig(AppConfig):
    name = "opportunities"

    def ready(self):
        from crm.core.activities import timeline
        from crm.core.company import holdings
        from crm.core.identity import subjects

        from . import actions, playbooks
        from .models import Opportunity

        def open_deals(member):
            live = Opportunity.objects.of(member.tenant_id).filter(owner=member, status__in=["open", "suspended"])
            return _("open opportunities"), live.count()

        holdings.register(open_deals)
        holdings.on_founding.append(
            lambda tenant, system: actions.start_playbook(playbooks.P5, by=system, is_default=True)
        )
        holdings.keep_money.append(lambda tenant: Opportunity.objects.of(tenant).exists())
        subjects.register(Opportunity, search=("name",), url_name="opportunities:detail", icon="target-arrow")
        timeline.verbs(
            {f"opportunity.{verb}": words for verb, words in (
                ("moved", _("Moved to another stage")), ("won", _("Won")), ("lost", _("Lost")),
                ("suspended", _("Suspended")), ("resumed", _("Resumed")), ("reopened", _("Reopened")),
                ("overridden", _("Own estimate")), ("override_cleared", _("Back to the stage's probability")),
            )}
        )  # fmt: skip
        self._menus()

    def _menus(self):
        from crm.core.web.navigation import Entry, Group, register

        sellers = frozenset({"rep", "manager", "admin", "presales", "legal", "partner"})
        viewers = frozenset({"rep", "manager", "admin", "presales", "partner"})
        deals, sales = _("Deals"), Group.SALES
        register(Entry("deals", deals, "opportunities:list", "target-arrow", roles=sellers, order=40, group=sales))
        register(Entry("board", _("Board"), "opportunities:board", "layout-kanban", sellers, order=41, group=sales))
        register(Entry("funnel", _("Funnel"), "opportunities:funnel", "chart-funnel", viewers, order=42, group=sales))
        register(
            Entry("pipelines", _("Pipelines"), "opportunities:pipelines", "columns", roles=frozenset({"admin"}),
                  order=830, group=Group.SETTINGS)
        )  # fmt: skip
        register(Entry("deals", deals, "opportunities:board", "target-arrow", sellers, place="bottom", order=40))
        register(
            Entry("funnel", _("Funnel"), "opportunities:funnel", "chart-funnel", frozenset({"manager"}),
                  place="bottom", order=20)
        )  # fmt: skip
        register(
            Entry("deals", _("Deal"), "opportunities:create", "target-arrow", frozenset({"rep", "manager"}),
                  place="create", order=40)
        )  # fmt: skip
