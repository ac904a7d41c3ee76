"""Back up while a load is under way, destroy everything, restore elsewhere, compare, go on.

And kill -9 in the middle of a backup and of a restore.
"""

import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.postgres.server import EmbeddedPostgres
from pipelines_tests.checksums import checksums
from pipelines_tests.command import begin, isobar
from pipelines_tests.drills.test_kill import begin_and_wait
from pipelines_tests.sources.shipments.made_up import line, text_of

HISTORY = """
SELECT asset_key, count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'
GROUP BY asset_key ORDER BY asset_key
"""
RIGHTS = """
SELECT relnamespace::regnamespace::text, relname, relowner::regrole::text, right_.*
FROM pg_class, LATERAL (
    SELECT grantee::regrole::text, privilege_type FROM aclexplode(relacl)
) AS right_
WHERE relnamespace::regnamespace::text !~ '^pg_'
UNION ALL
SELECT nspname, '', nspowner::regrole::text, grantee::regrole::text, privilege_type
FROM pg_namespace, aclexplode(nspacl) WHERE nspname !~ '^pg_'
UNION ALL
SELECT 'later', defaclobjtype::text, defaclrole::regrole::text, grantee::regrole::text,
    privilege_type
FROM pg_default_acl, aclexplode(defaclacl)
ORDER BY 1, 2, 3, 4, 5
"""
UNDER_WAY = "SELECT count(*) FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')"
LOADED = "SELECT count(*) FROM ops.deliveries"
DONE = "SELECT count(*) FROM runs WHERE status = 'SUCCESS'"
DATABASES = "SELECT datname FROM pg_database WHERE datname ~ 'isobar|dagster' ORDER BY 1"
#: Tables whose rows only change when a source says something new.
SOURCES_REPORTED = (
    "bookings.events",
    "flights.legs",
    "flights.prices",
    "metrics.hotel_bookings_by_stay_night",
    "shipments.articles",
    "shipments.status_history",
    "solar.readings",
)


def opened(state: Path, database: str = WAREHOUSE) -> psycopg.Connection:
    role = DAGSTER if database == DAGSTER else SUPERUSER
    url = EmbeddedPostgres(state).start().url(role, database)
    return psycopg.connect(url, autocommit=True)


def stored(state: Path) -> dict[str, str]:
    with opened(state) as connection:
        return checksums(connection)


def queried(state: Path, query: str, database: str = DAGSTER) -> list[tuple[object, ...]]:
    with opened(state, database) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def elsewhere(state: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=state.parent))
    folder.chmod(0o755)
    yield folder
    EmbeddedPostgres(folder).stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    later = tmp_path / "later.csv"
    later.write_text(text_of([line(n, status="delivery") for n in range(500)]))
    return later


