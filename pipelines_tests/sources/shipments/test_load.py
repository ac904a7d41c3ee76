"""The tables after a file, the same again, others, and bad ones."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from pydantic import ValidationError

from pipelines.sources.shipments import Settings
from pipelines.sources.shipments.reread import read_again
from pipelines.sources.shipments.transform import COLUMNS
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.shipments.made_up import PARIS, Inbox, line, text_of


def test_values_have_the_currency_that_is_set(inbox: Inbox) -> None:
    query = "SELECT total_value, total_value_currency FROM enriched.shipments"
    inbox.deliver([line(1)])
    assert inbox.rows(query) == [(Decimal(800), None)]
    inbox.deliver([line(1), line(2)], currency="EUR")
    assert inbox.rows(query) == [(Decimal(800), "EUR")] * 2


def test_a_file_loads_completely(inbox: Inbox) -> None:
    lines = [
        line(1),
        line(1, sku="MO456", article_name="Mouse", article_price="25.50", article_quantity=3),
        line(2, carrier="UPS", status="transit"),
    ]
    assert inbox.deliver(lines) == (3, 3, 0, 0)
    rows = inbox.rows(
        "SELECT tracking_number, carrier, status, article_count, units, total_value, articles,"
        " sender_street, sender_postcode, sender_city, sender_country_code, receiver_address,"
        " receiver_city, first_seen_at < updated_at FROM enriched.shipments ORDER BY 1"
    )
    assert rows[0] == (
        *("TN00000001", "DHL", "in_transit", 2, 4, Decimal("876.50")),
        [
            {"sku": "LP123", "name": "Laptop", "quantity": 1, "unit_price": 800.0},
            {"sku": "MO456", "name": "Mouse", "quantity": 3, "unit_price": 25.5},
        ],
        *("Street 1", "10115", "Berlin", "DE", PARIS, "Paris", True),
    )
    assert rows[1][:3] == ("TN00000002", "UPS", "in_transit")
    query = "SELECT status_raw FROM shipments.shipments ORDER BY tracking_number"
    assert inbox.rows(query) == [("in-transit",), ("transit",)]


def test_a_header_with_capital_sku_is_read(inbox: Inbox) -> None:
    """`SKU` broke the import that handed each row's keys to the model."""
    assert inbox.deliver(",".join(COLUMNS), "header.csv") == (0, 0, 0, 0)
    content = text_of([line(1)]).replace("sku", "SKU")
    assert inbox.deliver(content) == (1, 1, 0, 0)
    assert inbox.rows("SELECT sku FROM shipments.articles") == [("LP123",)]


def test_a_later_file_updates_and_keeps_every_status_change(inbox: Inbox) -> None:
    inbox.deliver([line(1), line(2)])
    later = [line(1, status="scanned"), line(1, sku="NEW"), line(2, article_quantity=5)]
    later[1]["status"] = "scanned"
    assert inbox.deliver(later) == (3, 3, 0, 0)
    inbox.deliver([line(1, status="delivery")])
    query = "SELECT status FROM shipments.status_history ORDER BY tracking_number, seen_at"
    seen = [status for (status,) in inbox.rows(query)]
    assert seen == ["in_transit", "scanned", "delivery", "in_transit"]
    assert inbox.rows(
        "SELECT status, article_count, units, updated_at > first_seen_at FROM enriched.shipments"
        " ORDER BY tracking_number"
    ) == [("delivery", 2, 2, True), ("in_transit", 1, 5, True)]


def test_another_spelling_of_a_status_is_no_change(inbox: Inbox) -> None:
    for status in ("in-transit", "transit", "in_transit"):
        inbox.deliver([line(1, status=status)])
    query = "SELECT status FROM shipments.status_history"
    assert inbox.rows(query) == [("in_transit",)]
    query = "SELECT status_raw FROM shipments.shipments"
    assert inbox.row(query) == ("in_transit",)


def test_a_shipment_with_contradictory_lines_is_quarantined_completely(inbox: Inbox) -> None:
    columns = ["sender_address", "receiver_address", "status"]
    lines = [line(9), line(9, sku="B"), line(9, sku="C")]
    for number, column in enumerate(columns):
        other = line(number, sku="B", **{column: "Street 7, 1016 Amsterdam, Netherlands"})
        lines += [line(number), other]
    assert inbox.deliver(lines) == (9, 3, 0, 6)
    query = "SELECT position, reasons FROM ops.quarantine ORDER BY quarantine_id"
    assert inbox.rows(query) == [
        (f"line {5 + 2 * number + one}", [f"lines of the shipment disagree on {column}"])
        for number, column in enumerate(columns)
        for one in range(2)
    ]
    query = "SELECT tracking_number FROM enriched.shipments"
    assert inbox.rows(query) == [("TN00000009",)]


