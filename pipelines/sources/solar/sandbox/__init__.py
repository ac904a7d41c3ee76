"""The simulated monitoring service at `/` and `/solar`: hourly values of any plant, some bad.

`sun` has the truth; this module parses requests, writes responses and corrupts them.
"""

import datetime as dt
import json
import math
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.solar.sandbox.sun import Reading, readings

#: What takes the place of a value.
WRONG = (None, math.nan, 1e9, -5.0)


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the service; an hour is returned from its start on, and corrupted at a rate."""
    error_rate = sandbox.options.get("error_rate", 0.0)

    def get(request: Request) -> Response:
        try:
            plant_id, first, end = _read_query(request)
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": f"needs plant-id, from and to: {error}"}, 400)
        now = sandbox.now()
        hours = [
            hour
            for hour in readings(sandbox.seed, plant_id, first, min(end, now.date()))
            if hour.at <= now and hour.at.date() < end
        ]
        items = [as_item(hour) for hour in hours]
        if error_rate:
            random = Random(f"{sandbox.seed} {plant_id} {first}")  # noqa: S311 - made-up errors
            items = [one for item in items for one in _spoiled(item, random, error_rate)]
        return Response(json.dumps(items), media_type="application/json")  # which may have NaN

    return SandboxParts(routes=[Route(path, get) for path in ("/", "/solar", "/solar/")])


def _read_query(request: Request) -> tuple[int, dt.date, dt.date]:
    """Parse a query. Raises `KeyError` and `ValueError`."""
    query = request.query_params
    first, end = (dt.date.fromisoformat(query[name]) for name in ("from", "to"))
    if first > end:
        raise ValueError(f"{first} is later than {end}")
    return int(query["plant-id"]), first, end


def as_item(hour: Reading) -> dict[str, Any]:
    """Return an hour as the service writes it."""
    return {
        "datetime": f"{hour.at:%Y-%m-%dT%H:%M:%S}",
        "expected": {
            "energy": hour.expected_energy_kwh,
            "irradiation": hour.expected_irradiation_wh_per_m2,
        },
        "observed": {
            "energy": hour.observed_energy_kwh,
            "irradiation": hour.observed_irradiation_wh_per_m2,
        },
    }


def _spoiled(item: dict[str, Any], random: Random, error_rate: float) -> list[dict[str, Any]]:
    """Return what comes for an item: itself, or nothing, one more, or one with an error."""
    if random.random() >= error_rate:
        return [item]
    side, measure = (
        random.choice(("expected", "observed")),
        random.choice(("energy", "irradiation")),
    )
    wrong: list[list[dict[str, Any]]] = [
        [],
        [item, item | {"datetime": item["datetime"].replace(":00:00", ":30:00")}],
        [{name: value for name, value in item.items() if name != side}],
        *([item | {side: item[side] | {measure: value}}] for value in WRONG),
    ]
    return random.choice(wrong)
