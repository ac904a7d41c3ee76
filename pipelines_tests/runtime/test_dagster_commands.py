"""Dagster's own commands in a clone, on the instance that `isobar` uses, with nothing exported."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.config import PROJECT
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.runtime.bootstrap import wait_until
from pipelines.runtime.processes import Child
from pipelines.testing.databases import new_folder
from pipelines_tests.command import environment, executed, isobar
from pipelines_tests.documents.pages import blocks
from pipelines_tests.test_proxy import answers

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """No database: the first command makes it."""
    folder = new_folder()
    yield folder
    EmbeddedPostgres(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


def nothing_exported(state: Path) -> dict[str, str]:
    """The environment of a person who never used Dagster, but for the folder of the state."""
    variables = environment(state) | {"HOME": str(state)}
    return {name: value for name, value in variables.items() if name != "DAGSTER_HOME"}


def dagster(state: Path, command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Execute a command of Dagster's with nothing exported; `make setup` has prepared `.venv`."""
    name, *words = command.split()
    how = {"env": nothing_exported(state) | variables, "stdin": subprocess.DEVNULL}
    return executed(BIN / name, *words, timeout=300, **how)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dagster asset materialize --select flights/snapshots", ""),
        ("dagster asset list", "enriched/itineraries"),
        ("dagster job execute -j flights", ""),
        ("dagster schedule list", "Schedule: flights_daily [RUNNING]"),
        ("dagster run list", "Job: flights"),
        ("dg check defs", "All"),
        ("dg launch --job flights", ""),
    ],
)
def test_a_command_of_dagster_needs_nothing_exported(
    state: Path, command: str, expected: str
) -> None:
    done = dagster(state, command)
    assert done.returncode == 0, done.stderr[-3000:]
    assert expected in done.stdout
    assert "Traceback" not in done.stderr


#: Commands that read, of both kinds.
READING = ("dagster job list", "isobar quarantine list", "isobar status")
#: What there is, in the warehouse or in Dagster's storage.
RELATIONS = "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'S')"
WRITES = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"


def external(state: Path, server: Connections, name: str, command: str) -> str:
    """Execute a command on a database that is not on the built-in server; return its words."""
    url = server.url(SUPERUSER, name)
    done = dagster(state, command, DATABASE_URL=url, ISOBAR_SOURCES="sandbox")
    return done.stdout + done.stderr


def found(server: Connections, name: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(SUPERUSER, name)) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return sorted(connection.execute(question.encode()).fetchall())


def test_a_command_that_reads_changes_nothing_in_a_database_of_ones_own(
    state_folder: Path, server: Connections, empty_database: str
) -> None:
    """Incident: `dagster job list` made 83 tables and views, and simulated parcels in them."""
    state = state_folder / "reading"
    dagsters = f"{empty_database}_dagster"
    for command in READING:
        words = external(state, server, empty_database, command)
        assert "isobar migrate" in words or command == "isobar status", words[-2000:]
        assert "Traceback" not in words
    assert found(server, empty_database, "SELECT FROM pg_namespace WHERE nspname = 'ops'") == []
    databases = "SELECT datname FROM pg_database"
    assert (dagsters,) not in found(server, empty_database, databases)
    try:
        assert "up to date" in external(state, server, empty_database, "isobar migrate")
        with psycopg.connect(server.url(SUPERUSER, empty_database)) as connection:
            connection.execute("DROP VIEW metrics.freshness CASCADE")  # as in an earlier version
        looked_at = [
            (name, one) for name in (empty_database, dagsters) for one in (RELATIONS, WRITES)
        ]
        before = [found(server, *one) for one in looked_at]
        for command in READING:
            words = external(state, server, empty_database, command)
            assert "Traceback" not in words, words[-2000:]
        assert [found(server, *one) for one in looked_at] == before
    finally:
        with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {dagsters} WITH (FORCE)".encode())


def test_its_runs_are_those_that_isobar_shows_and_their_output_is_kept(state: Path) -> None:
    before = dagster(state, "dagster run list").stdout.count("Run: ")
    assert isobar(state, "run", "shipments").returncode == 0
    assert dagster(state, "dagster run list").stdout.count("Run: ") == before + 1
    assert list((state / "dagster" / "storage").glob("*/compute_logs/*.err"))
    assert not (PROJECT / "storage").exists()


def test_a_second_daemon_says_that_there_is_one(state: Path) -> None:
    port = free_port()
    words = [str(BIN / "dagster"), "dev", f"--port={port}"]
    first = Child("dagster dev", words, environment=nothing_exported(state), log=state / "dev.log")
    first.start()
    try:
        wait_until(partial(answers, port), first, seconds=120)
        for command in ("dg dev", "dagster-daemon run"):
            second = dagster(state, command)
            assert second.returncode == 1
            assert "is already running" in second.stderr.splitlines()[-3]
            assert "Traceback" not in second.stderr
            assert "Telemetry" not in second.stdout
        assert not (state / ".dagster").exists(), "telemetry is off, also after a failure"
    finally:
        first.stop()


@pytest.mark.parametrize("code", blocks(PROJECT / "docs" / "dagster.md", "python"))
def test_an_example_of_the_page_works(state: Path, tmp_path: Path, code: str) -> None:
    example = tmp_path / "example.py"
    example.write_text(code)
    done = executed(sys.executable, example, env=nothing_exported(state))
    assert done.returncode == 0, done.stderr[-3000:]
