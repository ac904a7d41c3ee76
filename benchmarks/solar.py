"""Solar plants: a plant-year from the body of an answer to committed rows, and many in one sync.

A whole sync asks a service that has its answers ready, in a process of its own; the best of the
replaced services took in 4,733 readings a second so.
"""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterable

import psycopg
import requests

from benchmarks.references import latency, slowness
from benchmarks.report import Measure, peak_megabytes, step
from benchmarks.solar_service import answer, service
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.http.json_documents import parse_json
from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.sync import MonitoringClient, Sync
from pipelines.sources.solar.windows import Depth, Window, windows
from pipelines.warehouse.connection import Warehouse

ROUNDS = 15
YEAR = Window(dt.date(2025, 1, 1), dt.date(2026, 1, 1))
HOURS = 8_760
PLANTS = 10
YEARS = 10
TEN_YEARS = Depth(every_run=YEARS, until=YEARS)


def measure(server: Connections) -> list[Measure]:
    """All measures of solar plants, on the bench's database of a running server."""
    slow = slowness(server)
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        _register(connection, range(1, ROUNDS + 1))
        year, again, changed = _years(server)
        connection.execute("DELETE FROM solar.plants")
        _register(connection, range(1, PLANTS + 1))
        history = _sync(server)
        connection.execute("VACUUM ANALYZE")
        answers = [
            latency(server, "solar: a year's report by day", _report(), 120.0),
            latency(server, "solar: gaps of 10 plants", "SELECT * FROM solar.gaps;\n", 225.0),
        ]
    assert history["response_count"] == PLANTS * (1 + YEARS)
    rate = history["readings"] / history["seconds"]
    return [
        Measure("solar: a plant-year", 1000 * year, "ms", None),
        Measure("solar: the same year again", 1000 * again, "ms", 1000 * year),
        Measure("solar: the year, a value changed", 1000 * changed, "ms", 750 * year),
        Measure("solar: 10 years of 10 plants", rate, "readings/s", 120_000.0 / slow, more=True),
        Measure("solar: its memory", history["megabytes"], "MB", None),
        *answers,
    ]


@step("solar: a plant-year, 15 rounds")
def _years(server: Connections) -> tuple[float, float, float]:
    """Seconds of a plant-year, of the same again, and with one change: each time the fastest."""
    body = answer(*YEAR)
    value = json.loads(body)[HOURS // 2]["observed"]["energy"]
    changed = body.replace(f"{value!r}".encode(), b"7.5", 1)
    store = Warehouse(server.url(LOADER, "bench"))

    def seconds(number: int, body: bytes) -> float:
        began = time.monotonic()
        answered = JsonResponse("bench", body, parse_json(body), utc_now())
        plant = Plant(number, str(number), "UTC")
        load_response(store, plant, YEAR, answered, run_id=None, now=utc_now())
        return time.monotonic() - began

    rounds = [
        [seconds(number, body), seconds(number, body), seconds(number, changed)]
        for number in range(1, ROUNDS + 1)
    ]
    store.dispose()
    year, again, with_change = (min(column) for column in zip(*rounds, strict=True))
    return year, again, with_change


def _register(connection: psycopg.Connection, plants: Iterable[int]) -> None:
    for plant in plants:
        values = (plant, f"Plant {plant}")
        connection.execute("INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)", values)


def _report() -> str:
    year = utc_now().year - 1
    return (
        "SELECT * FROM metrics.solar_report"
        f"({PLANTS // 2}, '{year}-01-01', '{year + 1}-01-01', 'day');\n"
    )


@step("solar: sync")
def _sync(server: Connections) -> dict[str, float]:
    """What came of a sync of all plants, in a process of its own."""
    with service() as url:
        for window in windows({}, utc_now().date(), TEN_YEARS):
            requests.get(url, {"from": f"{window.first}", "to": f"{window.end}"}, timeout=60)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.solar"),
                *(server.url(LOADER, "bench"), url),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _sync_all(url: str, service_url: str) -> dict[str, float]:
    """A sync as a run does it."""
    store = Warehouse(url)
    client = MonitoringClient(service_url, HttpClient("solar", "MONITORING_URL", attempts=7))
    began = time.monotonic()
    sync = Sync(store, client, TEN_YEARS, utc_now)
    answers = [
        answer for synced in sync.plants(with_unfinished=True) for answer in synced.responses
    ]
    seconds = time.monotonic() - began
    store.dispose()
    return {
        "seconds": seconds,
        "response_count": len(answers),
        "readings": sum(answer.loaded for answer in answers),
        "megabytes": peak_megabytes(),
    }


if __name__ == "__main__":
    print(json.dumps(_sync_all(*sys.argv[1:])))  # noqa: T201
