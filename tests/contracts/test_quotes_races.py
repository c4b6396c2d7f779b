"""Numbers of quotes with real threads: none twice, none left out, also when a document is rolled back."""

import threading

import pytest
from django.db import connections, transaction

from contracts.actions import quotes
from contracts.models import Contract, Quote
from crm.core.errors import Refused
from crm.core.tenancy.state import enter
from tests.conftest import BOTH, make_acme

from .quoting import make_quote, make_sent, make_trade

pytestmark = pytest.mark.django_db(transaction=True, databases=BOTH)
THREADS = 8


class GivenUp(Exception):
    """Somebody's transaction fails after it took its number."""


@pytest.fixture
def cast():
    cast = make_acme()
    with enter(cast.tenant), transaction.atomic():
        cast.trade = make_trade(cast)
    return cast


def at_once(cast, act) -> list:
    """What `act(n)` gives in each of the threads, which start together; GivenUp and refusals count as None."""
    start, found = threading.Barrier(THREADS), [None] * THREADS

    def run(n: int) -> None:
        try:
            start.wait()
            with enter(cast.tenant), transaction.atomic():
                found[n] = act(n)
        except (GivenUp, Refused):
            found[n] = None
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_numbers_have_no_gaps_and_no_twins_even_after_a_rollback(cast):
    def quote(n: int) -> str:
        made = make_quote(cast, cast.trade)
        if n % 4 == 0:
            raise GivenUp
        return made.number

    found = sorted(filter(None, at_once(cast, quote)))
    assert [int(number[-4:]) for number in found] == [1, 2, 3, 4, 5, 6]
    with enter(cast.tenant), transaction.atomic():
        assert make_quote(cast, cast.trade).number.endswith("0007")
        assert Quote.objects.of(cast.tenant).count() == 7


def test_eight_answers_at_once_are_one_answer_and_eight_contracts_are_one(cast):
    with enter(cast.tenant), transaction.atomic():
        pk = make_sent(cast, cast.trade).pk

    def answer(n: int) -> str:
        quote = Quote.objects.of(cast.tenant).get(pk=pk)
        quote.tenant = cast.tenant
        return quotes.accept_quote(quote, by=cast.rep, name=f"Person {n}").accepted_name

    assert len([name for name in at_once(cast, answer) if name]) == 1

    def contract(n: int) -> int:
        return quotes.to_contract(Quote.objects.of(cast.tenant).get(pk=pk), by=cast.rep).pk

    made = at_once(cast, contract)
    assert len(set(made)) == 1 and None not in made
    with enter(cast.tenant), transaction.atomic():
        assert Contract.objects.of(cast.tenant).count() == 1
