"""Client of a hotel system's events API: pages of events since a time.

The query parameters are `updated__gte` and `limit`. A service with paging answers with an object of
`results` and `next`, one without with an array of all events. Both are read to the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pipelines.failures import PermanentFailure, redact
from pipelines.http.client import HttpClient, JsonResponse

if TYPE_CHECKING:
    from pipelines.sources.bookings import Settings

PAGE_EVENTS = 5_000
MAX_PAGES = 10_000


@dataclass(frozen=True)
class Page:
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

    def pages(self, since: dt.datetime | None) -> Iterator[Page]:
        """Yield every page of the events since a time, or of all events, in the service's order.

        Raises whatever `HttpClient` raises, and `PermanentFailure` if a response has another shape.
        """
        parameters = {"limit": str(PAGE_EVENTS)}
        about = "events"
        if since is not None:
            parameters["updated__gte"] = f"{since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
            about = f"events since {parameters['updated__gte']}"
        requests: list[dict[str, str]] = []
        for number in range(1, MAX_PAGES + 1):
            response = self.http.get_json(self.url, parameters)
            events, following = self._read(response.document)
            yield Page(f"{about}, page {number}", response, events)
            if following is None:
                return
            requests.append(parameters)
            if following in requests:
                raise self._permanent("the pages go in a circle")
            parameters = following
        raise self._permanent(f"there are more than {MAX_PAGES:,} pages")

    def page(self, name: str, response: JsonResponse) -> Page:
        """Return the page of a response that was received before."""
        return Page(name, response, self._read(response.document)[0])

    def _read(self, document: Any) -> tuple[list[Any], dict[str, str] | None]:
        """Return the events and the next parameters; the host of `next` is ignored."""
        if isinstance(document, list):
            return document, None
        if isinstance(document, dict) and isinstance(document.get("results"), list):
            following = document.get("next")
            if following is None:
                return document["results"], None
            if isinstance(following, str) and (query := following.partition("?")[2]):
                return document["results"], dict(parse_qsl(query, keep_blank_values=True))
            raise self._permanent("the address of the next page cannot be read")
        kind = type(document).__name__
        raise self._permanent(
            f"the response is neither an array nor a page with results, but {kind}"
        )

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
