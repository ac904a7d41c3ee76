"""Which places are in use, and their coordinates: looked up once and kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, text, update

from pipelines.failures import PermanentFailure
from pipelines.sources.weather.fetch import Batch, FetchResult, Kind, Sleep, fetch
from pipelines.sources.weather.fetch_lock import SOURCE
from pipelines.sources.weather.geocoding import Geocoder, Located, choose
from pipelines.sources.weather.providers import Clock, Place
from pipelines.sources.weather.tables import places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import datetime as dt

MAX_ON_A_MAP = 2000
#: Places that are picked together.
MAX_LOOKUPS = 50


def put_places(store: Warehouse) -> None:
    """Bring `weather.places` up to date with what sources request now."""
    with store.transaction(SOURCE) as connection:
        connection.execute(text(read_sql("pipelines.sources.weather", "put_places")))


def geocode_places(
    store: Warehouse, geocoder: Geocoder, clock: Clock, sleep: Sleep = time.sleep
) -> tuple[list[Located], FetchResult]:
    """Look up every pending place, each once, by its postcode and then by its city.

    A lookup that fails is retried later; the others are done.
    """
    kind = Geocoding(geocoder)
    done = fetch(store, [kind], clock, sleep)
    return kind.located, done


def located_places(connection: Connection) -> list[tuple[float, float, bool]]:
    """Longitude, latitude, and whether it was looked up, of places that have them: the newest."""
    known = (
        select(places.c.longitude, places.c.latitude, places.c.geocoding_status != "given")
        .where(places.c.latitude.is_not(None))
        .order_by(places.c.place_id.desc())
        .limit(MAX_ON_A_MAP)
    )
    return [(x, y, was_looked_up) for x, y, was_looked_up in connection.execute(known)]


@dataclass(frozen=True)
class Lookup(Batch):
    """One place, looked up by its postcode or, where that finds nothing, by its city."""

    city: str | None
    is_by_city: bool

    @property
    def place(self) -> Place:
        """The place."""
        (place,) = self.places
        return place

    @property
    def can_try_city(self) -> bool:
        """Whether the city has not been tried."""
        return self.city is not None and not self.is_by_city


class Geocoding(Kind[Lookup, Located]):
    """Lookups, one place and one name a request."""

    name = "geocoding"

    def __init__(self, geocoder: Geocoder) -> None:
        self.provider, self.quotas = geocoder.provider, geocoder.quotas
        self.located: list[Located] = []
        self._geocoder = geocoder

    def pick(self, connection: Connection, now: dt.datetime, quota_left: float) -> Sequence[Lookup]:
        """Pending places, as many as the quota allows two lookups each."""
        query = text(read_sql("pipelines.sources.weather", "pick_pending"))
        parameters = {"now": now, "max_places": int(min(MAX_LOOKUPS, quota_left // 2))}
        return [
            Lookup(
                (Place(row.place_id, None, None, row.country_code, row.postcode),),
                cost=1.0,
                city=row.city,
                is_by_city=row.postcode is None,
            )
            for row in connection.execute(query, parameters)
        ]

    def request(self, batch: Lookup) -> Sequence[Located | str]:
        """Where the place is, or that it was not found or is ambiguous.

        A geocoder that is misconfigured fails the lookup and not the run: the weather of places
        with coordinates does not need it.
        """
        place = batch.place
        assert place.country_code is not None
        name = batch.city if batch.is_by_city else place.postcode
        assert name is not None
        try:
            results = self._geocoder.search(name, place.country_code)
        except PermanentFailure as failure:
            return [failure.problem]
        return [
            choose(
                results,
                country_code=place.country_code,
                postcode=place.postcode,
                city=batch.city,
                is_by_city=batch.is_by_city,
            )
        ]

    def write(
        self,
        connection: Connection,
        batch: Lookup,
        answers: Mapping[int, Located],
        now: dt.datetime,
    ) -> None:
        """Write coordinates, or that there are none; nothing while the city can be tried."""
        if self.follow_up(batch, answers):
            return
        for place_id, located in answers.items():
            connection.execute(
                update(places)
                .where(places.c.place_id == place_id, places.c.geocoding_status == "pending")
                .values(
                    latitude=located.latitude,
                    longitude=located.longitude,
                    geocoding_status=located.status,
                    geocoded_name=located.name,
                    geocoded_at=now,
                    geocoding_problem=located.problem,
                )
            )
            self.located.append(located)

    def follow_up(self, batch: Lookup, answers: Mapping[int, Located]) -> Lookup | None:
        """The lookup by city of a place that was not found by its postcode."""
        is_found = all(located.status != "not_found" for located in answers.values())
        return None if is_found or not batch.can_try_city else replace(batch, is_by_city=True)
