"""The tables after one day, the same day again, and other days."""

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.http.json_documents import parse_json
from pipelines.ingest.money import parse_price
from pipelines.sources.flights import archive, tables, transform
from pipelines.sources.flights.client import check_document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    answer,
    bring_up_to_date,
    deliver,
    flights_document,
    itinerary,
    leg,
)

TABLES = [table.name for table in tables.READ_FROM_SNAPSHOTS]


pytestmark = pytest.mark.usefixtures("airports")


def everything(owner: psycopg.Connection) -> dict[str, list[Any]]:
    return {
        table: owner.execute(f"SELECT * FROM flights.{table} ORDER BY 1, 2").fetchall()
        for table in TABLES
    }


@pytest.mark.answers("F22")
def test_a_document_loads_completely(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    (outcome,) = deliver(warehouse, MONDAY, flights_document())
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (5, 5, 0, 0)
    assert owner.execute(
        "SELECT itinerary_id, price_amount, price_currency, leg_count, max_stops, airlines, route,"
        " withdrawn_on FROM enriched.itineraries ORDER BY 1"
    ).fetchall() == [
        ("it_1", Decimal("35.00"), "GBP", 2, 0, ["Wizz Air"], "BUD-LTN, LTN-BUD", None),
        (
            "it_2",
            Decimal("90.50"),
            "GBP",
            2,
            1,
            ["Lufthansa", "Wizz Air"],
            "BUD-LTN, LGW-BUD",
            None,
        ),
    ]
    assert owner.execute(
        "SELECT departure_on, return_on, origin_city, destination_city, total_duration_minutes"
        " FROM enriched.itineraries WHERE itinerary_id = 'it_1'"
    ).fetchone() == (dt.date(2026, 6, 1), dt.date(2026, 6, 8), "Budapest", "London", 145 + 145)
    assert owner.execute(
        "SELECT leg_number, departure_city, arrival_city, elapsed_minutes, airline_logo_url"
        " FROM enriched.itinerary_legs WHERE itinerary_id = 'it_1' ORDER BY 1"
    ).fetchall()[0] == (
        1,
        "Budapest",
        "London",
        145,
        "https://logos.skyscnr.com/images/airlines/favicon/WZ.png",
    )


@pytest.mark.answers("F52")
def test_equal_prices_do_not_collide(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    deliver(warehouse, MONDAY, flights_document([itinerary(n, [1]) for n in range(1, 4)]))
    query = "SELECT count(*), sum(price_amount) FROM enriched.itineraries"
    assert owner.execute(query).fetchone() == (3, Decimal("105.00"))


@pytest.mark.answers("F30")
def test_the_same_day_again_is_a_no_op(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    deliver(warehouse, MONDAY, flights_document())
    before = everything(owner)
    assert deliver(warehouse, MONDAY, flights_document()) == []
    assert everything(owner) == before


def test_the_same_content_on_another_day_changes_no_row(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    deliver(warehouse, MONDAY, flights_document())
    before = everything(owner)
    (outcome,) = deliver(warehouse, TUESDAY, flights_document())
    assert (outcome.loaded, outcome.unchanged) == (0, 5)
    assert everything(owner) == before
    query = "SELECT count(*), count(DISTINCT sha256) FROM flights.snapshots"
    assert owner.execute(query).fetchone() == (2, 1)
    assert owner.execute("SELECT count(*) FROM flights.payloads").fetchone() == (1,)


def test_changes_are_followed_and_prices_keep_their_history(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    deliver(warehouse, MONDAY, flights_document())
    changed = flights_document(
        [itinerary(1, [1, 2, 3], price="£1,234.50"), itinerary(2, [1], agent="Lufthansa")]
    )
    (outcome,) = deliver(warehouse, TUESDAY, changed)
    assert (outcome.loaded, outcome.unchanged) == (2, 3)
    assert owner.execute(
        "SELECT itinerary_id, agent, price_amount, leg_count FROM enriched.itineraries ORDER BY 1"
    ).fetchall() == [
        ("it_1", "Trip.com", Decimal("1234.50"), 3),
        ("it_2", "Lufthansa", Decimal("35.00"), 1),
    ]
    assert owner.execute(
        "SELECT itinerary_id, seen_from_at::date, price_amount FROM flights.prices ORDER BY 1, 2"
    ).fetchall() == [
        ("it_1", MONDAY, Decimal("35.00")),
        ("it_1", TUESDAY, Decimal("1234.50")),
        ("it_2", MONDAY, Decimal("90.50")),
        ("it_2", TUESDAY, Decimal("35.00")),
    ]
    assert owner.execute(
        "SELECT itinerary_id, array_agg(leg_id ORDER BY leg_number) FROM enriched.itinerary_legs"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall() == [("it_1", ["leg_1", "leg_2", "leg_3"]), ("it_2", ["leg_1"])]


@pytest.mark.answers("F56")
def test_withdrawn_and_returned_itineraries_are_seen(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    query = (
        "SELECT itinerary_id, first_seen_on, last_seen_on, withdrawn_on"
        " FROM enriched.itineraries ORDER BY 1"
    )
    deliver(warehouse, MONDAY, flights_document())
    deliver(warehouse, TUESDAY, flights_document([itinerary(1, [1, 2])]))
    assert owner.execute(query).fetchall() == [
        ("it_1", MONDAY, TUESDAY, None),
        ("it_2", MONDAY, MONDAY, TUESDAY),
    ]
    deliver(warehouse, WEDNESDAY, flights_document())
    assert owner.execute(query).fetchall()[1] == ("it_2", MONDAY, WEDNESDAY, None)


def test_a_rejected_itinerary_is_quarantined_and_not_withdrawn(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    deliver(warehouse, MONDAY, flights_document())
    bad = flights_document([itinerary(1, [1, 2]), itinerary(2, [1, 9])])
    (outcome,) = deliver(warehouse, TUESDAY, bad)
    assert (outcome.read, outcome.unchanged, outcome.rejected) == (5, 4, 1)
    assert owner.execute(
        "SELECT left(name, 13), position, reasons"
        " FROM ops.quarantine JOIN ops.deliveries USING (delivery_id)"
    ).fetchall() == [
        (
            "2026-03-03T05",
            "itineraries[1]",
            ["a leg is not in the document, or was rejected"],
        )
    ]
    assert owner.execute(
        "SELECT withdrawn_on FROM enriched.itineraries WHERE itinerary_id = 'it_2'"
    ).fetchone() == (None,)


def test_airports_come_with_zones_and_city_groups(owner: psycopg.Connection) -> None:
    assert owner.execute("SELECT count(*) FROM flights.airports").fetchone() == (7884,)
    assert owner.execute(
        "SELECT city_code, time_zone, country_code FROM flights.airports"
        " WHERE airport_code IN ('LTN', 'BUD') ORDER BY airport_code"
    ).fetchall() == [("BUD", "Europe/Budapest", "HU"), ("LON", "Europe/London", "GB")]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "JSON list, not an object"),
        ({}, 'no list "itineraries" and "legs"'),
        ({"legs": []}, 'no list "itineraries"'),
        ({"itineraries": [], "legs": {}}, 'no list "legs"'),
        (None, "JSON NoneType"),
        (parse_json(b'{"legs": [], "itineraries": [1], "itineraries": []}'), "ambiguous"),
    ],
)
def test_json_that_is_not_a_flight_document_is_rejected(document: Any, words: str) -> None:
    with pytest.raises(PermanentFailure, match=words):
        check_document(document, place="http://source/flights.json")


def test_records_that_a_fault_of_ours_drops_stop_the_load(
    warehouse: Warehouse, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger counts the rows of the tables, not what remains without the rejects."""
    original = transform._itinerary_rows
    monkeypatch.setattr(
        transform, "_itinerary_rows", lambda frame, prices: original(frame.iloc[:1], prices)
    )
    with pytest.raises(PermanentFailure, match="counts_balance"):
        deliver(warehouse, MONDAY, flights_document())
    assert owner.execute("SELECT count(*) FROM flights.legs").fetchone() == (0,)


def test_a_document_that_crashes_our_parser_does_not_block_others(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, country: str | None) -> object:
        if text == "£13":
            raise LookupError(text)
        return parse_price(text, country)

    monkeypatch.setattr("pipelines.sources.flights.transform.parse_price", broken)
    with warehouse.transaction("flights") as connection:
        bad = flights_document([itinerary(1, [1], price="£13")])
        archive.keep(connection, answer(bad, MONDAY))
        archive.keep(connection, answer(flights_document(), TUESDAY))
    outcomes, failures = bring_up_to_date(warehouse)
    assert len(outcomes) == 1
    assert "could not be read: LookupError" in str(failures[0])


@pytest.mark.answers("F11", "F54")
def test_an_itinerary_is_listed_once_however_many_legs_match(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """Filtering by stops joined legs without DISTINCT: two matching legs gave two rows."""
    deliver(warehouse, MONDAY, flights_document([itinerary(1, [1, 2]), itinerary(2, [1, 3])]))
    any_leg = """
        SELECT itinerary_id FROM enriched.itineraries WHERE itinerary_id IN (
            SELECT itinerary_id FROM enriched.itinerary_legs WHERE stops = %s) ORDER BY 1"""
    assert owner.execute(any_leg, [0]).fetchall() == [("it_1",), ("it_2",)]
    assert owner.execute(any_leg, [1]).fetchall() == [("it_2",)]
    by_stops = "SELECT itinerary_id, leg_stops FROM enriched.itineraries WHERE 1 = ANY(leg_stops)"
    assert owner.execute(by_stops).fetchall() == [("it_2", [0, 1])]
    all_direct = "SELECT itinerary_id FROM enriched.itineraries WHERE max_stops = 0"
    assert owner.execute(all_direct).fetchall() == [("it_1",)]


@pytest.mark.answers("F57")
def test_prices_are_ordered_as_numbers_and_not_as_text(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    prices = ["£9", "£10.50", "£1,000", "£200"]
    deliver(
        warehouse,
        MONDAY,
        flights_document([itinerary(n, [1], price=price) for n, price in enumerate(prices)]),
    )
    ordered = "SELECT price_amount FROM enriched.itineraries ORDER BY price_amount"
    assert [str(row[0]) for row in owner.execute(ordered)] == ["9.00", "10.50", "200.00", "1000.00"]


@pytest.mark.parametrize("silent", [[], None])
def test_a_document_that_suddenly_offers_nothing_is_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, silent: list[Any] | None
) -> None:
    deliver(warehouse, MONDAY, flights_document())
    legs = flights_document()["legs"] if silent is None else []
    with pytest.raises(PermanentFailure, match="has no itineraries, and the one of 2026-03-02"):
        deliver(warehouse, TUESDAY, flights_document([], legs))
    query = "SELECT count(*) FROM enriched.itineraries WHERE withdrawn_on IS NULL"
    assert owner.execute(query).fetchone() == (2,)


def test_a_code_with_two_names_is_reported_as_drift(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    legs = [leg(1), leg(2, airline_name="Wizz")]
    deliver(warehouse, MONDAY, flights_document([itinerary(1, [1, 2])], legs))
    assert owner.execute(
        "SELECT drift FROM ops.deliveries WHERE source = 'flights'"
    ).fetchone() == (['flights.json: airline_id "WZ" has the names ["Wizz Air", "Wizz"]'],)


@pytest.mark.answers("F17")
def test_an_itinerary_comes_with_its_legs_in_one_row(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    deliver(warehouse, MONDAY, flights_document())
    query = "SELECT route, price_amount, legs FROM enriched.itinerary(%s)"
    (row,) = owner.execute(query, ["it_2"]).fetchall()
    assert row[:2] == ("BUD-LTN, LGW-BUD", Decimal("90.50"))
    there, home = row[2]
    assert there["departure"] == {
        "airport": "BUD",
        "name": "Budapest Ferenc Liszt International Airport",
        "city": "Budapest",
        "local_time": "2026-06-01T15:35:00",
    }
    assert (home["leg_id"], home["stops"], home["airline"], home["airline_id"]) == (
        "leg_3",
        1,
        "Lufthansa",
        "LH",
    )
    assert owner.execute(query, ["it_9"]).fetchall() == []
    several = "FROM enriched.itineraries AS one, enriched.itinerary(one.itinerary_id) AS whole"
    assert owner.execute(
        f"SELECT whole.itinerary_id, jsonb_array_length(whole.legs) {several} ORDER BY 1"
    ).fetchall() == [("it_1", 2), ("it_2", 2)]
