"""Which places are in use, and where they are: looked up once and kept."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, select, text, update

from pipelines.failures import Failure
from pipelines.sources.weather.geocoding import Geocoder, Located, choose, names_to_try
from pipelines.sources.weather.providers import QuotaExhausted
from pipelines.sources.weather.request_log import (
    LEASE,
    SOURCE,
    note_outcome,
    note_started,
    open_book,
    pause,
    told,
)
from pipelines.sources.weather.tables import places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

PORTION = 5
"""Places in one claim: even a slow geocoder is done with them before it ends."""
LATER = dt.timedelta(minutes=10)
"""When a lookup that failed is tried again, times the failures in a row."""
MAX_FAILURES_IN_A_ROW = 3
MAX_ON_A_MAP = 2000


def put_places(store: Warehouse, now: dt.datetime) -> None:
    """Bring `weather.places` up to date with what the domains' tables use."""
    with store.transaction(SOURCE) as connection:
        connection.execute(text(read_sql("pipelines.sources.weather", "put_places")), {"now": now})
        connection.execute(text(read_sql("pipelines.sources.weather", "put_airports")))
        connection.execute(text(read_sql("pipelines.sources.weather", "put_plants")))


def locate_places(
    store: Warehouse, geocoder: Geocoder, clock: Callable[[], dt.datetime]
) -> tuple[list[Located], Failure | None]:
    """Look up every pending place, each once; two runs at once share the work.

    One that fails is tried again later; the others are done. Gives the last failure too. It stops
    after several failures in a row, and when the allowance is used up.
    """
    found: list[Located] = []
    failure: Failure | None = None
    failures_in_a_row = 0
    while failures_in_a_row < MAX_FAILURES_IN_A_ROW and (batch := _claim(store, geocoder, clock())):
        for number, place in enumerate(batch):
            try:
                found.append(_locate(store, geocoder, place, clock))
                failures_in_a_row = 0
            except Failure as error:
                failure = error
                failures_in_a_row += 1
                _retry_later(store, place.place_id, error, clock())
            if failures_in_a_row >= MAX_FAILURES_IN_A_ROW or isinstance(failure, QuotaExhausted):
                _give_back(store, batch[number + 1 :])
                return found, failure
    return found, failure


def on_the_map(connection: Connection) -> list[tuple[float, float, bool]]:
    """Longitude, latitude, and whether it was looked up, of places that have them: the newest."""
    known = (
        select(places.c.longitude, places.c.latitude, places.c.geocoding_status != "given")
        .where(places.c.latitude.is_not(None))
        .order_by(places.c.place_id.desc())
        .limit(MAX_ON_A_MAP)
    )
    return [(x, y, was_looked_up) for x, y, was_looked_up in connection.execute(known)]


def _claim(store: Warehouse, geocoder: Geocoder, now: dt.datetime) -> list[Any]:
    with store.transaction(SOURCE) as connection:
        left = open_book(connection, geocoder.provider, geocoder.quotas, now)
        most = int(min(PORTION, left // 2))  # each is looked up twice at most
        parameters = {"now": now, "claimed_until": now + LEASE * 2, "most": most}
        query = text(read_sql("pipelines.sources.weather", "claim_pending"))
        return list(connection.execute(query, parameters))


def _locate(
    store: Warehouse, geocoder: Geocoder, place: Any, clock: Callable[[], dt.datetime]
) -> Located:
    """Look one place up, by postcode and then by name."""
    located = Located("not_found", problem="it has neither postcode nor city")
    for name in names_to_try(place.postcode, place.city):
        with store.transaction(SOURCE) as connection:
            request_id = note_started(
                connection,
                [place.place_id],
                provider=geocoder.provider,
                kind="geocoding",
                cost=1.0,
                now=clock(),
            )
        try:
            results = geocoder.search(name, place.country_code)
        except Failure as failure:
            with store.transaction(SOURCE) as connection:
                if isinstance(failure, QuotaExhausted):
                    pause(connection, geocoder.provider, failure)
                note_outcome(connection, request_id, "failed", told(failure))
            raise
        located = choose(
            results,
            country_code=place.country_code,
            postcode=place.postcode,
            city=place.city,
            is_by_city=name == place.city,
        )
        with store.transaction(SOURCE) as connection:
            note_outcome(connection, request_id, "success", located.problem)
            if located.status != "not_found":
                break
    with store.transaction(SOURCE) as connection:
        connection.execute(
            update(places)
            .where(places.c.place_id == place.place_id, places.c.geocoding_status == "pending")
            .values(
                latitude=located.latitude,
                longitude=located.longitude,
                geocoding_status=located.status,
                geocoded_name=located.name,
                geocoded_at=clock(),
                geocoding_retry_at=None,
                geocoding_failures=0,
                geocoding_problem=located.problem,
            )
        )
    return located


def _give_back(store: Warehouse, batch: Sequence[Any]) -> None:
    """Unclaim places that were not come to."""
    ids = [place.place_id for place in batch]
    with store.transaction(SOURCE) as connection:
        mine = places.c.place_id.in_(ids), places.c.geocoding_status == "pending"
        connection.execute(update(places).where(*mine).values(geocoding_retry_at=None))


def _retry_later(store: Warehouse, place_id: int, failure: Failure, now: dt.datetime) -> None:
    with store.transaction(SOURCE) as connection:
        failures = connection.execute(
            update(places)
            .where(places.c.place_id == place_id)
            .values(
                geocoding_failures=places.c.geocoding_failures + 1,
                geocoding_problem=told(failure),
            )
            .returning(places.c.geocoding_failures)
        ).scalar_one()
        retry_at = now + LATER * min(failures, 6)
        connection.execute(
            update(places).where(places.c.place_id == place_id).values(geocoding_retry_at=retry_at)
        )
