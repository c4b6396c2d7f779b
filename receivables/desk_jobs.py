"""What happens after a statement has come in: what is certain is posted and allocated (domain.md 6.16, 6.21b)."""

from crm.core import records
from crm.core.events.outbox import on
from receivables.actions.posting import CHUNK, post_lines
from receivables.models import BankLine, DeskRules, StatementFile


@on("statementfile.imported", "statementfile.matched")
def match_statement(event) -> None:
    """Post the next lines of a statement in the name of who imported it; each chunk calls for the next.

    Nothing is posted of a statement whose balances do not follow (WC-26), nor where the company wants to be asked.
    """
    statement = StatementFile.objects.of(event.tenant_id).get(pk=event.subject_id)
    if statement.gaps or not DeskRules.of(event.tenant_id).posts_itself:
        return
    lines = BankLine.objects.of(event.tenant_id).filter(statement=statement, credit__gt=0)
    chunk = list(lines.filter(pk__gt=event.data.get("after", 0)).order_by("pk")[:CHUNK])
    if chunk:
        outcome = post_lines(chunk, by=event.actor)
        told = {"after": chunk[-1].pk, "posted": len(outcome.posted), "waiting": outcome.waiting}
        records.note(statement, by=event.actor, verb="matched", data=told)
