"""`isobar status` on the real thing: built-in server, web server, daemon, and all of it broken."""

import json
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from pipelines.postgres.process_identity import find
from pipelines.postgres.roles import ROLES, SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.runtime.processes import kill_session
from pipelines_tests.command import environment, executed, isobar
from pipelines_tests.served_ui import start
from pipelines_tests.states import copied, load

Document = dict[str, Any]


def status(state: Path, **variables: str) -> tuple[int, Document]:
    """Return the exit code and the document of the command, which ends soon without a password."""
    done = isobar(state, "status", "--json", **variables)
    assert done.stderr == ""
    assert "hunter2" not in done.stdout
    document: Document = json.loads(done.stdout)
    assert done.returncode == (1 if document["status"] == "bad" else 0)
    return done.returncode, document


def errors(document: Document) -> list[str]:
    """Return the errors, except for the disks of the testing machine."""
    return [
        one["what"]
        for one in document["problems"]
        if one["severity"] == "error" and not one["key"].startswith("status:disks:")
    ]


@pytest.fixture(scope="module")
def ran() -> Iterator[Path]:
    with copied(load) as folder:
        EmbeddedPostgres(folder).start()  # which `isobar run` leaves running
        yield folder


@pytest.fixture(scope="module")
def ui(ran: Path) -> Iterator[dict[str, psutil.Process]]:
    process = start(ran).process
    try:
        noted = json.loads((ran / "ui.json").read_text())["processes"]
        yield {name: psutil.Process(int(words.split()[0])) for name, words in noted.items()}
    finally:
        process.kill()
        process.communicate()
        for left in noted_children(ran):  # which outlive an isobar ui that was killed
            kill_session(left.pid)
            left.wait(10)


def noted_children(state: Path) -> list[psutil.Process]:
    record = state / "ui.json"
    noted = json.loads(record.read_text())["processes"] if record.exists() else {}
    return [
        process for name, words in noted.items() if name != "isobar ui" and (process := find(words))
    ]


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """It stands still, as in a debugger or on a machine that is out of memory."""
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):  # it was killed meanwhile
            process.resume()


def make_look_old(state: Path) -> None:
    """Nobody has looked for an hour, so `isobar status` looks itself."""
    url = isobar(state, "database", "url").stdout.strip()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE ops.last_look SET looked_at = now() - interval '1 hour'")


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if "postgres" not in path.parts)


def test_a_fresh_clone_gets_instructions_and_creates_nothing(empty_state: Path) -> None:
    nowhere = empty_state / "nowhere"
    code, document = status(nowhere)
    assert code == 1
    assert errors(document) == ["The database: there is no database yet"]
    assert "make run" in document["problems"][0]["remedy"]
    assert document["processes"] == {"status": None, "url": None, "processes": []}
    assert not nowhere.exists()


def test_a_run_without_daemon_notes_that_nothing_starts_automatically(ran: Path) -> None:
    before = listing(ran)
    code, document = status(ran)
    assert (code, errors(document)) == (0, [])
    noted = {one["what"]: one["severity"] for one in document["problems"]}
    assert noted["No daemon has run yet: schedules and sensors start no runs"] == "warning"
    assert document["database"]["schema"] == document["dagster_storage"]["schema"] == "current"
    assert document["database"]["server_version"].startswith("18.")
    assert document["database"]["size_bytes"] > 10_000_000
    assert document["processes"] == {"status": None, "url": None, "processes": []}
    sources = {one["name"]: one for one in document["sources"]}
    assert list(sources) == ["bookings", "flights", "shipments", "solar", "weather"]
    for one in sources.values():
        assert one["is_on"]
        assert 0 < one["age_seconds"] < 7200  # tests before this one may have taken long
        assert one["is_overdue"] is False
    assert [name for name, one in sources.items() if one["last_delivery_at"] is None] == ["weather"]
    used = r"open-meteo: [\d,]+ of 10,000 requests used today \(UTC\)"
    assert re.match(used, sources["weather"]["remarks"][0])
    assert re.search(used, isobar(ran, "status").stdout)
    assert all(one["remarks"] == [] for name, one in sources.items() if name != "weather")
    rejected = {name for name, one in sources.items() if one["in_quarantine"]}
    assert rejected == {"bookings", "flights", "shipments"}  # how many goes by the day
    assert any(one["key"].startswith("check:") for one in document["problems"])
    assert listing(ran) == before


def test_a_fresh_look_is_read_without_dagster_and_an_old_one_is_repeated(ran: Path) -> None:
    url = isobar(ran, "database", "url").stdout.strip()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE ops.last_look SET looked_at = now()")
    words = ("-X", "importtime", "-m", "pipelines.cli", "status", "--json")
    done = executed(sys.executable, *words, env=environment(ran))
    assert any(one["rows"] for one in json.loads(done.stdout)["problems"])
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pipelines.status.collect" in imported
    assert not imported & {"dagster", "pandas", "streamlit"}
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE ops.last_look SET looked_at = now() - interval '1 hour'")
        noted = owner.execute("SELECT * FROM ops.last_look").fetchall()
        document = status(ran)[1]
        assert document["looked_at"] == document["checked_at"]
        assert owner.execute("SELECT * FROM ops.last_look").fetchall() == noted, "it wrote"


