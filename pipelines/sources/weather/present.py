"""The present weather of due places: those whose last response is two hours old."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row

from pipelines.sources.weather import tables
from pipelines.sources.weather.fetch import Batch, Kind
from pipelines.sources.weather.observation import Observation, implausible, without_impossible
from pipelines.sources.weather.providers import Clock, Place, Provider
from pipelines.warehouse.connection import put_frame


class PresentWeather(Kind[Batch, Observation]):
    """Observations of one provider."""

    name = "observation"
    query = "pick_observations"
    client: Provider

    def __init__(self, provider: Provider, clock: Clock) -> None:
        super().__init__(provider, clock)
        self.max_places = provider.max_places

    def parameters(self, now: dt.datetime) -> dict[str, Any]:
        """Return the parameters of the query."""
        return {"now": now, "by_postcode": self.client.accepts_postcodes}

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[Batch]:
        """Return one request."""
        return [Batch(tuple(Place(**row._mapping) for row in rows), cost=1.0)]

    def request(self, batch: Batch) -> Sequence[Observation | str]:
        """Return observations, or why one is rejected: the provider's fault, not the place's."""
        return [
            response if isinstance(response, str) else self._screen(response)
            for response in self.client.observe(batch.places)
        ]

    def _screen(self, response: Observation) -> Observation | str:
        possible = without_impossible(response)
        return implausible(possible, self.clock()) or possible

    def write(
        self,
        connection: Connection,
        batch: Batch,  # noqa: ARG002 - for other kinds
        responses: Mapping[int, Observation],
        now: dt.datetime,
    ) -> None:
        """Replace the last observation of each place."""
        import pandas as pd

        common = {"provider": self.client.name, "fetched_at": now}
        rows = [{"place_id": key, **common, **asdict(one)} for key, one in responses.items()]
        frame = pd.DataFrame(rows, dtype=object).drop(columns="impossible")
        self.execute(connection, "supersede_requests", now=now, place_ids=list(responses))
        put_frame(connection, frame, tables.observations)
        self.execute(connection, "note_risks", place_ids=list(responses))
        self.record_success(connection, responses, now)
        for observation in responses.values():
            self.impossible.update(observation.impossible)
