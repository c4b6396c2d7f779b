"""Pages of leads."""

from .changes import act, claim_selected, convert, create, edit
from .lists import detail, index

__all__ = ["act", "claim_selected", "convert", "create", "detail", "edit", "index"]