def test_with_the_ui_up_its_processes_and_the_daemon_are_ok(
    ran: Path, ui: dict[str, psutil.Process]
) -> None:
    deadline = time.monotonic() + 300
    while errors(document := status(ran)[1]):
        assert time.monotonic() < deadline, errors(document)
    assert document["processes"]["url"].startswith("http://127.0.0.1:")
    alive = {one["name"] for one in document["processes"]["processes"] if one["is_alive"]}
    assert alive == {"isobar ui", "code server", "web server", "daemon"}
    done = isobar(ran, "status")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    assert len(done.stdout.splitlines()) < 50
    passwords = json.loads((ran / "postgres" / "passwords.json").read_text())
    assert not any(passwords[role] in done.stdout for role in ROLES)


def test_a_killed_daemon_and_missing_supervision_are_reported_at_once(
    ran: Path, ui: dict[str, psutil.Process]
) -> None:
    with stopped(ui["isobar ui"]):  # else it starts the daemon again before anyone could look
        ui["daemon"].kill()
        _, document = status(ran)
        ended = "Processes of isobar ui have ended: "
        assert {*errors(document)} == {f"{ended}daemon", "The daemon has ended"}
        ui["isobar ui"].kill()
    _, document = status(ran)
    assert f"{ended}isobar ui, daemon" in errors(document)
    assert document["processes"]["status"] == document["daemon"]["status"] == "bad"


def test_definitions_that_fail_to_load_are_reported(ran: Path) -> None:
    """Who looks needs them: a fresh look of the daemon is read without."""
    make_look_old(ran)
    _, document = status(ran, ISOBAR_SCHEDULES="/nowhere.toml")
    assert any("/nowhere.toml" in words for words in errors(document))


def test_a_database_that_was_stopped_is_not_started(ran: Path) -> None:
    assert isobar(ran, "database", "stop").returncode == 0
    _, document = status(ran)
    assert errors(document)[0] == "The database: the built-in server is not running"
    assert "isobar database start" in document["problems"][0]["remedy"]
    assert document["dagster_storage"]["status"] == "bad"
    assert EmbeddedPostgres(ran).connections() is None


def test_a_server_that_never_responds_does_not_block_the_command(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began_at = time.monotonic()
        _, document = status(state, DATABASE_URL=f"postgresql://me:hunter2@127.0.0.1:{port}/x")
    assert time.monotonic() - began_at < 60  # as above
    assert "timeout" in errors(document)[0]
    assert document["database"]["place"] == f"postgresql://me:***@127.0.0.1:{port}/x"


def marks_of_version(owner: psycopg.Connection) -> list[Any]:
    """All by which a database is known to be of older or later code."""
    objects = owner.execute("SELECT * FROM ops.sql_objects ORDER BY name").fetchall()
    tables = "SELECT relname, xmin::text FROM pg_class WHERE relname = 'revision'"
    return [*objects, *owner.execute(tables).fetchall()]


@pytest.mark.parametrize(
    ("change", "schema", "words"),
    [
        ("DROP TABLE weather.fetch_state CASCADE", "behind", "isobar migrate"),
        ("UPDATE ops.revision SET version_num = '9999'", "foreign", "Update this clone"),
        ("UPDATE ops.sql_objects SET sha256 = 'old'", "other views", "isobar migrate"),
    ],
)
def test_a_database_of_another_version_is_reported_and_unchanged(
    state: Path,
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    change: str,
    schema: str,
    words: str,
) -> None:
    owner.execute(change)
    before = marks_of_version(owner)
    _, document = status(state, DATABASE_URL=server.url(SUPERUSER, database))
    assert document["database"]["schema"] == schema
    (remedy,) = [one["remedy"] for one in document["problems"] if one["key"] == "status:database"]
    assert words in remedy
    assert marks_of_version(owner) == before


def test_missing_or_empty_dagster_storage_is_reported_and_not_created(
    state: Path, server: Connections, database: str, empty_database: str
) -> None:
    ours = server.url(SUPERUSER, database)
    away = "postgresql://me:hunter2@127.0.0.1:9/dagster"
    _, document = status(state, DATABASE_URL=ours, DAGSTER_POSTGRES_URL=away)
    assert document["database"]["status"] == "ok"
    assert "onnection refused" in errors(document)[0]
    url = server.url(SUPERUSER, empty_database)
    _, document = status(state, DATABASE_URL=ours, DAGSTER_POSTGRES_URL=url)
    assert errors(document)[0] == "Dagster's storage: it is empty"
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchone() == (0,)


def test_a_wrong_variable_is_reported_as_json_and_in_the_text(state: Path) -> None:
    _, document = status(state, ISOBAR_SOURCES="prod")
    (error,) = errors(document)
    assert error.startswith("ISOBAR_SOURCES is invalid: Input should be 'sandbox' or 'live' (")
    assert document.keys() == {"status", "checked_at", "problems"}
    assert "Correct or unset it. See .env.example." in document["problems"][0]["remedy"]
    _, document = status(state, SYNC_EVERY_RUN="yesterday")
    assert any("SYNC_EVERY_RUN is invalid" in words for words in errors(document))
    done = isobar(state, "status", DATABASE_URL_FILE="/nowhere")
    assert done.returncode == 1
    assert "DATABASE_URL_FILE=/nowhere: the secret's file cannot be read" in done.stdout


def test_a_disabled_source_is_reported_as_disabled(state: Path) -> None:
    _, document = status(state, ISOBAR_SOURCES="live", MONITORING_URL="http://127.0.0.1:9")
    on = {one["name"]: one["is_on"] for one in document["sources"]}
    assert on == {
        "flights": False, "bookings": False, "shipments": False, "solar": True, "weather": True,
    }  # fmt: skip
