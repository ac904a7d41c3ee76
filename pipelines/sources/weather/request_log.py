"""The request log, `weather.api_requests`, and the remaining quota."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql

from pipelines.failures import Failure
from pipelines.sources.weather.providers import QuotaExhausted, Service, end_of
from pipelines.sources.weather.tables import SCHEMA, api_requests, quota_blocks, quotas
from pipelines.warehouse.connection import Warehouse, delete_in_batches
from pipelines.warehouse.sql_files import read_sql

#: Requests deleted per transaction.
BATCH_SIZE = 5_000
MAX_PROBLEM_CHARACTERS = 500
#: The longest block if the provider does not state its duration: a day.
MAX_BLOCK_MINUTES = 1440.0
#: Outcomes of whole requests that are free, unless the provider reports otherwise.
FREE_OUTCOMES = ("failed", "rejected", "quota")


def log_request(
    connection: Connection,
    client: Service,
    kind: str,
    place_ids: Sequence[int],
    cost: float,
    now: dt.datetime,
) -> uuid.UUID:
    """Log a request before it is sent, so that it counts if its run is killed; return its id."""
    request_id = uuid.uuid4()
    same = {
        "request_id": request_id,
        **_key(client),
        "kind": kind,
        "requested_at": now,
        "outcome": "started",
        "cost": cost,
    }
    rows = [{"place_id": place_id} | same for place_id in place_ids]
    connection.execute(insert(api_requests), rows)
    return request_id


def log_outcome(
    connection: Connection,
    request_id: uuid.UUID,
    outcome: str,
    failure: Failure | None = None,
    place_ids: Sequence[int] | None = None,
) -> None:
    """Log the outcome of a request, for all its places or for some."""
    mine = [api_requests.c.request_id == request_id]
    if place_ids is not None:
        mine.append(api_requests.c.place_id.in_(place_ids))
    values: dict[str, object] = {
        "outcome": outcome,
        "problem": shorten(failure) if failure else None,
    }
    if outcome in FREE_OUTCOMES and place_ids is None:
        values["cost"] = 0
    connection.execute(update(api_requests).where(*mine).values(values))


@dataclass(frozen=True)
class Quota:
    """What a key may still request on a day (UTC), by `weather.quota`."""

    provider: str
    requests_per_day: int
    now: dt.datetime
    history_stops_at: float
    #: When history may use all requests; None if it may.
    reserve_ends_at: dt.datetime | None
    blocked_until: dt.datetime | None
    blocked_because: str | None
    requests_left: float
    history_requests_left: float

    @property
    def why_paused(self) -> str:
        """Say why nothing is requested, if nothing is left."""
        if self.blocked_until is not None:
            return (
                f"requests to {self.provider} are paused until"
                f" {self.blocked_until:%Y-%m-%d %H:%M:%S} UTC: {self.blocked_because}"
            )
        return (
            f"the quota of {self.provider}, {self.requests_per_day:,} requests a day, is used up"
            f" until {end_of('day', self.now):%Y-%m-%d %H:%M} UTC, and places that are due wait"
            " for it"
        )

    @property
    def why_history_waits(self) -> str:
        """Say why no history is requested, if some is left for current weather."""
        return (
            f"history stops at {self.history_stops_at:,.0f} of {self.requests_per_day:,} requests"
            f" to {self.provider} until {self.reserve_ends_at:%H:%M} UTC: the rest is for current"
            " weather"
        )


def quota(connection: Connection, client: Service, now: dt.datetime) -> Quota:
    """Return what a client may still request on a day (UTC)."""
    names = ("history_stops_at", "reserve_ends_at", "blocked_until", "blocked_because")
    left = ("requests_left", "history_requests_left")
    found = func.weather.quota(now, *_key(client).values(), client.calls_per_day).table_valued(
        *names, *left
    )
    row = connection.execute(select(found)).one()
    return Quota(client.name, client.calls_per_day, now, **row._mapping)


def note_limit(connection: Connection, client: Service, now: dt.datetime) -> None:
    """Note the limit by which requests are sent, for those who cannot see the settings."""
    limit = {"requests_per_day": client.calls_per_day, "used_at": now}
    statement = postgresql.insert(quotas).values(**_key(client), **limit)
    connection.execute(statement.on_conflict_do_update(index_elements=[*_key(client)], set_=limit))


def block_key(
    connection: Connection, client: Service, exhausted: QuotaExhausted, now: dt.datetime
) -> None:
    """Block requests to a provider with a key until its quota renews.

    If the provider does not say when: for a minute, doubled with each block in a row, up to a day.
    """
    last = select(quota_blocks.c.consecutive_blocks).filter_by(**_key(client))
    before: int = connection.execute(last).scalar() or 0
    minutes = min(2.0 ** min(before, 20), MAX_BLOCK_MINUTES)
    block = {
        "blocked_until": exhausted.until or now + dt.timedelta(minutes=minutes),
        "consecutive_blocks": before + 1,
        "reason": exhausted.problem,
    }
    statement = postgresql.insert(quota_blocks).values(**_key(client), **block)
    connection.execute(statement.on_conflict_do_update(index_elements=[*_key(client)], set_=block))


def delete_block(connection: Connection, client: Service) -> None:
    """Delete the block of a key that got a response, so that the next block is short again."""
    connection.execute(delete(quota_blocks).filter_by(**_key(client)))


def _key(client: Service) -> dict[str, str]:
    return {"provider": client.name, "key_digest": client.key_digest}


def shorten(failure: Failure) -> str:
    """Return a failure's message, truncated for storage."""
    return failure.problem[:MAX_PROBLEM_CHARACTERS]


def delete_old(store: Warehouse, before: dt.datetime) -> int:
    """Delete the requests before a time."""
    statement = read_sql("pipelines.sources.weather", "delete_requests")
    return delete_in_batches(store, SCHEMA, statement, BATCH_SIZE, before=before)
