"""The tables after a file, the same again, others, and bad ones."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import csv_records
from pipelines.ingest.deliveries import Outcome
from pipelines.sources.shipments import load
from pipelines.sources.shipments.transform import COLUMNS
from pipelines.warehouse.connection import Warehouse, copy_rows
from pipelines_tests.sources.shipments.made_up import PARIS, deliver, line, text_of

TABLES = ("shipments", "articles", "status_history", "addresses")


def everything(owner: psycopg.Connection) -> dict[str, list[Any]]:
    """All rows, but for when a file last had a shipment."""
    return {
        table: owner.execute(
            f"SELECT to_jsonb(t) - 'last_seen_at' FROM shipments.{table} AS t ORDER BY 1"
        ).fetchall()
        for table in TABLES
    }


def counts(outcome: Outcome | None) -> tuple[int, int, int, int]:
    assert outcome is not None
    return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected


def statuses(owner: psycopg.Connection) -> list[str]:
    return [
        status
        for (status,) in owner.execute(
            "SELECT status FROM shipments.status_history ORDER BY tracking_number, seen_at"
        )
    ]


def test_values_have_the_currency_that_is_set(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    query = "SELECT total_value, total_value_currency FROM enriched.shipments"
    deliver(warehouse, tmp_path, [line(1)])
    assert owner.execute(query).fetchall() == [(Decimal(800), None)]
    deliver(warehouse, tmp_path, [line(1), line(2)], currency="EUR")
    assert owner.execute(query).fetchall() == [(Decimal(800), "EUR")] * 2


def test_track_lists_every_status_with_its_time(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    for status in ("scanned", "in-transit", "delivery"):
        deliver(warehouse, tmp_path, [line(1, status=status)])
    query = "SELECT status_history FROM enriched.track('TN00000001', 'DHL')"
    ((history,),) = owner.execute(query).fetchall()
    assert [one["status"] for one in history] == ["scanned", "in_transit", "delivery"]
    assert history[0]["since"] < history[1]["since"] < history[2]["since"]


@pytest.mark.answers("H01")
def test_a_file_loads_completely(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [
        line(1),
        line(1, sku="MO456", article_name="Mouse", article_price="25.50", article_quantity=3),
        line(2, carrier="UPS", status="transit"),
    ]
    assert counts(deliver(warehouse, tmp_path, lines)) == (3, 3, 0, 0)
    rows = owner.execute(
        "SELECT tracking_number, carrier, status, article_count, units, total_value, articles,"
        " sender_street, sender_postcode, sender_city, sender_country_code, receiver_address,"
        " receiver_city, first_seen_at = updated_at FROM enriched.shipments ORDER BY 1"
    ).fetchall()
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
    assert owner.execute(query).fetchall() == [("in-transit",), ("transit",)]


@pytest.mark.answers("H39", "T39")
def test_importing_again_duplicates_nothing(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Every restart and every import made new rows of the same lines."""
    deliver(warehouse, tmp_path, [line(1), line(2)])
    before = everything(owner)
    assert deliver(warehouse, tmp_path, [line(1), line(2)]) is None
    assert counts(deliver(warehouse, tmp_path, [line(1), line(2)], "copy.csv")) == (2, 0, 2, 0)
    assert everything(owner) == before


