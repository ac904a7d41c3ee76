"""Initial data of the sandbox: shipments of ten days, each with its history."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.sources.shipments import demo, sandbox, source
from pipelines_tests.sources.shipments.made_up import Inbox, line
from pipelines_tests.stored import Stored

WAYS = """
SELECT tracking_number, array_agg(status ORDER BY seen_at), max(seen_at) - min(seen_at)
FROM shipments.status_history GROUP BY 1, carrier HAVING count(*) = 4
"""
EIGHT_DAYS = "Loaded the sandbox's shipments of 8 days."


def test_the_demo_has_the_ways_of_parcels(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMENTS_CURRENCY", "SEK")
    assert demo.seed_sandbox(stored.warehouse) == EIGHT_DAYS
    ways = stored.rows(WAYS)
    assert len(ways) == 5 * 15
    ends = ("delivery", *sandbox.UNHAPPY.values())
    steps = {("inbound_scan", "scanned", "in_transit", end) for end in ends}
    assert {tuple(way) for _, way, _ in ways} == steps
    assert {span for *_, span in ways} == {dt.timedelta(days=3)}
    assert stored.row("SELECT count(DISTINCT loaded_at::date) FROM ops.deliveries") == (8,)
    assert stored.rows("SELECT DISTINCT currency FROM shipments.shipments") == [("SEK",)]
    assert demo.seed_sandbox(stored.warehouse) is None


def test_only_simulated_files_have_a_currency_that_nobody_has_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SHIPMENTS_CURRENCY", raising=False)
    monkeypatch.delenv("SHIPMENTS_INBOX", raising=False)
    assert source.load_settings().currency == "EUR"
    monkeypatch.setenv("SHIPMENTS_INBOX", str(tmp_path))
    assert source.load_settings().currency is None


def test_other_files_end_the_seed(inbox: Inbox) -> None:
    """A day before them would set the statuses of their shipments back."""
    inbox.deliver([line(1)], "theirs.csv")
    assert demo.seed_sandbox(inbox.warehouse) is None
    assert inbox.row("SELECT count(*) FROM ops.deliveries") == (1,)
