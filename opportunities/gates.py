"""Questions the deal asks of the apps below it before it moves; they answer from their `ready()`.

A predicate returns a sentence that says what is missing, or "" when nothing is.
"""

from collections.abc import Callable

from crm.core.errors import Refused

from .models import Opportunity, Stage

# May this stage be entered? (domain.md 6.9; none is set by default)
_stage_gates: list[Callable[[Opportunity, Stage], str]] = []

# May a won deal be opened again? (domain.md 4.4: not while a contract is effective)
_reopen_gates: list[Callable[[Opportunity], str]] = []


def before_stage(predicate: Callable[[Opportunity, Stage], str]) -> Callable[[Opportunity, Stage], str]:
    _stage_gates.append(predicate)
    return predicate


def before_reopening(predicate: Callable[[Opportunity], str]) -> Callable[[Opportunity], str]:
    _reopen_gates.append(predicate)
    return predicate


def check_stage(opp: Opportunity, stage: Stage) -> None:
    """Refuse with every sentence of the gates that are shut (INV-O3)."""
    _refuse([gate(opp, stage) for gate in _stage_gates], "STAGE_GATE")


def check_reopening(opp: Opportunity) -> None:
    _refuse([gate(opp) for gate in _reopen_gates], "REOPEN_GATE")


def _refuse(sentences: list[str], code: str) -> None:
    if missing := [str(sentence) for sentence in sentences if sentence]:
        raise Refused(" ".join(missing), code=code)
