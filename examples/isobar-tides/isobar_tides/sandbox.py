"""Simulated gauges: two days of tides at two stations, and a broken reading."""

import datetime as dt
import math
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pipelines import source as isobar

NAMES = ("station_id", "name", "latitude", "longitude")
STATIONS = (("HEL", "Helgoland", 54.1789, 7.89), ("BRE", "Brest", 48.3829, -4.495))


def build(sandbox: isobar.Sandbox) -> isobar.SandboxParts:
    """The document, as of the sandbox's clock."""

    def tides(_: Request) -> JSONResponse:
        return JSONResponse(document(sandbox.seed, sandbox.now()))

    return isobar.SandboxParts(routes=[Route("/tides", tides)])


def document(seed: int, now: dt.datetime) -> dict[str, Any]:
    """The same for the same seed and hour."""
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = [last - dt.timedelta(hours=back) for back in range(48, -1, -1)]
    readings = [
        {"station_id": station[0], "read_at": at.isoformat(), "level_cm": _level(seed + place, at)}
        for place, station in enumerate(STATIONS)
        for at in hours
    ]
    readings.append({"station_id": "HEL", "read_at": last.isoformat(), "level_cm": "ice"})
    stations = [dict(zip(NAMES, one, strict=True)) for one in STATIONS]
    return {"stations": stations, "readings": readings}


def _level(phase: int, at: dt.datetime) -> float:
    """A tide of 12.42 hours around 250 cm."""
    turns = at.timestamp() / 3600 / 12.42 + phase / 7
    return round(250 + 150 * math.sin(2 * math.pi * turns), 1)