#: What makes a line a bad one, and the reason that is reported.
BAD: list[tuple[dict[str, str], str]] = [
    ({"tracking_number": " "}, 'tracking_number is not a name: ""'),
    ({"carrier": "x" * 201}, "carrier is not a name"),
    ({"sender_address": ""}, 'sender_address is not an address: ""'),
    ({"receiver_address": "y" * 501}, "receiver_address is not an address"),
    ({"article_quantity": "0"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "1.5"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "99999999999999999999"}, "article_quantity is not a whole number"),
    ({"article_quantity": "1000001"}, "article_quantity is not a whole number from 1"),
    ({"article_price": "free"}, "article_price is not an amount, or has more decimals than its"),
    ({"article_price": "1e3"}, "article_price is not an amount"),
    ({"article_price": "-5"}, "article_price is not an amount"),
    ({"article_price": "1.234,50"}, "article_price is not an amount"),
    ({"article_price": "1.250"}, "article_price is not an amount"),
    ({"article_price": "NaN"}, "article_price is not an amount"),
    ({"article_price": "999999999"}, "article_price is not an amount"),
    ({"sku": "a\x00b"}, r'sku is not a name: "a\u0000b"'),
    ({"status": ""}, 'status is not a name: ""'),
]


def test_bad_lines_are_quarantined_with_reasons_and_the_others_load(inbox: Inbox) -> None:
    good = [line(number) for number in range(len(BAD) + 2)]
    bad = [line(100 + number, **changes) for number, (changes, _) in enumerate(BAD)]
    assert inbox.deliver([good[0], *bad, *good[1:]]) == (
        *(len(good) + len(bad), len(good)),
        *(0, len(bad)),
    )
    query = (
        "SELECT position, raw, reasons[1] FROM ops.quarantine ORDER BY length(position), position"
    )
    kept = inbox.rows(query)
    assert [position for position, _, _ in kept] == [f"line {n + 3}" for n in range(len(bad))]
    for sent, (_, raw, reason_given), (_, reason) in zip(bad, kept, BAD, strict=True):
        assert reason_given.startswith(reason)
        assert raw == text_of([sent]).splitlines()[1].replace("\x00", "\\x00")
    shipments = inbox.row("SELECT count(*) FROM enriched.shipments")
    assert shipments == (len(good),)


def test_an_address_without_a_postcode_does_not_break_the_list(inbox: Inbox) -> None:
    """Unpacking None made an error of every answer that had such an address."""
    lines = [line(1, receiver_address="Street 2, Mashhad, Iran"), line(2, receiver_address="?")]
    inbox.deliver(lines)
    query = (
        "SELECT receiver_postcode, receiver_city, receiver_country_code FROM enriched.shipments"
        " ORDER BY tracking_number"
    )
    assert inbox.rows(query) == [(None, "Mashhad", "IR"), (None, "?", None)]


def test_addresses_are_read_again_by_a_newer_parser(inbox: Inbox) -> None:
    inbox.deliver([line(1)])
    query = "SELECT city FROM shipments.addresses ORDER BY 1"
    country = "SELECT receiver_country_code FROM enriched.shipments"
    (received_in,) = inbox.rows(country)
    inbox.owner.execute(
        "UPDATE shipments.addresses SET parser_version = 0, city = 'Nowhere', country_code = NULL"
    )
    inbox.owner.execute("UPDATE shipments.shipments SET receiver_country_code = NULL")
    read_again(inbox.warehouse, Settings())
    assert inbox.rows(query) == [("Berlin",), ("Paris",)]
    assert inbox.rows(country) == [received_in] == [("FR",)]


def test_statuses_are_known_in_any_case_and_with_any_separator(inbox: Inbox) -> None:
    """H12: `In-Transit`, `IT` and `Delivered` were words that nobody knew."""
    sent = {
        "In-Transit": "in_transit",
        "IN TRANSIT": "in_transit",
        "IT": "in_transit",
        "IN": "inbound_scan",
        "DL": "delivery",
        "TR": "in_transit",
        "SC": "scanned",
        "Transit": "in_transit",
        "Inbound.Scan": "inbound_scan",
        "SCANNED": "scanned",
        "Delivered": "delivery",
        "Lost - by us": "lost_by_us",
        "---": "---",
    }
    inbox.deliver([line(n, status=word) for n, word in enumerate(sent)])
    query = "SELECT status_raw, status FROM enriched.shipments ORDER BY tracking_number"
    assert dict(inbox.rows(query)) == sent


