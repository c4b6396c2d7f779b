"""Nobody who has left the company gets a record (INV-A1), also not at the very moment of leaving."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _


def require_present(tenant_id: int, member_ids: Iterable[int]) -> None:
    """Refuse owners who have left, and keep the others from leaving until this transaction ends.

    The shared lock lets any number of transactions give records to one member; a deactivation
    (which locks the row for itself) waits for them, and they for it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_active FROM people_member WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE",
            [tenant_id, sorted(set(member_ids))],
        )
        present = [row[0] for row in cursor.fetchall()]
    if not all(present):
        raise ValidationError({"owner": _("This person has left the company. Choose somebody else.")})
