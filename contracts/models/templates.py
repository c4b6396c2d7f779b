"""What new contracts start from: standard clauses and templates."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.core.records import Record

from .quotes import Terms


class ClauseTemplate(Record):
    """A clause that every contract of the named kinds must settle; no kinds means all."""

    name = models.CharField(_("clause"), max_length=100)
    text = models.TextField(_("our standard text"), blank=True)
    kinds = models.JSONField(_("contract kinds"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="clause_name_once",
                violation_error_message=_("A clause with this name exists already."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name


class ContractTemplate(Terms, Record):
    """Kind, terms and collection plan that a contract starts with; its clauses are the standard ones of the kind.

    `plan` is {"mode", "lines"} as receivables read a plan; empty: none is proposed.
    """

    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, default="fixed")
    plan = models.JSONField(_("collection plan"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], name="contract_template_once",
                violation_error_message=_("A template with this name exists already."),
            )
        ]  # fmt: skip

    def __str__(self):
        return self.name
