from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"

    def ready(self):
        from . import setup

        for introduce in (setup.prices, setup.quotes, setup.contracts, setup.orders):
            introduce()
