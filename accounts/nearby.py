"""Which customers a visitor most likely stands at: the nearest, then the latest, then his own."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from crm.core.activities.models import Activity, ActivityLink

from .models import Account

EARTH_M = 6_371_000
LOOKED_AT = 200
OFFERED = 5


@dataclass(frozen=True)
class Choice:
    account: Account
    metres: int | None = None

    @property
    def kilometres(self) -> str:
        return f"{(self.metres or 0) / 1000:.1f}"


def choices(member, position=None) -> list[Choice]:
    """At most five customers the member sees. `position` is (latitude, longitude) in WGS-84 degrees.

    A customer is where the member's own last visits to it were.
    """
    seen = _visited(member)
    distances = {pk: _nearest(position, places) for pk, places in seen.items()}
    order = sorted(seen, key=lambda pk: (distances[pk] is None, distances[pk] or 0)) if position else list(seen)
    rows = Account.objects.visible_to(member).exclude(status=Account.Status.MERGED)
    found = rows.in_bulk(order[:OFFERED])
    chosen = [Choice(found[pk], distances[pk]) for pk in order[:OFFERED] if pk in found]
    more = rows.filter(owner=member).exclude(pk__in=found).order_by("-id")[: OFFERED - len(chosen)]
    return [*chosen, *(Choice(account) for account in more)]


def _visited(member) -> dict[int, list[tuple]]:
    """Account id → places of the member's latest activities about it, latest account first."""
    mine = Activity.objects.of(member.tenant_id).filter(actor=member).order_by("-occurred_at", "-id")
    rows = mine.values_list("pk", "latitude", "longitude")[:LOOKED_AT]
    places = {pk: (latitude, longitude) for pk, latitude, longitude in rows}
    links = ActivityLink.objects.of(member.tenant_id).filter(activity__in=list(places), subject_type="accounts.account")
    about: dict[int, list] = {}
    by_activity = dict(links.values_list("activity_id", "subject_id"))
    for pk, place in places.items():
        if pk in by_activity:
            about.setdefault(by_activity[pk], []).append(place)
    return about


def _nearest(position, places) -> int | None:
    known = [place for place in places if place[0] is not None]
    return min(metres(position, place) for place in known) if position and known else None


def metres(a, b) -> int:
    """The distance of two (latitude, longitude) pairs along the sphere."""
    (lat_a, lon_a), (lat_b, lon_b) = ([radians(float(angle)) for angle in place] for place in (a, b))
    h = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return round(2 * EARTH_M * asin(min(1, sqrt(h))))
