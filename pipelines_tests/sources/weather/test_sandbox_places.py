"""The places of the sandbox's shipments: found by native names, and one ambiguous."""

import datetime as dt

import requests

from pipelines.sources.shipments.sandbox import HEADER, lines
from pipelines.sources.weather.geocode_places import put_places
from pipelines.testing.fake_clock import FakeClock
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


def test_the_sandbox_has_the_free_quotas_and_none_with_key(sandbox: str, clock: FakeClock) -> None:
    def search(**headers: str) -> requests.Response:
        return requests.get(f"{sandbox}/v1/search?name=Berlin", headers=headers, timeout=60)

    def spend(places: int) -> requests.Response:
        coordinates = ",".join(["50"] * places)
        url = f"{sandbox}/v1/forecast?latitude={coordinates}&longitude={coordinates}"
        return requests.get(url, timeout=60)

    found_places = []
    for _ in range(11):
        found_places.append(spend(500))
        clock.pass_by(minutes=1)
    assert [one.status_code for one in found_places] == [200] * 10 + [429]
    assert found_places[-1].json()["reason"].startswith("Hourly")
    assert search().status_code == 200  # the geocoder counts by itself
    assert search(**{"X-Api-Key": "mine"}).status_code == 200
    rejected = search(**{"X-Api-Key": "bad"})
    assert (rejected.status_code, rejected.json()["error"]) == (400, True)
    assert search(**{"X-Api-Key": "exhausted"}).status_code == 429
    for key, status in (("bad", 401), ("exhausted", 403)):
        current = requests.get(f"{sandbox}/v1/current.json?key={key}&q=50,10", timeout=60)
        assert current.status_code == status
