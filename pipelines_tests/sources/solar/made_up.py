"""Items of the monitoring service, plants and what is stored of them, for tests."""

import datetime as dt
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from pipelines.http.client import HttpClient, JsonResponse
from pipelines.http.json_documents import parse_json
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.sources.solar.load import Plant
from pipelines.sources.solar.sync import MonitoringClient
from pipelines.sources.solar.transform import parse
from pipelines.sources.solar.windows import Window
from pipelines_tests.stored import Stored

Item = dict[str, Any]
DAY = dt.date(2019, 1, 1)
ONE_DAY = Window(DAY, dt.date(2019, 1, 2))
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def item(at: dt.datetime | str, energy: float = 10.0, **sides: Any) -> Item:
    """An hour with energy as expected; `expected` and `observed` replace a side."""
    text = at if isinstance(at, str) else f"{at:%Y-%m-%dT%H:%M:%S}"
    return {
        "datetime": text,
        "expected": {"energy": energy, "irradiation": energy / 2},
        "observed": {"energy": energy * 0.8, "irradiation": energy / 4},
    } | sides


def day_of_items(day: dt.date = DAY, energy: float = 10.0) -> list[Item]:
    """The 24 hours of a day, each with a little more energy than the one before."""
    midnight = dt.datetime.combine(day, dt.time())
    return [item(midnight + dt.timedelta(hours=hour), energy + hour) for hour in range(24)]


def items_of(window: Window) -> list[Item]:
    """All hours of a window."""
    days = (window.end - window.first).days
    return [one for n in range(days) for one in day_of_items(window.first + dt.timedelta(days=n))]


def answer_of(items: Sequence[Any]) -> JsonResponse:
    """An answer as the client gives it."""
    body = json.dumps(items).encode()
    return JsonResponse("http://monitoring", body, parse_json(body), dt.datetime.now(dt.UTC))


def parsed_of(
    items: Sequence[Any],
    zone: str = "UTC",
    window: Window = ONE_DAY,
    *,
    names_end: bool = False,
    now: dt.datetime = NOW,
) -> Parsed:
    """What is read of an answer for a plant without coordinates, of which nothing is stored."""
    said = {"plant_id": 7, "zone": zone, "window": window, "now": now, "names_end": names_end}
    content = Content(
        delivery=Delivery("solar", "the answer", "", 0, now),
        document=answer_of(items).document,
        said=said | {"latitude": None, "longitude": None},
    )
    [parsed] = parse(content, Context(source="solar", settings=None))
    return parsed


def register(
    owner: psycopg.Connection, name: str = "Sierra", zone: str = "UTC", **columns: Any
) -> Plant:
    """A plant in the registry."""
    row = owner.execute(
        "INSERT INTO solar.plants (name, time_zone, latitude, longitude)"
        " VALUES (%s, %s, %s, %s) RETURNING plant_id",
        (name, zone, columns.get("latitude"), columns.get("longitude")),
    ).fetchone()
    assert row is not None
    return Plant(row[0], name, zone)


def client_of(
    url: str, *, attempts: int = 7, tries: int = 1000, read_seconds: float = 5.0
) -> MonitoringClient:
    """A client of a service on loopback that does not wait."""
    http = HttpClient(
        "solar",
        "MONITORING_URL",
        attempts=attempts,
        first_wait_seconds=0.01,
        growth=1.0,
        read_seconds=read_seconds,
        retries=deque([None] * tries, maxlen=tries),
    )
    return MonitoringClient(url, http)


@dataclass
class Solar(Stored):
    """The database of plants and their readings."""

    def register(self, name: str = "Sierra", zone: str = "UTC", **columns: Any) -> Plant:
        """Return a plant that is in the registry from now on."""
        return register(self.owner, name, zone, **columns)

    def statuses(self, plant: Plant) -> dict[dt.date, str]:
        """Return the status of each day in `solar.days`."""
        query = "SELECT day, status FROM solar.days WHERE plant_id = %s ORDER BY day"
        return dict(self.rows(query, plant.plant_id))
