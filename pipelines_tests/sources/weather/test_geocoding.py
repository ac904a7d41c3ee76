"""The choice of a result for a place, and that each place is looked up once."""

from typing import Any

import psycopg
import pytest

from pipelines.failures import TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.fetch import fetch
from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.geocoding import MAX_LOOKUPS, Geocoder, Lookup, choose, lookups
from pipelines.sources.weather.kinds import PresentWeather
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.testing.fake_source import Answer, FakeSource, body, document
from pipelines_tests.clock import FakeClock
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.weather.site import Site


def result(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "country_code": "FR", "latitude": 48.9, "longitude": 2.3} | changes


PARIS = result("Paris", postcodes=["75001", "75020"], population=2_000_000)
PARIS_TX = result("Paris", country_code="US", latitude=33.7, longitude=-95.6, population=25_000)
ANY = Lookup("x", "fr", ("FR",))
NORTH = result("Saint-Denis", latitude=48.9, longitude=2.35, population=110_000)
FAR = result("Saint-Denis", latitude=-20.9, longitude=55.4, population=150_000)
OTHER = result("Other", postcodes=["75001"], longitude=7.0)
MAYOTTE_STATE = result("Mayotte", feature_code="PCLD", population=9_999, longitude=45.2)
MAYOTTE = result("Mayotte", feature_code="PPLA", population=5, longitude=45.1)


@pytest.fixture
def geocoder(http: HttpClient, source: FakeSource, clock: FakeClock) -> Geocoder:
    """A client of a geocoder that the test controls."""
    return Geocoder(http, source.url.removesuffix("/document.json"), clock)


@pytest.mark.parametrize(
    ("results", "postcode", "city", "status", "longitude"),
    [
        ([PARIS], "75001", "Paris", "found", 2.3),
        ([PARIS_TX, PARIS], "75001", "Paris", "found", 2.3),
        ([PARIS_TX], "75001", "Paris", "not_found", None),
        ([], "75001", "Paris", "not_found", None),
        ([OTHER, PARIS], "75001", "Paris", "found", 2.3),
        ([result("Lutèce", postcodes=["75001"])], "75001", None, "found", 2.3),
        ([NORTH, FAR], None, "saint-denis", "found", 55.4),
        ([NORTH, {**FAR, "population": 110_000}], None, "Saint-Denis", "ambiguous", None),
        ([{**NORTH, "population": None}, FAR], None, "Saint-Denis", "found", 55.4),
        ([result("Évry")], None, "Evry", "found", 2.3),
        ([result("Munich")], None, "München", "ambiguous", None),
        ([result("Köln")], None, "KOELN", "found", 2.3),
        ([result("Biel/Bienne")], None, "Bienne", "found", 2.3),
        ([result("Paris", admin1="a\x00\ud800")], None, "Paris", "found", 2.3),
        ([MAYOTTE_STATE, MAYOTTE], None, "Mayotte", "found", 45.1),
    ],
)
def test_country_then_postcode_then_name_then_size(
    results: list[dict[str, Any]],
    postcode: str | None,
    city: str | None,
    status: str,
    longitude: float | None,
) -> None:
    lookup = Lookup(postcode or city or "", "fr", ("FR",), is_postcode=postcode is not None)
    located = choose(results, lookup, postcode=postcode, city=city)
    assert (located.status, located.longitude) == (status, longitude)
    assert (located.problem is None) == (status == "found")
    assert bool(located.candidates) == (status == "ambiguous")


@pytest.mark.parametrize(
    ("place", "requested"),
    [
        (("AT", None, "Wien"), ["Wien de", "Wien en"]),
        (("BE", None, "Gent"), ["Gent nl", "Gent fr", "Gent de", "Gent en"]),
        (("IR", None, "مشهد"), ["مشهد fa", "مشهد en"]),
        (("RS", None, "Beograd"), ["Beograd hr", "Beograd sr", "Beograd en"]),
        (("NL", "1016 BZ", None), ["1016 en"]),
        (("CA", "K1A0B1", None), ["K1A en"]),
        (("US", "94043-1351", None), ["94043 en"]),
        (("DE", "10115", "Berlin"), ["10115 en", "Berlin de", "Berlin en"]),
        (("XX", None, "Town"), ["Town en"]),
    ],
)
def test_a_place_is_requested_with_its_parts(
    place: tuple[str, str | None, str | None], requested: list[str]
) -> None:
    """Requested in English, "Wien" is not Vienna; 1016 BZ is the alternate of nothing."""
    found = [f"{one.name} {one.language}" for one in lookups(*place)]
    assert found == requested
    assert len(found) <= MAX_LOOKUPS


