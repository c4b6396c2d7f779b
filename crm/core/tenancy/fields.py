"""Fields that carry the tenant through rows and joins."""

from django import forms
from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact


class OwningTenant(models.ForeignKey):
    """The company a row belongs to. Its presence makes a table a tenant table.

    With `append_only` the app role may add rows but never change or delete them.
    """

    def __init__(self, to="tenancy.Tenant", on_delete=models.PROTECT, append_only=False, **kwargs):
        self.append_only = append_only
        kwargs.update(related_name="+", db_index=False, editable=False)
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        if self.append_only:
            kwargs["append_only"] = True
        return name, path, args, kwargs


class TenantForeignKey(models.ForeignKey):
    """A foreign key between rows of one tenant: (tenant_id, x_id) → (tenant_id, id).

    Joins and lookups compare tenant_id too, so that a row of another tenant is
    out of reach in the ORM as it is in the database.
    """

    def __init__(self, to, on_delete=models.PROTECT, **kwargs):
        super().__init__(to, on_delete, **kwargs)

    def get_extra_restriction(self, alias, related_alias):
        tenant = self.model._meta.get_field("tenant")
        return Exact(Col(alias, tenant), Col(related_alias, tenant))

    def get_extra_descriptor_filter(self, instance):
        return {"tenant_id": instance.tenant_id}

    def formfield(self, **kwargs):
        """Offer nothing until a scoped form says whose rows may be chosen."""
        rows = self.remote_field.model._base_manager.none()
        choice = {"form_class": forms.ModelChoiceField, "queryset": rows, "blank": self.blank, **kwargs}
        # ForeignKey.formfield would ask the guarded manager for all rows.
        return super(models.ForeignKey, self).formfield(**choice)
