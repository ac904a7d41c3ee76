"""Full disks of the server and the state folder: reported, then made up for."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.failures import TransientFailure
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import LOADER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import Connections, EmbeddedPostgres
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT, isobar
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.shipments import made_up as shipments

EVENTS = 20_000
LINES = 5000
SHIPMENTS = "SELECT count(*) FROM shipments.shipments"
STORED = """
SELECT count(*), sum(event_id), (SELECT sum(bookings) FROM metrics.hotel_bookings_by_stay_night)
FROM bookings.events
"""
BALLAST = "ballast"
CHUNK = bytes(1 << 20)


class SmallDisk:
    """A file system in memory, of so many megabytes, mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no byte."""
        with (self.folder / BALLAST).open("ab", buffering=0) as ballast:
            for size in (len(CHUNK), 1):
                try:
                    while True:
                        ballast.write(CHUNK[:size])
                except OSError:
                    continue

    def make_room(self) -> None:
        (self.folder / BALLAST).unlink()


@pytest.fixture
def disk(state_folder: Path) -> Iterator[SmallDisk]:
    """Skips where this user may not mount, as root in many a container may not."""
    folder = Path(tempfile.mkdtemp(dir=state_folder))
    options = "size=400m,mode=755"
    words = ["mount", "-t", "tmpfs", "-o", options, "isobar-drill", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this user may not mount a disk: {done.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def built_in(disk: SmallDisk) -> Iterator[EmbeddedPostgres]:
    """A server with all that it has on the small disk."""
    server = EmbeddedPostgres(disk.folder / "state")
    migrate(server.start().url(SUPERUSER, WAREHOUSE))
    yield server
    server.stop()


def use_up_log(server: EmbeddedPostgres) -> None:
    """Have the server need new files for its write-ahead log, as hours of loads do."""
    with psycopg.connect(server.start().url(SUPERUSER, WAREHOUSE), autocommit=True) as connection:
        try:
            for _ in range(40):
                connection.execute("SELECT pg_logical_emit_message(true, 'drill', 'x')")
                connection.execute("SELECT pg_switch_wal()")
        except psycopg.OperationalError:
            return
    raise AssertionError("it had room for all of it")


@pytest.mark.parametrize("what", ["tables", "log"])
def test_a_full_server_disk_is_reported_and_loses_nothing(
    disk: SmallDisk, built_in: EmbeddedPostgres, tmp_path: Path, what: str
) -> None:
    events = [bookings.event(n, hotel_id=n % 50) for n in range(EVENTS)]
    url = built_in.start().url(LOADER, WAREHOUSE)
    store = Warehouse(url)
    bookings.deliver(store, tmp_path, events[:100], "before.csv")
    disk.fill()
    if what == "log":
        use_up_log(built_in)
    for _ in range(2):
        with pytest.raises(TransientFailure) as done:
            bookings.deliver(store, tmp_path, events, "big.csv")
        assert "nothing was written" in done.value.problem
        assert "server" in done.value.remedy
        if what == "tables":
            assert "No space left on device" in done.value.problem
    if what == "log":
        with pytest.raises(TransientFailure, match="No space left on device"):
            built_in.start()
    disk.make_room()
    with psycopg.connect(built_in.start().url(SUPERUSER, WAREHOUSE)) as owner:
        assert owner.execute("SELECT count(*) FROM bookings.events").fetchone() == (100,)
        bookings.deliver(store, tmp_path, events, "big.csv")
        refresh(store)
        assert owner.execute(STORED).fetchone() == (EVENTS, EVENTS * (EVENTS - 1) // 2, EVENTS)
    store.dispose()


def test_a_full_state_folder_is_reported_and_the_command_recovers(
    server: Connections, database: str, owner: psycopg.Connection, disk: SmallDisk, tmp_path: Path
) -> None:
    """It ended red without a word: Dagster had sent its output to the full disk."""
    state, file = disk.folder / "state", tmp_path / "a.csv"
    variables = {"ISOBAR_SOURCES": "live", "DATABASE_URL": server.url(SUPERUSER, database)}
    file.write_text(shipments.text_of([shipments.line(n) for n in range(LINES)]))
    assert isobar(state, "migrate", **variables).returncode == 0
    disk.fill()
    done = isobar(state, "import", "shipments", str(file), **variables)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    traced = f'File "{PROJECT}/pipelines/'  # Python reports a generator of Dagster's on its own
    assert traced not in done.stderr + done.stdout
    disk.make_room()
    again = isobar(state, "import", "shipments", str(file), **variables)
    assert again.returncode == 0, again.stderr + again.stdout
    assert owner.execute(SHIPMENTS).fetchone() == (LINES,)
