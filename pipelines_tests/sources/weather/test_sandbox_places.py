"""The places of the sandbox's shipments: found by native names, and one ambiguous."""

import datetime as dt
from typing import Any

import psycopg

from pipelines.http.client import HttpClient
from pipelines.sources.shipments.sandbox import HEADER, lines
from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.sources.shipments.made_up import deliver
from pipelines_tests.sources.weather.lookups import locate_places


def test_all_sandbox_places_are_found_but_the_ambiguous_one(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Any,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    """A geocoder that finds any name hides what a real one does not find."""
    deliver(
        warehouse,
        tmp_path,
        [dict(zip(HEADER, one, strict=True)) for one in lines(2026, dt.date(2026, 11, 20))],
    )
    put_places(warehouse)
    _, failure = locate_places(warehouse, Geocoder(http, sandbox, clock), clock)
    assert failure is None
    query = "SELECT place_key, geocoding_status, geocoded_name FROM weather.places"
    found = {key: (status, name) for key, status, name in owner.execute(query).fetchall()}
    assert {key for key, (status, _) in found.items() if status != "found"} == {"DE frankfurt"}
    assert found["DE frankfurt"] == ("ambiguous", None)
    assert found["AT 1010"] == ("found", "Wien, AT")
    assert found["IT roma"] == ("found", "Roma, IT")
    assert found["DE 20144"] == ("found", "Hamburg, DE")
    assert found["DK 1050"] == ("found", "Copenhagen, DK")
    assert found["PL 00-950"] == ("found", "Warsaw, PL")


def test_the_sandbox_has_the_free_quotas_and_none_with_key(
    http: HttpClient, sandbox: str, clock: FakeClock
) -> None:
    import requests

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