def test_a_destroyed_database_is_restored_elsewhere_and_keeps_working(
    state: Path, elsewhere: Path, file: Path, tmp_path: Path
) -> None:
    done = isobar(state, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    with opened(state) as blocker:
        with blocker.transaction():
            blocker.execute("LOCK TABLE shipments.articles IN EXCLUSIVE MODE")
            load = begin_and_wait(blocker, state, "import", "shipments", str(file))
            before, rights = stored(state), queried(state, RIGHTS, WAREHOUSE)
            history = queried(state, HISTORY)
            backed_up = isobar(state, "backup", str(tmp_path / "backup"))
        load.communicate(timeout=300)
    assert backed_up.returncode == 0, backed_up.stderr
    assert "Not included: logins" in backed_up.stderr
    assert load.returncode == 0
    assert stored(state) != before, "the load that the backup did not wait for"
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    server = EmbeddedPostgres(state)
    server.stop()
    shutil.rmtree(server.home)
    shutil.rmtree(state)
    state.mkdir()

    restored = isobar(elsewhere, "restore", str(tmp_path / "backup"))
    assert restored.returncode == 0, restored.stderr
    assert stored(elsewhere) == before
    assert queried(elsewhere, RIGHTS, WAREHOUSE) == rights
    assert queried(elsewhere, HISTORY) == history
    assert len(history) > 20
    assert re.search("Ended shipments .{8}, which was under way when the backup", restored.stderr)
    assert queried(elsewhere, UNDER_WAY) == [(0,)]
    assert queried(elsewhere, DATABASES) == [("dagster",), ("isobar",)]

    again = isobar(elsewhere, "run")
    assert again.returncode == 0, again.stdout + again.stderr
    after = stored(elsewhere)
    assert {name: after[name] for name in SOURCES_REPORTED} == {
        name: before[name] for name in SOURCES_REPORTED
    }
    assert isobar(elsewhere, "import", "shipments", str(file)).returncode == 0
    delivered = "SELECT count(*) FROM shipments.shipments WHERE tracking_number ~ '^TN0'"
    assert queried(elsewhere, delivered, WAREHOUSE) == [(500,)]


def test_what_dagster_calls_done_is_in_the_backup(
    state: Path, elsewhere: Path, tmp_path: Path
) -> None:
    """Loads go on meanwhile: Dagster's storage is dumped first, and the warehouse second."""
    assert isobar(state, "migrate").returncode == 0
    is_over, folder = threading.Event(), str(tmp_path / "backup")

    def load() -> None:
        for number in range(60):
            file = tmp_path / f"{number}.csv"
            file.write_text(text_of([line(number)]))
            isobar(state, "import", "shipments", str(file))
            if is_over.is_set():
                return

    loading = threading.Thread(target=load)
    loading.start()
    try:
        while int(str(queried(state, DONE)[0][0])) < 2:
            time.sleep(0.2)
        backed_up = isobar(state, "backup", folder)
    finally:
        is_over.set()
        loading.join()
    assert backed_up.returncode == 0, backed_up.stderr
    assert isobar(elsewhere, "restore", folder).returncode == 0
    (done,), (loaded,) = queried(elsewhere, DONE) + queried(elsewhere, LOADED, WAREHOUSE)
    assert 2 <= int(str(done)) <= int(str(loaded))


def test_a_killed_backup_is_recognised_and_the_next_one_works(
    state: Path, elsewhere: Path, tmp_path: Path
) -> None:
    assert isobar(state, "migrate").returncode == 0
    folder = tmp_path / "backup"
    with opened(state) as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE flights.prices IN ACCESS EXCLUSIVE MODE")
        backup = begin_and_wait(blocker, state, "backup", str(folder))
        backup.kill()
        backup.communicate()
    rejected = isobar(elsewhere, "restore", str(folder))
    assert rejected.returncode == 1
    assert "there is no manifest.json that can be read" in rejected.stderr
    assert "what to do:" in rejected.stderr
    again = isobar(state, "backup", str(folder))
    assert again.returncode == 1
    assert "was interrupted: delete it" in again.stderr
    shutil.rmtree(folder)
    again = isobar(state, "backup", str(folder))
    assert again.returncode == 0, again.stderr


def test_a_killed_restore_changes_nothing_and_the_next_one_works(
    state: Path, elsewhere: Path, file: Path, tmp_path: Path
) -> None:
    assert isobar(state, "import", "shipments", str(file)).returncode == 0
    assert isobar(elsewhere, "migrate").returncode == 0
    folder = str(tmp_path / "backup")
    assert isobar(elsewhere, "backup", folder).returncode == 0
    before = stored(state)
    restore = begin(state, "restore", folder, "--replace")
    deadline = time.monotonic() + 300
    while ("isobar_restoring",) not in queried(state, DATABASES, "postgres"):
        assert restore.poll() is None, restore.communicate()[0]
        assert time.monotonic() < deadline, "the restore never began"
    restore.kill()
    restore.communicate()
    assert stored(state) == before
    assert isobar(state, "status").returncode in (0, 1)
    again = isobar(state, "restore", folder, "--replace")
    assert again.returncode == 0, again.stderr
    assert stored(state) == stored(elsewhere)
    assert queried(state, DATABASES, "postgres") == [("dagster",), ("isobar",)]
