"""The places of the sandbox's shipments: found by native names, and one ambiguous."""

import datetime as dt

from pipelines.sources.shipments.sandbox import HEADER, lines
from pipelines.sources.weather.geocode_places import put_places
from pipelines_tests.sources.weather.site import Site


def test_all_sandbox_places_are_found_but_the_ambiguous_one(site: Site) -> None:
    """A geocoder that finds any name hides what a real one does not find."""
    site.send([dict(zip(HEADER, one, strict=True)) for one in lines(2026, dt.date(2026, 11, 20))])
    put_places(site.warehouse)
    _, failure = site.locate()
    assert failure is None
    query = "SELECT place_key, geocoding_status, geocoded_name FROM weather.places"
    found = {key: (status, name) for key, status, name in site.rows(query)}
    assert {key for key, (status, _) in found.items() if status != "found"} == {"DE frankfurt"}
    assert found["DE frankfurt"] == ("ambiguous", None)
    assert found["AT 1010"] == ("found", "Wien, AT")
    assert found["IT roma"] == ("found", "Roma, IT")
    assert found["DE 20144"] == ("found", "Hamburg, DE")
    assert found["DK 1050"] == ("found", "Copenhagen, DK")
    assert found["PL 00-950"] == ("found", "Warsaw, PL")