def test_names_match_in_any_language_and_other_towns_never(site: Site) -> None:
    """Of 92 native spellings 23 were not found, and "Wien" became Wiener Neustadt."""
    addresses = {
        "AT wien": "Street 1, Wien, Austria",
        "DK 1050": "Street 1, 1050 København, Denmark",
        "NL 1016": "Street 1, 1016 BZ Amsterdam, Netherlands",
        "DE frankfurt": "Street 1, Frankfurt, Germany",
        "US springfield": "Street 1, Springfield, USA",
    }
    lines = [line(n, receiver_address=one) for n, one in enumerate(addresses.values())]
    site.send(lines)
    site.locate()
    query = "SELECT place_key, geocoding_status, geocoded_name FROM weather.places ORDER BY 1"
    found = {key: (status, name) for key, status, name in site.rows(query)}
    assert {key: found[key] for key in addresses} == {
        "AT wien": ("found", "Wien, AT"),
        "DK 1050": ("found", "København, DK"),
        "NL 1016": ("found", "Amsterdam, NL"),
        "DE frankfurt": ("ambiguous", None),
        "US springfield": ("ambiguous", None),
    }
    query = (
        "SELECT geocoding_candidates FROM weather.places WHERE geocoding_candidates IS NOT NULL"
        " ORDER BY place_key"
    )
    (frankfurt,), (springfield,) = site.rows(query)
    assert [[*one.values()] for one in frankfurt] == [
        ["Frankfurt am Main, Hesse, DE", 50.1155, 8.6842, 650_000],
        ["Frankfurt (Oder), Brandenburg, DE", 52.3471, 14.5506, 51_700],
    ]
    assert [one["longitude"] for one in springfield] == [-89.6437, -93.2982]
    site.owner.execute("SELECT weather.correct_place('DE frankfurt', 50.1155, 8.6842)")
    assert len(site.rows(query)) == 1


def test_a_malformed_response_fails_instead_of_being_empty(
    geocoder: Geocoder, source: FakeSource
) -> None:
    changes: list[dict[str, Any]] = [
        *({key: None} for key in ("name", "country_code", "latitude")),
        *({"longitude": value} for value in ("2.3", 181, 10**400, float("nan"))),
    ]
    answers: list[Any] = [[], {"results": {}}, {"results": ["x"]}, "x", None]
    answers += [{"results": [PARIS | one]} for one in changes]
    for answer in answers:
        source.will(document(answer))
        with pytest.raises(TransientFailure, match="not a list of results"):
            geocoder.search(ANY)


def test_a_name_with_blanks_and_umlauts_is_requested_unchanged(
    geocoder: Geocoder, source: FakeSource
) -> None:
    """A cache key of the name as it stood, blanks and umlauts included, was rejected."""
    source.will(document({}))
    geocoder.search(Lookup("Bad Münstereifel", "de", ("DE",)))
    ((_, path),) = source.requests
    assert "name=Bad+M%C3%BCnstereifel" in path
    assert "countryCode=DE" in path
    assert "count=100" in path
    assert "language=de" in path


def statuses(site: Site) -> dict[str, str]:
    return dict(site.rows("SELECT place_key, geocoding_status FROM weather.places"))


