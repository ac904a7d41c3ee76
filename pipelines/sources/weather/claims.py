"""What holds a place for one run that asks for its weather: renewed, given back, or written."""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, Table, TextClause, text

from pipelines.failures import Failure
from pipelines.sources.weather.providers import Place
from pipelines.sources.weather.request_log import LEASE, told
from pipelines.warehouse.sql_files import read_sql

MAX_WAIT, MAX_WAIT_FOR_A_PLACE = 300.0, 6 * 3600.0
"""In seconds: after a failure of the provider, and of a place alone."""
REFUSED_FOR = dt.timedelta(hours=6)
"""A place that the provider refuses is asked for again after this."""


def put_statement(name: str, table: Table) -> TextClause:
    """A statement of `sql` that writes all columns of a table."""
    columns = [column.name for column in table.columns]
    statement = read_sql("pipelines.sources.weather", name).format(
        columns=", ".join(columns),
        assignments=", ".join(f"{column} = excluded.{column}" for column in columns),
    )
    return text(statement)


def renew(
    connection: Connection, claim: uuid.UUID, places: Sequence[Place], now: dt.datetime
) -> list[Place]:
    """Keep places claimed for another while; those that are still."""
    ids = [place.place_id for place in places]
    parameters = {"claim": claim, "place_ids": ids, "claimed_until": now + LEASE}
    query = text(read_sql("pipelines.sources.weather", "renew_claims"))
    held = set(connection.execute(query, parameters).scalars())
    return [place for place in places if place.place_id in held]


def release(
    connection: Connection,
    claim: uuid.UUID,
    places: Sequence[Place],
    failure: Failure,
    now: dt.datetime,
    *,
    failed: int = 1,
    retry_at: dt.datetime | None = None,
    most_seconds: float = MAX_WAIT,
) -> None:
    """Give claimed places back after a failure, to be asked for again at `retry_at`.

    Else soon, and the later the more often they failed, but within `most_seconds`.
    """
    connection.execute(
        text(read_sql("pipelines.sources.weather", "release_claims")),
        {
            "claim": claim,
            "place_ids": [place.place_id for place in places],
            "now": now,
            "retry_at": retry_at,
            "failed": failed,
            "problem": told(failure),
            "most_seconds": most_seconds,
        },
    )
