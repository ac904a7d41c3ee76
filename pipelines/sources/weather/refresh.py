"""The present weather of due places: those whose last response is two hours old."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from pipelines.sources.weather import tables
from pipelines.sources.weather.fetch import Batch, FetchResult, Kind, Sleep, fetch
from pipelines.sources.weather.observation import Observation, implausible, without_impossible
from pipelines.sources.weather.providers import Clock, Place, Provider
from pipelines.warehouse.connection import Warehouse, put_frame
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd


def refresh(
    store: Warehouse,
    provider: Provider,
    *,
    clock: Clock,
    sleep: Sleep = time.sleep,
    is_by_hand: bool = False,
) -> FetchResult:
    """Request every due place until none is left, the quota is used up, or it fails.

    Raises:
        PermanentFailure: For an error that needs a person, such as a wrong key.
    """
    kinds = [PresentWeather(provider, clock)]
    return fetch(store, kinds, clock, sleep, is_by_hand=is_by_hand)


class PresentWeather(Kind[Batch, Observation]):
    """Observations of one provider."""

    name = "observation"

    def __init__(self, provider: Provider, clock: Clock) -> None:
        super().__init__(provider, provider.cost_of_place)
        self._source, self._clock = provider, clock

    def pick(self, connection: Connection, now: dt.datetime, quota_left: float) -> Sequence[Batch]:
        """Return the places with the oldest weather."""
        query = text(read_sql("pipelines.sources.weather", "pick_observations"))
        parameters = {
            "now": now,
            "max_places": int(
                min(float(self._source.max_places), quota_left // self.cost_of_place)
            ),
            "by_postcode": accepts_postcodes(self._source),
        }
        places = tuple(Place(*row) for row in connection.execute(query, parameters))
        return [Batch(places, self.cost_of_place)] if places else []

    def request(self, batch: Batch) -> Sequence[Observation | str]:
        """Return observations, or why one is rejected: the provider's fault, not the place's."""
        responses = self._source.observe(batch.places)
        return [
            response if isinstance(response, str) else self._screen(response)
            for response in responses
        ]

    def _screen(self, response: Observation) -> Observation | str:
        possible = without_impossible(response)
        return implausible(possible, self._clock()) or possible

    def write(
        self,
        connection: Connection,
        batch: Batch,  # noqa: ARG002 - for other kinds
        responses: Mapping[int, Observation],
        now: dt.datetime,
    ) -> None:
        """Replace the last observation of each place."""
        supersede = text(read_sql("pipelines.sources.weather", "supersede_requests"))
        connection.execute(supersede, {"now": now, "place_ids": list(responses)})
        put_frame(connection, _rows(responses, self.provider, now), tables.observations)
        note_risks = text(read_sql("pipelines.sources.weather", "note_risks"))
        connection.execute(note_risks, {"place_ids": list(responses)})
        for observation in responses.values():
            self.impossible.update(observation.impossible)


def accepts_postcodes(provider: Provider) -> bool:
    """Return whether a provider works without coordinates."""
    return provider.can_request(Place(0, None, None, "DE", "10115"))


def _rows(responses: Mapping[int, Observation], provider: str, now: dt.datetime) -> pd.DataFrame:
    """Return rows of `weather.observations`."""
    import pandas as pd

    rows = [
        {"place_id": place_id, "provider": provider, "fetched_at": now} | asdict(observation)
        for place_id, observation in responses.items()
    ]
    return pd.DataFrame(rows, dtype=object).drop(columns="impossible")
