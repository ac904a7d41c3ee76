"""Initial data of the sandbox: shipments of ten days, each with its history."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.runner import Runner
from pipelines.sources.shipments import demo, source
from pipelines_tests.sources.shipments.made_up import Inbox, line
from pipelines_tests.stored import Stored

WAYS = """
SELECT tracking_number, array_agg(status ORDER BY seen_at), max(seen_at) - min(seen_at)
FROM shipments.status_history GROUP BY 1, carrier HAVING count(*) = 4
"""
ROWS = (
    "SELECT name, loaded_at, read_count, loaded_count FROM ops.deliveries ORDER BY name",
    "SELECT tracking_number, status, seen_at FROM shipments.status_history ORDER BY 1, 3",
    (
        "SELECT tracking_number, status, first_seen_at, last_seen_at, updated_at"
        " FROM shipments.shipments ORDER BY 1"
    ),
    "SELECT tracking_number, sku, quantity, unit_price FROM shipments.articles ORDER BY 1, 2",
)
EIGHT_DAYS = "Loaded the sandbox's shipments of 8 days."


def test_the_demo_has_the_ways_of_parcels(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPMENTS_CURRENCY", "SEK")
    assert demo.seed_sandbox(stored.warehouse) == EIGHT_DAYS
    ways = stored.rows(WAYS)
    assert len(ways) == 5 * 15
    steps = ("inbound_scan", "scanned", "in_transit", "delivery")
    assert {tuple(way) for _, way, _ in ways} == {steps}
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


def test_two_seeds_at_once_and_a_killed_one_load_each_day_once(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything() -> list[list[Any]]:
        return [stored.rows(query) for query in ROWS]

    def empty() -> None:
        stored.owner.execute("TRUNCATE shipments.shipments, ops.deliveries CASCADE")

    demo.seed_sandbox(stored.warehouse)
    undisturbed = everything()
    empty()
    with ThreadPoolExecutor(2) as threads:
        messages = list(threads.map(demo.seed_sandbox, [stored.warehouse] * 2))
    assert everything() == undisturbed
    assert sum(int(message.split()[-2]) for message in messages if message) == 8
    empty()
    calls, load_file = 0, Runner.load_file

    def killed(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            load_file(*arguments)
            raise KeyboardInterrupt
        return load_file(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Runner, "load_file", killed)
        demo.seed_sandbox(stored.warehouse)
    assert stored.row("SELECT count(*) FROM ops.deliveries") == (3,)
    assert demo.seed_sandbox(stored.warehouse) == "Loaded the sandbox's shipments of 5 days."
    assert everything() == undisturbed


def test_other_files_end_the_seed(inbox: Inbox) -> None:
    """A day before them would set the statuses of their shipments back."""
    inbox.deliver([line(1)], "theirs.csv")
    assert demo.seed_sandbox(inbox.warehouse) is None
    assert inbox.row("SELECT count(*) FROM ops.deliveries") == (1,)
