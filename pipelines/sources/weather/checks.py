"""The checks of the weather: warnings that show the rows."""

import dagster as dg
from sqlalchemy import Table

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import query_check
from pipelines.sources.weather import tables


def _check(table: Table, name: str, description: str) -> dg.AssetChecksDefinition:
    return query_check(asset_key(table), "pipelines.sources.weather", name, description)


CHECKS = [
    _check(tables.places, "located_places", "Every place in use has coordinates."),
    _check(
        tables.observations,
        "fresh_weather",
        "The weather of every place in use was received within the last 2 h 5 min.",
    ),
    _check(
        tables.hourly,
        "filled_hours",
        "Every hour that a domain wants, and forecast or archive have, is there.",
    ),
    _check(
        tables.observations,
        "frugal_calls",
        "No place was asked for with success twice within two hours.",
    ),
]
