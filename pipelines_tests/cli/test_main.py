"""The commands, from the first one in a fresh clone."""

import datetime as dt
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.postgres.clients import connect, create_database
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines_tests import states
from pipelines_tests.command import isobar
from pipelines_tests.sources.bookings.made_up import event as booking_event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.flights.made_up import flights_document
from pipelines_tests.sources.shipments.made_up import line, text_of

#: Beside those of the sandbox.
MINE = "SELECT count(*) FROM enriched.shipments WHERE tracking_number = 'TN00000001'"


def query(state: Path, sql: str) -> list[tuple[object, ...]]:
    url = isobar(state, "database", "url").stdout.strip()
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def date_of(file: Path) -> dt.date:
    return dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC).date()


@pytest.mark.system
def test_one_command_loads_flights_from_scratch_and_repeats_without_change() -> None:
    rows = "SELECT * FROM enriched.itinerary_legs ORDER BY itinerary_id, leg_number"
    with states.copied(states.load) as state:
        first = (state / "said.txt").read_text()
        assert re.search(r"flights\.itineraries +\d+ +2$", first, re.M)
        assert "make ui" in first
        assert "Created the tables" in first
        stored = query(state, rows)
        assert len(stored) > 300
        loaded_on = date_of(state / "said.txt")
        second = isobar(state, "run")
        assert (second.returncode, second.stderr) == (0, "")
        if loaded_on != dt.datetime.now(dt.UTC).date():  # which has a document of its own
            stored = query(state, rows)
            second = isobar(state, "run")
            assert (second.returncode, second.stderr) == (0, "")
        assert query(state, rows) == stored


def test_a_broken_source_fails_the_run_and_writes_nothing(state: Path, source: FakeSource) -> None:
    source.will(body(b"<!doctype html>"))
    done = isobar(state, "run", ISOBAR_SOURCES="live", FLIGHTS_URL=source.url)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "is HTML instead of JSON" in output
    assert "Off, as their variables are not set: bookings, shipments, solar." in output
    assert done.stdout.index("failed:") < done.stdout.index("asset  ")
    assert f"where: {source.url}" in output
    assert "what to do:" in output
    assert "FLIGHTS_URL" in output
    assert "Traceback" not in output
    counts = "SELECT (SELECT count(*) FROM flights.snapshots), (SELECT count(*) FROM flights.legs)"
    assert query(state, counts) == [(0, 0)]


def test_a_run_for_some_sources_leaves_the_others_alone(state: Path) -> None:
    done = isobar(state, "run", "shipments")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "shipments.shipments" in done.stdout
    assert "flights" not in done.stdout
    missing = isobar(state, "import", "shipments", "/nowhere/shipments.csv")
    assert "'/nowhere/shipments.csv' does not exist" in missing.stderr
    unknown = isobar(state, "run", "parcels")
    assert unknown.returncode == 2
    assert "'parcels' is not one of bookings, flights, shipments" in unknown.stderr


def test_database_commands_print_the_location(empty_state: Path) -> None:
    assert isobar(empty_state, "database", "status").returncode == 1
    url = isobar(empty_state, "database", "url")
    assert re.fullmatch(r"postgresql://isobar:[^@\s]+@127\.0\.0\.1:\d+/isobar\n", url.stdout)
    assert "running on 127.0.0.1" in isobar(empty_state, "database", "status").stdout
    query = "SELECT current_user, to_regnamespace('ops') IS NULL"  # a look migrates nothing
    for options, user in ((), "isobar"), (("--role=analyst",), "isobar_analyst"):
        seen = isobar(empty_state, "database", "psql", *options, "-Atc", query)
        assert seen.stdout == f"{user}|t\n", seen.stderr
    password = re.split("[:@]", url.stdout)[2]
    line = isobar(empty_state, "database", "psql", "-c", r"\! ps -ww -o args= -p $PPID")
    assert "dbname=isobar" in line.stdout, "every account of the machine can read it"
    assert password not in line.stdout
    assert isobar(empty_state, "database", "stop").stderr == "PostgreSQL has stopped.\n"
    assert isobar(empty_state, "database", "stop").stderr == "PostgreSQL was not running.\n"