def test_an_unknown_status_gets_a_meaning_without_code(inbox: Inbox) -> None:
    """Incident: a parcel with a code of its carrier stayed on its way for ever."""
    inbox.deliver([line(1, status="DLV"), line(2, status="Lost"), line(3)])
    inbox.deliver([line(1, status="delivery"), line(2), line(3, status="d-l-v")], "later.csv")
    unknown = "SELECT status FROM enriched.shipments ORDER BY tracking_number"
    assert inbox.rows(unknown) == [("delivery",), ("in_transit",), ("d_l_v",)]
    statuses = "dlv=delivery, D L V = delivery,on the road =in_transit"
    read_again(inbox.warehouse, Settings(statuses=statuses))
    assert inbox.rows(unknown) == [("delivery",), ("in_transit",), ("delivery",)]
    history = "SELECT status, status_raw FROM shipments.status_history WHERE tracking_number = {}"
    assert inbox.rows(history.format("'TN00000001'")) == [("delivery", "DLV")]
    assert inbox.rows(history.format("'TN00000002' ORDER BY seen_at")) == [
        ("lost", "Lost"),
        ("in_transit", "in-transit"),
    ]
    inbox.deliver([line(4, status="On-the-road")], "more.csv", statuses=statuses)
    query = "SELECT status FROM shipments.shipments WHERE tracking_number = 'TN00000004'"
    assert inbox.rows(query) == [("in_transit",)]


@pytest.mark.parametrize("statuses", ["DLV", "DLV=", "DLV=done", "=delivery", "a=delivery b=c"])
def test_a_meaning_that_is_no_status_is_rejected(statuses: str) -> None:
    with pytest.raises(ValidationError):
        Settings(statuses=statuses)


def test_prices_have_the_decimals_of_their_currency(inbox: Inbox) -> None:
    prices = {"12.500": "12.500", "0.05": "0.05", "7": "7.00"}
    bad = ("1,250", "0.0125")  # thousands or decimals; a price of hundreds of pieces
    sent = [line(1, sku=one, article_price=one) for one in (*prices, *bad)]
    inbox.deliver(sent, currency="KWD")
    stored = dict(inbox.rows("SELECT sku, unit_price::text FROM shipments.articles"))
    assert stored == prices
    assert inbox.row("SELECT total_value::text FROM shipments.shipments") == ("19.550",)
    inbox.deliver([line(2, article_price="12.500")], "euro.csv", currency="EUR")
    assert len(inbox.rows("SELECT FROM ops.quarantine")) == 3


def track(inbox: Inbox, number: str | None, carrier: str | None) -> list[Any]:
    return inbox.rows("SELECT * FROM enriched.track(%s, %s)", number, carrier)


def test_track_answers_with_one_row_however_many_articles(inbox: Inbox) -> None:
    """The lookup repeated the status for each article."""
    inbox.deliver([line(1), line(1, sku="B"), line(1, carrier="UPS"), line(2)])
    listed = inbox.rows(
        "SELECT * FROM enriched.shipments WHERE tracking_number = 'TN00000001' AND carrier = 'DHL'"
    )
    assert track(inbox, "TN00000001", "DHL") == listed
    assert track(inbox, " TN00000001\t", "\n DHL ") == listed
    assert len(listed) == 1
    named = "SELECT count(*) FROM enriched.track(carrier => 'UPS', tracking_number => 'TN00000001')"
    assert inbox.row(named) == (1,)


def test_track_has_no_row_for_an_unknown_pair_and_needs_both(inbox: Inbox) -> None:
    """An invalid request ended as a 500 without a word."""
    inbox.deliver([line(1)])
    for pair in (("TN00000009", "DHL"), ("TN00000001", "UPS"), ("TN0000000_", "DHL")):
        assert track(inbox, *pair) == [], pair
    for number, carrier, missing in (
        *((None, "DHL", "tracking_number"), ("  ", "DHL", "tracking_number")),
        *(("TN1", None, "carrier"), ("TN1", "", "carrier")),
    ):
        words = f"{missing} is missing"
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=words):
            track(inbox, number, carrier)


def test_track_lists_every_status_with_its_time(inbox: Inbox) -> None:
    """The first content again is the latest word."""
    for status in ("scanned", "delivery", "scanned"):
        inbox.deliver([line(1, status=status)])
    ((history, now),) = inbox.rows(
        "SELECT status_history, status FROM enriched.track('TN00000001', 'DHL')"
    )
    assert [one["status"] for one in history] == ["scanned", "delivery", "scanned"]
    assert history[0]["since"] < history[1]["since"] < history[2]["since"]
    assert now == "scanned"


