"""Read the public numbers of flights from the database, in the form of the oracle."""

import datetime as dt
from typing import Any

import psycopg

from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.flights.oracle import Oracle

Numbers = dict[str, dict[Any, Any]]
#: By name: the statement, and how many of its columns are the key.
QUERIES = {
    "offers": (
        """
        SELECT
            itinerary_id, price_amount, price_currency, route, leg_stops, total_duration_minutes,
            departs_at, last_accepted_at, on_offer, outbound_stops, trip, from_city, to_city,
            (
                SELECT array_agg(leg_id ORDER BY leg_number)
                FROM enriched.itinerary_legs
                WHERE itinerary_legs.itinerary_id = itineraries.itinerary_id
            )
        FROM enriched.itineraries
        """,
        1,
    ),
    "price changes": (
        (
            "SELECT itinerary_id, price_amount, previous_amount, change_amount"
            " FROM metrics.flight_price_changes"
        ),
        1,
    ),
    "prices": (
        (
            "SELECT itinerary_id, snapshot_at, price_amount, price_currency, route"
            " FROM metrics.flight_prices WHERE rejection_reason IS NULL"
        ),
        2,
    ),
    "lowest prices": (
        (
            "SELECT snapshot_at, from_city, to_city, trip, departure_on, weeks_before_departure,"
            " price_currency, lowest_price, offers, offers_in_other_currencies"
            " FROM metrics.flight_lowest_prices"
        ),
        7,
    ),
    "usual prices": (
        (
            "SELECT from_city, to_city, trip, price_currency, weeks_before_departure, low_price,"
            " typical_price, high_price, median_price FROM metrics.flight_usual_prices"
        ),
        5,
    ),
    "price levels": (
        (
            "SELECT itinerary_id, price_level FROM metrics.flight_price_levels"
            " WHERE price_level IS NOT NULL"
        ),
        1,
    ),
}
#: Older documents have no lowest prices.
KEPT = dt.timedelta(days=61)


def differences(owner: psycopg.Connection, oracle: Oracle) -> list[str]:
    """Compare every number with the oracle; return what differs, in words."""
    with owner.transaction():
        (now,) = owner.execute("SELECT now()").fetchone() or (None,)
        assert isinstance(now, dt.datetime)
        stored = {
            name: {
                row[0] if columns == 1 else row[:columns]: row[columns:]
                for row in owner.execute(query.encode()).fetchall()
            }
            for name, (query, columns) in QUERIES.items()
        }
        check = read_sql("pipelines.sources.flights", "checks/same_routes")
        stored["other routes"] = {row[:3]: () for row in owner.execute(check.encode()).fetchall()}
    return [
        f"{name} of {key}: {stored[name].get(key)}, not {expected.get(key)}"
        for name, expected in numbers(oracle, now).items()
        for key in sorted(stored[name].keys() | expected.keys(), key=str)
        if stored[name].get(key) != expected.get(key)
    ]


def numbers(oracle: Oracle, now: dt.datetime) -> Numbers:
    """Return what the oracle says, by name and key."""
    states = oracle.states(now)
    newest = max(at for at, _ in oracle.documents)
    return {
        "offers": {
            key: (
                *(state.offer.price, state.offer.currency, state.offer.route, state.offer.stops),
                *(state.offer.minutes, state.offer.departs_at, state.offer.accepted_at),
                *(state.on_offer, state.offer.stops[0], state.offer.trip, *state.offer.cities),
                state.offer.leg_ids,
            )
            for key, state in states.items()
        },
        "price changes": {
            key: (
                state.offer.price,
                state.previous_price,
                None if state.previous_price is None else state.offer.price - state.previous_price,
            )
            for key, state in states.items()
        },
        "prices": dict(oracle.prices()),
        "lowest prices": {
            key: found for key, found in oracle.lowest().items() if key[0] >= newest - KEPT
        },
        "usual prices": dict(oracle.usual(now)),
        "price levels": {key: (level,) for key, level in oracle.levels(now).items()},
        "other routes": dict.fromkeys(oracle.other_routes(), ()),
    }
