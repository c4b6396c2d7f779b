from crm.core.web.forms import RecordForm

from .models import LegalEntity


class LegalEntityForm(RecordForm):
    class Meta:
        model = LegalEntity
        fields = [
            "name", "short_name", "code", "uscc", "taxpayer", "address", "phone", "is_default", "is_active"
        ]  # fmt: skip
