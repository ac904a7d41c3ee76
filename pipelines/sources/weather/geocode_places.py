"""Which places are in use, and their coordinates, which are looked up once and stored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, null, text, update

from pipelines.failures import PermanentFailure
from pipelines.sources.weather.fetch import Batch, FetchResult, Kind, Sleep, fetch
from pipelines.sources.weather.fetch_lock import SOURCE
from pipelines.sources.weather.geocoding import (
    Candidate,
    Geocoder,
    Located,
    choose,
    unlocated,
)
from pipelines.sources.weather.place_names import MAX_LOOKUPS, Lookup, lookups
from pipelines.sources.weather.providers import Clock, Place
from pipelines.sources.weather.tables import places
from pipelines.warehouse.connection import Warehouse, set_local
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import datetime as dt

#: Places per batch.
MAX_PLACES = 50
#: How long places may take.
MAX_PUT_SECONDS = 600


def put_places(store: Warehouse) -> None:
    """Update `weather.places` from what sources request now."""
    with store.transaction(SOURCE) as connection:
        set_local(connection, "statement_timeout", f"{MAX_PUT_SECONDS}s")
        connection.execute(text(read_sql("pipelines.sources.weather", "put_places")))


def geocode_places(
    store: Warehouse,
    geocoder: Geocoder,
    clock: Clock,
    sleep: Sleep = time.sleep,
    *,
    is_by_hand: bool = False,
) -> tuple[list[Located], FetchResult]:
    """Look up every pending place, by its postcode, then by its city in the country's languages.

    A failed lookup is retried within the run, then later; the other places are not affected.
    """
    kind = Geocoding(geocoder)
    done = fetch(store, [kind], clock, sleep, is_by_hand=is_by_hand)
    return kind.located, done


@dataclass(frozen=True)
class PlaceLookup(Batch):
    """One place, looked up under one name after another until a result is accepted."""

    city: str | None
    #: The remaining lookups, starting with this request.
    lookups: tuple[Lookup, ...]
    #: Candidates of the previous lookups.
    candidates: tuple[Candidate, ...] = ()


class Geocoding(Kind[PlaceLookup, Located]):
    """Geocoding lookups, with one place, name and language per request."""

    name = "geocoding"

    def __init__(self, geocoder: Geocoder) -> None:
        super().__init__(geocoder, MAX_LOOKUPS)
        self.located: list[Located] = []
        self._geocoder = geocoder

    def pick(
        self, connection: Connection, now: dt.datetime, quota_left: float
    ) -> Sequence[PlaceLookup]:
        """Return pending places, as many as the quota covers with all their lookups."""
        query = text(read_sql("pipelines.sources.weather", "pick_pending"))
        affordable = quota_left // self.cost_of_place
        parameters = {"now": now, "max_places": int(min(MAX_PLACES, affordable))}
        return [
            PlaceLookup(
                (Place(row.place_id, None, None, row.country_code, row.postcode),),
                cost=1.0,
                city=row.city,
                lookups=lookups(row.country_code, row.postcode, row.city),
            )
            for row in connection.execute(query, parameters)
        ]

    def request(self, batch: PlaceLookup) -> Sequence[Located | str]:
        """Return the location of the place, or that this lookup did not find it.

        A misconfigured geocoder fails the lookup and not the run: the weather of places with
        coordinates does not need it.
        """
        if not batch.lookups:  # a place of an earlier version, without a name
            return [unlocated(())]
        lookup = batch.lookups[0]
        try:
            results = self._geocoder.search(lookup)
        except PermanentFailure as failure:
            return [failure.problem]
        return [choose(results, lookup, postcode=batch.places[0].postcode, city=batch.city)]

    def write(
        self,
        connection: Connection,
        batch: PlaceLookup,
        responses: Mapping[int, Located],
        now: dt.datetime,
    ) -> None:
        """Write coordinates, or that there are none; nothing while lookups remain."""
        if self.follow_up(batch, responses):
            return
        for place_id, response in responses.items():
            located = _with_candidates(batch, response)
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
                    geocoding_candidates=[asdict(one) for one in located.candidates] or null(),
                )
            )
            self.located.append(located)

    def follow_up(self, batch: PlaceLookup, responses: Mapping[int, Located]) -> PlaceLookup | None:
        """Return the next lookup of a place that this one did not find."""
        (response,) = responses.values()
        rest = batch.lookups[1:]
        if response.is_final or not rest:
            return None
        return replace(batch, lookups=rest, candidates=(*batch.candidates, *response.candidates))


def _with_candidates(batch: PlaceLookup, response: Located) -> Located:
    """Return the last response, with the candidates of all lookups if none was accepted."""
    return response if response.is_final else unlocated((*batch.candidates, *response.candidates))
