"""The housekeeping job, and logs that do not fill the disk."""

import datetime as dt
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.config import Settings
from pipelines.orchestration.operations.housekeeping import housekeeping
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres import log_files
from pipelines.postgres.log_files import rotate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import EmbeddedPostgres
from pipelines.runtime.processes import Child
from pipelines.runtime.ui import WebUi
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.orchestration.operations.conftest import storage_url
from pipelines_tests.orchestration.operations.made_up import until
from pipelines_tests.sources.flights.made_up import MONDAY, bring_up_to_date, flights_document, keep
from pipelines_tests.sources.shipments.made_up import deliver, line

Said = dict[str, dict[str, Any]]
OPS = {
    "prune_event_log",
    "remove_run_files",
    "purge_quarantine",
    "delete_weather_requests",
    "remove_flight_documents",
}


@dg.asset
def something() -> None: ...


def keep_house(
    instance: dg.DagsterInstance, warehouse: Warehouse, **days: int | None
) -> tuple[bool, Said, dict[str, str]]:
    """Run the job: whether it is green, what operations say they removed, and why others failed."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    done = housekeeping.execute_in_process(
        instance=instance,
        resources={"warehouse": WarehouseResource(url=url)},
        run_config={"ops": {op: {"config": {"days": number}} for op, number in days.items()}},
        raise_on_error=False,
    )
    removed, failed = {}, {}
    for event in done.all_events:
        assert event.step_key or not event.is_step_event
        if event.event_type == dg.DagsterEventType.STEP_OUTPUT:
            metadata = event.step_output_data.metadata
            removed[str(event.step_key)] = {name: one.value for name, one in metadata.items()}
        if event.is_step_failure:
            data = event.step_failure_data.user_failure_data
            failed[str(event.step_key)] = str(data and data.description)
    return done.success, removed, failed


@pytest.fixture
def old_things(
    few_airports: None,
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
) -> Path:
    """One of each, two years old; the folder of the files of an old run."""
    dg.materialize([something], instance=instance)
    dg.materialize([something], instance=instance)
    two_years = dt.timedelta(days=730)
    with psycopg.connect(storage_url(instance), autocommit=True) as storage:
        storage.execute("UPDATE event_logs SET timestamp = timestamp - %s", (two_years,))
    folder = Path(instance.storage_directory()) / str(uuid.uuid4())
    folder.mkdir(parents=True)
    tick = folder.parent / "__repository__" / "alerts" / "7.err"
    tick.parent.mkdir(parents=True)
    tick.touch()
    for old in (folder, tick):
        os.utime(old, (time.time() - two_years.total_seconds(),) * 2)
    deliver(warehouse, tmp_path, [line(1), line(2), line(3, article_price="free")], "old.csv")
    owner.execute("UPDATE ops.deliveries SET loaded_at = loaded_at - interval '2 years'")
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, provider, kind, requested_at, outcome, cost)"
        " VALUES (gen_random_uuid(), 'p', 'archive', now() - interval '2 years', 'success', 1)"
    )
    keep(warehouse, MONDAY - two_years, flights_document())
    bring_up_to_date(warehouse)
    return folder


def test_old_data_is_removed_and_a_second_run_finds_nothing(
    instance: dg.DagsterInstance, warehouse: Warehouse, old_things: Path
) -> None:
    _, removed, failed = keep_house(instance, warehouse, **dict.fromkeys(OPS, 1))
    assert removed == {}, "periods that would break something are rejected"
    assert failed.keys() == OPS
    assert old_things.exists()
    is_green, removed, failed = keep_house(instance, warehouse, remove_flight_documents=365)
    assert (is_green, failed) == (True, {})
    assert removed.keys() == OPS
    assert not old_things.exists()
    for said in removed.values():
        before = dt.datetime.fromisoformat(said.pop("before"))
        assert dt.timedelta(days=29) < dt.datetime.now(dt.UTC) - before < dt.timedelta(days=366)
    assert removed.pop("prune_event_log")["events"] > 10
    assert removed == {
        "remove_run_files": {"folders": 1, "logs of sensors": 1},
        "purge_quarantine": {"records of shipments": 1},
        "delete_weather_requests": {"weather_requests": 1},
        "remove_flight_documents": {"flight_documents": 1},
    }
    assert instance.get_latest_materialization_event(something.key) is not None
    is_green, removed, _ = keep_house(instance, warehouse, remove_flight_documents=365)
    assert is_green
    left = [count for said in removed.values() for name, count in said.items() if name != "before"]
    assert set(left) == {0}


def test_a_failing_operation_fails_the_run_but_not_the_others(
    instance: dg.DagsterInstance, warehouse: Warehouse, owner: psycopg.Connection, old_things: Path
) -> None:
    is_green, removed, failed = keep_house(instance, warehouse, prune_event_log=0)
    assert not is_green
    assert removed.keys() == OPS - {"prune_event_log"}
    assert "days is 0, so this removed nothing" in failed["prune_event_log"]
    assert "documents" not in removed["remove_flight_documents"], "they are kept by default"
    assert owner.execute("SELECT count(body_gzip) FROM flights.payloads").fetchone() == (1,)


def test_a_log_rotates_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "daemon.log"
    words = "import time\nfor n in range(10**6): print('line', n, flush=True); time.sleep(0.002)"
    child = Child("daemon", [sys.executable, "-c", words], environment=dict(os.environ), log=log)
    monkeypatch.setattr(log_files.rotate, "__defaults__", (2_000,))
    child.start()
    for _ in range(2):
        until(lambda: log.exists() and log.stat().st_size >= 3_000, 300)
        child.keep_log_short()
        assert log.stat().st_size < 1_000
        assert (tmp_path / "daemon.log.1").stat().st_size >= 3_000
    until(lambda: log.stat().st_size >= 100, 300)
    assert "line" in child.log_tail()
    child.stop()
    assert "\0" not in log.read_text(), "the process writes where it was before"
    assert {one.name for one in tmp_path.iterdir()} == {"daemon.log", "daemon.log.1"}


def test_the_built_in_servers_log_rotates_at_start_and_while_it_runs(state: Path) -> None:
    """It outlives every `isobar ui`."""
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    kept = server.log.with_name("server.log.1")
    grow(server.log)
    connections = server.start()
    assert "ready to accept connections" in server.log.read_text()
    assert server.log.stat().st_size < 10_000
    assert kept.stat().st_size > log_files.MAX_BYTES
    kept.unlink()
    grow(server.log)
    settings = Settings.from_environment({"ISOBAR_HOME": str(state)})
    WebUi(settings, {}, lambda _: None)._keep_database_up()
    with (
        psycopg.connect(connections.url(SUPERUSER, "postgres")) as connection,
        pytest.raises(psycopg.errors.UndefinedTable),
    ):
        connection.execute("SELECT 1 FROM nowhere")
    assert "nowhere" in server.log.read_text()
    assert server.log.stat().st_size < 10_000
    assert kept.stat().st_size > log_files.MAX_BYTES


def grow(log: Path) -> None:
    with log.open("ab") as opened:
        opened.truncate(log_files.MAX_BYTES + 1)


def test_the_copy_of_a_log_is_its_end_and_as_private(tmp_path: Path) -> None:
    """Incident: a sensor that printed 200 MB left a copy of 191 MB."""
    log, kept = tmp_path / "server.log", tmp_path / "server.log.1"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("of others")
    kept.symlink_to(elsewhere)
    for mode in (0o600, 0o640):
        log.write_bytes(b"begin" + b"x" * 1_000 + b"end")
        log.chmod(mode)
        assert rotate(log, max_bytes=100)
        assert (kept.stat().st_mode & 0o777, kept.read_bytes()) == (mode, b"x" * 197 + b"end")
    assert elsewhere.read_text() == "of others"
