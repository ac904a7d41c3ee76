"""The flights contract, and every way a record has been seen to break it."""

from typing import Any

import pandas as pd
import pytest

from pipelines.http.json_documents import parse_json
from pipelines.ingest.feeds import Parsed
from pipelines.sources.flights.transform import read_snapshot
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg

ZONES = {
    "BUD": "Europe/Budapest",
    "LTN": "Europe/London",
    "LGW": "Europe/London",
    "JFK": "America/New_York",
}


def read(document: dict[str, Any]) -> Parsed:
    return read_snapshot(document, time_zones=ZONES)


def reasons(snapshot: Parsed) -> dict[str, str]:
    return {reject.position: "; ".join(reject.words) for reject in snapshot.rejects}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_an_itinerary_has_all_its_legs_in_order(count: int) -> None:
    legs = [leg(number) for number in range(count)]
    order = list(reversed(range(count)))
    (row,) = read(flights_document([itinerary(1, order)], legs)).rows["stage_prices"]["leg_ids"]
    assert row == "{" + ",".join(f'"leg_{number}"' for number in order) + "}"


def test_ids_of_legs_are_cleaned_where_they_are_named_too() -> None:
    document = flights_document([itinerary(1, [1]) | {"legs": ["leg_1 "]}], [leg(1, id=" leg_1")])
    assert read(document).rejects == []


def test_local_times_become_instants_in_the_zone_of_their_airport() -> None:
    snapshot = read(flights_document([], [leg(1, "BUD", "JFK")]))
    row = snapshot.rows["stage_legs"].iloc[0]
    assert row["departure_local"] == pd.Timestamp("2026-06-01 15:35")
    assert row["departure_at"] == pd.Timestamp("2026-06-01 13:35", tz="UTC")
    assert row["arrival_at"] == pd.Timestamp("2026-06-01 21:00", tz="UTC")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is not a name"),
        ({"id": "leg\u0000"}, "id is not a name"),
        ({"departure_airport": "bud"}, "not an IATA code"),
        ({"arrival_airport": "BUD"}, "airport are the same"),
        ({"departure_time": "2026-06-01"}, "not a local time"),
        ({"departure_time": "2026-06-01T15:35:10,5"}, "not a local time"),
        ({"departure_time": "\u0662026-06-01T15:35"}, "not a local time"),
        ({"departure_airport": "A1B"}, "not an IATA code"),
        ({"departure_time": "2026-06-01T15:35Z"}, "not a local time"),
        ({"departure_time": "2026-02-30T15:35"}, "not a local time"),
        ({"arrival_time": "9999-06-01T15:35"}, "not a local time"),
        ({"stops": -1}, "not a count"),
        ({"stops": True}, "not a count"),
        ({"stops": parse_json(b"9" * 100_000)}, "not a count"),
        ({"duration_mins": 0}, "not a number of minutes"),
        ({"duration_mins": "145"}, "not a number of minutes"),
        ({"duration_mins": float("nan")}, "not a number of minutes"),
        ({"airline_id": ""}, "airline_id is not a name"),
    ],
)
def test_a_bad_leg_rejects_only_its_own_itineraries(changes: dict[str, Any], reason: str) -> None:
    document = flights_document(legs=[leg(1), leg(2), leg(3, **changes)])
    found = reasons(read(document))
    assert set(found) == {"legs[2]", "itineraries[1]"}
    assert reason in found["legs[2]"]
    assert "a leg is not in the document, or was rejected" in found["itineraries[1]"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": 7}, "id is not a name"),
        ({"legs": []}, "not a list of 1 to 100"),
        ({"legs": ["leg_1"] * 101}, "not a list of 1 to 100"),
        ({"legs": ["leg_1", "leg_99"]}, "not in the document"),
        ({"legs": ["leg_1", None]}, "not in the document"),
        ({"legs": [["leg_1"]]}, "not in the document"),
        ({"price": "free"}, "not an amount above 0 with a currency"),
        ({"price": 35}, "not an amount above 0 with a currency"),
        ({"price": "£-5"}, "not an amount above 0 with a currency"),
        ({"agent": None}, "agent is not a name"),
        ({"agent_rating": 10.5}, "not a number from 0 to 10"),
        ({"agent_rating": float("inf")}, "not a number from 0 to 10"),
    ],
)
def test_a_bad_itinerary_rejects_no_others(changes: dict[str, Any], reason: str) -> None:
    document = flights_document([itinerary(1, [1, 2]), itinerary(2, [1], **changes)])
    found = reasons(read(document))
    assert set(found) == {"itineraries[1]"}
    assert reason in found["itineraries[1]"]


def test_a_missing_key_is_a_reason_and_drift() -> None:
    broken = itinerary(1, [1])
    del broken["price"]
    snapshot = read(flights_document([broken, itinerary(2, [1])]))
    assert "the key 'price' is missing" in reasons(snapshot)["itineraries[0]"]
    assert snapshot.drift == ['flights.json: key "price" is missing in 1 of 2 itineraries']


def test_a_repeated_id_with_other_content_is_rejected() -> None:
    document = flights_document(
        [itinerary(1, [1]), itinerary(1, [1]), itinerary(1, [1], price="£99")],
        [leg(1), leg(1, stops=1)],
    )
    found = reasons(read(document))
    assert set(found) == {"itineraries[2]", "legs[1]"}
    assert 'the id came before with other content: "it_1"' in found["itineraries[2]"]


def test_prefixes_are_part_of_the_id() -> None:
    """Stripping the characters of `leg_` turned leg_ge into nothing."""
    document = flights_document([itinerary(1, [], legs=["leg_ge"])], [leg(1, id="leg_ge")])
    assert list(read(document).rows["stage_legs"]["leg_id"]) == ["leg_ge"]
