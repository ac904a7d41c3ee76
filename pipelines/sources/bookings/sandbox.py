"""The simulated hotel system: booking and cancellation events over HTTP and as files.

All events are a function of seed and time. A reservation is for one to four nights up to four
months ahead and has an event for each night; about 15 % are cancelled before they begin. Files have
bad lines beside the events.
"""

import datetime as dt
import gzip
import itertools
import math
import operator
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.source import Sandbox, SandboxParts

BOOKED, CANCELLED = 1, 2
#: Average per hotel over a year.
RESERVATIONS_A_DAY = {2607: 5.0, 753: 3.6, 1731: 2.7, 3009: 2.1, 4410: 1.4}
#: Number, name, city, rooms, country and coordinates of each.
HOTELS = (
    (2607, "Harbour House", "Hamburg", 16, "DE", 53.5461, 9.9661),
    (753, "Hotel Miramar", "Lisbon", 14, "PT", 38.7097, -9.1365),
    (1731, "Grand Central", "Vienna", 8, "AT", 48.2082, 16.3719),
    (3009, "Park View", "London", 8, "GB", 51.5034, -0.1528),
    (4410, "Alpine Lodge", "Innsbruck", 6, "AT", 47.2692, 11.4041),
)
WEEKDAYS = (1.1, 1.1, 1.05, 1.0, 0.95, 0.85, 0.95)
MAX_DAYS_AHEAD = 120
CANCELLED_SHARE = 0.15
IDS_A_DAY = 10_000
FIRST_DAY = dt.date(2000, 1, 1)
HISTORY_DAYS = 800
DAY_COLUMNS = (
    *("hotel_id", "id", "event_timestamp", "status", "night_of_stay", "room_reservation_id"),
)
DAY_DIRT = 0.01
DAYS_SERVED = 30
MAX_A_PAGE = 5000
#: Outside the id ranges of daily events.
FIRST_POSTED_ID = 10**13
UUID = "(?i)^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"
#: The fields of events by parameters that are named otherwise.
FIELDS = {"updated": "event_timestamp", "rpg_status": "status", "room_id": "room_reservation_id"}
#: What the ends of parameters mean.
RELATIONS = {"": operator.eq, "gte": operator.ge, "gt": operator.gt, "lte": operator.le}
Line = dict[str, str]


@dataclass(frozen=True)
class Event:
    """One night booked or cancelled; the time is UTC."""

    id: int
    room_reservation_id: str
    night_of_stay: dt.date
    status: int
    event_timestamp: dt.datetime
    hotel_id: int


#: As they are served.
RECORDS = TypeAdapter(list[Event])
#: Time, status, reservation, night and hotel of an event that has no number yet.
Happened = tuple[dt.datetime, int, str, dt.date, int]


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the API and the daily files."""
    return SandboxParts(
        routes=routes(sandbox.seed, sandbox.now),
        write_files=partial(write_files, seed=sandbox.seed),
    )


def events_of_days(seed: int, first: dt.date, last: dt.date) -> Iterator[Event]:
    """Yield the events of days (UTC) by time and id, about 33 bookings and 5 cancellations each."""
    happened = defaultdict[dt.date, list[Happened]](list)
    for number in range(-MAX_DAYS_AHEAD, (last - first).days + 1):
        for one in _reserved(seed, first + dt.timedelta(days=number)):
            happened[one[0].date()].append(one)
    for day in sorted(one for one in happened if first <= one <= last):
        numbered = enumerate(sorted(happened[day]), day.toordinal() * IDS_A_DAY + 1)
        for number, (at, status, room, night, hotel) in numbered:
            yield Event(number, room, night, status, at, hotel)


@lru_cache(maxsize=256)
def _reserved(seed: int, day: dt.date) -> tuple[Happened, ...]:
    """Return the events of the reservations of a day: more in summer and early in the week."""
    if day < FIRST_DAY:
        return ()
    random = Random(f"{seed} reservations {day}")  # noqa: S311 - made-up data
    year = 1 + 0.2 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 190) / 365.25)
    found: list[Happened] = []
    for hotel, usual in RESERVATIONS_A_DAY.items():
        expected = usual * WEEKDAYS[day.weekday()] * year
        for _ in range(max(0, round(expected + random.uniform(-1, 1)))):
            second = int(random.triangular(0, 86_400, 64_800))
            booked_at = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(seconds=second)
            arrival = day + dt.timedelta(days=int((MAX_DAYS_AHEAD + 1) * random.random() ** 2))
            count = random.choices((1, 2, 3, 4), (30, 35, 22, 13))[0]
            nights = [arrival + dt.timedelta(days=night) for night in range(count)]
            room = str(uuid.UUID(int=random.getrandbits(128), version=4))
            found += [(booked_at, BOOKED, room, night, hotel) for night in nights]
            arrives_at = dt.datetime.combine(arrival, dt.time(18), dt.UTC)
            seconds = int((arrives_at - booked_at).total_seconds())
            if random.random() < CANCELLED_SHARE and seconds > 1:
                cancelled_at = booked_at + dt.timedelta(seconds=random.randrange(1, seconds))
                found += [(cancelled_at, CANCELLED, room, night, hotel) for night in nights]
    return tuple(found)


def write_files(folder: Path, today: dt.date, seed: int) -> None:
    """Write the history until the day before yesterday and yesterday's file, where missing.

    The history begins with bookings: cancellations of earlier ones are not in it.
    """
    yesterday = today - dt.timedelta(days=1)
    history = folder / "bookings-history.csv.gz"
    if not history.exists():
        first = today - dt.timedelta(days=HISTORY_DAYS)
        happened = [*events_of_days(seed, first, yesterday - dt.timedelta(days=1))]
        booked = {event.room_reservation_id for event in happened if event.status == BOOKED}
        lines = [_line(event) for event in happened if event.room_reservation_id in booked]
        _write(history, gzip.compress(_csv(Event.__annotations__, lines), compresslevel=6, mtime=0))
    file = folder / f"bookings-{yesterday.isoformat()}.csv"
    if not file.exists():
        _write(file, _csv(DAY_COLUMNS, _day_lines(seed, yesterday)))


def _day_lines(seed: int, day: dt.date) -> list[Line]:
    """Return a day's lines: every event, one of them twice, and at least two bad lines."""
    random = Random(f"{seed} file {day}")  # noqa: S311 - made-up data
    good = [_line(event) for event in events_of_days(seed, day, day)]
    lines = [*good, dict(random.choice(good))]
    count = max(2, round(DAY_DIRT * len(good)))
    for number in range(day.toordinal() * count, (day.toordinal() + 1) * count):
        last = (day.toordinal() + 1) * IDS_A_DAY - 1
        line = random.choice(good) | {"id": str(last - number % count)}
        kind = number % 4
        if kind == 0:
            line["room_reservation_id"] = line["room_reservation_id"][:-4] + "oops"
        elif kind == 1:
            line["status"] = "3"
        elif kind == 2:
            line = {name: line[name] for name in DAY_COLUMNS[:3]}
        else:
            line["night_of_stay"] = f"{day.year}-02-30"
        lines.insert(random.randrange(1, len(lines)), line)
    return lines


