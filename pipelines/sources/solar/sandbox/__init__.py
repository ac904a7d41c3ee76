"""The simulated monitoring service at `/` and `/solar`: hourly values of any plant.

`sun` has the truth; this module parses requests and writes responses.
"""

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.solar.sandbox.sun import Reading, readings


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the service; an hour is returned from its start on."""

    def get(request: Request) -> Response:
        query = request.query_params
        try:
            plant_id = int(query["plant-id"])
            first, end = (dt.date.fromisoformat(query[name]) for name in ("from", "to"))
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": f"needs plant-id, from and to: {error}"}, 400)
        if first > end:
            words = f"needs plant-id, from and to: {first} is later than {end}"
            return JSONResponse({"error": words}, 400)
        now = sandbox.now()
        hours = [
            hour
            for hour in readings(sandbox.seed, plant_id, first, min(end, now.date()))
            if hour.at <= now and hour.at.date() < end
        ]
        return JSONResponse([as_item(hour) for hour in hours])

    return SandboxParts(routes=[Route(path, get) for path in ("/", "/solar", "/solar/")])


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
