"""Records that leave the quarantine once the source or the code is mended, and others."""

import psycopg
import pytest

from pipelines.ingest.deliveries import dismiss, in_quarantine, rejects, unbalanced
from pipelines_tests.loaders import runner
from pipelines_tests.sources.shipments.made_up import Inbox, line, mend

SUMMARY = (
    "SELECT reason_code, count, example, reason FROM ops.quarantine_summary"
    " ORDER BY count DESC, reason_code"
)
LEDGER = (
    "SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    " ORDER BY delivery_id"
)


def test_the_summary_counts_by_source_and_reason_with_an_example(inbox: Inbox) -> None:
    lines = [line(n, article_price="free" if n < 3 else "8") for n in range(9)]
    lines[5]["article_quantity"] = "none"
    inbox.deliver(lines)
    (price, quantity) = inbox.rows(SUMMARY)
    assert price[:2] == ("article_price_invalid", 3)
    assert price[2].startswith("shipments.csv, line 4: TN00000002,DHL,")
    assert price[3].startswith("article_price is not an amount, or has more decimals")
    assert quantity[:2] == ("article_quantity_invalid", 1)


def test_a_retry_does_not_undo_a_later_file(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monday = [
        line(1, article_price="free", status="scanned"),
        line(1, sku="ONLY-MONDAY", article_price="free", status="scanned"),
        line(2),
        line(3),
    ]
    inbox.deliver(monday, "monday.csv")
    inbox.deliver([line(1, status="delivery", article_price="7")], "tuesday.csv")
    mend(monkeypatch)
    runner("shipments", inbox.warehouse).retry()
    assert inbox.rows(
        "SELECT status, article_count, total_value::integer FROM enriched.shipments"
        " WHERE tracking_number = 'TN00000001'"
    ) == [("delivery", 2, 7)]
    assert inbox.rows(LEDGER) == [(4, 3, 1, 0), (1, 1, 0, 0)]


def test_a_mended_line_contradicting_its_files_good_ones_stays_rejected(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(1), line(1, sku="B", status="scanned", article_price="free"), line(2)]
    lines += [line(2, article_quantity=7, article_price="free")]
    inbox.deliver(lines)
    mend(monkeypatch)
    runner("shipments", inbox.warehouse).retry()
    assert inbox.rows("SELECT reasons[1] FROM ops.quarantine ORDER BY 1") == [
        ("lines of the shipment disagree on status",),
        ("the article came before in the shipment with other content: LP123",),
    ]
    query = "SELECT status, units FROM enriched.shipments ORDER BY tracking_number"
    assert inbox.rows(query) == [("in_transit", 1), ("in_transit", 1)]


def test_a_retry_counts_as_of_when_its_file_came(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sunday, monday = [line(1, status="scanned")], [line(1, status="delivery", article_price="free")]
    inbox.deliver(sunday, "sunday.csv")
    inbox.deliver([*monday, line(2), line(3)], "monday.csv")
    mend(monkeypatch)
    runner("shipments", inbox.warehouse).retry()
    runner("shipments", inbox.warehouse).retry()
    query = (
        "SELECT status, seen_at = (SELECT max(modified_at) FROM ops.deliveries)"
        " FROM shipments.status_history WHERE tracking_number = 'TN00000001' ORDER BY seen_at"
    )
    assert inbox.rows(query) == [("scanned", False), ("delivery", True)]


def test_dismissed_records_keep_who_when_why_and_stop_alerting(inbox: Inbox) -> None:
    """E24: what will never come corrected had to be looked at for ever."""
    lines = [line(1), line(2, article_price="free"), line(3, article_quantity="0")]
    inbox.deliver(lines)
    with inbox.warehouse.transaction("shipments") as connection:
        by, why = "Ada", "a free sample"
        assert dismiss(connection, "shipments", by=by, reason=why, matching="PRICE") == 1
        assert dismiss(connection, "shipments", by=by, reason=why, matching="price") == 0
        assert dismiss(connection, "other", by=by, reason=why) == 0
        assert in_quarantine(connection, "shipments") == 1
        assert [row["position"] for row in rejects(connection, "shipments", most=9)] == ["line 4"]
    (outcome,) = runner("shipments", inbox.warehouse).retry()
    assert (outcome.read, outcome.rejected) == (1, 1)
    assert inbox.deliver(lines, "copy.csv")[3] == 0
    kept = "SELECT position, dismissed_by, dismissal_reason, dismissed_at <= now()"
    assert inbox.rows(f"{kept} FROM ops.quarantine ORDER BY 1") == [
        ("line 3", "Ada", "a free sample", True),
        ("line 4", None, None, None),
    ]
    reasons = "SELECT reason_code FROM ops.quarantine_summary"
    assert inbox.owner.execute(reasons).fetchall() == [("article_quantity_invalid",)]
    with inbox.warehouse.engine.connect() as connection:
        assert unbalanced(connection, "shipments") == []
    with pytest.raises(psycopg.errors.CheckViolation):
        inbox.owner.execute(
            "UPDATE ops.quarantine SET dismissed_at = now() WHERE position = 'line 4'"
        )
