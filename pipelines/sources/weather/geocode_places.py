"""Which places are in use, and their coordinates, which are looked up once and stored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, null, select, text, update

from pipelines.failures import PermanentFailure
from pipelines.sources.weather.fetch import Batch, Kind
from pipelines.sources.weather.geocoding import (
    MAX_LOOKUPS,
    Candidate,
    Geocoder,
    Located,
    Lookup,
    choose,
    lookups,
    unlocated,
)
from pipelines.sources.weather.providers import Clock, Place
from pipelines.sources.weather.tables import SCHEMA, places
from pipelines.warehouse.connection import Warehouse, set_local
from pipelines.warehouse.sql_files import read_sql

MAX_PUT_SECONDS = 600


def put_places(store: Warehouse) -> None:
    """Update `weather.places` from what sources request now."""
    with store.transaction(SCHEMA) as connection:
        set_local(connection, "statement_timeout", f"{MAX_PUT_SECONDS}s")
        connection.execute(text(read_sql("pipelines.sources.weather", "put_places")))


@dataclass(frozen=True)
class PlaceLookup(Batch):
    """One place, looked up under one name after another until a result is accepted."""

    city: str | None
    #: The remaining lookups, starting with this request.
    lookups: tuple[Lookup, ...]
    #: Candidates of the previous lookups.
    candidates: tuple[Candidate, ...] = ()


class Geocoding(Kind[PlaceLookup, Located]):
    """Lookups of pending places: by postcode, then by city in the country's languages."""

    name = "geocoding"
    query = "pick_pending"
    max_calls = MAX_LOOKUPS
    client: Geocoder

    def __init__(self, geocoder: Geocoder, clock: Clock) -> None:
        super().__init__(geocoder, clock)
        self.located: list[Located] = []

    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[PlaceLookup]:
        """Return the first lookup of each place."""
        return [
            PlaceLookup(
                (Place(row.place_id, row.latitude, row.longitude, row.country_code, row.postcode),),
                cost=1.0,
                city=row.city,
                lookups=lookups(row.country_code, row.postcode, row.city),
            )
            for row in rows
        ]

    def request(self, batch: PlaceLookup) -> Sequence[Located | str]:
        """Return the location, or that there is none; a wrong geocoder fails the lookup alone."""
        if not batch.lookups:  # a place of an earlier version, without a name
            return [unlocated(())]
        lookup = batch.lookups[0]
        try:
            results = self.client.search(lookup)
        except PermanentFailure as failure:
            return [failure.problem]
        return [choose(results, lookup, postcode=batch.places[0].postcode, city=batch.city)]

    def write(
        self, connection: Connection, batch: PlaceLookup, responses: Mapping[int, Located]
    ) -> PlaceLookup | None:
        """Write coordinates, or that there are none; while lookups remain, return the next one."""
        ((place_id, located),) = responses.items()
        if not located.is_final:
            candidates = (*batch.candidates, *located.candidates)
            if rest := batch.lookups[1:]:
                self.record_success(connection, responses)
                return replace(batch, lookups=rest, candidates=candidates)
            located = unlocated(candidates)
        (before,) = batch.places
        there = (located.latitude, located.longitude)
        if before.latitude is not None and there != (before.latitude, before.longitude):
            connection.execute(select(func.weather.delete_weather(place_id)))
        self.record_success(connection, responses)
        connection.execute(
            update(places)
            .where(places.c.place_id == place_id, places.c.geocoding_status == "pending")
            .values(
                latitude=located.latitude,
                longitude=located.longitude,
                geocoding_status=located.status,
                geocoded_name=located.name,
                geocoded_at=self.clock(),
                geocoding_problem=located.problem,
                geocoding_candidates=[asdict(one) for one in located.candidates] or null(),
            )
        )
        self.located.append(located)
        return None
