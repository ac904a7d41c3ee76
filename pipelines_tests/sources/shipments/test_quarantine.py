"""What leaves the quarantine when the source or the code is mended, and what stays."""

from pathlib import Path

import psycopg
import pytest

from pipelines.ingest.deliveries import rejects, unbalanced
from pipelines.ingest.quarantine import dismiss, in_quarantine
from pipelines.sources.shipments import load, transform
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.shipments.made_up import deliver, line

SUMMARY = "SELECT reason, count, example FROM ops.quarantine_summary ORDER BY count DESC, reason"
LEDGER = (
    "SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    " ORDER BY delivery_id"
)


def test_the_summary_counts_by_source_and_reason_with_an_example(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [line(n, article_price="free" if n < 3 else "8") for n in range(9)]
    lines[5]["article_quantity"] = "none"
    deliver(warehouse, tmp_path, lines)
    (price, quantity) = owner.execute(SUMMARY).fetchall()
    assert price[:2] == ("article_price is not an amount with at most two decimals", 3)
    assert price[2].startswith("shipments.csv, line 4: TN00000002,DHL,")
    assert quantity[:2] == ("article_quantity is not a whole number from 1 to 1,000,000", 1)


def test_quarantined_rows_load_after_the_code_is_mended(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [line(1), line(2, article_price="free"), line(3, article_price="gratis"), line(4)]
    deliver(warehouse, tmp_path, lines)
    amounts = transform._amounts
    monkeypatch.setattr(transform, "_amounts", lambda texts: amounts(texts.replace("free", "0")))
    (outcome,) = load.retry_quarantine(warehouse)
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (2, 1, 0, 1)
    assert owner.execute(LEDGER).fetchall() == [(4, 3, 0, 1)]
    query = "SELECT position, raw LIKE '%gratis%' FROM ops.quarantine"
    assert owner.execute(query).fetchall() == [("line 4", True)]
    query = "SELECT tracking_number, total_value::integer FROM enriched.shipments ORDER BY 1"
    assert owner.execute(query).fetchall() == [
        ("TN00000001", 800),
        ("TN00000002", 0),
        ("TN00000004", 800),
    ]


def test_a_retry_does_not_undo_a_later_file(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monday = [
        line(1, article_price="free", status="scanned"),
        line(1, sku="ONLY-MONDAY", article_price="free", status="scanned"),
        line(2),
        line(3),
    ]
    deliver(warehouse, tmp_path, monday, "monday.csv")
    deliver(warehouse, tmp_path, [line(1, status="delivery", article_price="7")], "tuesday.csv")
    amounts = transform._amounts
    monkeypatch.setattr(transform, "_amounts", lambda texts: amounts(texts.replace("free", "0")))
    load.retry_quarantine(warehouse)
    assert owner.execute(
        "SELECT status, article_count, total_value::integer FROM enriched.shipments"
        " WHERE tracking_number = 'TN00000001'"
    ).fetchall() == [("delivery", 2, 7)]
    assert owner.execute(LEDGER).fetchall() == [(4, 3, 1, 0), (1, 1, 0, 0)]


def test_a_retry_accepts_further_lines_of_the_same_file(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deliver(warehouse, tmp_path, [line(1), line(1, sku="B", article_price="free")])
    amounts = transform._amounts
    monkeypatch.setattr(transform, "_amounts", lambda texts: amounts(texts.replace("free", "0")))
    load.retry_quarantine(warehouse)
    query = "SELECT article_count, updated_at > first_seen_at FROM enriched.shipments"
    assert owner.execute(query).fetchall() == [(2, True)]


def test_only_what_a_later_file_answers_leaves_it(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    first = [line(n) for n in range(6)]
    first[1]["article_price"] = first[2]["article_price"] = first[3]["sku"] = ""
    deliver(warehouse, tmp_path, first, "monday.csv")
    later = [line(1), line(2, sku="OTHER"), line(3), line(2, article_price="still bad")]
    deliver(warehouse, tmp_path, later, "tuesday.csv")
    query = (
        "SELECT name, position FROM ops.quarantine JOIN ops.deliveries USING (delivery_id)"
        " ORDER BY 1, 2"
    )
    assert owner.execute(query).fetchall() == [
        ("monday.csv", "line 4"),
        ("monday.csv", "line 5"),
        ("tuesday.csv", "line 5"),
    ]
    with warehouse.engine.connect() as connection:
        assert unbalanced(connection, "shipments") == []


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the parser accept `free`, as a mended release would."""
    amounts = transform._amounts
    monkeypatch.setattr(transform, "_amounts", lambda texts: amounts(texts.replace("free", "0")))


def test_an_articles_second_line_does_not_win_on_retry(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [line(1, article_quantity=1), line(1, article_quantity=9)])
    load.retry_quarantine(warehouse)
    assert owner.execute("SELECT quantity FROM shipments.articles").fetchall() == [(1,)]
    assert owner.execute(LEDGER).fetchall() == [(2, 1, 0, 1)]


def test_a_mended_line_contradicting_its_files_good_ones_stays_rejected(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [line(1), line(1, sku="B", status="scanned", article_price="free"), line(2)]
    lines += [line(2, article_quantity=7, article_price="free")]
    deliver(warehouse, tmp_path, lines)
    mend(monkeypatch)
    load.retry_quarantine(warehouse)
    assert owner.execute("SELECT reasons[1] FROM ops.quarantine ORDER BY 1").fetchall() == [
        ("lines of the shipment disagree on status",),
        ("the article came before in the shipment with other content: LP123",),
    ]
    query = "SELECT status, units FROM enriched.shipments ORDER BY tracking_number"
    assert owner.execute(query).fetchall() == [("in_transit", 1), ("in_transit", 1)]


def test_a_retry_does_not_undo_a_later_file_without_changes(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deliver(warehouse, tmp_path, [line(1, status="scanned")], "sunday.csv")
    monday = [line(1, status="inbound-scan", article_price="free"), line(2), line(3)]
    deliver(warehouse, tmp_path, monday, "monday.csv")
    deliver(warehouse, tmp_path, [line(1, sku="B", status="scanned")], "tuesday.csv")
    mend(monkeypatch)
    load.retry_quarantine(warehouse)
    query = "SELECT status FROM enriched.shipments WHERE tracking_number = 'TN00000001'"
    assert owner.execute(query).fetchall() == [("scanned",)]
    assert owner.execute("SELECT count(*) FROM ops.quarantine").fetchone() == (0,)


def test_a_retry_counts_as_of_when_its_file_came(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sunday, monday = [line(1, status="scanned")], [line(1, status="delivery", article_price="free")]
    deliver(warehouse, tmp_path, sunday, "sunday.csv")
    deliver(warehouse, tmp_path, [*monday, line(2), line(3)], "monday.csv")
    mend(monkeypatch)
    load.retry_quarantine(warehouse)
    load.retry_quarantine(warehouse)
    query = (
        "SELECT status, seen_at = (SELECT max(loaded_at) FROM ops.deliveries)"
        " FROM shipments.status_history WHERE tracking_number = 'TN00000001' ORDER BY seen_at"
    )
    assert owner.execute(query).fetchall() == [("scanned", False), ("delivery", True)]


def test_a_line_with_a_nul_stays_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [line(1), line(2, sku="a\x00b")])
    load.retry_quarantine(warehouse)
    assert owner.execute("SELECT sku FROM shipments.articles").fetchall() == [("LP123",)]
    assert owner.execute(LEDGER).fetchall() == [(2, 1, 0, 1)]


@pytest.mark.answers("E24")
def test_dismissed_records_keep_who_when_why_and_stop_alerting(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """E24: what will never come corrected had to be looked at for ever."""
    lines = [line(1), line(2, article_price="free"), line(3, article_quantity="0")]
    deliver(warehouse, tmp_path, lines)
    with warehouse.transaction("shipments") as connection:
        by, why = "Ada", "a free sample"
        assert dismiss(connection, "shipments", by=by, reason=why, matching="PRICE") == 1
        assert dismiss(connection, "shipments", by=by, reason=why, matching="price") == 0
        assert dismiss(connection, "other", by=by, reason=why) == 0
        assert in_quarantine(connection, "shipments") == 1
        assert [row["position"] for row in rejects(connection, "shipments", most=9)] == ["line 4"]
    (outcome,) = load.retry_quarantine(warehouse)
    assert (outcome.read, outcome.rejected) == (1, 1)
    assert deliver(warehouse, tmp_path, lines, "copy.csv").rejected == 0  # type: ignore[union-attr]
    kept = "SELECT position, dismissed_by, dismissal_reason, dismissed_at <= now()"
    assert owner.execute(f"{kept} FROM ops.quarantine ORDER BY 1").fetchall() == [
        ("line 3", "Ada", "a free sample", True),
        ("line 4", None, None, None),
    ]
    reasons = "SELECT reason FROM ops.quarantine_summary"
    assert [words for (words,) in owner.execute(reasons)] == [
        "article_quantity is not a whole number from 1 to 1,000,000"
    ]
    with warehouse.engine.connect() as connection:
        assert unbalanced(connection, "shipments") == []
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("UPDATE ops.quarantine SET dismissed_at = now() WHERE position = 'line 4'")
