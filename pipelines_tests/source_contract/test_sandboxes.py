"""The simulated weather depends on the place and the hour alone, whatever the seed.

Those of the other sources are in the contract kit (`test_loads`).
"""

import datetime as dt
from typing import Any

import requests

from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
PATH = "/v1/forecast?latitude=52&longitude=13&current=temperature_2m"


def answer(seed: int) -> Any:
    with sandbox_server(seed=seed, now=lambda: NOON) as url:
        found = requests.get(url + PATH, timeout=30)
    found.raise_for_status()
    return found.json()


def test_the_sky_is_the_same_for_everybody() -> None:
    assert answer(1) == answer(1) == answer(2) != {}
