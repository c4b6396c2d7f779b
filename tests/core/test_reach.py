"""Who covers everybody's records keeps covering them beside other reasons to see some."""

from django.db.models import Q

from crm.core.people.reach import EVERYTHING, NOTHING

SOME = Q(pk=1)


def test_all_or_some_is_all_whatever_stands_first():
    assert not (EVERYTHING | SOME) and not (SOME | EVERYTHING)
    assert (NOTHING | SOME) and (EVERYTHING & SOME) == SOME and (SOME & EVERYTHING) == SOME
