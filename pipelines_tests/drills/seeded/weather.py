"""The current weather of some places, requested whenever hours have passed."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import psycopg

from pipelines.sources.weather.providers.open_meteo import UNITS, OpenMeteo
from pipelines.sources.weather.refresh import refresh
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.seeded.feed import Feed, Settle, same

#: So many are in use, one a degree north of the other.
PLACES = 3
PUT = """
INSERT INTO weather.places (place_key, latitude, longitude, geocoding_status, is_observed)
SELECT 'XX ' || n, n, 0, 'found', TRUE FROM generate_series(1, %s) AS n
"""
OBSERVED = """
SELECT latitude::integer, fetched_at, temperature_celsius
FROM weather.observations INNER JOIN weather.places USING (place_id)
"""
SUCCESSES = """
SELECT latitude::integer, requested_at
FROM weather.api_requests INNER JOIN weather.places USING (place_id)
WHERE outcome = 'success' ORDER BY 1, 2
"""
TOO_SOON = """
SELECT place_id, requested_at FROM (
    SELECT place_id, requested_at,
        requested_at - lag(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at) AS later
    FROM weather.api_requests WHERE outcome = 'success'
) AS successes WHERE later < interval '2 hours'
"""


class Weather(Feed):
    """Requests and responses are in the log of requests, not in the ledger."""

    source = "weather"
    path = "/v1/forecast"
    moments: ClassVar[Mapping[str, int]] = {"statement": 23, "commit": 3}

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        #: How often each place was.
        self.sent: Counter[int] = Counter()

    def begin(self, owner: psycopg.Connection) -> None:
        owner.execute(PUT, (PLACES,))

    def happen(self, settle: Settle) -> str:
        minutes = self.random.choice((5, 125, 130, 300))
        self.clock.pass_by(minutes=minutes)
        return f"{minutes} minutes pass"

    def answer(self, query: Mapping[str, str]) -> bytes:
        places = [round(float(one)) for one in query["latitude"].split(",")]
        self.sent.update(places)
        answers = [
            {"current_units": UNITS | {"time": "iso8601"}, "current": self._current(place)}
            for place in places
        ]
        return json.dumps(answers if len(answers) > 1 else answers[0]).encode()

    def _current(self, place: int) -> dict[str, Any]:
        observed = weather_at(place, 0.0, self.clock())
        return {name: observed[name] for name in UNITS} | {"time": f"{self.clock():%Y-%m-%dT%H:%M}"}

    def run(self, store: Warehouse) -> None:
        provider = OpenMeteo(self.http("WEATHER_BASE_URL"), self.url, self.clock)
        done = refresh(store, provider, clock=self.clock, sleep=lambda _: None)
        if done.failure is not None:
            raise done.failure

    def check(self, owner: psycopg.Connection) -> None:
        true = [
            (place, self.clock(), weather_at(place, 0.0, self.clock())["temperature_2m"])
            for place in range(1, PLACES + 1)
        ]
        same(owner.execute(OBSERVED), true, "weather.observations")
        assert owner.execute(TOO_SOON).fetchall() == []
        kept = Counter(place for place, _ in owner.execute(SUCCESSES))
        assert all(self.sent[place] >= count for place, count in kept.items()), (self.sent, kept)
