"""Read the public numbers of flights from the database, in the form of the oracle."""

import datetime as dt
from typing import Any

import psycopg

from pipelines_tests.sources.flights.oracle import Oracle

STATES = """
SELECT
    itinerary_id, price_amount, price_currency, route, leg_stops, total_duration_minutes,
    departs_at, last_accepted_at, on_offer, outbound_stops,
    (
        SELECT array_agg(leg_id ORDER BY leg_number)
        FROM enriched.itinerary_legs
        WHERE itinerary_legs.itinerary_id = itineraries.itinerary_id
    )
FROM enriched.itineraries
"""


def differences(owner: psycopg.Connection, oracle: Oracle) -> list[str]:
    """Compare the state of each offer with the oracle; return what differs."""
    with owner.transaction():
        (now,) = owner.execute("SELECT now()").fetchone() or (None,)
        assert isinstance(now, dt.datetime)
        stored = {row[0]: tuple(row[1:]) for row in owner.execute(STATES)}
    return compared(stored, _states(oracle, now))


def _states(oracle: Oracle, now: dt.datetime) -> dict[str, tuple[Any, ...]]:
    return {
        key: (
            *(state.offer.price, state.offer.currency, state.offer.route, state.offer.stops),
            *(state.offer.minutes, state.offer.departs_at, state.offer.accepted_at),
            *(state.on_offer, state.offer.stops[0], state.offer.leg_ids),
        )
        for key, state in oracle.states(now).items()
    }


def compared(stored: dict[Any, Any], expected: dict[Any, Any]) -> list[str]:
    """Return what is stored otherwise than it is expected, in words."""
    return [
        f"{key}: {stored.get(key)}, not {expected.get(key)}"
        for key in sorted(stored.keys() | expected.keys(), key=str)
        if stored.get(key) != expected.get(key)
    ]
