"""The job of shipments as Dagster runs it, and the sensor of its inbox.

Both are made of the declaration, so that this holds for each source with an inbox.
"""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.ingest import file_loader
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.runner import Runner as FeedRunner
from pipelines.orchestration.loading import WHY_DEFERRED
from pipelines.orchestration.resources import source_resource
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.jobs import Runner, failure, metadata, parcels_and_weather
from pipelines_tests.sources.shipments.made_up import line, text_of


class Shipments(Runner):
    """The job and the sensor of shipments."""

    def load(self, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("shipments", "load_shipments", **config)

    def look(self) -> dg.RunRequest | str:
        return self.tick("shipments_inbox")


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    return tmp_path


@pytest.fixture
def shipments(
    warehouse: Warehouse, inbox: Path, sandbox_url: str, instance: dg.DagsterInstance
) -> Shipments:
    return Shipments(parcels_and_weather(warehouse, inbox, sandbox_url), instance)


def test_all_inbox_files_load_with_their_counts_and_checks(
    shipments: Shipments, inbox: Path
) -> None:
    (inbox / "a.csv").write_text(text_of([line(1), line(2, article_price="free"), line(4)]))
    (inbox / "b.csv").write_text(text_of([line(3, status="at customs")]))
    result = shipments.load()
    assert result.success
    recorded = metadata(result, "shipments.shipments")
    assert (recorded["dagster/row_count"], recorded["deliveries"]) == (3, 2)
    assert (recorded["read"], recorded["loaded"], recorded["rejected"]) == (4, 3, 1)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    failed = [name for name, check in checks.items() if not check.passed]
    assert sorted(failed) == ["known_statuses", "no_rejects"]
    whole = text_of([line(5, status="delivery")])
    (inbox / "c.csv").write_text(whole.removesuffix("ivery\n"))  # perhaps its end is to come
    time.sleep(0.1)
    assert shipments.look() == f"Waiting for 1 file: {WHY_DEFERRED}."
    again = metadata(shipments.load(), "shipments.shipments")
    assert (again["deliveries"], again["dagster/row_count"]) == (0, 3)
    assert again["deferred_files"] == f"1 file: {WHY_DEFERRED}"


def test_a_rejected_file_fails_one_run_and_changes_nothing_else(
    shipments: Shipments, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_INBOX_CUT_SECONDS", "0")
    (inbox / "good.csv").write_text(text_of([line(1, status="at customs")]))
    (inbox / "bad.csv").write_text("nonsense")
    (inbox / "worse.csv").write_text("")
    result = shipments.load()
    message = failure(result)
    for words in ("2 of the inbox's files rejected", "bad.csv: its first line", "worse.csv: the"):
        assert words in message
    assert metadata(result, "shipments.shipments")["dagster/row_count"] == 1
    keys = [e.asset_key.path for e in result.get_asset_materialization_events() if e.asset_key]
    assert ["enriched", "shipments"] in keys
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["counts_balance"].passed
    assert not checks["known_statuses"].passed
    assert "bad.csv" in str(checks["readable_files"].metadata["rows"].value)
    again = shipments.load()
    assert again.success
    checks = {check.check_name: check for check in again.get_asset_check_evaluations()}
    assert "bad.csv" in str(checks["readable_files"].metadata["rows"].value)
    assert shipments.look() == "Nothing new in the inbox."
    (inbox / "bad.csv").unlink()
    (inbox / "worse.csv").unlink()
    assert isinstance(shipments.look(), dg.RunRequest), "the check stays red else"
    gone = {c.check_name: c for c in shipments.load().get_asset_check_evaluations()}
    assert gone["readable_files"].passed
    assert shipments.look() == "Nothing new in the inbox."


def test_a_disk_failure_is_retried_and_our_own_fault_rejects_a_file(
    shipments: Shipments, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files go oldest first: a retry meets the same one again. Neither blocks the others."""
    (inbox / "a.csv").write_text(text_of([line(1)]))
    (inbox / "b.csv").write_text(text_of([line(2)]))
    open_file, load = inboxes.open_plain_file, FeedRunner._load

    class Failing(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    def oops(runner: FeedRunner, connection: Any, content: Any, *more: Any) -> Any:
        if content.delivery.name == "a.csv":
            raise LookupError("oops")
        return load(runner, connection, content, *more)

    with monkeypatch.context() as patch:
        patch.setattr(
            file_loader,
            "open_plain_file",
            lambda path: Failing() if path.name == "a.csv" else open_file(path),
        )
        message = failure(shipments.load())
        assert "could not be read completely: Input/output error" in message
    with monkeypatch.context() as patch:
        patch.setattr(FeedRunner, "_load", oops)
        result = shipments.load()
        assert "LookupError: oops" in failure(result)
        recorded = metadata(result, "shipments.shipments")
        assert (recorded["deliveries"], recorded["dagster/row_count"]) == (0, 1)
    again = metadata(shipments.load(retry_quarantine=True), "shipments.shipments")
    assert again["dagster/row_count"] == 2


def test_without_an_inbox_it_is_skipped_and_a_retry_runs(
    shipments: Shipments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.delenv("SHIPMENTS_INBOX", raising=False)
    shipments.resources["shipments"] = source_resource("shipments")
    result = shipments.load()
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert shipments.look() == "SHIPMENTS_INBOX is not set."
    assert shipments.load(retry_quarantine=True).success


def test_one_file_is_loaded_from_any_folder_and_a_missing_one_reported(
    shipments: Shipments, inbox: Path
) -> None:
    elsewhere = inbox / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(text_of([line(1)]))
    result = shipments.load(file=str(elsewhere / "a.csv"))
    assert metadata(result, "shipments.shipments")["read"] == 1
    message = failure(shipments.load(file="/nowhere/a.csv"))
    assert "/nowhere/a.csv" in message
    assert "what to do:" in message