def test_a_proxy_from_the_environment_is_bypassed_for_localhost(state: Path) -> None:
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    done = isobar(state, "run", "flights", NO_PROXY="", no_proxy="", **proxies)
    assert "sandbox: " not in done.stderr  # as its failure would be reported
    assert "load_flights" in done.stdout
    assert done.returncode == 0, "the source of the sandbox is on this machine, too"


@pytest.mark.parametrize("command", ["sandbox", "dashboard"])
def test_no_address_is_not_every_address_of_the_machine(command: str) -> None:
    done = CliRunner().invoke(main.isobar, [command, "--host", ""])
    assert done.exit_code == 2
    assert "name an address" in done.output


def test_two_processes_can_create_dagster_storage_at_once(server: Connections) -> None:
    """On a server of theirs, at its first use."""
    url = server.url(SUPERUSER, "postgres")

    def make(_: int) -> None:
        with connect(url, autocommit=True) as connection:
            create_database(connection, "storage")

    with ThreadPoolExecutor(4) as pool, psycopg.connect(url, autocommit=True) as connection:
        for _ in range(5):
            list(pool.map(make, range(4)))
            connection.execute("DROP DATABASE storage")


def test_with_database_url_no_server_is_started(
    empty_state: Path, server: Connections, empty_database: str, source: FakeSource
) -> None:
    source.will(document(flights_document()))
    url = server.url(SUPERUSER, empty_database)
    done = isobar(empty_state, "run", "flights", DATABASE_URL=url, FLIGHTS_URL=source.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (empty_state / "postgres").exists()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM enriched.itineraries").fetchone() == (2,)
    words = ["database", "psql", "--role=analyst", "-Atc", "SELECT current_user"]
    assert isobar(empty_state, *words, DATABASE_URL=url).stdout == "isobar_analyst\n"
    assert isobar(empty_state, "database", "stop", DATABASE_URL=url).returncode == 1
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {empty_database}_dagster WITH (FORCE)")


@pytest.mark.parametrize(
    "words", ["run", "ui", "migrate", "serve code", "serve worker", "import shipments /dev/null"]
)
def test_simulated_rows_never_enter_a_database_of_ones_own_unasked(
    state_folder: Path, server: Connections, empty_database: str, words: str
) -> None:
    """Incident: DATABASE_URL alone wrote 195 simulated parcels into a real database."""
    url = server.url(SUPERUSER, empty_database)
    unsaid = {"DATABASE_URL": url, "ISOBAR_SOURCES": "", "CELERY_BROKER_URL": "redis://x:1/0"}
    done = isobar(state_folder / "unsaid", *words.split(), **unsaid)
    assert done.returncode == 1
    assert "ISOBAR_SOURCES=live to load the real sources" in done.stderr
    assert "ISOBAR_SOURCES=sandbox to write simulated parcels" in done.stderr
    assert done.stderr.count("what to do") == 1
    assert "Traceback" not in done.stderr
    with psycopg.connect(url) as connection:
        made = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('ops', 'shipments', 'solar')"
        assert connection.execute(made).fetchone() == (0,)
        beside = "SELECT count(*) FROM pg_database WHERE datname = current_database() || '_dagster'"
        assert connection.execute(beside).fetchone() == (0,)


@pytest.mark.parametrize("words", ["--help", "database url", "alerts --help", "sandbox --help"])
def test_a_command_without_sources_does_not_ask_for_them(tmp_path: Path, words: str) -> None:
    unsaid = {"DATABASE_URL": "postgresql://u@h/d", "ISOBAR_SOURCES": ""}
    done = isobar(tmp_path, *words.split(), **unsaid)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISOBAR_SOURCES": "prod"}, "ISOBAR_SOURCES is invalid"),
        ({"DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/x"}, "migrating gave up"),
        ({"DATABASE_URL": "postgresql://me:a@hunter2@127.0.0.1:9/x"}, "written as %40"),
        ({"DAGSTER_POSTGRES_URL": "postgresql://me:hunter2@127.0.0.1:9/x"}, "storage failed: "),
    ],
)
def test_invalid_configuration_is_reported_without_a_traceback(
    empty_state: Path, variables: dict[str, str], words: str
) -> None:
    done = isobar(empty_state, "run", **variables)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert words in output
    assert "what to do:" in output
    assert "Traceback" not in output
    assert "hunter2" not in output