def test_a_carrier_matches_any_case_and_the_exact_spelling_first(inbox: Inbox) -> None:
    """H02: `dhl` was another carrier than `DHL`."""
    lines = [line(1, carrier="DHL"), line(1, carrier="dhl", status="scanned")]
    inbox.deliver([*lines, line(2, carrier="FedEx")])
    for number, carrier, found in (
        *(("TN00000001", "dhl", ["dhl"]), ("TN00000001", "DHL", ["DHL"])),
        *(("TN00000002", " fedex ", ["FedEx"]), ("TN00000002", "UPS", [])),
    ):
        query = "SELECT carrier FROM enriched.track(%s, %s)"
        assert [row[0] for row in inbox.rows(query, number, carrier)] == found


def test_two_postcodes_of_one_point_are_one_place(inbox: Inbox) -> None:
    """H07, T41: each was requested by itself, and paid for."""
    pairs = [
        ("1016 BZ Amsterdam, Netherlands", "1016 Amsterdam, Netherlands"),
        ("London SW1A 2AA, UK", "London SW1A 1AA, UK"),
        ("Boston, MA 02108-1234, USA", "Boston, MA 02108, USA"),
        ("Toronto, ON M5V 3L9, Canada", "Toronto, ON M5V 1J2, Canada"),
        ("1250-146 Lisboa, Portugal", "1250-096 Lisboa, Portugal"),
    ]
    inbox.deliver(
        [
            line(n, sender_address=f"Street 1, {one}", receiver_address=f"Street 2, {other}")
            for n, (one, other) in enumerate(pairs)
        ]
    )
    query = "SELECT place_key, postcode FROM shipments.weather_requests WHERE hour_at IS NULL"
    places = inbox.rows(query)
    assert {key.split(" ")[0] for key, _ in places} == {"NL", "GB", "US", "CA", "PT"}
    assert len(places) == len(pairs)
    assert all(key.split(" ")[1] == postcode for key, postcode in places)
    both = "SELECT sender_postcode, receiver_postcode FROM enriched.shipments"
    assert None not in [postcode for ends in inbox.rows(both) for postcode in ends]


def test_old_weather_raises_no_risk(inbox: Inbox) -> None:
    """H03, T10: weather of nine days ago said `storm`."""
    cases: list[tuple[tuple[str, float], tuple[str, float], str | None]] = [
        (("storm", 5), ("none", 1), "storm"),
        (("storm", 7), ("none", 1), None),
        (("storm", 12_960 / 60), ("snow", 1), "snow"),
        (("none", 1), ("none", 7), None),
        (("none", 1), ("none", 1), "none"),
    ]
    add_weather = """
    WITH place AS (
        INSERT INTO weather.places (place_key, latitude, longitude, geocoding_status, is_observed)
        VALUES (%s, 1, 1, 'found', TRUE) RETURNING place_id
    )
    INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at, delay_risk)
    SELECT place_id, 'open-meteo', now() - make_interval(secs => %s), now(), %s FROM place
    """
    for number, (sender, receiver, _) in enumerate(cases):
        ends = {
            "sender_address": f"Street 1, {10115 + number} Berlin, Germany",
            "receiver_address": f"Street 1, {75001 + number} Paris, France",
        }
        inbox.deliver([line(number, **ends)])
        for key, (word, hours) in (("DE", sender), ("FR", receiver)):
            postcode = (10115 if key == "DE" else 75001) + number
            inbox.owner.execute(add_weather, [f"{key} {postcode}", hours * 3600, word])
    query = (
        "SELECT weather_risk, sender_risk, receiver_risk, sender_weather_age_minutes,"
        " receiver_weather_age_minutes FROM enriched.shipments ORDER BY tracking_number"
    )
    for found, (sender, receiver, risk) in zip(inbox.rows(query), cases, strict=True):
        shown = [word if hours <= 6 else None for word, hours in (sender, receiver)]
        assert found == (risk, *shown, *(round(hours * 60) for _, hours in (sender, receiver)))


def test_the_card_counts_a_parcel_whose_delivery_was_set_back(inbox: Inbox) -> None:
    """Incident: it stayed delivered on the overview, and on its way on the page."""
    card = read_sql("pipelines.sources.shipments", "dashboard/card")
    for status, on_their_way in (("delivery", 1), ("in-transit", 2), ("delivery", 1)):
        inbox.deliver([line(1, status=status), line(2)])
        assert inbox.rows(card)[-1][1] == on_their_way
