from django.apps import AppConfig


class ReceivablesConfig(AppConfig):
    name = "receivables"

    def ready(self):
        from . import setup

        for introduce in (
            setup.receivables,
            setup.invoices,
            setup.desk,
            setup.closing,
            setup.reports,
            setup.dunning,
            setup.cash,
        ):
            introduce()
