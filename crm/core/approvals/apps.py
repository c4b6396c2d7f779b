from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

OWN_PEOPLE = frozenset({"rep", "manager", "presales", "finance", "legal", "admin"})
DECIDERS = frozenset({"manager", "finance", "legal"})


class ApprovalsConfig(AppConfig):
    name = "crm.core.approvals"
    label = "approvals"

    def ready(self):
        from crm.core.company import holdings

        from . import notices  # noqa: F401  (registers handlers and texts)
        from .flows import found_all
        from .metrics import undecided_tasks

        holdings.on_founding.append(found_all)
        holdings.register(undecided_tasks)
        _offer_pages()


def _offer_pages() -> None:
    from crm.core.web.navigation import Entry, Group, register

    from .metrics import to_decide

    title = _("Approvals")
    register(Entry("approvals", title, "approvals:list", "circle-check", OWN_PEOPLE, order=15, count=to_decide))
    register(Entry("approvals", title, "approvals:list", "circle-check", DECIDERS, place="bottom", order=25,
                   count=to_decide))  # fmt: skip
    register(Entry("deputies", _("My deputy"), "approvals:delegations", "user-check", OWN_PEOPLE, place="account",
                   order=30))  # fmt: skip
    register(Entry("flows", _("Approval flows"), "approvals:flows", "sitemap", frozenset({"admin"}), order=830,
                   group=Group.SETTINGS))  # fmt: skip
