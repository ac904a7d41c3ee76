"""Poll the events API from its watermark on.

Events may arrive late. Each poll therefore begins some time before the newest known event, and once
a day at the very beginning. Events that are already stored change nothing.
"""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import DatabaseError, Failure, PermanentFailure
from pipelines.http.client import JsonResponse
from pipelines.http.json_documents import parse_json
from pipelines.ingest.deliveries import Delivery, Outcome, last_sha256
from pipelines.ingest.feeds import Content
from pipelines.ingest.file_loader import translate_parse_errors
from pipelines.sources.bookings.client import EventsClient, Page
from pipelines.sources.bookings.tables import api_pages, polls
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.sources.bookings import Settings

SOURCE = "bookings"
#: Events that are entered later than the overlap are read within a day.
WHOLE_EVERY = dt.timedelta(days=1)
#: With more pages than this, they are not kept for the run.
MAX_KEPT_PAGES = 20


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
    run_id: str | None,
    clock: Callable[[], dt.datetime],
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
        kept = [] if start.is_whole_due else _kept_pages(connection, client)
    pages: Iterable[Page] = kept or client.pages(start.since)
    if kept:
        began_at = min(one.response.received_at for one in kept)
    outcomes: list[Outcome] = []
    watermark_at = start.watermark_at
    failure: Failure | None = None
    try:
        for page in pages:
            try:
                with translate_parse_errors(SOURCE, client.place):
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
    problem = None if failure is None else str(failure)
    with store.transaction(SOURCE) as connection:
        _delete_kept_pages(connection, client)
        _note(connection, client, polled_at=began_at, problem=problem, run_id=run_id, **moved)
    return outcomes, failure


def _content(page: Page, place: str) -> Content:
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

    The responses are kept for that run, so that no page is downloaded twice. Raises whatever the
    client raises.
    """
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        start = _start(connection, client, clock())
        if start.is_whole_due or _has_kept_pages(connection, client):
            return True
    pages: list[Page] = []
    for page in client.pages(start.since):  # no transaction is open during a request
        pages.append(page)
        if len(pages) > MAX_KEPT_PAGES:  # a backlog, which the run reads itself
            return True
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        is_new = any(
            last_sha256(connection, SOURCE, page.name) != page.response.sha256 for page in pages
        )
    if is_new:
        with store.transaction(SOURCE) as connection:
            _keep_pages(connection, client, pages)
    return is_new


def _keep_pages(connection: Connection, client: EventsClient, pages: Sequence[Page]) -> None:
    _delete_kept_pages(connection, client)
    rows = [
        {
            "url": client.place,
            "page_number": number,
            "name": page.name,
            "body_gzip": gzip.compress(page.response.body, compresslevel=1),
            "received_at": page.response.received_at,
        }
        for number, page in enumerate(pages, start=1)
    ]
    connection.execute(insert(api_pages), rows)


def _has_kept_pages(connection: Connection, client: EventsClient) -> bool:
    kept = select(api_pages.c.url).where(api_pages.c.url == client.place).limit(1)
    return connection.execute(kept).first() is not None


def _kept_pages(connection: Connection, client: EventsClient) -> list[Page]:
    """Return the pages that the sensor has read, in order."""
    query = (
        select(api_pages).where(api_pages.c.url == client.place).order_by(api_pages.c.page_number)
    )
    pages = []
    for row in connection.execute(query):
        body = gzip.decompress(row.body_gzip)
        response = JsonResponse(client.place, body, parse_json(body), row.received_at)
        pages.append(client.page(row.name, response))
    return pages


def _delete_kept_pages(connection: Connection, client: EventsClient) -> None:
    connection.execute(delete(api_pages).where(api_pages.c.url == client.place))


def last_poll(connection: Connection, client: EventsClient) -> Row[Any] | None:
    """Return the row of `bookings.polls` for this API: `polled_at`, `problem`, `run_id`."""
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
