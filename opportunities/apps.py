from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpportunitiesConfig(AppConfig):
    name = "opportunities"

    def ready(self):
        from crm.core.company import holdings

        from . import actions, playbooks
        from .models import Opportunity

        def open_deals(member):
            live = Opportunity.objects.of(member.tenant_id).filter(owner=member, status__in=["open", "suspended"])
            return _("open opportunities"), live.count()

        holdings.register(open_deals)
        holdings.on_founding.append(
            lambda tenant, system: actions.start_playbook(playbooks.P5, by=system, is_default=True)
        )
