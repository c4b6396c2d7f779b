"""Tax codes, price lists and prices over REST."""

from contracts.actions import prices as actions
from contracts.filters.prices import PriceFilter, PriceListFilter, TaxCodeFilter
from contracts.models import Price, PriceList, TaxCode
from crm.core.web.api import RecordSerializer, RecordViewSet, ScopedRelatedField


class TaxCodeSerializer(RecordSerializer):
    """A rate in force from one day to another; `rate` is a fraction such as "0.130000". Only name and end change."""

    class Meta:
        model = TaxCode
        fields = ["id", "code", "name", "rate", "valid_from", "valid_until", "version"]
        read_only_fields = ["version"]


class PriceListSerializer(RecordSerializer):
    copy_of = ScopedRelatedField(model=PriceList, write_only=True, required=False)

    class Meta:
        model = PriceList
        fields = ["id", "name", "currency", "valid_from", "valid_until", "is_default", "copy_of", "version"]
        read_only_fields = ["version", "currency"]


class PriceSerializer(RecordSerializer):
    """Price and floor are tax-inclusive; below the floor a quote needs approval."""

    class Meta:
        model = Price
        fields = ["id", "price_list", "product", "price", "floor", "tax_code", "version"]
        read_only_fields = ["version"]


class TaxCodeViewSet(RecordViewSet):
    model = TaxCode
    read = "quote.read"
    serializer_class = TaxCodeSerializer
    filterset_class = TaxCodeFilter

    def perform_create(self, serializer):
        return actions.create_tax_code(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_tax_code(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )


class PriceListViewSet(RecordViewSet):
    model = PriceList
    read = "quote.read"
    serializer_class = PriceListSerializer
    filterset_class = PriceListFilter

    def perform_create(self, serializer):
        return actions.create_price_list(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        values = {name: value for name, value in serializer.validated_data.items() if name != "copy_of"}
        return actions.update_price_list(
            serializer.instance, by=self.member, expected=self.expected_version(), **values
        )


class PriceViewSet(RecordViewSet):
    model = Price
    read = "quote.read"
    serializer_class = PriceSerializer
    filterset_class = PriceFilter

    def perform_create(self, serializer):
        return actions.add_price(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        kept = {"price_list", "product"}
        values = {name: value for name, value in serializer.validated_data.items() if name not in kept}
        return actions.update_price(serializer.instance, by=self.member, expected=self.expected_version(), **values)


def register(router) -> None:
    router.register("tax-codes", TaxCodeViewSet, basename="tax-codes")
    router.register("price-lists", PriceListViewSet, basename="price-lists")
    router.register("prices", PriceViewSet, basename="prices")
