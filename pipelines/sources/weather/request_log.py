"""The book of calls: each is entered before it is made, and what came of it afterwards.

Also what a provider's allowance still gives, and until when it is not to be asked.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql

from pipelines.failures import Failure
from pipelines.sources.weather.providers import Quota, QuotaExhausted, start_of
from pipelines.sources.weather.tables import calls, pauses
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.retention import Removed, delete_in_batches
from pipelines.warehouse.sql_files import read_sql

SOURCE = "weather"
#: Requests that are deleted in one transaction.
BATCH_SIZE = 5_000
LEASE = dt.timedelta(minutes=3)
"""How long a claim holds, renewed before each request: longer than any may take."""
UNLIMITED = 1e9
NOT_COUNTED = ("failed", "refused", "quota")


def note_started(
    connection: Connection,
    place_ids: Sequence[int],
    *,
    provider: str,
    kind: str,
    cost: float,
    now: dt.datetime,
) -> uuid.UUID:
    """Enter a request that is about to be made, a row for each place."""
    request_id = uuid.uuid4()
    connection.execute(
        insert(calls),
        [
            {
                "request_id": request_id,
                "place_id": place_id,
                "provider": provider,
                "kind": kind,
                "called_at": now,
                "outcome": "started",
                "cost": cost,
            }
            for place_id in place_ids
        ],
    )
    return request_id


def note_outcome(
    connection: Connection,
    request_id: uuid.UUID,
    outcome: str,
    problem: str | None = None,
    place_ids: Sequence[int] | None = None,
) -> None:
    """Enter what came of a request, for all its places or for some.

    A request that failed whole costs nothing: the provider says itself when it counts otherwise.
    """
    mine = [calls.c.request_id == request_id]
    if place_ids is not None:
        mine.append(calls.c.place_id.in_(place_ids))
    values: dict[str, object] = {"outcome": outcome, "problem": problem}
    if outcome in NOT_COUNTED and place_ids is None:
        values["cost"] = 0
    connection.execute(update(calls).where(*mine).values(values))


def open_book(
    connection: Connection, provider: str, quotas: Sequence[Quota], now: dt.datetime
) -> float:
    """Bring the book up to date before a claim, and say what may be spent.

    Calls whose claim has ended were never answered; pauses that are over are dropped.
    """
    query = text(read_sql("pipelines.sources.weather", "abandon_calls"))
    connection.execute(query, {"before": now - LEASE})
    connection.execute(delete(pauses).where(pauses.c.until_at <= now))
    return left_of_allowance(connection, provider, quotas, now)


def left_of_allowance(
    connection: Connection, provider: str, quotas: Sequence[Quota], now: dt.datetime
) -> float:
    """What may be spent now: nothing while the provider is paused."""
    paused = select(pauses.c.until_at).where(pauses.c.provider == provider)
    until = connection.execute(paused).scalar()
    if until is not None and until > now:
        return 0.0
    left = UNLIMITED
    for quota in quotas:
        query = text(read_sql("pipelines.sources.weather", "spent"))
        since = start_of(quota.window, now)
        spent = connection.execute(query, {"provider": provider, "since": since}).scalar_one()
        left = min(left, quota.most - float(spent))
    return max(0.0, left)


def pause(connection: Connection, provider: str, exhausted: QuotaExhausted) -> None:
    """Ask nobody until the allowance renews."""
    statement = postgresql.insert(pauses).values(
        provider=provider, until_at=exhausted.until, reason=exhausted.problem
    )
    again = {"until_at": statement.excluded.until_at, "reason": statement.excluded.reason}
    connection.execute(statement.on_conflict_do_update(index_elements=["provider"], set_=again))


def told(failure: Failure) -> str:
    """A failure as it is kept beside a call."""
    return failure.problem[:500]


def delete_old(store: Warehouse, before: dt.datetime) -> Removed:
    """Delete the requests before an instant."""
    statement = read_sql("pipelines.sources.weather", "delete_requests")
    return delete_in_batches(store, SOURCE, statement, BATCH_SIZE, before=before)
