"""`isobar ui` with the real web server, daemon and code server, queried through its own API."""

import gzip
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import PROJECT, environment, isobar
from pipelines_tests.orchestration.operations.made_up import FakeReceiver, until
from pipelines_tests.served_ui import Ui, start
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of
from pipelines_tests.states import copied, load

#: The number of an account that owns nothing.
NOBODY = 65534


@pytest.fixture(scope="module")
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver() as fake:
        yield fake


@pytest.fixture(scope="module")
def ui(receiver: FakeReceiver) -> Iterator[Ui]:
    with copied(load) as folder:
        serving = start(folder, ALERT_URLS=receiver.url)
        yield serving
        serving.stop()


def test_runs_of_isobar_run_are_in_the_history_of_the_code_location(ui: Ui) -> None:
    """Else the overview's timeline leaves them out."""
    query = """{ runsOrError { ... on Runs { results { jobName status repositoryOrigin {
        repositoryLocationName repositoryName } } } } }"""
    runs = ui.query(query)["runsOrError"]["results"]
    assert ("flights", "SUCCESS") in [(run["jobName"], run["status"]) for run in runs]
    origin = {"repositoryLocationName": "pipelines", "repositoryName": "__repository__"}
    assert all(run["repositoryOrigin"] == origin for run in runs)


def test_the_schedules_are_on_in_a_fresh_instance(ui: Ui) -> None:
    query = """{ schedulesOrError(repositorySelector: {repositoryName: "__repository__",
        repositoryLocationName: "pipelines"}) { ... on Schedules { results { name cronSchedule
        executionTimezone scheduleState { status } } } } }"""
    schedules = ui.query(query)["schedulesOrError"]["results"]
    assert {one["scheduleState"]["status"] for one in schedules} == {"RUNNING"}
    found = {one["name"]: (one["cronSchedule"], one["executionTimezone"]) for one in schedules}
    assert found["flights_daily"] == ("0 5 * * *", "UTC")
    assert found["solar_sync"] == ("15 0 * * *", "UTC")


def test_a_ui_run_goes_through_queue_and_code_server(ui: Ui) -> None:
    assert ui.run("flights") == "SUCCESS"


def test_the_daemon_loads_a_file_dropped_into_the_inbox(ui: Ui) -> None:
    """Sensor, queue, run and view, all real; the same again starts no run."""
    runs = """{ runsOrError(filter: {pipelineName: "shipments"}) { ... on Runs { results {
        status tags { key value } } } } }"""

    def found_runs() -> list[Any]:
        return list(ui.query(runs)["runsOrError"]["results"])

    dropped = ui.state / "inbox" / "shipments" / "dropped \u00fc.csv"
    dropped.write_text(text_of([line(1), line(1, sku="B"), line(2)]))
    query = "SELECT count(*), sum(article_count) FROM enriched.shipments"
    query += " WHERE tracking_number LIKE 'TN0000000%'"
    looked_at = "SELECT changed_ns FROM ops.inbox_files WHERE name = %s"
    server = EmbeddedPostgres(ui.state).start()
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        until(lambda: connection.execute(query).fetchone() != (0, None), 300)
        assert connection.execute(query).fetchone() == (2, 3)
        dropped.touch()  # looked at by one more run, which finds nothing new
        touched = (dropped.stat().st_ctime_ns,)
        until(lambda: connection.execute(looked_at, [dropped.name]).fetchone() == touched, 300)
    until(lambda: {one["status"] for one in found_runs()} == {"SUCCESS"}, 300)
    ended = len(found_runs())
    time.sleep(12)  # two more looks of the sensor
    results = found_runs()
    assert len(results) == ended
    sensors = [tag["value"] for tag in results[0]["tags"] if tag["key"] == "dagster/sensor_name"]
    assert sensors == ["shipments_inbox"]


def test_the_daemon_counts_the_events_of_many_dropped_files_in_few_runs(ui: Ui) -> None:
    """Of a source, one run is under way at a time, and loads all that is there."""
    files = 24
    for number in range(files):
        events = [event(n, hotel_id=99) for n in range(10 * number, 10 * number + 10)]
        dropped = ui.state / "inbox" / "bookings" / f"dropped{number}.csv.gz"
        dropped.write_bytes(gzip.compress(text_of_events(events).encode()))
        time.sleep(0.25)
    query = "SELECT sum(bookings) FROM metrics.hotel_bookings_by_event_day WHERE hotel_id = 99"
    runs = """{ runsOrError(filter: {pipelineName: "bookings"}) { ... on Runs { results {
        startTime endTime } } } }"""
    server = EmbeddedPostgres(ui.state).start()
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        until(lambda: connection.execute(query).fetchone() == (10 * files,), 300)
    found = ui.query(runs)["runsOrError"]["results"]
    assert len(found) < files / 2
    for later, earlier in pairwise(found):
        assert later["startTime"] is None or later["startTime"] >= earlier["endTime"]


