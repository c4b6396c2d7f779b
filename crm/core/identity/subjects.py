"""Which models are recognised and found, and by which of their columns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.apps import apps
from django.db.models import Model, Q

from crm.core import names

# One field may hold several numbers or addresses: 13800138000 / 0755-2668 0000.
_SEVERAL = re.compile(r"[/,;|、，；\n]+")


@dataclass(frozen=True)
class Subject:
    """How one model is keyed and searched. Values are names of its own columns.

    `firm` is the relation whose record has the company's name, owner and status ("" for the record itself);
    a name that lies on it is compared but not keyed, as its changes are not seen here. `live` leaves out
    records that stand for nobody any more. `url_name` is the page of a record (kwargs tenant, pk).
    """

    model: type[Model]
    name: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    website: str = ""
    uscc: str = ""
    search: tuple[str, ...] = ()
    firm: str = ""
    live: Q = field(default_factory=Q)
    url_name: str = ""
    icon: str = "file"

    @property
    def type(self) -> str:
        return self.model._meta.label_lower

    @property
    def columns(self) -> set[str]:
        """The columns whose change rewrites keys or grams."""
        return {*self.phones, *self.emails, *self.search, self.name, self.website, self.uscc} - {""}

    def firm_of(self, record):
        return getattr(record, self.firm) if self.firm else record

    def identity(self, record) -> names.Identity:
        """What identifies the record's firm; the name may come from the related firm."""
        return names.Identity(
            name=getattr(record, self.name) if self.name else str(self.firm_of(record)) if self.firm else "",
            phones=_parts(getattr(record, column) for column in self.phones),
            emails=_parts(getattr(record, column) for column in self.emails),
            website=getattr(record, self.website) if self.website else "",
            uscc=getattr(record, self.uscc) if self.uscc else "",
        )

    def texts(self, record) -> list[str]:
        return [str(getattr(record, column) or "") for column in self.search]


def _parts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for value in values for part in _SEVERAL.split(value or "") if part.strip())


_subjects: dict[str, Subject] = {}


def register(model, **how) -> None:
    """Declare, in AppConfig.ready(), what to key and search of a model (see Subject)."""
    subject = Subject(apps.get_model(model) if isinstance(model, str) else model, **how)
    _subjects[subject.type] = subject


def registered() -> list[Subject]:
    return list(_subjects.values())


def subject_of(model) -> Subject | None:
    return _subjects.get(model if isinstance(model, str) else model._meta.label_lower)
