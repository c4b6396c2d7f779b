"""Duplicate hints while somebody types a name, a number or a code."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.core.names import Identity

from . import duplicates
from .subjects import subject_of


@require_safe
def hints(request, tenant: str):
    """What is known already about the typed name, phone, e-mail, website and credit code.

    `exclude=accounts.account:7` leaves out the record that is being edited.
    """
    hits = duplicates.find(typed(request.GET), by=request.member, exclude=edited(request))
    return render(request, "identity/_hints.html", {"hits": hits})


def typed(values) -> Identity:
    """The identity in a form's or a program's values."""
    given = {
        name: str(values.get(name) or "").replace("\0", "")[:300]
        for name in ("name", "uscc", "website", "phone", "email")
    }
    phone, email = given.pop("phone"), given.pop("email")
    return Identity(**given, phones=(phone,) if phone else (), emails=(email,) if email else ())


def edited(request):
    subject_type, _colon, pk = request.GET.get("exclude", "").partition(":")
    subject = subject_of(subject_type)
    if subject is None or not pk.isascii() or not pk.isdigit() or len(pk) > 18:
        return None
    return subject.model.objects.visible_to(request.member).filter(pk=int(pk)).first()