def test_a_file_is_imported_by_hand(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "by hand.csv"
    file.write_text(text_of([line(1), line(1, sku="B"), line(2, article_price="free")]))
    done = isobar(state, "import", "shipments", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 read, 2 loaded, 0 unchanged, 1 rejected" in done.stdout
    again = isobar(state, "import", "shipments", str(file))
    assert ": nothing new" in again.stdout
    listed = isobar(state, "quarantine", "list")
    assert "article_price is not an amount" in listed.stdout
    shown = isobar(state, "quarantine", "show", "shipments")
    head = r"record \d+: by hand\.csv, line 4\n  article_price is not an amount"
    assert re.match(head, shown.stdout)
    (tmp_path / "inbox").mkdir()
    empty = {"SHIPMENTS_INBOX": str(tmp_path / "inbox")}
    of_feed = isobar(state, "quarantine", "show", "airports")
    assert of_feed.stdout.startswith("No rejected records of airports"), of_feed
    retried = isobar(state, "quarantine", "retry", "shipments", **empty)
    assert "1 read, 0 loaded, 0 unchanged, 1 rejected" in retried.stdout
    assert query(state, MINE) == [(1,)]
    unsaid = isobar(state, "quarantine", "dismiss", "shipments", "--reason", "a sample")
    assert unsaid.returncode == 2
    assert "--record, --matching and --all" in unsaid.stderr
    assert isobar(state, "quarantine", "dismiss", "shipments", "--all").returncode == 2
    why = ["--matching", "no AMOUNT", "--reason", "nobody"]
    assert isobar(state, "quarantine", "dismiss", "shipments", *why).returncode == 1
    why = ["--matching", "not an AMOUNT", "--reason", "a free sample", "--by", "Ada"]
    done = isobar(state, "quarantine", "dismiss", "shipments", *why)
    assert (done.stdout, done.returncode) == ("1 record of shipments dismissed.\n", 0)
    assert "until the next run" in done.stderr
    listed = isobar(state, "quarantine", "list")
    assert listed.stdout.startswith("The quarantine is empty.\n")
    stored = "SELECT dismissed_by, dismissal_reason FROM ops.quarantine"
    assert query(state, f"{stored} WHERE dismissed_at > '-infinity'") == [("Ada", "a free sample")]


def test_bad_lines_of_a_rejected_file_are_kept_until_it_loads(state: Path, tmp_path: Path) -> None:
    """Incident: of 30 bad lines, three were named and none was kept."""
    file = tmp_path / "bad.csv"
    events = [booking_event(5_000 + number) for number in range(100)]
    bad = [one | {"status": 7} if n < 30 else one for n, one in enumerate(events)]
    file.write_text(text_of_events(bad))
    done = isobar(state, "import", "bookings", str(file))
    assert done.returncode == 1
    assert "isobar quarantine show bookings" in done.stdout + done.stderr
    listed = isobar(state, "quarantine", "list").stdout
    assert "30 bad records of bad.csv, which was rejected as a whole" in listed
    shown = isobar(state, "quarantine", "show", "bookings", "--limit", "50").stdout
    for line_number in range(2, 32):
        head = f"of a delivery that was rejected as a whole: bad.csv, line {line_number}\n"
        assert f"{head}  status is neither 1" in shown
    file.write_text(text_of_events(events))
    assert isobar(state, "import", "bookings", str(file)).returncode == 0
    assert "bad.csv" not in isobar(state, "quarantine", "list").stdout


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("pipelines.cli.main", {"psycopg", "streamlit"}),
        ("pipelines.testing.pytest_plugin", {"pydantic"}),  # which pytest imports in every run
    ],
)
def test_a_command_imports_what_it_needs_and_no_more(module: str, more: set[str]) -> None:
    """Dagster alone costs three times what `isobar --help` does."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    costly = {"dagster", "sqlalchemy", "requests", "pandas", *more}
    assert costly & set(done.stdout.split()) == set()
