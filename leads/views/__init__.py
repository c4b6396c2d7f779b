"""Pages of leads."""

from .changes import act, claim_selected, convert, create, edit
from .lists import detail, index
from .panels import origin

__all__ = ["act", "claim_selected", "convert", "create", "detail", "edit", "index", "origin"]
