"""The hotel system's API at `/events`: list with filters and pages, and post."""

import datetime as dt
import itertools
import operator
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.sources.bookings.sandbox.hotels import Event, events

DAYS_SERVED = 30
MAX_A_PAGE = 5000
#: Outside the id ranges of daily events.
FIRST_POSTED_ID = 10**13
MAX_NUMBER = 2**63 - 1
UUID = "(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"


def routes(seed: int, now: Callable[[], dt.datetime]) -> list[Route]:
    """Build the API, whose clock is `now`: list with filters and pages, and post."""
    posted: dict[int, Event] = {}
    free_ids = itertools.count(FIRST_POSTED_ID)

    def served() -> list[Event]:
        until = now().astimezone(dt.UTC)
        midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)  # keeps pages stable
        found = events(seed, midnight - dt.timedelta(days=DAYS_SERVED), until)
        return sorted([*found, *posted.values()], key=lambda one: (one.event_timestamp, one.id))

    def get(request: Request) -> Response:
        try:
            query = _read_query(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        limit, offset = query.limit, query.offset or 0
        found = served()
        for name, (field, holds) in FILTERS.items():
            if (value := getattr(query, name)) is not None:
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
        try:
            sent = PostedEvent.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({name: [said] for name, said in _problems(error)}, 400)
        number = next(free_ids) if sent.id is None else sent.id
        event = Event(**sent.model_dump() | {"id": number})
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


def _in_utc(at: dt.datetime) -> dt.datetime:
    try:
        return at.replace(tzinfo=at.tzinfo or dt.UTC).astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("is not a time in UTC") from error


Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Instant = Annotated[dt.datetime, AfterValidator(_in_utc)]
Room = Annotated[str, Field(pattern=f"^{UUID}$"), AfterValidator(str.lower)]


class PostedEvent(BaseModel):
    """An event in the body of a POST; both spellings of its fields are accepted."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_name=True)

    id: Number | None = None
    hotel_id: Number
    event_timestamp: Instant
    status: Literal[1, 2] = Field(alias="rpg_status")
    room_reservation_id: Room = Field(alias="room_id")
    night_of_stay: dt.date


class Query(BaseModel):
    """The query parameters of a GET; the alias is the second spelling, if any."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True)

    hotel_id: Number | None = None
    updated__gte: Instant | None = Field(None, alias="updated_gte")
    updated__gt: Instant | None = Field(None, alias="updated_gt")
    updated__lte: Instant | None = Field(None, alias="updated_lte")
    rpg_status: Literal["1", "2"] | None = Field(None, alias="status")
    room_id: Room | None = Field(None, alias="room_reservation_id")
    night_of_stay__gte: dt.date | None = Field(None, alias="night_of_stay_gte")
    night_of_stay__lte: dt.date | None = Field(None, alias="night_of_stay_lte")
    limit: int | None = Field(None, ge=1, le=MAX_A_PAGE)
    offset: Number | None = None


def _is_status(status: int, wanted: str) -> bool:
    return str(status) == wanted


#: By parameter: the event's field, and its required relation to the parameter's value.
FILTERS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "hotel_id": ("hotel_id", operator.eq),
    "updated__gte": ("event_timestamp", operator.ge),
    "updated__gt": ("event_timestamp", operator.gt),
    "updated__lte": ("event_timestamp", operator.le),
    "rpg_status": ("status", _is_status),
    "room_id": ("room_reservation_id", operator.eq),
    "night_of_stay__gte": ("night_of_stay", operator.ge),
    "night_of_stay__lte": ("night_of_stay", operator.le),
}


def _read_query(request: Request) -> Query:
    """Parse the parameters. Raises `ValueError` on an invalid or repeated one."""
    given = request.query_params.multi_items()
    names = {field.alias: name for name, field in Query.model_fields.items() if field.alias}
    seen = [names.get(spelling, spelling) for spelling, _ in given]
    for (spelling, _), name in zip(given, seen, strict=True):
        if seen.count(name) > 1:
            raise ValueError(f"{spelling}: is given more than once")
    try:
        query = Query.model_validate(dict(given))
    except ValidationError as error:
        name, said = next(iter(_problems(error)))
        raise ValueError(f"{name}: {said}") from None
    if query.offset is not None and query.limit is None:
        raise ValueError(f"offset: needs a limit from 1 to {MAX_A_PAGE}")
    return query


def _problems(error: ValidationError) -> Iterable[tuple[str, str]]:
    """Yield each error with its field or parameter as spelled in the request."""
    for one in error.errors(include_url=False, include_input=False):
        yield str(one["loc"][0]) if one["loc"] else "body", one["msg"]
