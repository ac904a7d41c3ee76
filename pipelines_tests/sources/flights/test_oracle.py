"""The numbers of flights against a second computation, over histories of all that senders do."""

import datetime as dt
from itertools import pairwise

import pytest

from pipelines_tests.sources.flights.histories import AIRPORTS, history
from pipelines_tests.sources.flights.made_up import Flights
from pipelines_tests.sources.flights.numbers import differences
from pipelines_tests.sources.flights.oracle import Oracle

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_history_has_all_that_senders_do(seed: int) -> None:
    now = dt.datetime.now(dt.UTC)
    documents = history(seed, now)
    oracle = Oracle(documents, AIRPORTS)
    days = sorted({at.date() for at in documents})
    assert len(oracle.documents) == len(documents) - 1  # one is rejected as a whole
    assert any((after - before).days > 3 for before, after in pairwise(days[1:]))
    assert len(days) < len(documents)  # two documents on a day
    steps = [
        (before.get(key), after.get(key))
        for (_, before), (_, after) in pairwise(oracle.documents)
        for key in before.keys() | after.keys()
    ]
    both = [(before, after) for before, after in steps if before and after]
    sent = {
        "up": any(before.price < after.price for before, after in both),
        "down": any(before.price > after.price for before, after in both),
        "currency": any(before.currency != after.currency for before, after in both),
        "stops": any(before.stops != after.stops for before, after in both),
        "route": any(before.route != after.route for before, after in both),
        "gone": any(after is None for _, after in steps),
        "back": any(before is None for before, _ in steps),
    }
    assert sent == dict.fromkeys(sent, True)
    lost = {
        len({*record["legs"]} - {leg["id"] for leg in document["legs"]})
        for document in documents.values()
        for record in document["itineraries"]
    }
    assert {0, 1, 2} <= lost
    states = oracle.states(now).values()
    assert {state.offer.trip for state in states} == {"one-way", "round trip", "other"}
    assert {"London, GB", "London, CA"} <= {state.offer.cities[0] for state in states}
    assert any(not s.on_offer and s.offer.departs_at < now for s in states)
    assert {None} < {low for low, *_ in oracle.usual(now).values()}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_is_that_of_the_oracle(flights: Flights, seed: int) -> None:
    """Of each document as it comes, of one that comes late, and of a rebuild."""
    documents = history(seed, dt.datetime.now(dt.UTC))
    late = sorted(documents)[len(documents) // 2]
    loaded = {}
    for at in [*(at for at in documents if at != late), late]:
        loaded[at] = documents[at]
        flights.keep(at, documents[at])
        flights.bring_up_to_date()
        assert differences(flights.owner, Oracle(loaded, AIRPORTS)) == [], at
    flights.bring_up_to_date(rebuild=True)
    assert differences(flights.owner, Oracle(loaded, AIRPORTS)) == []
