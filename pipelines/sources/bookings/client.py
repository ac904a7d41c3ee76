"""Client of a hotel system's events API: pages of events since a time.

The query parameters are `updated__gte` and `limit`. A service with paging answers with an object of
`results` and `next`, one without with an array of all events. Both are read to the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from pipelines.failures import NotReady, PermanentFailure, redact
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest.paging import is_end, names_in

if TYPE_CHECKING:
    from pipelines.sources.bookings import Settings

PAGE_EVENTS = 5_000
MAX_PAGES = 10_000


@dataclass(frozen=True)
class EventPage:
    """One response: the name of the request in the ledger, and the events as sent."""

    name: str
    response: JsonResponse
    events: list[Any]


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

    def pages(self, since: dt.datetime | None) -> Iterator[EventPage]:
        """Yield every page of the events since a time, or of all events, in the service's order.

        Raises whatever `HttpClient` raises, and `PermanentFailure` if a response has another shape.
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
            yield EventPage(f"{about}, page {number}", response, events)
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
        document, linked = response.document, response.links.get("next")
        if isinstance(document, list | None):
            return document or [], self._next(linked, address) if linked else None
        if isinstance(document, dict) and isinstance(document.get("results", ""), list | None):
            following = document.get("next") or linked
            is_last = is_end(following)
            if is_last and document.get("has_more") is True:
                raise self._permanent("the page says that there are more, and not where")
            return document["results"] or [], None if is_last else self._next(following, address)
        words = "the response is neither an array nor a page with results, but"
        raise self._permanent(f"{words} {type(document).__name__}")

    def _next(self, following: Any, address: str) -> str:
        """Return the URL of the next page: the service's, on the configured server.

        Path and query are requested as the service gives them, repeated parameters included. A
        service behind a proxy may name a host or port that only it can reach; then only its query
        counts. Parameters of the configured URL that the service leaves out, such as a key, are
        added.
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
        missing = [
            (name, value)
            for name, value in parse_qsl(own.query, keep_blank_values=True)
            if name not in named
        ]
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
        HttpClient("bookings", "BOOKINGS_EVENTS_URL", attempts=attempts),
        dt.timedelta(minutes=settings.events_overlap_minutes),
    )
