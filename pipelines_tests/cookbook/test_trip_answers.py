"""Flights, parcels, weather, deliveries: the answers are recomputed in Python."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

from pipelines.sources.weather.observation import words_for
from pipelines_tests.cookbook import known_bookings, known_flights, known_shipments
from pipelines_tests.cookbook.answers import Answer, of


def test_flights(answer: Answer) -> None:
    *_, sunday, monday = known_flights.OFFERS.values()
    legs = {one["id"]: one for one in known_flights.LEGS}
    offers = {one["id"]: one for one in monday if one["id"] != "it_8"}  # whose price is none
    prices = {id_: Decimal(one["price"][1:]) for id_, one in offers.items()}
    stops = {id_: [legs[leg]["stops"] for leg in one["legs"]] for id_, one in offers.items()}
    in_pounds = [id_ for id_, one in offers.items() if one["price"].startswith("£")]
    cheapest = sorted((prices[id_], id_) for id_ in in_pounds if max(stops[id_]) <= 1)[:3]
    assert of(answer("What are the cheapest"), "price_amount", "itinerary_id") == cheapest
    (first, *_) = trips = answer("On which days do the cheapest trips")
    assert (
        of(trips, "price_amount", "itinerary_id")
        == sorted((prices[id_], id_) for id_ in in_pounds)[:3]
    )
    assert f"{first['departure_on']} {first['return_on']}" == "2026-11-20 2026-11-24"
    assert (first["origin_city"], first["total_duration_minutes"]) == ("Budapest", 155 + 145)
    ids = of(answer("Which offers are there of"), "itinerary_id")
    ours = [
        id_
        for id_, one in offers.items()
        if id_ in in_pounds
        and (
            "Trip" in one["agent"]
            or any("Wizz" in legs[leg]["airline_name"] for leg in one["legs"])
        )
    ]
    assert ids == sorted(ours, key=lambda id_: (-offers[id_]["agent_rating"], prices[id_]))
    direct = {id_ for id_ in offers if 0 in stops[id_]} | {"it_5"}
    assert of(answer("Which itineraries have any leg"), "itinerary_id") == sorted(direct)
    (itinerary,) = answer("What is an itinerary, with all")
    assert itinerary["price_amount"] == prices["it_2"]
    assert itinerary["first_departure"]["airport"] == "BUD"
    assert itinerary["first_departure"]["local_time"] == "2026-11-20T09:30:00"
    of_wizz = {
        id_
        for id_, one in offers.items()
        if any(legs[leg]["airline_name"] == "Wizz Air" for leg in one["legs"])
    }
    assert set(of(answer("Which itineraries does an airline"), "itinerary_id")) == of_wizz
    airlines = {(one["airline_id"], one["airline_name"]) for one in known_flights.LEGS}
    assert set(of(answer("Which airlines are there"), "airline_id", "name")) == airlines
    rated = {(one["agent"], one["agent_rating"]) for one in offers.values()}
    assert set(of(answer("Which agents are there"), "agent", "agent_rating")) == rated
    london = set(known_flights.AIRPORTS) - {"BUD"}
    assert set(of(answer("Which airports does a city"), "airport_code")) == london
    way = answer("What are the legs of")
    assert of(way, "departs") == ["2026-11-20 09:30", "2026-11-24 14:00"]
    assert of(way, "layover_minutes") == [275 - 205, 320 - 200]
    weather = answer("How will the weather be where")
    expected = [one[2] for one in known_flights.HOURS]
    columns = ("departure_temperature_celsius", "arrival_temperature_celsius")
    assert [value for row in of(weather, *columns) for value in row] == expected
    found = of(answer("Which legs go through"), "leg_id")
    assert found == [
        id_
        for id_, leg in legs.items()
        if leg["airline_id"] == "LH" or leg["arrival_airport"] in {"BUD", "STN"}
    ]
    assert of(answer("Which legs have times"), "leg_id", "elapsed_minutes") == [("leg_7", 155)]
    paid = [
        Decimal(one["price"][1:])
        for offered in known_flights.OFFERS.values()
        for one in offered
        if one["id"] == "it_1"
    ]
    assert of(answer("What did an itinerary cost"), "price_amount") == paid
    before = {one["id"]: Decimal(one["price"][1:]) for one in sunday}
    changed = {id_: (before[id_], now) for id_, now in prices.items() if before[id_] != now}
    moved = answer("What became cheaper")
    assert {row["itinerary_id"]: (row["was"], row["is_now"]) for row in moved} == changed
    assert [float(row["change_pct"]) for row in moved] == sorted(
        round(float(100 * (now / was - 1)), 1) for was, now in changed.values()
    )
    gone = answer("Which itineraries were withdrawn")
    assert of(gone, "itinerary_id", "withdrawn_on") == [("it_5", dt.date(2026, 11, 2))]
    took = {id_: max(map(_elapsed, map(legs.get, one["legs"]))) for id_, one in offers.items()}
    quick = [(prices[id_], id_, took[id_]) for id_ in in_pounds if took[id_] <= 4 * 60]
    found = answer("Which offers take at most some hours")
    assert of(found, "price_amount", "itinerary_id", "longest_minutes") == sorted(quick)
    assert {"it_1"} <= {id_ for _, id_, _ in quick} < {*in_pounds}
    sellers = {row["agent"]: row["offers"] for row in answer("Who sells")}
    assert sellers == Counter(one["agent"] for one in offers.values())


def _elapsed(leg: Any) -> int:
    """Return the minutes of a leg between Budapest and London, whose clock is an hour behind."""
    departure, arrival = (
        dt.datetime.fromisoformat(leg[f"{end}_time"]) for end in ("departure", "arrival")
    )
    behind = dt.timedelta(hours=1 if leg["departure_airport"] == "BUD" else -1)
    return int((arrival - departure + behind).total_seconds()) // 60


def test_shipments(answer: Answer) -> None:
    lines = {
        (one["tracking_number"], one["sku"]): one
        for one in [*known_shipments.FRIDAY, *known_shipments.MONDAY]
        if one["article_price"] != "free"
    }
    articles = answer("What is in which parcel")
    assert of(articles, "tracking_number", "name", "quantity", "unit_price") == [
        (number, one["article_name"], int(one["article_quantity"]), Decimal(one["article_price"]))
        for (number, _), one in sorted(lines.items())
    ]
    (parcel,) = answer("What is the status of a parcel")
    value = sum(
        int(one["article_quantity"]) * Decimal(one["article_price"])
        for (number, _), one in lines.items()
        if number == "TN20261001"
    )
    assert (parcel["status"], parcel["units"], parcel["total_value"]) == ("in_transit", 3, value)
    ends = [known_shipments.PLACES[key].celsius for key in ("DE 10115", "AT 6020")]
    assert [parcel[f"{end}_temperature_celsius"] for end in ("sender", "receiver")] == ends
    to_france = answer("Which parcels are on their way")
    assert of(to_france, "tracking_number") == ["TN20261006", "TN20261004"]
    (delay,) = answer("Does the weather delay")
    took = known_shipments.DELIVERED_AT - known_shipments.SENT_AT
    assert (delay["weather"], delay["parcels"]) == ("none", 1)
    assert delay["longest"] == took.total_seconds() / 3600
    (last,) = answer("Which parcels were delivered last")
    assert (last["tracking_number"], last["delivered_at"]) == (
        "TN20261002",
        known_shipments.DELIVERED_AT,
    )
    assert last["in_transit_hours"] == delay["longest"]
    codes = [known_shipments.PLACES[key].code for key in ("DE 10115", "FR 75001")]
    assert [last["sent_conditions"], last["delivered_conditions"]] == [*map(words_for, codes)]
    risks = {key: known_shipments.risk_of(place) for key, place in known_shipments.PLACES.items()}
    assert of(answer("Which parcels may the weather"), "tracking_number", "weather_risk") == [
        ("TN20261001", risks["AT 6020"]),
        ("TN20261003", risks["GB SW1A"]),
    ]
    assert (risks["AT 6020"], risks["GB SW1A"]) == ("snow", "storm")
    history = of(answer("How did the status"), "status", "status_raw")
    assert history == [("inbound_scan", "inbound-scan"), ("in_transit", "transit")]
    assert of(answer("Which addresses"), "receiver_address") == [known_shipments.NOWHERE]


def test_weather_and_where_all_came_from(answer: Answer) -> None:
    weather = answer("How is the weather at every place")
    places = known_shipments.PLACES
    assert of(weather, "temperature_celsius") == [places[key].celsius for key in sorted(places)]
    hamburg, london = answer("What goes on within 50 km")
    assert (hamburg["offers"], hamburg["from_price"], hamburg["to_come"]) == (0, None, 0)
    offered = [*known_flights.OFFERS.values()][-1]
    prices = [Decimal(one["price"][1:]) for one in offered if one["price"].startswith("£")]
    assert (london["hotel_name"], london["from_price"]) == ("Park View", min(prices))
    calls = of(answer("What did asking"), "outcome", "places", "requests", "cost")
    assert calls == [("success", 6, 6, 6), ("failed", 6, 1, 6), ("success", 6, 1, 6)]
    came = answer("What came in, and")
    assert Counter(of(came, "feed")) == {"flights": 3, "shipments": 2, "bookings": 2}
    for row in came:
        parts = row["loaded_count"], row["unchanged_count"], row["rejected_count"]
        assert row["read_count"] == sum(parts)
    lines = len(known_shipments.FRIDAY) + len(known_shipments.MONDAY)
    read = sum(row["read_count"] for row in came if row["feed"] == "shipments")
    assert read == lines
    fresh = {row["name"]: row for row in answer("How fresh is each view")}
    loaded = {row["feed"]: row["received_at"] for row in reversed(came) if row["loaded_count"]}
    assert {row["last_new_data_at"] for row in fresh.values()} == {loaded["bookings"]}
    assert fresh["enriched.hotels"]["newest_at"] < loaded["bookings"], "the last event"
    rejected = answer("What was rejected")
    assert of(rejected, "feed", "count") == [
        *[("bookings", 1), ("bookings", 1), ("flights", 1), ("shipments", 1)]
    ]
    assert '"from 70"' in rejected[2]["example"]
    records = answer("What does a rejected record")
    assert {row["raw"].split(",")[0] for row in records} == {
        str(known_bookings.OTHERWISE["id"]),
        str(known_bookings.UNREADABLE["id"]),
    }
    assert "hotel_id was 2607" in records[0]["reasons"][0]
    (event,) = answer("Which file or answer")
    assert event["name"] == "bookings-2026-11-02.csv"
