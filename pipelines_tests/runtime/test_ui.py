"""`isobar ui` with the real web server, daemon and code server, queried through its own API."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pipelines.postgres.roles import SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.command import PROJECT, environment, isobar
from pipelines_tests.served_ui import Ui, start
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of
from pipelines_tests.states import copied, load

#: The number of an account that owns nothing.
NOBODY = 65534


@pytest.fixture(scope="module")
def ui() -> Iterator[Ui]:
    with copied(load) as folder:
        serving = start(folder)
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
    dropped = ui.state / "inbox" / "shipments" / "dropped \u00fc.csv"
    dropped.write_text(text_of([line(1), line(1, sku="B"), line(2)]))
    query = "SELECT count(*), sum(article_count) FROM enriched.shipments"
    query += " WHERE tracking_number LIKE 'TN0000000%'"
    looked_at = "SELECT changed_ns FROM ops.inbox_files WHERE name = %s"
    server = EmbeddedPostgres(ui.state).start()
    deadline = time.monotonic() + 300
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        while (found := connection.execute(query).fetchone()) == (0, None):
            assert time.monotonic() < deadline, "nobody loaded the file"
            time.sleep(0.2)
        assert found == (2, 3)
        dropped.touch()  # looked at by one more run, which finds nothing new
        touched = (dropped.stat().st_ctime_ns,)
        while connection.execute(looked_at, [dropped.name]).fetchone() != touched:
            assert time.monotonic() < deadline, "nobody looked at the file again"
            time.sleep(0.2)
    while any(one["status"] != "SUCCESS" for one in ui.query(runs)["runsOrError"]["results"]):
        assert time.monotonic() < deadline, ui.query(runs)
        time.sleep(0.5)
    ended = len(ui.query(runs)["runsOrError"]["results"])
    time.sleep(12)  # two more looks of the sensor
    results = ui.query(runs)["runsOrError"]["results"]
    assert len(results) == ended
    sensors = [tag["value"] for tag in results[0]["tags"] if tag["key"] == "dagster/sensor_name"]
    assert sensors == ["shipments_inbox"]


def test_the_daemon_counts_the_events_of_a_dropped_file(ui: Ui) -> None:
    inbox = ui.state / "inbox" / "bookings"
    events = [event(number, hotel_id=99) for number in range(200)]
    (inbox / "dropped.csv.gz").write_bytes(gzip.compress(text_of_events(events).encode()))
    query = "SELECT sum(bookings) FROM metrics.hotel_bookings_by_event_day WHERE hotel_id = 99"
    server = EmbeddedPostgres(ui.state).start()
    deadline = time.monotonic() + 300
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        while (found := connection.execute(query).fetchone()) != (200,):
            assert time.monotonic() < deadline, f"{found} of 200 were counted"
            time.sleep(0.2)


def test_a_plant_that_is_inserted_is_synced_by_the_daemon(ui: Ui) -> None:
    """Then its partition, with another one, is materialized as an operator would."""
    server = EmbeddedPostgres(ui.state).start()
    insert = "INSERT INTO solar.plants (name) VALUES ('by hand') RETURNING plant_id"
    query = "SELECT count(*) FILTER (WHERE status = 'complete') FROM solar.days WHERE plant_id = %s"
    with psycopg.connect(server.url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        [plant_id] = connection.execute(insert).fetchone() or [0]
        deadline = time.monotonic() + 300  # some ten seconds, but machines of tests are busy
        while connection.execute(query, [plant_id]).fetchone() == (0,):
            assert time.monotonic() < deadline, "nobody synced the plant"
            time.sleep(0.2)
    backfill = """mutation($params: LaunchBackfillParams!) {
        launchPartitionBackfill(backfillParams: $params) {
        ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
    requested = {
        "assetSelection": [{"path": ["solar", "readings"]}],
        "partitionNames": ["1", str(plant_id)],
        "title": "two plants",
        "tags": [],
    }
    backfill_id = ui.query(backfill, params=requested)["launchPartitionBackfill"]["backfillId"]
    query = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
        ... on PartitionBackfill { status } } }"""
    deadline = time.monotonic() + 300
    while (
        status := ui.query(query, id=backfill_id)["partitionBackfillOrError"]["status"]
    ) != "COMPLETED_SUCCESS":
        assert time.monotonic() < deadline, status
        time.sleep(1)


def test_a_second_ui_in_the_same_clone_is_rejected(ui: Ui) -> None:
    done = isobar(ui.state, "ui")
    assert done.returncode == 1
    assert "is already running" in done.stderr
    assert ui.url in done.stderr


@pytest.mark.parametrize(("name", "word"), [("daemon", "dagster._daemon"), ("code server", "grpc")])
def test_a_part_that_dies_is_started_again(ui: Ui, name: str, word: str) -> None:
    (part,) = ui.having(word)
    part.kill()
    deadline = time.monotonic() + 300
    while [one for one in ui.having(word) if one != part] == []:
        assert time.monotonic() < deadline, f"the {name} stayed dead"
        time.sleep(0.3)
    noted = json.loads((ui.state / "ui.json").read_text())["processes"]
    assert noted[name].startswith(f"{ui.having(word)[-1].pid} ")
    while True:
        try:
            assert ui.run("flights") == "SUCCESS"
            break
        except AssertionError:  # a new code server loads the definitions first
            assert time.monotonic() < deadline
            time.sleep(1)


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


@pytest.mark.parametrize(("number", "is_handled"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_all_processes_stop_however_the_ui_was_started(
    state: Path, number: signal.Signals, is_handled: bool
) -> None:
    """Started in the background of a script, where SIGINT is ignored, as by `isobar ui &`.

    Also when the script is gone, so that nobody reads what it says.
    """
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$0" -m pipelines.cli ui', sys.executable],
        env=environment(state),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert any("UI is at" in line for line in process.stdout)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 4
        if not is_handled:
            process.stdout.close()
        process.send_signal(number)
        if is_handled:
            process.communicate(timeout=300)
        process.wait(timeout=300)
        gone, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        assert len(gone) == len(children)
        assert not (state / "ui.json").exists()
    finally:
        process.stdout.close()


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
