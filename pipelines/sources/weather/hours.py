"""Hourly weather for the hours that sources request.

Recent and future hours come from the forecast API, many places per request. Older ones come from
the archive, a range of days of one place per request, latest range first. Missing hours are the
difference of `weather.wanted_hours` and `weather.hourly`. A forecast is fetched again after six
hours.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from pipelines.sources.weather import tables
from pipelines.sources.weather.fetch import Batch, FetchResult, Kind, Sleep, fetch
from pipelines.sources.weather.providers import Clock, Place
from pipelines.sources.weather.providers.open_meteo_hours import (
    FORECAST_DAYS,
    MAX_PAST_DAYS,
    MAX_PLACES,
    Hours,
    OpenMeteoHours,
    weight,
)
from pipelines.warehouse.connection import Warehouse, put_frame
from pipelines.warehouse.sql_files import read_sql

FORECAST, ARCHIVE = "forecast", "archive"
MAX_ARCHIVE_DAYS = 366
ARCHIVE_BEGINS_AT = dt.datetime(1940, 1, 1, tzinfo=dt.UTC)


def fill_hours(
    store: Warehouse,
    provider: OpenMeteoHours,
    clock: Clock,
    sleep: Sleep = time.sleep,
    *,
    is_by_hand: bool = False,
) -> FetchResult:
    """Fetch missing or old hours until none is left, the quota is used up, or it fails."""
    kinds = [Forecast(provider, clock), Archive(provider)]
    return fetch(store, kinds, clock, sleep, is_by_hand=is_by_hand)


@dataclass(frozen=True)
class HoursBatch(Batch):
    """Places, and the days that are requested for each."""

    first_on: dt.date
    last_on: dt.date


class _Hours(Kind[HoursBatch, Hours]):
    """Hours of either API."""

    #: Places in one request, and the most days of a request.
    max_places: int
    max_days: int

    def __init__(self, provider: OpenMeteoHours) -> None:
        super().__init__(provider, weight(self.max_days))
        self._source = provider

    def days_of(self, first: dt.date, last: dt.date, now: dt.datetime) -> tuple[dt.date, dt.date]:
        """Return the days to request if hours of these two days, and maybe between, are missing."""
        raise NotImplementedError

    def pick(
        self, connection: Connection, now: dt.datetime, quota_left: float
    ) -> Sequence[HoursBatch]:
        """Return the places that lack the oldest hours."""
        query = text(read_sql("pipelines.sources.weather", "pick_hours"))
        limit = min(MAX_PLACES, quota_left // self.cost_of_place)
        parameters = bounds(self.name, now) | {"max_places": int(limit)}
        rows = connection.execute(query, parameters).all()
        return [
            self._batch(rows[start : start + self.max_places], now)
            for start in range(0, len(rows), self.max_places)
        ]

    def _batch(self, rows: Sequence[Any], now: dt.datetime) -> HoursBatch:
        first = min(row.first_at for row in rows).date()
        last = max(row.last_at for row in rows).date()
        first_on, last_on = self.days_of(first, last, now)
        places = tuple(Place(row.place_id, row.latitude, row.longitude) for row in rows)
        return HoursBatch(places, weight((last_on - first_on).days + 1), first_on, last_on)

    def write(
        self,
        connection: Connection,
        batch: HoursBatch,  # noqa: ARG002 - for other kinds
        responses: Mapping[int, Hours],
        now: dt.datetime,
    ) -> None:
        """Write all hours of the responses: those between the wanted ones may be wanted later."""
        import pandas as pd

        rows = pd.concat([one.rows.assign(place_id=key) for key, one in responses.items()])
        put_frame(connection, rows.assign(weather_source=self.name, fetched_at=now), tables.hourly)
        for hours in responses.values():
            self.impossible.update(hours.impossible)


class Forecast(_Hours):
    """Recent and future hours."""

    name = FORECAST
    max_places = MAX_PLACES
    max_days = MAX_PAST_DAYS + FORECAST_DAYS

    def __init__(self, provider: OpenMeteoHours, clock: Clock) -> None:
        super().__init__(provider)
        self._clock = clock

    def days_of(
        self,
        first: dt.date,
        last: dt.date,  # noqa: ARG002 - it always goes to the end
        now: dt.datetime,
    ) -> tuple[dt.date, dt.date]:
        """Return the days from the first missing hour to the end of the forecast."""
        today = now.date()
        first = min(max(first, today - dt.timedelta(days=MAX_PAST_DAYS)), today)
        return first, today + dt.timedelta(days=FORECAST_DAYS - 1)

    def request(self, batch: HoursBatch) -> Sequence[Hours | str]:
        """Send one request for all places."""
        past_days = (self._clock().date() - batch.first_on).days
        return self._source.forecast(batch.places, min(max(past_days, 0), MAX_PAST_DAYS))


class Archive(_Hours):
    """Older hours, of one place at a time."""

    name = ARCHIVE
    max_places = 1
    max_days = MAX_ARCHIVE_DAYS

    def days_of(
        self,
        first: dt.date,
        last: dt.date,
        now: dt.datetime,  # noqa: ARG002 - for the forecast
    ) -> tuple[dt.date, dt.date]:
        """Return the last year of the missing days."""
        return max(first, last - dt.timedelta(days=MAX_ARCHIVE_DAYS - 1)), last

    def request(self, batch: HoursBatch) -> Sequence[Hours | str]:
        """Send one request for the place."""
        (place,) = batch.places
        return [self._source.archive(place, batch.first_on, batch.last_on)]

    def succeeded_at(
        self, batch: HoursBatch, responses: Mapping[int, Hours], now: dt.datetime
    ) -> dt.datetime | None:
        """Return None for a complete range: none of it is missing, but an earlier one may be."""
        days = (batch.last_on - batch.first_on).days + 1
        is_whole = all(len(hours.rows) >= 24 * days for hours in responses.values())
        return None if is_whole else now


def count_hours_due(connection: Connection, now: dt.datetime, kind: str) -> int:
    """Count the places that lack an hour that the forecast, or the archive, provides."""
    query = text("SELECT count(*) FROM weather.due_hours(:now, :from_at, :to_at, :kind)")
    return int(connection.execute(query, bounds(kind, now)).scalar_one())


def bounds(kind: str, now: dt.datetime) -> dict[str, Any]:
    """Return the hours that forecast or archive provide, as parameters of `weather.due_hours`."""
    today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    change_at = today - dt.timedelta(days=MAX_PAST_DAYS - 2)
    end_at = today + dt.timedelta(days=FORECAST_DAYS)
    from_at, to_at = (change_at, end_at) if kind == FORECAST else (ARCHIVE_BEGINS_AT, change_at)
    return {"now": now, "from_at": from_at, "to_at": to_at, "kind": kind}
