"""Solar plants: a plant-year from the body of an answer to committed rows, and many in one sync.

Beside it stand what the replaced services did, get or create by an ORM and a commit for each hour,
as of a sample. A whole sync asks a service that has its answers ready, in
a process of its own; the best of the replaced services took in 4,733 readings a second so.
"""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

import psycopg
import requests
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.references import latency, slowness
from benchmarks.report import Measure, factor, peak_megabytes, step
from benchmarks.solar_service import answer, service
from pipelines.http.client import HttpClient, JsonResponse, RetryBudget
from pipelines.http.json_documents import parse_json
from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar.client import MonitoringClient
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.sync import Sync
from pipelines.sources.solar.windows import DAY, Depth, Window, windows
from pipelines.warehouse.connection import Warehouse

ROUNDS = 15
YEAR = Window(dt.date(2025, 1, 1), dt.date(2026, 1, 1))
HOURS = 8_760
ORM_SAMPLE = 500
PLANTS, DAILY_PLANTS = 20, 100
YEARS = 10
TEN_YEARS = Depth(every_run=YEARS, until=YEARS)
ANSWER_SECONDS = 0.3


def measure(server: Connections) -> list[Measure]:
    """All measures of solar plants, on the bench's database of a running server."""
    slow = slowness(server)
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        _register(connection, range(1, ROUNDS + 1))
        connection.execute("CREATE TABLE by_orm (LIKE solar.readings INCLUDING ALL)")
        by_row = _by_row(server)
        year, again, changed = _years(server)
        connection.execute("DROP TABLE by_orm")
        connection.execute("DELETE FROM solar.plants")
        _register(connection, range(1, PLANTS + 1))
        history = _sync(server, 1, 0.0)
        connection.execute("VACUUM ANALYZE")
        answers = [
            latency(server, "solar: a year's report by day", _report(), 120.0),
            latency(server, "solar: gaps of 20 plants", "SELECT * FROM solar.gaps;\n", 450.0),
        ]
        _register(connection, range(PLANTS + 1, DAILY_PLANTS + 1))
        _copy_days(connection)
        daily = _sync(server, 0, ANSWER_SECONDS)
    assert history["response_count"] == PLANTS * (1 + YEARS)
    assert daily["response_count"] == DAILY_PLANTS
    rate = history["readings"] / history["seconds"]
    return [
        Measure("solar: a plant-year", 1000 * year, "ms", None),
        factor("solar: times an ORM by row", by_row / year, 50.0),
        Measure("solar: the same year again", 1000 * again, "ms", 1000 * year),
        Measure("solar: the year, a value changed", 1000 * changed, "ms", 750 * year),
        Measure("solar: 10 years of 20 plants", rate, "readings/s", 120_000.0 / slow, more=True),
        Measure("solar: its memory", history["megabytes"], "MB", None),
        *answers,
        # Most of it is waiting for the service: on a slow machine, too.
        Measure("solar: a day of 100 plants, 0.3 s each", daily["seconds"], "s", 15.0),
    ]


class _Base(DeclarativeBase):
    pass


class _Reading(_Base):
    __tablename__ = "by_orm"
    plant_id: Mapped[int] = mapped_column(primary_key=True)
    read_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    expected_energy_kwh: Mapped[float]
    observed_energy_kwh: Mapped[float]
    expected_irradiation_wh_per_m2: Mapped[float]
    observed_irradiation_wh_per_m2: Mapped[float]
    delivery_id: Mapped[int]


@step("solar: an ORM by row, a sample")
def _by_row(server: Connections) -> float:
    """Seconds of a plant-year by get or create and a commit for each hour, as of a sample."""
    engine = create_engine(_alchemy_url(server))
    with Session(engine) as session:
        began = time.monotonic()
        for item in json.loads(answer(*YEAR))[:ORM_SAMPLE]:
            row = _row(PLANTS + 1, item)
            if session.get(_Reading, (row["plant_id"], row["read_at"])) is None:
                session.add(_Reading(**row))
            session.commit()
        seconds = time.monotonic() - began
    engine.dispose()
    return seconds * HOURS / ORM_SAMPLE


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


def _row(plant: int, item: dict[str, Any]) -> dict[str, Any]:
    expected, observed = item["expected"], item["observed"]
    return {
        "plant_id": plant,
        "read_at": dt.datetime.fromisoformat(item["datetime"]).replace(tzinfo=dt.UTC),
        "expected_energy_kwh": expected["energy"],
        "observed_energy_kwh": observed["energy"],
        "expected_irradiation_wh_per_m2": expected["irradiation"],
        "observed_irradiation_wh_per_m2": observed["irradiation"],
        "delivery_id": 1,
    }


def _register(connection: psycopg.Connection, plants: Iterable[int]) -> None:
    for plant in plants:
        values = (plant, f"Plant {plant}")
        connection.execute("INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)", values)


def _copy_days(connection: psycopg.Connection) -> None:
    """Have the plants without history be as up to date as the first one."""
    for table in ("days", "syncs"):
        connection.execute(
            f"INSERT INTO solar.{table}"
            " SELECT (jsonb_populate_record(stored, jsonb_build_object('plant_id', plant))).*"
            f" FROM solar.{table} AS stored, generate_series({PLANTS + 1}, {DAILY_PLANTS}) AS plant"
            " WHERE stored.plant_id = 1"
        )
    connection.execute("VACUUM ANALYZE")


def _report() -> str:
    year = utc_now().year - 1
    return (
        "SELECT * FROM metrics.solar_report"
        f"({PLANTS // 2}, '{year}-01-01', '{year + 1}-01-01', 'day');\n"
    )


@step("solar: sync")
def _sync(server: Connections, days_ago: int, answer_seconds: float) -> dict[str, float]:
    """What came of a sync of all plants as of so many days ago, in a process of its own."""
    today = utc_now().date() - days_ago * DAY
    with service(answer_seconds) as url:
        for window in windows({}, today, TEN_YEARS):
            requests.get(url, {"from": f"{window.first}", "to": f"{window.end}"}, timeout=60)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.solar"),
                *(server.url(LOADER, "bench"), url, str(days_ago)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _sync_all(url: str, service_url: str, days_ago: int) -> dict[str, float]:
    """A sync as a run does it."""
    store = Warehouse(url)
    http = HttpClient(
        "solar",
        "MONITORING_URL",
        attempts=7,
        first_wait_seconds=2.0,
        growth=1.0,
        patience=RetryBudget(tries=100),
    )
    client = MonitoringClient(service_url, http)
    began = time.monotonic()
    sync = Sync(store, client, TEN_YEARS, lambda: utc_now() - days_ago * DAY)
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


def _alchemy_url(server: Connections) -> str:
    url = make_url(server.url(SUPERUSER, "bench")).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


if __name__ == "__main__":
    _url, _service_url, _days_ago = sys.argv[1:]
    print(json.dumps(_sync_all(_url, _service_url, int(_days_ago))))  # noqa: T201
