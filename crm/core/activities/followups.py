"""What counts as a follow-up (domain.md 6.1)."""

from .models import Activity

# Type → characters of note that it needs. A type that is missing here never counts.
NEEDED_NOTE = {
    Activity.Type.CALL: 0,
    Activity.Type.VISIT: 0,
    Activity.Type.MEETING: 0,
    Activity.Type.DEMO: 0,
    Activity.Type.MAIL_SENT: 0,
    Activity.Type.MAIL_RECEIVED: 0,
    Activity.Type.WECHAT: 10,
}


def counts(activity: Activity, subject) -> bool:
    """Whether the activity is a follow-up of this record: by its owner, since it is his, told in time.

    Companies may change the list: `Tenant.settings["followup"]` maps a type to the characters
    of note it needs, or to null when it shall not count.
    """
    rules = {**NEEDED_NOTE, **activity.actor.tenant.settings.get("followup", {})}
    needed = rules.get(activity.type)
    owned_at = getattr(subject, "owned_at", None)
    return (
        needed is not None
        and len("".join(activity.note.split())) >= needed
        and activity.actor_id == getattr(subject, "owner_id", None)
        and activity.occurred_at <= activity.recorded_at
        and (owned_at is None or activity.occurred_at >= owned_at)
    )


def clock(activity: Activity):
    """The time from which the next days are counted: back-dating cannot save a record."""
    return min(activity.occurred_at, activity.recorded_at)
