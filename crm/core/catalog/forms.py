from crm.core.web.forms import RecordForm

from .models import Product


class ProductForm(RecordForm):
    class Meta:
        model = Product
        fields = ["name", "code", "series", "unit", "list_price", "is_active"]
