from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    """Files into records: wizard, API, command. Each app's importers.py says what of its objects a file may hold."""

    name = "crm.core.imports"
    label = "imports"
    verbose_name = _("Imports")

    def ready(self):
        from crm.core.web import navigation

        from . import members, products, tasks  # noqa: F401  (register their importers and the job)

        autodiscover_modules("importers")
        managers = frozenset({"manager", "admin", "finance"})
        navigation.register(
            navigation.Entry("imports", _("Import"), "imports:list", "file-import", roles=managers, order=850,
                             group=navigation.Group.SETTINGS)
        )  # fmt: skip
