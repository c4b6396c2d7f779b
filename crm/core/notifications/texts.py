"""What a notice says: each kind registers a function that words it in the reader's language.

    @texts.kind("lead.reminder")
    def reminder(notice) -> Text:
        return Text(_("“%(lead)s” goes back tomorrow") % notice.params, url=…)

The function runs in the reader's language and the company's time zone, and may
use `notice.params`, `notice.subject_id` and `notice.tenant.slug`; it makes no query.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .models import Notification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Text:
    """A title of one line, a sentence more if needed, and the page it is about (a path, or empty)."""

    title: str
    body: str = ""
    url: str = ""


_kinds: dict[str, Callable[[Notification], Text]] = {}


def kind(name: str):
    """Register the wording of one kind of notice; a second registration is a bug."""

    def register(word: Callable[[Notification], Text]):
        if _kinds.setdefault(name, word) is not word:
            raise ValueError(f"The notice {name!r} is worded twice.")
        return word

    return register


def text_of(notice: Notification) -> Text:
    """The notice in the active language; one that cannot be worded never breaks a page or a mail."""
    try:
        return _kinds[notice.kind](notice)
    except Exception:
        log.exception("notice %s of kind %s has no text", notice.pk, notice.kind)
        return Text(_("Something changed in Leadline"))
