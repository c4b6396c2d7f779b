"""The guarded door: no queryset without saying whose rows are meant."""

from django.db import models


class Unscoped(RuntimeError):
    """A query was started without `.of(tenant)` or `.visible_to(member)`."""


class TenantQuerySet(models.QuerySet):
    def visible_to(self, member):
        """Rows of the member's tenant that the member may see.

        A model narrows this by its own `visible_q(member)`; a model without one
        is readable by every member of the company.
        """
        rule = getattr(self.model, "visible_q", None)
        queryset = self.filter(tenant_id=member.tenant_id)
        return queryset.filter(rule(member)) if rule else queryset


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):
    """Refuses every query except those of one tenant; a related manager is one tenant's already."""

    def get_queryset(self):
        instance = getattr(self, "instance", None)
        if instance is None:
            raise Unscoped(f"{self.model.__name__}.objects: say .of(tenant) or .visible_to(member) first.")
        return super().get_queryset().filter(tenant_id=instance.tenant_id)

    def of(self, tenant) -> TenantQuerySet:
        """All rows of `tenant` (a Tenant or its id), whoever may see them."""
        return super().get_queryset().filter(tenant_id=getattr(tenant, "pk", tenant))

    def visible_to(self, member) -> TenantQuerySet:
        return super().get_queryset().visible_to(member)

    def none(self):
        return super().get_queryset().none()
