from crm.core.web.api import RecordSerializer, RecordViewSet

from . import actions
from .filters import ProductFilter
from .models import Product


class ProductSerializer(RecordSerializer):
    class Meta:
        model = Product
        fields = ["id", "name", "code", "series", "unit", "list_price", "is_active", "version", "created_at"]
        read_only_fields = ["version", "created_at"]


class ProductViewSet(RecordViewSet):
    """What the company sells. Everybody reads, administrators change."""

    model = Product
    read = "catalog.read"
    serializer_class = ProductSerializer
    filterset_class = ProductFilter

    def perform_create(self, serializer):
        return actions.create_product(by=self.member, **serializer.validated_data)

    def perform_update(self, serializer):
        return actions.update_product(
            serializer.instance, by=self.member, expected=self.expected_version(), **serializer.validated_data
        )


def register(router) -> None:
    router.register("products", ProductViewSet, basename="products")
