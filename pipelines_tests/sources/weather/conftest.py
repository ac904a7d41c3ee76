"""Shared fixtures of the weather's tests."""

from collections.abc import Iterator

import pytest

from pipelines.http.client import HttpClient
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.sandbox_server import sandbox_server


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