@pytest.mark.answers("T40")
def test_a_header_with_capital_sku_is_read(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """`SKU` broke the import that handed each row's keys to the model."""
    content = text_of([line(1)]).replace("sku", "SKU")
    assert counts(deliver(warehouse, tmp_path, content)) == (1, 1, 0, 0)
    assert owner.execute("SELECT sku FROM shipments.articles").fetchall() == [("LP123",)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_orders_marks_and_extra_columns_give_the_same_rows(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, delimiter: str
) -> None:
    turned = dict(reversed(line(1, article_price="19,90" if delimiter == ";" else "19.90").items()))
    content = "\ufeff" + text_of([{"Weight": "3", **turned}], delimiter)
    assert counts(deliver(warehouse, tmp_path, content.replace("\n", "\r\n"))) == (1, 1, 0, 0)
    assert owner.execute("SELECT unit_price FROM shipments.articles").fetchone() == (
        Decimal("19.90"),
    )
    assert owner.execute("SELECT drift FROM ops.deliveries").fetchone() == (
        ['shipments.csv: unknown column "weight"'],
    )


def test_a_quoted_newline_belongs_to_the_address(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    address = "Street 1\n10115 Berlin\nGermany"
    deliver(warehouse, tmp_path, [line(1, sender_address=address)])
    query = "SELECT sender_address, sender_city FROM enriched.shipments"
    assert owner.execute(query).fetchone() == (address, "Berlin")


def test_latin_1_is_rejected_with_position_and_loads_once_configured(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    content = text_of([line(1, receiver_address="Weg 1, 80331 München, Germany")]).encode("latin-1")
    with pytest.raises(PermanentFailure, match=r"byte 0xfc at position \d+ \(line 2\)") as caught:
        deliver(warehouse, tmp_path, content)
    assert "SHIPMENTS_ENCODING" in str(caught.value)
    assert counts(deliver(warehouse, tmp_path, content, encoding="latin-1")) == (1, 1, 0, 0)
    query = "SELECT receiver_city FROM enriched.shipments"
    assert owner.execute(query).fetchone() == ("München",)


def test_a_later_file_updates_and_keeps_every_status_change(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [line(1), line(2)])
    later = [line(1, status="scanned"), line(1, sku="NEW"), line(2, article_quantity=5)]
    later[1]["status"] = "scanned"
    assert counts(deliver(warehouse, tmp_path, later)) == (3, 3, 0, 0)
    deliver(warehouse, tmp_path, [line(1, status="delivery")])
    assert statuses(owner) == ["in_transit", "scanned", "delivery", "in_transit"]
    assert owner.execute(
        "SELECT status, article_count, units, updated_at > first_seen_at FROM enriched.shipments"
        " ORDER BY tracking_number"
    ).fetchall() == [("delivery", 2, 2, True), ("in_transit", 1, 5, True)]


def test_the_first_content_again_is_the_latest_word(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    for status in ("scanned", "delivery", "scanned"):
        deliver(warehouse, tmp_path, [line(1, status=status)])
    assert statuses(owner) == ["scanned", "delivery", "scanned"]
    assert owner.execute("SELECT status FROM enriched.shipments").fetchone() == ("scanned",)


def test_another_spelling_of_a_status_is_no_change(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    for status in ("in-transit", "transit", "in_transit"):
        deliver(warehouse, tmp_path, [line(1, status=status)])
    assert statuses(owner) == ["in_transit"]
    query = "SELECT status_raw FROM shipments.shipments"
    assert owner.execute(query).fetchone() == ("in_transit",)


@pytest.mark.parametrize("column", ["sender_address", "receiver_address", "status"])
def test_a_shipment_with_contradictory_lines_is_quarantined_completely(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, column: str
) -> None:
    other = line(1, sku="B", **{column: "Street 7, 1016 Amsterdam, Netherlands"})
    lines = [line(1), other, line(2), line(2, sku="B"), line(2, sku="C")]
    assert counts(deliver(warehouse, tmp_path, lines)) == (5, 3, 0, 2)
    query = "SELECT position, reasons FROM ops.quarantine ORDER BY 1"
    reasons = [f"lines of the shipment disagree on {column}"]
    assert owner.execute(query).fetchall() == [("line 2", reasons), ("line 3", reasons)]
    query = "SELECT tracking_number FROM enriched.shipments"
    assert owner.execute(query).fetchall() == [("TN00000002",)]


def test_a_repeated_article_counts_once_with_its_first_content(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [line(1), line(1), line(1, article_quantity=9)]
    assert counts(deliver(warehouse, tmp_path, lines)) == (3, 2, 0, 1)
    assert owner.execute("SELECT quantity FROM shipments.articles").fetchall() == [(1,)]
    ((reason,),) = owner.execute("SELECT reasons[1] FROM ops.quarantine").fetchall()
    assert reason == "the article came before in the shipment with other content: LP123"


#: What makes a line a bad one, and the reason that is reported.
BAD: list[tuple[dict[str, str], str]] = [
    ({"tracking_number": " "}, 'tracking_number is not a name: ""'),
    ({"carrier": "x" * 201}, "carrier is not a name"),
    ({"sender_address": ""}, 'sender_address is not an address: ""'),
    ({"receiver_address": "y" * 501}, "receiver_address is not an address"),
    ({"article_quantity": "0"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "-1"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "1.5"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "1000001"}, "article_quantity is not a whole number from 1"),
    ({"article_quantity": "99999999999999999999"}, "article_quantity is not a whole number"),
    ({"article_price": "free"}, 'article_price is not an amount with at most two decimals: "f'),
    ({"article_price": "1e3"}, "article_price is not an amount"),
    ({"article_price": "-5"}, "article_price is not an amount"),
    ({"article_price": "1.234,50"}, "article_price is not an amount"),
    ({"article_price": "1,200"}, "article_price is not an amount"),
    ({"article_price": "1.250"}, "article_price is not an amount"),
    ({"article_quantity": "1.000"}, "article_quantity is not a whole number"),
    ({"article_price": "NaN"}, "article_price is not an amount"),
    ({"article_price": "999999999"}, "article_price is not an amount"),
    ({"sku": "a\x00b"}, r'sku is not a name: "a\u0000b"'),
    ({"status": ""}, 'status is not a name: ""'),
]


def test_bad_lines_are_quarantined_with_reasons_and_the_others_load(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    good = [line(number) for number in range(len(BAD) + 2)]
    bad = [line(100 + number, **changes) for number, (changes, _) in enumerate(BAD)]
    assert counts(deliver(warehouse, tmp_path, [good[0], *bad, *good[1:]])) == (
        *(len(good) + len(bad), len(good)),
        *(0, len(bad)),
    )
    query = (
        "SELECT position, raw, reasons[1] FROM ops.quarantine ORDER BY length(position), position"
    )
    kept = owner.execute(query).fetchall()
    assert [position for position, _, _ in kept] == [f"line {n + 3}" for n in range(len(bad))]
    for sent, (_, raw, reason_given), (_, reason) in zip(bad, kept, BAD, strict=True):
        assert reason_given.startswith(reason)
        assert raw == text_of([sent]).splitlines()[1].replace("\x00", "\\x00")
    shipments = owner.execute("SELECT count(*) FROM enriched.shipments").fetchone()
    assert shipments == (len(good),)


@pytest.mark.parametrize(
    ("price", "stored"),
    [("25", "25.00"), ("25.5", "25.50"), ("25,50", "25.50"), ("0", "0.00")],
)
def test_prices_are_exact(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, price: str, stored: str
) -> None:
    deliver(warehouse, tmp_path, [line(1, article_price=price, article_quantity="2.0")])
    query = "SELECT unit_price::text, quantity FROM shipments.articles"
    assert owner.execute(query).fetchone() == (stored, 2)


def test_words_outside_the_known_five_are_kept(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [line(1, status="Lost-at-Sea")])
    query = "SELECT status, status_raw FROM shipments.shipments"
    assert owner.execute(query).fetchone() == ("lost_at_sea", "Lost-at-Sea")


def test_a_header_alone_is_a_delivery_of_nothing(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    assert counts(deliver(warehouse, tmp_path, ",".join(COLUMNS))) == (0, 0, 0, 0)


def test_few_bad_lines_never_reject_a_file(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """E24: three bad lines of four kept the fourth out."""
    lines = [line(1), *[line(n, article_price="free") for n in range(2, 5)]]
    assert counts(deliver(warehouse, tmp_path, lines)) == (4, 1, 0, 3)


@pytest.mark.answers("T38")
def test_an_address_without_a_postcode_does_not_break_the_list(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Unpacking None made an error of every answer that had such an address."""
    lines = [line(1, receiver_address="Street 2, Mashhad, Iran"), line(2, receiver_address="?")]
    deliver(warehouse, tmp_path, lines)
    query = (
        "SELECT receiver_postcode, receiver_city, receiver_country_code FROM enriched.shipments"
        " ORDER BY tracking_number"
    )
    assert owner.execute(query).fetchall() == [(None, "Mashhad", "IR"), (None, "?", None)]


def test_addresses_are_read_again_by_a_newer_parser(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [line(1)])
    query = "SELECT city FROM shipments.addresses ORDER BY 1"
    country = "SELECT receiver_country_code FROM enriched.shipments"
    (received_in,) = owner.execute(country).fetchall()
    owner.execute(
        "UPDATE shipments.addresses SET parser_version = 0, city = 'Nowhere', country_code = NULL"
    )
    owner.execute("UPDATE shipments.shipments SET receiver_country_code = NULL")
    load.read_addresses_again(warehouse)
    assert owner.execute(query).fetchall() == [("Berlin",), ("Paris",)]
    assert owner.execute(country).fetchall() == [received_in] == [("FR",)]


def test_lines_that_a_fault_of_ours_drops_stop_the_load(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "pipelines.sources.shipments.load.copy_rows",
        lambda c, name, rows: copy_rows(c, name, rows[:1]),
    )
    with pytest.raises(PermanentFailure, match="counts_balance"):
        deliver(warehouse, tmp_path, [line(1), line(2)])
    assert owner.execute("SELECT count(*) FROM shipments.shipments").fetchone() == (0,)


def test_a_file_of_several_blocks_is_one_delivery(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 1000)
    lines = [line(n % 10, sku=f"S{n}") for n in range(50)]
    lines[33]["article_price"] = "free"
    assert counts(deliver(warehouse, tmp_path, lines)) == (50, 49, 0, 1)
    assert owner.execute("SELECT position FROM ops.quarantine").fetchone() == ("line 35",)


def test_the_worth_of_a_shipment_has_no_limit(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    dear = {"article_quantity": 1_000_000, "article_price": "99999999.99"}
    lines = [line(1, sku=f"S{n}", **dear) for n in range(10_002)]
    assert counts(deliver(warehouse, tmp_path, lines)) == (10_002, 10_002, 0, 0)
    query = "SELECT total_value > 1e18 FROM enriched.shipments"
    assert owner.execute(query).fetchone() == (True,)


def track(owner: psycopg.Connection, number: str | None, carrier: str | None) -> list[Any]:
    return owner.execute("SELECT * FROM enriched.track(%s, %s)", [number, carrier]).fetchall()


@pytest.mark.answers("H02", "H45", "T08")
def test_track_answers_with_one_row_however_many_articles(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """The lookup repeated the status for each article."""
    deliver(warehouse, tmp_path, [line(1), line(1, sku="B"), line(1, carrier="UPS"), line(2)])
    listed = owner.execute(
        "SELECT * FROM enriched.shipments WHERE tracking_number = 'TN00000001' AND carrier = 'DHL'"
    ).fetchall()
    assert track(owner, "TN00000001", "DHL") == listed
    assert track(owner, " TN00000001\t", "\n DHL ") == listed
    assert len(listed) == 1
    named = "SELECT count(*) FROM enriched.track(carrier => 'UPS', tracking_number => 'TN00000001')"
    assert owner.execute(named).fetchone() == (1,)


@pytest.mark.answers("H10", "H41", "T02")
@pytest.mark.parametrize(
    ("number", "carrier"), [("TN00000009", "DHL"), ("TN00000001", "UPS"), ("TN0000000_", "DHL")]
)
def test_track_has_no_row_for_an_unknown_pair(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, number: str, carrier: str
) -> None:
    deliver(warehouse, tmp_path, [line(1)])
    assert track(owner, number, carrier) == []


@pytest.mark.answers("H10", "H40")
@pytest.mark.parametrize(
    ("number", "carrier", "words"),
    [
        (None, "DHL", "tracking_number is missing"),
        ("  ", "DHL", "tracking_number is missing"),
        ("TN1", None, "carrier is missing"),
        ("TN1", "", "carrier is missing"),
    ],
)
def test_track_rejects_a_missing_argument_clearly(
    owner: psycopg.Connection, number: str | None, carrier: str | None, words: str
) -> None:
    """An invalid request ended as a 500 without a word."""
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=words):
        track(owner, number, carrier)


@pytest.mark.answers("H12")
def test_statuses_are_known_in_any_case_and_with_any_separator(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """H12: `In-Transit`, `IT` and `Delivered` were words that nobody knew."""
    sent = {
        "In-Transit": "in_transit",
        "IN TRANSIT": "in_transit",
        "IT": "in_transit",
        "Transit": "in_transit",
        "Inbound.Scan": "inbound_scan",
        "SCANNED": "scanned",
        "Delivered": "delivery",
        "Lost - by us": "lost_by_us",
        "---": "---",
    }
    deliver(warehouse, tmp_path, [line(n, status=word) for n, word in enumerate(sent)])
    query = "SELECT status_raw, status FROM enriched.shipments ORDER BY tracking_number"
    assert dict(owner.execute(query).fetchall()) == sent


@pytest.mark.answers("H02")
def test_a_carrier_matches_any_case_and_the_exact_spelling_first(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """H02: `dhl` was another carrier than `DHL`."""
    lines = [line(1, carrier="DHL"), line(1, carrier="dhl", status="scanned")]
    deliver(warehouse, tmp_path, [*lines, line(2, carrier="FedEx")])
    track = "SELECT carrier FROM enriched.track(%s, %s)"
    found = [
        [row[0] for row in owner.execute(track, one).fetchall()]
        for one in (
            ("TN00000001", "dhl"),
            ("TN00000001", "DHL"),
            ("TN00000002", " fedex "),
            ("TN00000002", "UPS"),
        )
    ]
    assert found == [["dhl"], ["DHL"], ["FedEx"], []]


@pytest.mark.answers("H07", "T41")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1016 BZ Amsterdam, Netherlands", "1016 Amsterdam, Netherlands"),
        ("London SW1A 2AA, UK", "London SW1A 1AA, UK"),
        ("Boston, MA 02108-1234, USA", "Boston, MA 02108, USA"),
        ("Toronto, ON M5V 3L9, Canada", "Toronto, ON M5V 1J2, Canada"),
        ("1250-146 Lisboa, Portugal", "1250-096 Lisboa, Portugal"),
    ],
)
def test_two_postcodes_of_one_point_are_one_place(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, one: str, other: str
) -> None:
    """H07, T41: each was requested by itself, and paid for."""
    ends = {"sender_address": f"Street 1, {one}", "receiver_address": f"Street 2, {other}"}
    deliver(warehouse, tmp_path, [line(1, **ends)])
    ((key, postcode),) = owner.execute(
        "SELECT place_key, postcode FROM shipments.weather_requests"
    ).fetchall()
    assert key.split(" ")[1] == postcode
    both = "SELECT sender_postcode, receiver_postcode FROM enriched.shipments"
    assert None not in owner.execute(both).fetchall()[0]


@pytest.mark.answers("H03", "T10")
@pytest.mark.parametrize(
    ("sender", "receiver", "risk"),
    [
        (("storm", 5), ("none", 1), "storm"),
        (("storm", 7), ("none", 1), None),
        (("storm", 12_960 / 60), ("snow", 1), "snow"),
        (("none", 1), ("none", 7), None),
        (("none", 1), ("none", 1), "none"),
    ],
)
def test_old_weather_raises_no_risk(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    sender: tuple[str, float],
    receiver: tuple[str, float],
    risk: str | None,
) -> None:
    """H03, T10: weather of nine days ago said `storm`."""
    deliver(warehouse, tmp_path, [line(1)])
    for key, (word, hours) in (("DE 10115", sender), ("FR 75001", receiver)):
        owner.execute(
            "WITH place AS (INSERT INTO weather.places (place_key, latitude, longitude,"
            " geocoding_status, is_observed) VALUES (%s, 1, 1, 'found', TRUE) RETURNING place_id)"
            " INSERT INTO weather.observations (place_id, provider, observed_at, fetched_at,"
            " delay_risk) SELECT place_id, 'open-meteo', now() - make_interval(secs => %s),"
            " now(), %s FROM place",
            [key, hours * 3600, word],
        )
    query = "SELECT weather_risk, sender_weather_age_minutes, receiver_weather_age_minutes"
    (found,) = owner.execute(f"{query} FROM enriched.shipments").fetchall()
    assert found == (risk, round(sender[1] * 60), round(receiver[1] * 60))
    (found,) = owner.execute("SELECT sender_risk, receiver_risk FROM enriched.shipments").fetchall()
    assert found == tuple(word if hours <= 6 else None for word, hours in (sender, receiver))
