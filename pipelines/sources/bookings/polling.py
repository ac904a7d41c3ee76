"""Poll the events API from its watermark on.

Events may arrive late. Each poll therefore begins some time before the newest known event, and once
a day at the very beginning. Events that are already stored change nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import DatabaseError, Failure, PermanentFailure
from pipelines.ingest.deliveries import Delivery, Outcome, last_sha256
from pipelines.ingest.feeds import Content
from pipelines.ingest.parse_errors import translate_parse_errors
from pipelines.sources.bookings.client import EventsClient, open_client
from pipelines.sources.bookings.tables import polls
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.ingest.runner import Runner
    from pipelines.sources.bookings import Settings

SOURCE = "bookings"
#: Events that are entered later than the overlap are read within a day.
WHOLE_EVERY = dt.timedelta(days=1)


def poll(
    store: Warehouse,
    client: EventsClient,
    settings: Settings,
    load: Callable[..., Outcome | None],
    *,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    is_whole: bool = False,
) -> tuple[list[Outcome], Failure | None]:
    """Load what is new at the API; each page is its own transaction, by `load`.

    With `is_whole`, it is read from its beginning, as happens once a day.

    Returns the outcomes of the pages, and the error if it could not be read to its end. Pages
    loaded before the error stay, and the next poll starts where this one did. Raises
    `DatabaseError`.
    """
    from pipelines.sources.bookings.transform import newest_event_at

    began_at, place = clock(), client.place
    last = last_poll(store, client)
    is_whole = is_whole or _is_whole_due(last, began_at)
    since = None if is_whole else _since(last, client)
    outcomes: list[Outcome] = []
    watermark_at = last.watermark_at if last else None
    failure: Failure | None = None
    try:
        for page in client.pages(since):
            try:
                with translate_parse_errors(SOURCE, __package__, place):
                    newest_at = newest_event_at(page.events, settings, until=began_at)
                watermark_at = max(filter(None, (watermark_at, newest_at)), default=None)
                size, at = len(page.response.body), page.response.received_at
                delivery = Delivery(SOURCE, page.name, page.response.sha256, size, at)
                content = Content(
                    delivery=delivery, document=page.events, place=place, is_overlapping=True
                )
                if outcome := load(content):
                    outcomes.append(outcome)
            except DatabaseError:
                raise
            except PermanentFailure as rejection:  # of this page: the next ones may be valid
                failure = failure or rejection
    except DatabaseError:
        raise
    except Failure as broken_off:
        failure = failure or broken_off
    noted: dict[str, object] = {"polled_at": began_at}
    if failure is None:
        noted["watermark_at"] = watermark_at
        if since is None:
            noted["read_whole_at"] = began_at
    statement = insert(polls).values(url=place, **noted)
    with store.transaction(SOURCE) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=noted))
    return outcomes, failure


def poll_configured(
    runner: Runner, *, is_whole: bool
) -> tuple[list[Outcome], Failure | None] | None:
    """Poll the configured API; None if it is off."""
    client = open_client(runner.settings)
    if client is None:
        return None
    return poll(runner.store, client, runner.settings, runner.load, is_whole=is_whole)


def has_news(store: Warehouse, client: EventsClient, clock: Callable[[], dt.datetime]) -> bool:
    """Return whether a poll is worth a run: there is something new, or a full read is due.

    Raises whatever the client raises.
    """
    last = last_poll(store, client)
    if _is_whole_due(last, clock()):
        return True
    for page in client.pages(_since(last, client)):  # no transaction is open during a request
        with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
            if last_sha256(connection, SOURCE, page.name) != page.response.sha256:
                return True
    return False


def last_poll(store: Warehouse, client: EventsClient) -> Row[Any] | None:
    """Return the row of `bookings.polls` for this API."""
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        return connection.execute(select(polls).where(polls.c.url == client.place)).one_or_none()


def _is_whole_due(last: Row[Any] | None, now: dt.datetime) -> bool:
    return not last or not last.read_whole_at or abs(now - last.read_whole_at) >= WHOLE_EVERY


def _since(last: Row[Any] | None, client: EventsClient) -> dt.datetime | None:
    """Return where to start: at a full hour, so that requests within an hour are the same."""
    if last is None or last.watermark_at is None:
        return None
    since: dt.datetime = last.watermark_at - client.overlap
    return since.replace(minute=0, second=0, microsecond=0)