def test_a_second_ui_in_the_same_clone_is_rejected(ui: Ui) -> None:
    done = isobar(ui.state, "ui")
    assert done.returncode == 1
    assert "is already running" in done.stderr
    assert ui.url in done.stderr


def assert_restarted(ui: Ui, name: str, word: str, killed: psutil.Process) -> None:
    """The supervisor notes a process after it has started it."""

    def noted() -> str:
        return str(json.loads((ui.state / "ui.json").read_text())["processes"].get(name, ""))

    until(lambda: bool(noted()) and not noted().startswith(f"{killed.pid} "), 300)
    assert noted().startswith(f"{ui.having(word)[-1].pid} ")


def test_a_daemon_that_dies_is_started_again(ui: Ui) -> None:
    (daemon,) = ui.having("dagster._daemon")
    daemon.kill()
    assert_restarted(ui, "daemon", "dagster._daemon", daemon)
    assert ui.run("flights") == "SUCCESS"


def test_a_run_killed_with_the_code_server_fails_and_retries(ui: Ui) -> None:
    """The run waits for a lock of the test. Dagster retries no failure before it reads events."""
    query = """{ runsOrError(filter: {pipelineName: "flights"}) { ... on Runs { results {
        status } } } }"""
    before = len(ui.query(query)["runsOrError"]["results"])

    def statuses() -> list[str]:
        """Newest first, without those of other tests."""
        found = [one["status"] for one in ui.query(query)["runsOrError"]["results"]]
        return found[: len(found) - before]

    server = EmbeddedPostgres(ui.state).start()
    noted = "SELECT count(*) FROM kvs WHERE key = 'EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE'"
    with psycopg.connect(server.url(SUPERUSER, DAGSTER), autocommit=True) as storage:
        until(lambda: storage.execute(noted).fetchone() != (0,), 300)
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE)) as blocker:
        blocker.execute("LOCK TABLE flights.snapshots")
        run_id = ui.begin_run("flights")
        until(lambda: statuses() == ["STARTED"], 300)
        (code_server,) = ui.having("grpc")
        workers = code_server.children(recursive=True)
        assert workers
        os.killpg(code_server.pid, signal.SIGKILL)
        psutil.wait_procs(workers, timeout=10)
    assert_restarted(ui, "code server", "grpc", code_server)
    until(lambda: statuses() == ["SUCCESS", "FAILURE"], 300)
    assert "The process of this run was killed." in ui.events_of_run(run_id)


def test_problems_are_notified_with_links_that_work(ui: Ui, receiver: FakeReceiver) -> None:
    """The sandbox has warnings on purpose."""
    message = until(lambda: receiver.messages, 300)[0]["message"]
    (link, *_) = re.findall(rf"{re.escape(ui.url)}(/assets/\S+)", message)
    assert requests.get(f"{ui.url}{link}", timeout=10).status_code == 200
    path = link.removeprefix("/assets/").partition("?")[0].split("/")
    query = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { __typename } }"""
    assert ui.query(query, key={"path": path})["assetNodeOrError"]["__typename"] == "AssetNode"


def test_no_other_account_reaches_the_code_server(ui: Ui) -> None:
    """The account nobody could list the location, shut it down, and run code by it."""
    (server,) = ui.having("grpc")
    assert [one for one in server.net_connections("inet") if one.status == psutil.CONN_LISTEN] == []
    (location,) = json.loads((ui.state / "workspace.yaml").read_text())["load_from"]
    place = Path(location["grpc_server"]["socket"])
    assert place.is_socket()
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        seen = subprocess.run(["test", "-e", place], user=NOBODY, cwd="/", check=False)
        assert seen.returncode == 1


def test_an_occupied_port_is_rejected_before_anything_starts(empty_state: Path, ui: Ui) -> None:
    done = isobar(empty_state, "ui", "--port", ui.url.rsplit(":", 1)[1])
    assert done.returncode == 1
    assert "is taken" in done.stderr


def test_all_processes_stop_however_the_ui_was_started(state: Path) -> None:
    """Started in the background of a script, where SIGINT is ignored, as by `isobar ui &`.

    And the script is gone, so that nobody reads what it says.
    """
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$0" -m pipelines.cli ui', sys.executable],
        env=environment(state),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any("UI is at" in line for line in process.stdout)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 4
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=300)
        gone, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        assert len(gone) == len(children)
        assert not (state / "ui.json").exists()


def test_the_next_ui_stops_leftovers_of_a_killed_one(state: Path) -> None:
    """Which serves where that one did."""
    first = start(state)
    left = first.children()
    first.process.kill()
    first.process.communicate()
    second = start(state, "--port", first.url.rsplit(":", 1)[1])
    _, alive = psutil.wait_procs(left, timeout=10)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []
    second.stop()