def test_each_place_is_looked_up_once_for_all_its_shipments(site: Site) -> None:
    lines = [line(n, sender_address=f"Street {n}, 10115 Berlin, Germany") for n in range(20)]
    lines[0]["receiver_address"] = "Street 2, Mashhad, Iran"
    lines[1]["receiver_address"] = "Street 2, Nowhere, Iran"
    lines[2]["receiver_address"] = "Street 2, 1234 Somewhere, Narnia"
    site.send(lines)
    located, failure = site.locate()
    assert (len(located), failure) == (4, None)
    assert statuses(site) == {
        "DE 10115": "found",
        "FR 75001": "found",
        "IR mashhad": "found",
        "IR nowhere": "not_found",
    }
    put_places(site.warehouse)
    assert site.locate() == ([], None)
    query = "SELECT count(*), count(*) FILTER (WHERE outcome = 'success') FROM weather.api_requests"
    assert site.row(query) == (6, 6)  # those in Iran in Persian, too


def test_sql_can_correct_a_place_and_trigger_a_new_lookup(site: Site) -> None:
    site.send([line(1, receiver_address="Street 2, Nowhere, Iran")])
    site.locate()
    present = PresentWeather(OpenMeteo(site.http, site.sandbox, site.clock), site.clock)
    fetch(site.warehouse, [present])
    site.owner.execute("SELECT weather.correct_place('IR nowhere', 36.3, 59.6)")
    site.owner.execute("SELECT weather.correct_place('DE 10115', 52.5, 13.4)")
    weather = "SELECT count(*) FROM weather.observations"
    assert site.row(weather) == (0,)  # it was that of another place
    assert fetch(site.warehouse, [present]).succeeded == 2
    assert statuses(site) == {"DE 10115": "corrected", "IR nowhere": "corrected"}
    site.owner.execute(
        "UPDATE weather.places SET geocoding_status = 'pending' WHERE place_key = 'DE 10115'"
    )
    put_places(site.warehouse)
    assert len(site.locate()[0]) == 1
    assert statuses(site) == {"DE 10115": "found", "IR nowhere": "corrected"}
    assert site.row(weather) == (1,), "it was found elsewhere"
    assert fetch(site.warehouse, [present]).succeeded == 1
    with pytest.raises(psycopg.errors.CheckViolation):
        site.owner.execute(
            "UPDATE weather.places SET latitude = NULL WHERE place_key = 'IR nowhere'"
        )
    for arguments in ("'XX', 1, 2", "NULL, 1, 2"):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="there is no place"):
            site.owner.execute(f"SELECT weather.correct_place({arguments})")


@pytest.mark.parametrize(
    "answer",
    [
        body(b"oops", status=500),
        body(b'{"error": true, "reason": "Something went wrong."}', status=400),
    ],
)
@pytest.mark.parametrize("is_by_hand", [True, False])
def test_a_failed_lookup_is_retried_later_or_by_hand_and_others_continue(
    site: Site, geocoder: Geocoder, source: FakeSource, answer: Answer, is_by_hand: bool
) -> None:
    """Also one that the service blames on the request without a reason.

    After four runs by hand with faults, and one without, 4 of 10 places had no weather.
    """
    site.send([line(1)])
    berlin = result("Berlin", country_code="DE", postcodes=["10115"])
    source.will(*[answer] * 4, document({"results": [PARIS, berlin]}))
    site.locate(geocoder)
    assert statuses(site) == {"DE 10115": "pending", "FR 75001": "found"}
    assert site.locate(geocoder) == ([], None)
    if is_by_hand:
        site.locate(geocoder, is_by_hand=True)
    else:
        site.clock.pass_by(minutes=11)
        site.locate(geocoder)
    assert statuses(site)["DE 10115"] == "found"


@pytest.mark.parametrize(
    ("answer", "words", "outcome"),
    [
        (body(b'{"error": true, "reason": "Parameter x is odd"}', status=400), "x is", "rejected"),
        (body(b"no", status=404), "answered 404", "failed"),
    ],
)
def test_an_impossible_lookup_fails_neither_the_run_nor_others(
    site: Site, geocoder: Geocoder, source: FakeSource, answer: Answer, words: str, outcome: str
) -> None:
    source.will(answer, document({"results": [PARIS]}))
    site.send([line(1)])
    located, failure = site.locate(geocoder)
    assert words in str(failure)
    assert [one.status for one in located] == ["found"]
    assert statuses(site) == {"DE 10115": "pending", "FR 75001": "found"}
    query = "SELECT outcome FROM weather.api_requests ORDER BY 1"
    assert site.rows(query) == [(outcome,), ("success",)]
