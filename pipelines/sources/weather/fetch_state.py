"""When each place may be requested again: `weather.fetch_state`, a row per place and kind."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, text

from pipelines.failures import Failure
from pipelines.sources.weather.providers import Place
from pipelines.warehouse.sql_files import read_sql

#: Maximum back-off in seconds after a failure of the provider, and of a single place.
MAX_WAIT_SECONDS, MAX_WAIT_OF_PLACE_SECONDS = 300.0, 6 * 3600.0
MAX_PROBLEM_CHARACTERS = 500


def record_success(
    connection: Connection, kind: str, place_ids: Sequence[int], at: dt.datetime | None
) -> None:
    """Reset the back-off of places; without `at`, they may be due again at once."""
    _execute(connection, "record_success", kind=kind, place_ids=list(place_ids), succeeded_at=at)


def back_off(
    connection: Connection,
    kind: str,
    places: Sequence[Place],
    failure: Failure,
    now: dt.datetime,
    *,
    retry_at: dt.datetime | None = None,
    max_seconds: float = MAX_WAIT_SECONDS,
) -> None:
    """Count a failure of places, which are due again at `retry_at`.

    The default is 30 s, doubled with each failure in a row, at most `max_seconds`.
    """
    _execute(
        connection,
        "back_off",
        kind=kind,
        place_ids=[place.place_id for place in places],
        now=now,
        retry_at=retry_at,
        problem=shorten(failure),
        max_seconds=max_seconds,
    )


def clear_retries(connection: Connection, kind: str) -> None:
    """Make every failed place due at once; its count of failures in a row is kept."""
    _execute(connection, "clear_retries", kind=kind)


def note_problem(
    connection: Connection, kind: str, places: Sequence[Place], failure: Failure
) -> None:
    """Record why places were not fetched, without counting it as a failure."""
    place_ids = [place.place_id for place in places]
    _execute(connection, "note_problem", kind=kind, place_ids=place_ids, problem=shorten(failure))


def shorten(failure: Failure) -> str:
    """Return a failure's message, truncated for storage."""
    return failure.problem[:MAX_PROBLEM_CHARACTERS]


def _execute(connection: Connection, name: str, **parameters: object) -> None:
    connection.execute(text(read_sql("pipelines.sources.weather", name)), parameters)
