"""The map of places."""

import psycopg

from pipelines.sources.weather.geocode_places import located_places
from pipelines.sources.weather.pictures import places_map
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drawn import hues, png


def test_the_map_has_the_places_that_have_coordinates_and_how_they_came(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    owner.execute(
        "INSERT INTO weather.places"
        " (place_key, latitude, longitude, geocoding_status, is_observed) VALUES"
        " ('1.0000,2.0000', 1, 2, 'given', true), ('DE 10115', 52.5, 13.4, 'found', true),"
        " ('FR nowhere', NULL, NULL, 'not_found', true)"
    )
    with warehouse.engine.connect() as connection:
        known = located_places(connection)
    assert sorted(known) == [(2.0, 1.0, False), (13.4, 52.5, True)]
    both = png(places_map(known))
    given = png(places_map([one for one in known if not one[2]]))
    assert len(both) < 10_000
    assert hues(both) - hues(given)


def test_without_places_there_is_no_map() -> None:
    assert places_map([]) is None
