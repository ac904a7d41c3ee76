"""Hourly weather for the hours that sources request.

Recent and future hours come from the forecast API, many places per request. Older ones come from
the archive, a range of days of one place per request, latest range first. Missing hours are the
difference of `weather.wanted_hours` and `weather.hourly`. A forecast is fetched again after six
hours.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from pipelines.sources.weather import tables
from pipelines.sources.weather.fetch import Batch, Kind
from pipelines.sources.weather.providers import Place
from pipelines.sources.weather.providers.open_meteo_hours import (
    FORECAST_DAYS,
    MAX_PAST_DAYS,
    ForecastHours,
    Hours,
    weight,
)
from pipelines.warehouse.connection import put_frame

MAX_ARCHIVE_DAYS = 366
ARCHIVE_BEGINS_AT = dt.datetime(1940, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class HoursBatch(Batch):
    """Places, how many days are requested for each, and which, as parameters of the API."""

    days: int
    parameters: Mapping[str, str]


class Forecast(Kind[HoursBatch, Hours]):
    """Recent and future hours."""

    name = "forecast"
    query = "pick_hours"
    most_calls = weight(MAX_PAST_DAYS + FORECAST_DAYS)
    client: ForecastHours

    def parameters(self, now: dt.datetime) -> dict[str, Any]:
        """Return the hours that the forecast, or the archive, provides."""
        today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        change_at = today - dt.timedelta(days=MAX_PAST_DAYS - 2)
        from_at, to_at = change_at, today + dt.timedelta(days=FORECAST_DAYS)
        if self.name == Archive.name:
            from_at, to_at = ARCHIVE_BEGINS_AT, change_at
        return {"now": now, "from_at": from_at, "to_at": to_at, "kind": self.name}

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[HoursBatch]:
        """Return one request from the first missing hour to the end of the forecast."""
        past_days = max(0, (self.clock().date() - min(row.first_at for row in rows).date()).days)
        parameters = {"past_days": str(past_days), "forecast_days": str(FORECAST_DAYS)}
        return [_batch(rows, past_days + FORECAST_DAYS, parameters)]

    def request(self, batch: HoursBatch) -> Sequence[Hours | str]:
        """Send one request for all places."""
        return self.client.hours(batch.places, **batch.parameters)

    def write(
        self,
        connection: Connection,
        batch: HoursBatch,  # noqa: ARG002 - for the archive
        responses: Mapping[int, Hours],
        now: dt.datetime,
    ) -> None:
        """Write all hours of the responses: those between the wanted ones may be wanted later."""
        import pandas as pd

        rows = pd.concat([one.rows.assign(place_id=key) for key, one in responses.items()])
        put_frame(connection, rows.assign(weather_source=self.name, fetched_at=now), tables.hourly)
        self.record_success(connection, responses, now)
        for hours in responses.values():
            self.impossible.update(hours.impossible)


class Archive(Forecast):
    """Older hours, of one place at a time."""

    name = "archive"
    most_calls = weight(MAX_ARCHIVE_DAYS)

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[HoursBatch]:
        """Return a request for each place, of the last year of the missing days."""
        found = []
        for row in rows:
            first, last = row.first_at.date(), row.last_at.date()
            first = max(first, last - dt.timedelta(days=MAX_ARCHIVE_DAYS - 1))
            parameters = {"start_date": first.isoformat(), "end_date": last.isoformat()}
            found.append(_batch([row], (last - first).days + 1, parameters))
        return found

    def write(
        self,
        connection: Connection,
        batch: HoursBatch,
        responses: Mapping[int, Hours],
        now: dt.datetime,
    ) -> None:
        """Write the hours. A complete range leaves the place due: an earlier one may be missing."""
        super().write(connection, batch, responses, now)
        if all(len(hours.rows) >= 24 * batch.days for hours in responses.values()):
            self.record_success(connection, responses, None)


def _batch(rows: Sequence[Row[Any]], days: int, parameters: Mapping[str, str]) -> HoursBatch:
    places = tuple(Place(row.place_id, row.latitude, row.longitude) for row in rows)
    return HoursBatch(places, weight(days), days, parameters)
