"""The words of the timeline for what happens to leads."""

from django.utils.translation import gettext_lazy as _

# Verb → title; the rule that took a lead back is the reason of its Event.
VERBS = {
    "lead.touched": _("Asked again"),
    "lead.claimed": _("Claimed"),
    "lead.assigned": _("Assigned"),
    "lead.transferred": _("Transferred"),
    "lead.returned": _("Returned to the pool"),
    "lead.reclaimed": _("Taken back by a manager"),
    "lead.recycled": _("Went back to the pool by itself"),
    "lead.reminded": _("Reminder sent"),
    "lead.moved": _("Moved to another pool"),
    "lead.reviewed": _("Review ended"),
    "lead.protected": _("Protection changed"),
    "lead.worked": _("First follow-up"),
    "lead.qualified": _("Qualified"),
    "lead.nurtured": _("Nurturing began"),
    "lead.resumed": _("Resumed"),
    "lead.disqualified": _("Disqualified"),
    "lead.revived": _("Revived"),
    "lead.converted": _("Converted"),
    "no_followup": _("Not followed up in time"),
    "no_first_contact": _("Not contacted in time"),
    "no_deal": _("No deal in time"),
}
