"""How an invoice gets its number from the tax bureau: by hand (the default), or through a program's channel.

A channel is registered under a key in AppConfig.ready(); a company names the key of each legal entity in
`Tenant.settings["invoice_channels"] = {"<code of the entity>": "<key>"}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from django.utils.translation import gettext_lazy as _

from crm.core.entities.models import LegalEntity

from .invoice_lines import Position


@dataclass(frozen=True)
class Document:
    """What is asked of the tax bureau. `serial` is the same at every retry: the bureau issues it once."""

    serial: str
    seller: LegalEntity
    buyer: dict[str, str]
    kind: str
    medium: str
    positions: Sequence[Position]
    blue_number: str = ""
    reason_code: str = ""


@dataclass(frozen=True)
class Issued:
    """The bureau's answer. `date` is a local date of the legal entity."""

    number: str
    date: date


class ChannelFailed(Exception):
    """The bureau or the way to it failed; the text is shown to finance, who may try again."""


class Channel(Protocol):
    key: str

    def issue(self, document: Document) -> Issued:
        """The invoice with this serial, new or issued before; ChannelFailed when it was not issued."""


class ManualEntry:
    """Finance issues in the tax bureau's own system and types the number here."""

    key = "manual"

    def issue(self, document: Document) -> Issued:
        raise ChannelFailed(_("Invoices of this legal entity are issued by hand: enter the number."))


MANUAL = ManualEntry()
_channels: dict[str, Channel] = {MANUAL.key: MANUAL}


def register(channel: Channel) -> None:
    _channels[channel.key] = channel


def of(entity: LegalEntity) -> Channel:
    """The channel of a legal entity; by hand when none, or an unknown one, is named."""
    named = entity.tenant.settings.get("invoice_channels", {}).get(entity.code, MANUAL.key)
    return _channels.get(named, MANUAL)
