"""The solar monitoring service at `/` and `/solar`: hourly values of any plant, errors on demand.

`sun` has the truth; this module parses requests, writes responses and corrupts them. The path
`/solar/requests`, which the real service lacks, returns how often each window was requested.
"""

import asyncio
import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable
from functools import lru_cache
from itertools import groupby
from random import Random
from typing import Any, Literal, NamedTuple, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.sources.solar.sandbox.sun import Reading, readings

REQUESTS_PATH = "/solar/requests"
Dirt = Literal[
    "no expected",
    "no observed",
    "null",
    "nan",
    "huge",
    "negative",
    "absent",  # its day has 23 items
    "twice",
    "half past",  # one more follows at :30: its day has 25
    "late",  # it comes after all others
]
DIRT: tuple[Dirt, ...] = get_args(Dirt)
TRUTH_STAYS: tuple[Dirt, ...] = ("twice", "half past", "late")
WRONG = {"null": None, "nan": math.nan, "huge": 1e9, "negative": -5.0}


class Spoil(NamedTuple):
    """The error of an hour's item, and the affected value if it concerns only one."""

    kind: Dirt
    side: str
    value: str


SPOILS = [
    Spoil(kind, side, value)
    for kind in DIRT
    for side in ("expected", "observed")
    for value in ("energy", "irradiation")
]


class Window(NamedTuple):
    """The requested days, from `first` until before `end`."""

    plant_id: int
    first: dt.date
    end: dt.date


def routes(
    seed: int,
    now: Callable[[], dt.datetime],
    *,
    dirt: float = 0.0,
    heals_after: int | None = None,
    seconds: float = 0.0,
) -> list[Route]:
    """Build the service, whose clock is `now`; an hour is returned from its start on.

    Args:
        seed: Seed of the readings and their errors.
        now: The clock.
        dirt: The share of hours that are corrupted, 0 to 1.
        heals_after: After how many responses with a plant's day it is correct; None means never.
        seconds: The duration of a response.
    """
    if not 0 <= dirt <= 1:
        raise ValueError("needs a share of dirt from 0 to 1")
    requested: Counter[Window] = Counter()
    returned: Counter[tuple[int, dt.date]] = Counter()

    def items(window: Window) -> Iterable[str]:
        until = now().astimezone(dt.UTC)
        end = dt.datetime.combine(window.end, dt.time(), dt.UTC)
        found = readings(seed, window.plant_id, window.first, min(window.end, until.date()))
        found = [reading for reading in found if reading.at <= until and reading.at < end]
        if dirt == 0:
            return map(_item, found)
        healed = set()
        if heals_after is not None:
            for day in {reading.at.date() for reading in found}:
                if returned[window.plant_id, day] >= heals_after:
                    healed.add(day)
                returned[window.plant_id, day] += 1
        return _spoiled_items(seed, window.plant_id, found, dirt, healed)

    async def get(request: Request) -> Response:
        try:
            window = _read_query(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        requested[window] += 1
        await asyncio.sleep(seconds)
        return Response(f"[{','.join(items(window))}]", media_type="application/json")

    async def get_requests(_: Request) -> Response:
        return JSONResponse(
            [
                {
                    "plant-id": window.plant_id,
                    "from": window.first.isoformat(),
                    "to": window.end.isoformat(),
                    "times": times,
                }
                for window, times in requested.items()
            ]
        )

    return [
        *(Route(path, get) for path in ("/", "/solar", "/solar/")),
        Route(REQUESTS_PATH, get_requests),
    ]


def dirt_of(seed: int, plant_id: int, at: dt.datetime, dirt: float) -> Dirt | None:
    """Return the error of an hour when the share `dirt` is corrupted and none is healed."""
    at = at.astimezone(dt.UTC)
    spoil = _spoil(seed, plant_id, at.date(), dirt)[at.hour]
    return None if spoil is None else spoil.kind


def is_dirty(seed: int, plant_id: int, at: dt.datetime, dirt: float) -> bool:
    """Return whether an hour is missing from responses or differs from the truth."""
    return dirt_of(seed, plant_id, at, dirt) not in (None, *TRUTH_STAYS)


@lru_cache(maxsize=512)
def _spoil(seed: int, plant_id: int, day: dt.date, dirt: float) -> tuple[Spoil | None, ...]:
    """Return the error of each hour of a day; kinds and values are drawn evenly."""
    random = Random(f"{seed} dirt {plant_id} {day}")  # noqa: S311 - made-up dirt
    drawn = [random.random() for _ in range(24)]
    return tuple(SPOILS[int(one / dirt * len(SPOILS))] if one < dirt else None for one in drawn)


def _spoiled_items(
    seed: int, plant_id: int, found: Iterable[Reading], dirt: float, healed: Container[dt.date]
) -> list[str]:
    made: list[str] = []
    late: list[str] = []
    for day, hours in groupby(found, key=lambda reading: reading.at.date()):
        if day in healed:
            made += map(_item, hours)
            continue
        spoils = _spoil(seed, plant_id, day, dirt)
        for reading in hours:
            spoil = spoils[reading.at.hour]
            if spoil is None:
                made.append(_item(reading))
            elif spoil.kind == "late":
                late.append(_item(reading))
            else:
                made += _spoiled(reading, spoil)
    return made + late


def _spoiled(reading: Reading, spoil: Spoil) -> list[str]:
    """Return the items that replace a reading's item."""
    item = _item(reading)
    if spoil.kind == "absent":
        return []
    if spoil.kind == "twice":
        return [item, item]
    if spoil.kind == "half past":
        return [item, item.replace(":00:00", ":30:00", 1)]
    record: dict[str, Any] = json.loads(item)
    if spoil.kind in ("no expected", "no observed"):
        del record[spoil.kind.removeprefix("no ")]
    else:
        record[spoil.side][spoil.value] = WRONG[spoil.kind]
    return [json.dumps(record, separators=(",", ":"))]


def _item(reading: Reading) -> str:
    at, energy, irradiation, observed_energy, observed_irradiation = reading
    return (
        f'{{"datetime":"{at.isoformat()[:19]}",'
        f'"expected":{{"energy":{energy!r},"irradiation":{irradiation!r}}},'
        f'"observed":{{"energy":{observed_energy!r},"irradiation":{observed_irradiation!r}}}}}'
    )


def _read_query(request: Request) -> Window:
    """Parse the window. Raises `ValueError` if a part is missing, unreadable or backwards."""
    parameters = {}
    for name in ("plant-id", "from", "to"):
        given = request.query_params.getlist(name)
        if len(given) != 1:
            raise ValueError(f"{name}: must be given once, not {len(given)} times")
        parameters[name] = given[0]
    if re.fullmatch(r"-?[0-9]{1,18}", parameters["plant-id"]) is None:
        raise ValueError(f"plant-id: must be a whole number, not {parameters['plant-id'][:100]!r}")
    first, end = _date("from", parameters["from"]), _date("to", parameters["to"])
    if first > end:
        raise ValueError(f"from: {first} is later than to: {end}")
    return Window(int(parameters["plant-id"]), first, end)


def _date(name: str, text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{name}: must be a date as YYYY-MM-DD, not {text[:100]!r}")
    return day
