"""What senders and their programs do to whole files; each test has an input of its own."""

from pathlib import Path

import pytest
from psycopg import Connection

from pipelines.failures import PermanentFailure
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line

CODES = "SELECT reason_codes FROM ops.quarantine ORDER BY quarantine_id"


def test_a_surplus_delimiter_at_the_end_of_every_line_is_dropped(
    warehouse: Warehouse, tmp_path: Path, owner: Connection
) -> None:
    header, *lines = bookings.text_of([event(n) for n in range(1, 5)]).splitlines()
    lines[3] = lines[3].replace(",1,", ",9,")
    ends = (",", ",", ",note", ",")
    whole = "\n".join([header, *(f"{one}{end}" for one, end in zip(lines, ends, strict=True))])
    outcome = bookings.deliver(warehouse, tmp_path, f"{whole}\n")
    assert bookings.counts(outcome) == (4, 2, 0, 2)
    assert owner.execute(CODES).fetchall() == [(["wrong_field_count"],), (["status_invalid"],)]


def test_a_date_that_has_the_month_first_rejects_the_file(
    warehouse: Warehouse, tmp_path: Path, owner: Connection
) -> None:
    sent = [event(n, event_timestamp=f"03-{n:02}-2026 10:00") for n in (4, 5, 21)]
    words = 'line 4 has the month first: event_timestamp "03-21-2026 10:00"'
    with pytest.raises(PermanentFailure, match=words):
        bookings.deliver(warehouse, tmp_path, sent)
    assert owner.execute("SELECT count(*) FROM bookings.events").fetchone() == (0,)


def test_names_are_nfc_and_visible(warehouse: Warehouse, tmp_path: Path, owner: Connection) -> None:
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
    warehouse: Warehouse, tmp_path: Path, owner: Connection, text: str
) -> None:
    lines = [line(1), line(2, tracking_number=text), line(3, sku=text), line(4, sku="1E5")]
    shipments.deliver(warehouse, tmp_path, lines)
    assert owner.execute("SELECT count(*) FROM shipments.shipments").fetchone() == (2,)
    codes = [code for ((code,),) in owner.execute(CODES).fetchall()]
    assert codes == ["tracking_number_invalid", "sku_invalid"]