def _line(event: Event) -> Line:
    at = f"{event.event_timestamp:%Y-%m-%d %H:%M:%S}"
    return {name: str(one) for name, one in vars(event).items()} | {"event_timestamp": at}


def _csv(columns: Iterable[str], lines: Iterable[Line]) -> bytes:
    """Return a header and the lines; one that lacks columns ends early."""
    header = {name: name for name in columns}
    rows = ([line[name] for name in header if name in line] for line in (header, *lines))
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def _write(file: Path, content: bytes) -> None:
    """Write under a hidden name first, so that nobody reads an incomplete file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(file)


def _in_utc(at: dt.datetime) -> dt.datetime:
    try:
        return at.replace(tzinfo=at.tzinfo or dt.UTC).astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("is not a time in UTC") from error


Number = Annotated[int, Field(ge=0, lt=2**63)]
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
    offset: Number = 0


def routes(seed: int, now: Callable[[], dt.datetime]) -> list[Route]:
    """Build the API, whose clock is `now`: list with filters and pages, and post."""
    posted: dict[int, Event] = {}
    free_ids = itertools.count(FIRST_POSTED_ID)

    def get(request: Request) -> Response:
        try:
            query = Query.model_validate(dict(request.query_params))
        except ValidationError as error:
            return _invalid(error)
        until = now().astimezone(dt.UTC)
        first = until.date() - dt.timedelta(days=DAYS_SERVED)
        happened = events_of_days(seed, first, until.date())
        served = [*(one for one in happened if one.event_timestamp <= until), *posted.values()]
        served.sort(key=lambda one: (one.event_timestamp, one.id))
        filters = query.model_dump(exclude_none=True, exclude={"limit", "offset"})
        for name, wanted in filters.items():
            field, _, relation = name.partition("__")
            value = operator.attrgetter(FIELDS.get(field, field))
            served = [one for one in served if RELATIONS[relation](value(one), wanted)]
        found = RECORDS.dump_python(served, mode="json")
        is_paged = query.limit or query.offset
        return JSONResponse(_page(found, request, query) if is_paged else found)

    async def post(request: Request) -> Response:
        try:
            sent = PostedEvent.model_validate_json(await request.body())
        except ValidationError as error:
            return _invalid(error)
        number = next(free_ids) if sent.id is None else sent.id
        posted[number] = Event(**sent.model_dump() | {"id": number})
        (record,) = RECORDS.dump_python([posted[number]], mode="json")
        return JSONResponse(record, 201)

    return [Route("/events", get, methods=["GET"]), Route("/events", post, methods=["POST"])]


def _page(found: list[Any], request: Request, query: Query) -> dict[str, Any]:
    size = query.limit or MAX_A_PAGE
    begin, end = query.offset, query.offset + size

    def beginning(at: int) -> str:
        return str(request.url.include_query_params(offset=at))

    return {
        "count": len(found),
        "next": beginning(end) if end < len(found) else None,
        "previous": beginning(max(0, begin - size)) if begin else None,
        "results": found[begin:end],
    }


def _invalid(error: ValidationError) -> Response:
    """Answer with the first problem, and its field or parameter as spelled in the request."""
    first = error.errors(include_url=False, include_input=False)[0]
    return JSONResponse({"error": f"{[*first['loc'], 'body'][0]}: {first['msg']}"}, 400)
