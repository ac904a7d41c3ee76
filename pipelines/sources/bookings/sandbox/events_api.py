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

from pipelines.sources.bookings.sandbox.hotels import Event, events_of_day

DAYS_SERVED = 30
MAX_A_PAGE = 5000
#: Outside the id ranges of daily events.
FIRST_POSTED_ID = 10**13
MAX_NUMBER = 2**63 - 1
UUID = "(?i)^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"
#: The fields of events by parameters that are named otherwise.
FIELDS = {"updated": "event_timestamp", "rpg_status": "status", "room_id": "room_reservation_id"}
#: What the ends of parameters mean.
RELATIONS = {"": operator.eq, "gte": operator.ge, "gt": operator.gt, "lte": operator.le}


def routes(seed: int, now: Callable[[], dt.datetime]) -> list[Route]:
    """Build the API, whose clock is `now`: list with filters and pages, and post."""
    posted: dict[int, Event] = {}
    free_ids = itertools.count(FIRST_POSTED_ID)

    def get(request: Request) -> Response:
        try:
            query = _read_query(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        until = now().astimezone(dt.UTC)
        days = (until.date() - dt.timedelta(days=before) for before in range(DAYS_SERVED, -1, -1))
        served = [one for day in days for one in events_of_day(seed, day)]
        served = [*(one for one in served if one.event_timestamp <= until), *posted.values()]
        served.sort(key=lambda one: (one.event_timestamp, one.id))
        for name, wanted in query.model_dump(exclude_none=True).items():
            field, _, relation = name.partition("__")
            if field not in ("limit", "offset"):
                value = operator.attrgetter(FIELDS.get(field, field))
                holds = RELATIONS[relation]
                served = [one for one in served if holds(value(one), wanted)]
        found = [_record(one) for one in served]
        return JSONResponse(_page(found, request, query) if query.limit else found)

    async def post(request: Request) -> Response:
        try:
            sent = PostedEvent.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({name: [said] for name, said in _problems(error)}, 400)
        number = next(free_ids) if sent.id is None else sent.id
        posted[number] = Event(**sent.model_dump() | {"id": number})
        return JSONResponse(_record(posted[number]), 201)

    return [
        Route(path, endpoint, methods=[method])
        for path in ("/events", "/events/")
        for method, endpoint in (("GET", get), ("POST", post))
    ]


def _record(event: Event) -> dict[str, Any]:
    return event._asdict() | {
        "event_timestamp": event.event_timestamp.isoformat().replace("+00:00", "Z"),
        "night_of_stay": event.night_of_stay.isoformat(),
    }


def _in_utc(at: dt.datetime) -> dt.datetime:
    try:
        return at.replace(tzinfo=at.tzinfo or dt.UTC).astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("is not a time in UTC") from error


Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Instant = Annotated[dt.datetime, AfterValidator(_in_utc)]
Room = Annotated[str, Field(pattern=UUID), AfterValidator(str.lower)]


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
    rpg_status: Annotated[int, Field(ge=1, le=2)] | None = Field(None, alias="status")
    room_id: Room | None = Field(None, alias="room_reservation_id")
    night_of_stay__gte: dt.date | None = Field(None, alias="night_of_stay_gte")
    night_of_stay__lte: dt.date | None = Field(None, alias="night_of_stay_lte")
    limit: int | None = Field(None, ge=1, le=MAX_A_PAGE)
    offset: Number | None = None


def _page(found: list[Any], request: Request, query: Query) -> dict[str, Any]:
    limit, offset = query.limit or 0, query.offset or 0

    def beginning(at: int) -> str:
        return str(request.url.include_query_params(offset=at))

    return {
        "count": len(found),
        "next": beginning(offset + limit) if offset + limit < len(found) else None,
        "previous": beginning(max(0, offset - limit)) if offset else None,
        "results": found[offset : offset + limit],
    }


def _read_query(request: Request) -> Query:
    """Parse the parameters. Raises `ValueError` on an invalid or repeated one."""
    given = request.query_params.multi_items()
    names = {field.alias: name for name, field in Query.model_fields.items() if field.alias}
    seen: set[str] = set()
    for spelling, _ in given:
        if (name := names.get(spelling, spelling)) in seen:
            raise ValueError(f"{spelling}: is given more than once")
        seen.add(name)
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
