"""What tests of the weather share."""

import datetime as dt
from collections.abc import Iterator

import pytest

from pipelines.core.http import HttpClient
from pipelines_tests.sandbox_server import sandbox_server


class FakeClock:
    """An instant that a test moves."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 20, 10, 7, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += dt.timedelta(**duration)


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
