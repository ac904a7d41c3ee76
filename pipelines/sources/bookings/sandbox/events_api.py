"""The hotel system's API at `/events`: list with filters and pages, and post."""

import datetime as dt
import itertools
import json
import operator
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.sources.bookings.sandbox.hotels import BOOKED, CANCELLED, Event, events, is_made_up

DAYS_SERVED = 30
MAX_A_PAGE = 5000
MAX_POSTED = 100_000
FIRST_POSTED_ID = 10**13
"""Far from the ids of days and of streamed files."""
MAX_NUMBER = 2**63 - 1
MAX_BODY_BYTES = 65_536


def routes(seed: int, now: Callable[[], dt.datetime]) -> list[Route]:
    """The API, whose clock is `now`: list with filters and pages, and post."""
    posted: dict[int, Event] = {}
    free_ids = itertools.count(FIRST_POSTED_ID)

    def served() -> list[Event]:
        until = now().astimezone(dt.UTC)
        midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)  # pages stay in place
        found = events(seed, midnight - dt.timedelta(days=DAYS_SERVED), until)
        return sorted([*found, *posted.values()], key=lambda one: (one.event_timestamp, one.id))

    def get(request: Request) -> Response:
        try:
            asked = _read_query(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        limit, offset = asked.pop("limit", None), asked.pop("offset", 0)
        found = served()
        for name, value in asked.items():
            field, holds = FILTERS[name].field, FILTERS[name].holds
            found = [event for event in found if holds(getattr(event, field), value)]
        if limit is None:
            return JSONResponse([_record(event) for event in found])
        following, previous = offset + limit, offset - limit
        url = request.url
        return JSONResponse(
            {
                "count": len(found),
                "next": str(url.include_query_params(offset=following))
                if following < len(found)
                else None,
                "previous": None
                if offset == 0
                else str(url.include_query_params(offset=previous))
                if previous > 0
                else str(url.remove_query_params("offset")),
                "results": [_record(event) for event in found[offset:following]],
            }
        )

    async def post(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return JSONResponse({"error": f"more than {MAX_BODY_BYTES} bytes"}, 413)
        fields, wrong = _read_event(body)
        if wrong:
            return JSONResponse(wrong, 400)
        if len(posted) >= MAX_POSTED:
            return JSONResponse({"error": f"{MAX_POSTED} events are posted, no more fit"}, 507)
        if "id" not in fields:
            fields["id"] = next(number for number in free_ids if number not in posted)
        event = Event(**fields)
        if event.id in posted or is_made_up(seed, event.id):
            return JSONResponse({"error": "event with this id already exists"}, 409)
        posted[event.id] = event
        return JSONResponse(_record(event), 201)

    return [
        Route(path, endpoint, methods=[method])
        for path in ("/events", "/events/")
        for method, endpoint in (("GET", get), ("POST", post))
    ]


def _record(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "hotel_id": event.hotel_id,
        "event_timestamp": event.event_timestamp.isoformat().replace("+00:00", "Z"),
        "status": event.status,
        "room_reservation_id": event.room_reservation_id,
        "night_of_stay": event.night_of_stay.isoformat(),
    }


def _whole(value: object, least: int = 0, most: int = MAX_NUMBER) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return value


def _status(value: object) -> int:
    try:
        return _whole(value, BOOKED, CANCELLED)
    except ValueError:
        raise ValueError("must be 1 (booking) or 2 (cancellation)") from None


def _room(value: object) -> str:
    try:
        room = str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        room = None
    if not isinstance(value, str) or room != value.lower():
        raise ValueError("must be a UUID such as 0013e338-0158-4d5c-8698-aebe00cba360")
    return room


def _date(value: object) -> dt.date:
    try:
        day = dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise ValueError("must be a date as YYYY-MM-DD")
    return day


def _instant(value: object) -> dt.datetime:
    wrong = ValueError("must be a date and time of ISO 8601 such as 2020-01-01T00:00:00Z")
    if not isinstance(value, str) or re.match(r"[0-9-]{10}[T ]", value) is None:
        raise wrong
    try:
        at = dt.datetime.fromisoformat(value)
        return at.replace(tzinfo=at.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def _instant_or_date(text: str) -> dt.datetime:
    try:
        return dt.datetime.combine(_date(text), dt.time(), dt.UTC)
    except ValueError:
        return _instant(text)


def _from_text(read: Callable[[object], Any]) -> Callable[[str], Any]:
    """A reader of numbers that takes them from a query, where all is text."""
    is_number = re.compile(r"[0-9]{1,19}").fullmatch
    return lambda text: read(int(text) if is_number(text) else text)


class Filter(NamedTuple):
    """How a parameter is read, and what an event's field must be to it."""

    read: Callable[[str], Any]
    field: str
    holds: Callable[[Any, Any], bool]


FILTERS = {
    "hotel_id": Filter(_from_text(_whole), "hotel_id", operator.eq),
    "updated__gte": Filter(_instant_or_date, "event_timestamp", operator.ge),
    "updated__gt": Filter(_instant_or_date, "event_timestamp", operator.gt),
    "updated__lte": Filter(_instant_or_date, "event_timestamp", operator.le),
    "rpg_status": Filter(_from_text(_status), "status", operator.eq),
    "room_id": Filter(_room, "room_reservation_id", operator.eq),
    "night_of_stay__gte": Filter(_date, "night_of_stay", operator.ge),
    "night_of_stay__lte": Filter(_date, "night_of_stay", operator.le),
}
PAGING: dict[str, Callable[[str], Any]] = {
    "limit": _from_text(lambda value: _whole(value, 1, MAX_A_PAGE)),
    "offset": _from_text(_whole),
}
ALIASES = {
    "status": "rpg_status",
    "room_reservation_id": "room_id",
    **{name.replace("__", "_"): name for name in FILTERS if "__" in name},
}
FIELDS: Mapping[str, Callable[[object], Any]] = {
    "id": _whole,
    "hotel_id": _whole,
    "event_timestamp": _instant,
    "status": _status,
    "room_reservation_id": _room,
    "night_of_stay": _date,
}
FIELD_ALIASES = {"rpg_status": "status", "room_id": "room_reservation_id"}


def _read_query(request: Request) -> dict[str, Any]:
    """The parameters by their first names. Raises `ValueError` on one that cannot be heeded."""
    readers = {name: one.read for name, one in FILTERS.items()} | PAGING
    asked: dict[str, Any] = {}
    for spelling, text in request.query_params.multi_items():
        name = ALIASES.get(spelling, spelling)
        if name not in readers:
            allowed = ", ".join([*readers, *ALIASES])
            raise ValueError(f"{spelling}: is not a parameter; allowed are {allowed}")
        if name in asked:
            raise ValueError(f"{spelling}: is given more than once; allowed is one {name}")
        try:
            asked[name] = readers[name](text)
        except ValueError as error:
            raise ValueError(f"{spelling}: {error}, not {text[:100]!r}") from None
    if "offset" in asked and "limit" not in asked:
        raise ValueError(f"offset: needs a limit from 1 to {MAX_A_PAGE}")
    return asked


def _read_event(body: bytes) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The fields of a posted event, and what is wrong by field; it is good when that is empty."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return {}, {"body": ["is not JSON"]}
    if not isinstance(sent, dict):
        return {}, {"body": ["must be an object"]}
    told: dict[str, object] = sent
    fields: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    seen: set[str] = set()
    for spelling, value in told.items():
        name = FIELD_ALIASES.get(spelling, spelling)
        if name not in FIELDS:
            wrong[spelling] = [
                f"is not a field; allowed are {', '.join([*FIELDS, *FIELD_ALIASES])}"
            ]
        elif name in seen:
            wrong[spelling] = [f"is another name of {name}: give one of them"]
        else:
            seen.add(name)
            try:
                fields[name] = FIELDS[name](value)
            except ValueError as error:
                wrong[spelling] = [str(error)]
    wrong |= {name: ["is missing"] for name in FIELDS if name not in seen and name != "id"}
    return fields, wrong
