"""Products by name."""

from django.utils.translation import gettext_lazy as _

from crm.core.catalog.models import Product
from crm.core.names import fold

from .columns import Column
from .importer import SKIP, UPDATE, Importer
from .registry import register
from .rows import Row


@register
class ProductImporter(Importer):
    key, label, icon, order = "products", _("Products"), "package", 20
    permission = "catalog.manage"
    model = Product
    policies = (SKIP, UPDATE)
    columns = (
        Column("name", _("Name"), required=True, synonyms="产品, 产品名称, 名称, 商品, product, product name"),
        Column("code", _("Code"), synonyms="编码, 产品编码, 编号, 型号, sku, product code", max_length=40),
        Column("series", _("Series"), synonyms="系列, 产品线, 分类, category, line", max_length=100),
        Column("unit", _("Unit"), synonyms="单位, 计量单位", max_length=20),
        Column("list_price", _("List price"), kind="money",
               synonyms="单价, 价格, 标准价, 含税单价, price, sales price, unit price"),
        Column("is_active", _("On sale"), kind="flag", synonyms="在售, 启用, active"),
    )  # fmt: skip

    def keys(self, row: Row) -> list:
        name = row.values["name"]
        return [("name", fold(name) or name)]

    def load(self) -> None:
        products = Product.objects.of(self.tenant)
        self.known = {("name", fold(product.name) or product.name): product for product in products}

    def existing(self, rows: list[Row]) -> dict:
        return self.known

    def fields(self, row: Row) -> dict:
        return {name: value for name, value in row.values.items() if value is not None}
