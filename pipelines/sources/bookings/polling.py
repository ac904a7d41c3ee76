"""Poll the events API from its watermark on.

Events may arrive late. Each poll therefore begins some time before the newest known event, and once
a day at the very beginning. Events that are already stored change nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import DatabaseError, Failure, PermanentFailure
from pipelines.ingest.deliveries import Delivery, Outcome, last_sha256
from pipelines.ingest.feeds import Content
from pipelines.ingest.parse_errors import translate_parse_errors
from pipelines.sources.bookings.client import EventPage, EventsClient, open_client
from pipelines.sources.bookings.tables import polls
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.ingest.runner import Runner
    from pipelines.sources.bookings import Settings

SOURCE = "bookings"
#: Events that are entered later than the overlap are read within a day.
WHOLE_EVERY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Start:
    """Where to start reading (None: the beginning), and whether a full read is due in any case."""

    since: dt.datetime | None
    watermark_at: dt.datetime | None
    is_whole_due: bool


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

    began_at = clock()
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        start = _start(connection, client, began_at)
        if is_whole:
            start = Start(None, start.watermark_at, is_whole_due=True)
    outcomes: list[Outcome] = []
    watermark_at = start.watermark_at
    failure: Failure | None = None
    try:
        for page in client.pages(start.since):
            try:
                with translate_parse_errors(SOURCE, __package__, client.place):
                    newest_at = newest_event_at(page.events, settings, until=began_at)
                watermark_at = max(filter(None, (watermark_at, newest_at)), default=None)
                if outcome := load(_content(page, client.place)):
                    outcomes.append(outcome)
            except DatabaseError:
                raise
            except PermanentFailure as rejection:  # of this page: the next ones may be valid
                failure = failure or rejection
    except DatabaseError:
        raise
    except Failure as broken_off:
        failure = failure or broken_off
    moved: dict[str, object] = {}
    if failure is None:
        moved["watermark_at"] = watermark_at
        if start.since is None:
            moved["read_whole_at"] = began_at
    with store.transaction(SOURCE) as connection:
        _note(connection, client, polled_at=began_at, **moved)
    return outcomes, failure


def poll_configured(
    runner: Runner, *, is_whole: bool
) -> tuple[list[Outcome], Failure | None] | None:
    """Poll the configured API; None if it is off."""
    client = open_client(runner.settings)
    if client is None:
        return None
    return poll(runner.store, client, runner.settings, runner.load, is_whole=is_whole)


def _content(page: EventPage, place: str) -> Content:
    """Return a page as the content of a delivery."""
    response = page.response
    size, at = len(response.body), response.received_at
    return Content(
        delivery=Delivery(SOURCE, page.name, response.sha256, size, at),
        document=page.events,
        place=place,
        is_overlapping=True,
    )


def has_news(store: Warehouse, client: EventsClient, clock: Callable[[], dt.datetime]) -> bool:
    """Return whether a poll is worth a run: there is something new, or a full read is due.

    Raises whatever the client raises.
    """
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        start = _start(connection, client, clock())
    if start.is_whole_due:
        return True
    for page in client.pages(start.since):  # no transaction is open during a request
        with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
            if last_sha256(connection, SOURCE, page.name) != page.response.sha256:
                return True
    return False


def last_poll(connection: Connection, client: EventsClient) -> Row[Any] | None:
    """Return the row of `bookings.polls` for this API."""
    return connection.execute(select(polls).where(polls.c.url == client.place)).one_or_none()


def _start(connection: Connection, client: EventsClient, now: dt.datetime) -> Start:
    """Return where to start: at a full hour, so that requests within an hour are the same."""
    row = last_poll(connection, client)
    if row is None or row.read_whole_at is None or abs(now - row.read_whole_at) >= WHOLE_EVERY:
        return Start(None, row and row.watermark_at, is_whole_due=True)
    since = row.watermark_at and (row.watermark_at - client.overlap).replace(
        minute=0, second=0, microsecond=0
    )
    return Start(since, row.watermark_at, is_whole_due=False)


def _note(connection: Connection, client: EventsClient, **values: object) -> None:
    statement = insert(polls).values(url=client.place, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["url"], set_={name: statement.excluded[name] for name in values}
        )
    )
