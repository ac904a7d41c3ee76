"""What senders and their programs do to whole files; each test has an input of its own."""

from pathlib import Path

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line

CODES = "SELECT reason_codes FROM ops.quarantine ORDER BY quarantine_id"
KEPT = "SELECT count(*) FROM ops.deliveries WHERE problem IS NULL"


def rejected(owner: psycopg.Connection, failure: pytest.ExceptionInfo[PermanentFailure]) -> str:
    """The message of a file that was rejected as a whole."""
    assert owner.execute(KEPT).fetchone() == (0,)
    return str(failure.value)


def test_the_hint_of_the_delimiter_for_excel_is_skipped(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    for mark, name in ("", "a.csv"), ("\ufeff", "b.csv"):
        text = shipments.text_of([line(1), line(2)], ";").replace("\n", "\r\n")
        shipments.deliver(warehouse, tmp_path, f"{mark}sep=;\r\n{text}", name)
    assert owner.execute("SELECT count(*) FROM shipments.shipments").fetchone() == (2,)


def test_a_surplus_delimiter_at_the_end_of_every_line_is_dropped(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    header, *lines = bookings.text_of([event(n) for n in range(1, 5)]).splitlines()
    lines[3] = lines[3].replace(",1,", ",9,")
    whole = "\n".join(
        [header, *(f"{one}," for one in lines[:2]), f"{lines[2]},note", f"{lines[3]},"]
    )
    outcome = bookings.deliver(warehouse, tmp_path, f"{whole}\n")
    assert bookings.counts(outcome) == (4, 2, 0, 2)
    assert owner.execute(CODES).fetchall() == [(["wrong_field_count"],), (["status_invalid"],)]


def test_a_mix_of_encodings_rejects_the_file_and_shows_the_line(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    one = shipments.text_of([line(1, receiver_address="Calle Peña 2, 28013 Madrid, Spain")])
    for at in "Königsallee 1, 40212 Düsseldorf, Germany", "Calle N° 5, 28013 Madrid, Spain":
        other = shipments.text_of([line(2, receiver_address=at)]).partition("\n")[2]
        whole = one.encode("cp1252") + other.encode()
        with pytest.raises(PermanentFailure) as failure:
            shipments.deliver(warehouse, tmp_path, whole, encoding="cp1252")
        assert at[:9] in rejected(owner, failure)


def test_a_header_in_another_order_rejects_the_file(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    first = bookings.text_of([event(1)])
    mark = "\ufeff"  # of two files that were joined
    other = bookings.text_of([dict(reversed(event(2).items()))])
    for second in (
        mark + other,
        other.replace("hotel_id", "HOTEL_ID"),
        other.replace("room_", "Room_"),
    ):
        with pytest.raises(PermanentFailure) as failure:
            bookings.deliver(warehouse, tmp_path, first + second)
        assert "line 3 is another header" in rejected(owner, failure)
    again = bookings.text_of([event(2)])
    for number, header in enumerate(
        ("", mark, " \n")
    ):  # the same header, or one below a blank line
        whole = f"{header}{again}" if header.isspace() else f"{first}{header}{again}"
        outcome = bookings.deliver(warehouse, tmp_path, whole, f"{number}.csv")
        assert outcome is not None
        assert outcome.rejected == 0
    assert owner.execute("SELECT count(*) FROM bookings.events").fetchone() == (2,)
    with pytest.raises(PermanentFailure, match="ZIP file"):
        bookings.deliver(warehouse, tmp_path, b"PK\x03\x04" + first.encode(), "book.csv")


def test_a_date_that_has_the_month_first_rejects_the_file(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    sent = [event(n, event_timestamp=f"03-{n:02}-2026 10:00") for n in (4, 5, 21)]
    with pytest.raises(PermanentFailure) as failure:
        bookings.deliver(warehouse, tmp_path, sent)
    assert 'line 4 has the month first: event_timestamp "03-21-2026 10:00"' in rejected(
        owner, failure
    )


def test_names_are_nfc_without_invisible_characters(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    carriers = [
        *("Café Express", "Cafe\u0301 Express", "Café\u200b Express", "Café Express\u00a0"),
        *("Café\u00a0Express", '="Café Express"'),
    ]
    lines = [line(7, carrier=one, sku=f"S{n}") for n, one in enumerate(carriers)]
    shipments.deliver(warehouse, tmp_path, lines)
    found = owner.execute("SELECT carrier, article_count FROM shipments.shipments").fetchall()
    assert found == [("Café Express", 6)]


@pytest.mark.parametrize(
    "text", ["\\N", "N/A", "#REF!", "#NV", "####", "\u200b", "1.23456E+12", "12345.0", "A\ufffd"]
)
def test_a_null_marker_or_a_damaged_number_is_no_identifier(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection, text: str
) -> None:
    lines = [line(1), line(2, tracking_number=text), line(3, sku=text), line(4, sku="1E5")]
    shipments.deliver(warehouse, tmp_path, lines)
    assert owner.execute("SELECT count(*) FROM shipments.shipments").fetchone() == (2,)
    codes = [code for ((code,),) in owner.execute(CODES).fetchall()]
    assert codes == ["tracking_number_invalid", "sku_invalid"]
