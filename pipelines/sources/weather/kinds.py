"""What is requested of the weather: present weather, and the hours that sources request.

Recent and future hours come from the forecast API, many places per request. Older ones come from
the archive, a range of days of one place per request, latest range first.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row

from pipelines.sources.weather import tables
from pipelines.sources.weather.fetch import Batch, Kind
from pipelines.sources.weather.observation import Observation, implausible, without_impossible
from pipelines.sources.weather.providers import Clock, Place, Provider
from pipelines.sources.weather.providers.open_meteo_hours import (
    FORECAST_DAYS,
    MAX_PAST_DAYS,
    ForecastHours,
    Hours,
    weight,
)
from pipelines.warehouse.connection import put_frame

MAX_ARCHIVE_DAYS = 366
#: How old hours are with which the archive ends and the forecast begins.
OF_FORECAST = dt.timedelta(days=MAX_PAST_DAYS - 2)
#: Hours before yesterday are history: the day of a place may begin before that of UTC.
NEWER = dt.timedelta(days=1)
ARCHIVE_BEGINS_AT = dt.datetime(1940, 1, 1, tzinfo=dt.UTC)


class PresentWeather(Kind[Batch, Observation]):
    """Observations of one provider."""

    name = "observation"
    query = "pick_observations"
    client: Provider

    def __init__(self, provider: Provider, clock: Clock) -> None:
        super().__init__(provider, clock)
        self.max_places = provider.max_places

    def parameters(self, now: dt.datetime, *, with_history: bool) -> dict[str, Any]:  # noqa: ARG002 - it has none
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
    ) -> None:
        """Replace the last observation of each place."""
        import pandas as pd

        common = {"provider": self.client.name, "fetched_at": self.clock()}
        rows = [{"place_id": key, **common, **asdict(one)} for key, one in responses.items()]
        frame = pd.DataFrame(rows, dtype=object).drop(columns="impossible")
        put_frame(connection, frame, tables.observations)
        self.execute(connection, "note_risks", place_ids=list(responses))
        self.record_success(connection, responses)
        for observation in responses.values():
            self.impossible.update(observation.impossible)


@dataclass(frozen=True)
class HoursBatch(Batch):
    """Places, how many days are requested for each, and which, as parameters of the API."""

    days: int
    parameters: Mapping[str, str]


class Forecast(Kind[HoursBatch, Hours]):
    """Recent and future hours."""

    name = "forecast"
    query = "pick_hours"
    max_calls = weight(MAX_PAST_DAYS + FORECAST_DAYS)
    has_history = True
    client: ForecastHours

    def parameters(self, now: dt.datetime, *, with_history: bool) -> dict[str, Any]:
        """Return the parameters of the query, with the hours that may be requested."""
        today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        from_at, to_at = self.span(today)
        if not with_history:
            from_at = max(from_at, today - NEWER)
        return {"now": now, "from_at": from_at, "to_at": to_at, "kind": self.name}

    def span(self, today: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Return the first hour that is provided, and the end, by the midnight of a day in UTC."""
        return today - OF_FORECAST, today + dt.timedelta(days=FORECAST_DAYS)

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[HoursBatch]:
        """Return one request from the first missing hour to the end of the forecast."""
        past_days = max(0, (self.clock().date() - min(row.first_at for row in rows).date()).days)
        parameters = {"past_days": str(past_days), "forecast_days": str(FORECAST_DAYS)}
        return [_batch(rows, past_days + FORECAST_DAYS, parameters)]

    def request(self, batch: HoursBatch) -> Sequence[Hours | str]:
        """Send one request for all places."""
        return self.client.hours(batch.places, **batch.parameters)

    def write(
        self, connection: Connection, batch: HoursBatch, responses: Mapping[int, Hours]
    ) -> None:
        """Write all hours of the responses: those between the wanted ones may be wanted later."""
        import pandas as pd

        rows = pd.concat([one.rows.assign(place_id=key) for key, one in responses.items()])
        rows = rows.assign(weather_source=self.name, fetched_at=self.clock())
        put_frame(connection, rows, tables.hourly)
        # Of a complete range of the archive, an earlier one may be missing.
        is_due = self.is_history and all(
            len(hours.rows) >= 24 * batch.days for hours in responses.values()
        )
        self.record_success(connection, responses, is_due=is_due)
        for hours in responses.values():
            self.impossible.update(hours.impossible)


class Archive(Forecast):
    """Older hours, of one place at a time."""

    name = "archive"
    max_calls = weight(MAX_ARCHIVE_DAYS)
    is_history = True

    def span(self, today: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Return the same of the archive, which ends where the forecast begins."""
        return ARCHIVE_BEGINS_AT, today - OF_FORECAST

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[HoursBatch]:
        """Return a request for each place, of the last year of the missing days."""
        found = []
        for row in rows:
            first, last = row.first_at.date(), row.last_at.date()
            first = max(first, last - dt.timedelta(days=MAX_ARCHIVE_DAYS - 1))
            parameters = {"start_date": first.isoformat(), "end_date": last.isoformat()}
            found.append(_batch([row], (last - first).days + 1, parameters))
        return found


def _batch(rows: Sequence[Row[Any]], days: int, parameters: Mapping[str, str]) -> HoursBatch:
    places = tuple(Place(row.place_id, row.latitude, row.longitude) for row in rows)
    return HoursBatch(places, weight(days), days, parameters)
