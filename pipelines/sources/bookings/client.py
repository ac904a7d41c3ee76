"""A hotel system's events API: pages of events since a time, and polls from the watermark on.

The query parameters are `updated__gte` and `limit`. A service with paging answers with an object of
`results` and `next`, one without with an array of all events. Events may arrive late: each poll
begins some time before the newest known event, and once a day at the very beginning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import DatabaseError, Failure, NotReady, PermanentFailure, redact
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest.deliveries import Delivery, Outcome, last_sha256
from pipelines.ingest.feeds import Content
from pipelines.ingest.service import is_end, names_in
from pipelines.ingest.statements import translate_parse_errors
from pipelines.sources.bookings.tables import polls
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    from pipelines.ingest.runner import Runner
    from pipelines.sources.bookings import Settings

SOURCE = "bookings"
#: Events that are entered later than the overlap are read within a day.
WHOLE_EVERY = dt.timedelta(days=1)
PAGE_EVENTS = 5_000
MAX_PAGES = 10_000


@dataclass(frozen=True)
class EventsClient:
    """Reads the API at `url`."""

    url: str
    http: HttpClient
    #: Events entered up to this much after their time are still read within a minute.
    overlap: dt.timedelta = dt.timedelta(hours=1)

    @property
    def place(self) -> str:
        """The URL without secrets, which identifies the API."""
        return redact(self.url, self.http.secrets)

    def pages(self, since: dt.datetime | None) -> Iterator[Content]:
        """Yield every page of the events since a time, or of all; its document is their list.

        Raises whatever `HttpClient` raises, and `PermanentFailure` for a response of another shape.
        """
        parameters = {"limit": str(PAGE_EVENTS)}
        about = "events"
        if since is not None:
            parameters["updated__gte"] = f"{since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
            about = f"events since {parameters['updated__gte']}"
        own = urlsplit(self.url)
        query = "&".join(filter(None, (own.query, urlencode(parameters))))
        address = own._replace(query=query, fragment="").geturl()
        requested: set[str] = set()
        count = 0
        for number in range(1, MAX_PAGES + 1):
            requested.add(address)
            try:
                response = self.http.get_json(address)
            except NotReady as nothing:
                if nothing.status == 204:
                    return
                raise
            events, following = self._read(response, address)
            count += len(events)
            size, at = len(response.body), response.received_at
            delivery = Delivery(SOURCE, f"{about}, page {number}", response.sha256, size, at)
            yield Content(delivery=delivery, document=events, place=self.place, is_overlapping=True)
            if following is None:
                self._compare(count, response.document)
                return
            if following in requested:
                raise self._permanent("the pages go in a circle")
            address = following
        raise self._permanent(f"there are more than {MAX_PAGES:,} pages")

    def _compare(self, received: int, last: Any) -> None:
        """Raise if the last page counts more events than all pages had: the list was cut."""
        counted = last.get("count") if isinstance(last, dict) else None
        if isinstance(counted, int) and counted > received:
            words = f"the service counts {counted:,} events, and its pages had {received:,}"
            raise self._permanent(f"{words}: it names no next page")

    def _read(self, response: JsonResponse, address: str) -> tuple[list[Any], str | None]:
        """Return the events and the URL of the next page, if any, also of the header `Link`."""
        document = response.document
        page = document if isinstance(document, dict) else {"results": document}
        events = page.get("results", "")
        if not isinstance(events, list | None):
            words = "the response is neither an array nor a page with results, but"
            raise self._permanent(f"{words} {type(document).__name__}")
        following = page.get("next") or response.links.get("next")
        if not is_end(following):
            return events or [], self._next(following, address)
        if page.get("has_more") is True:
            raise self._permanent("the page says that there are more, and not where")
        return events or [], None

    def _next(self, following: Any, address: str) -> str:
        """Return the URL of the next page: the service's, on the configured server.

        A service behind a proxy may name a host or port that only it can reach; then only its query
        counts. Parameters of the configured URL that it leaves out, such as a key, are added.
        """
        own = urlsplit(self.url)
        try:
            given = urlsplit(urljoin(address, following)) if isinstance(following, str) else None
            is_ours = given and given.hostname == own.hostname and given.port in (None, own.port)
        except ValueError:
            given = None
        if given is None or not following:
            raise self._permanent("the address of the next page cannot be read")
        if not is_ours and not given.query:
            raise self._permanent("the next page is on another server")
        named = names_in(given.query)
        configured = parse_qsl(own.query, keep_blank_values=True)
        missing = [one for one in configured if one[0] not in named]
        query = "&".join(filter(None, (given.query, urlencode(missing))))
        path = given.path if is_ours else own.path
        return own._replace(path=path, query=query, fragment="").geturl()

    def _permanent(self, problem: str) -> PermanentFailure:
        return PermanentFailure(
            self.http.source,
            problem,
            place=self.place,
            remedy=f"Check the service, and whether {self.http.variable} is right.",
        )


def open_client(settings: Settings, attempts: int = 5) -> EventsClient | None:
    """Return a client for the configured API; None if it is off."""
    if settings.events_url is None:
        return None
    return EventsClient(
        settings.events_url,
        HttpClient(SOURCE, "BOOKINGS_EVENTS_URL", attempts=attempts),
        dt.timedelta(minutes=settings.events_overlap_minutes),
    )


def poll(
    store: Warehouse,
    client: EventsClient,
    settings: Settings,
    load: Callable[..., Outcome | None],
    *,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    is_whole: bool = False,
) -> tuple[list[Outcome], Failure | None]:
    """Load what is new at the API, or all; each page is its own transaction, by `load`.

    Returns the outcomes of the pages, and the error if it could not be read to its end: the next
    poll then starts where this one did. Raises `DatabaseError`.
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
                    newest_at = newest_event_at(page.document, settings, until=began_at)
                watermark_at = max(filter(None, (watermark_at, newest_at)), default=None)
                if outcome := load(page):
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
    """Return whether there is something new, or a full read is due; raises what the client does."""
    last = last_poll(store, client)
    if _is_whole_due(last, clock()):
        return True
    for page in client.pages(_since(last, client)):  # no transaction is open during a request
        with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
            if last_sha256(connection, SOURCE, page.delivery.name) != page.delivery.sha256:
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
