"""The checks of the flights domain. All but the ledger's are warnings that show the rows."""

import dagster as dg
from sqlalchemy import Table

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import ledger_checks, query_check
from pipelines.sources.flights import tables
from pipelines.sources.flights.client import SOURCE


def _check(table: Table, name: str, description: str) -> dg.AssetChecksDefinition:
    return query_check(asset_key(table), "pipelines.sources.flights", name, description)


CHECKS = [
    *ledger_checks(asset_key(tables.itineraries), SOURCE),
    *ledger_checks(asset_key(tables.airports), "airports"),
    _check(tables.snapshots, "believed_days", "No archived day was refused as mostly bad."),
    _check(
        tables.snapshots,
        "steady_row_count",
        "The last snapshot offers neither half nor twice as many itineraries as the one before.",
    ),
    _check(
        tables.itineraries,
        "dangling_legs",
        "No itinerary of the last delivery names a leg that is not there.",
    ),
    _check(
        tables.itineraries,
        "round_trips",
        "Itineraries with several legs end in the city where they began, at any airport of it.",
    ),
    _check(
        tables.legs, "known_airports", "Every airport of a leg on offer is in flights.airports."
    ),
    _check(
        tables.legs,
        "possible_times",
        "Elapsed times of legs on offer agree with the stated duration, layovers aside.",
    ),
    _check(tables.prices, "steady_prices", "No price doubled or halved with the last snapshot."),
]
