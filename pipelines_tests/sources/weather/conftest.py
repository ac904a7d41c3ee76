"""Shared fixtures of the weather's tests."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.http.client import HttpClient
from pipelines.sources.weather import fetch
from pipelines.testing.fake_source import FakeSource
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.clock import FakeClock
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.weather.site import Present, Site, Theirs


@pytest.fixture(autouse=True)
def without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(fetch, "POLL_SECONDS", 0.01)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[str]:
    with sandbox_server(now=clock) as url:
        yield url


@pytest.fixture
def http() -> HttpClient:
    return HttpClient("weather", "WEATHER_BASE_URL", attempts=1, first_wait_seconds=0.01)


@pytest.fixture
def site(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    clock: FakeClock,
    http: HttpClient,
    sandbox: str,
    tmp_path: Path,
) -> Site:
    return Site(warehouse, owner, clock, http, sandbox, tmp_path)


@pytest.fixture
def present(warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock) -> Present:
    return Present(warehouse, owner, clock)


@pytest.fixture
def theirs(http: HttpClient, source: FakeSource, clock: FakeClock) -> Theirs:
    return Theirs(http, source, clock)
