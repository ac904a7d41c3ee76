"""`isobar backup` and `restore`: contents and rejections. The drill is in `drills`."""

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import filelock
import psycopg
import pytest
from psycopg import sql

from pipelines.failures import PermanentFailure
from pipelines.postgres import clients as postgres_clients
from pipelines.postgres.clients import find_clients, run_client
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.backup import FORMAT, Manifest, _digests, read_manifest
from pipelines.testing.databases import made
from pipelines_tests.checksums import checksums
from pipelines_tests.command import isobar


@pytest.fixture
def other(server: Connections) -> Iterator[str]:
    with made(server) as name:
        yield name


@pytest.fixture
def outside(server: Connections, database: str) -> Iterator[dict[str, str]]:
    """The variables of a warehouse on a PostgreSQL of one's own, migrated."""
    yield {"DATABASE_URL": server.url(SUPERUSER, database)}
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(drop.format(sql.Identifier(f"{database}_dagster")))


@pytest.fixture
def backup(state: Path, tmp_path: Path, outside: dict[str, str]) -> Path:
    """A backup of such a warehouse."""
    assert isobar(state, "migrate", **outside).returncode == 0
    done = isobar(state, "backup", str(tmp_path / "backup"), **outside)
    assert done.returncode == 0, done.stderr
    return tmp_path / "backup"


def test_a_password_is_passed_by_environment_not_by_argument(
    server: Connections, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, noted = tmp_path / "pg_dump", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" "$PGPASSWORD" "$KEPT" > {noted}\n')
    program.chmod(0o755)
    url = server.url(SUPERUSER, database).replace("postgresql:", "postgresql+psycopg2:")
    monkeypatch.setattr(postgres_clients, "find_clients", lambda *_, **__: tmp_path)
    run_client("pg_dump", ["--file=x"], f"{url}?options=-c%20jit%3Doff", {"KEPT": "yes"})
    words, password, kept = noted.read_text().splitlines()
    assert (password, kept) == (server.passwords[SUPERUSER], "yes")
    assert password not in words
    assert f"dbname={database}" in words
    assert "jit=off" in words


def test_programs_older_than_the_server_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_clients, "major_version", lambda _: 15)
    with pytest.raises(PermanentFailure, match="no usable pg_dump and pg_restore 18") as caught:
        find_clients(18, with_tls=False)
    assert "postgresql-client-18" in str(caught.value)


def test_a_backup_migrates_nothing_and_a_restore_all(
    state: Path, tmp_path: Path, outside: dict[str, str], owner: psycopg.Connection, rented: str
) -> None:
    assert isobar(state, "migrate", **outside).returncode == 0
    owner.execute("DROP VIEW enriched.itineraries CASCADE")
    owner.execute("CREATE ROLE dbt IN ROLE isobar_modeller; CREATE SCHEMA models AUTHORIZATION dbt")
    try:  # whose owner is gone when its schema would be restored
        done = isobar(state, "backup", str(tmp_path / "new"), **outside)
    finally:
        owner.execute("DROP SCHEMA models; DROP ROLE dbt")
    assert "Leaving out the schemas of modellers: models." in done.stderr
    view = "SELECT to_regclass('enriched.itineraries') IS NULL"
    assert owner.execute(view).fetchone() == (True,)
    restored = isobar(state, "restore", str(tmp_path / "new"), DATABASE_URL=rented)
    assert restored.returncode == 0, restored.stderr
    assert "Updated the tables and views" in restored.stderr
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    rejected = isobar(state, "backup", str(full), **outside)
    assert rejected.returncode == 1
    assert "the folder is not empty" in rejected.stderr
    assert (full / "mine").exists()


def test_nothing_is_backed_up_where_nothing_is(empty_state: Path, tmp_path: Path) -> None:
    done = isobar(empty_state, "backup", str(tmp_path / "backup"))
    assert done.returncode == 1
    assert "the built-in PostgreSQL was never started here" in done.stderr
    assert not (empty_state / "postgres").exists()


def test_a_restore_that_fails_leaves_both_databases_as_they_were(
    state: Path,
    tmp_path: Path,
    server: Connections,
    outside: dict[str, str],
    owner: psycopg.Connection,
) -> None:
    """A table of the user's own belongs to a role that is gone."""
    assert isobar(state, "migrate", **outside).returncode == 0
    owner.execute("CREATE ROLE passing; CREATE TABLE public.mine AS SELECT 1 AS one")
    try:
        owner.execute("ALTER TABLE public.mine OWNER TO passing")
        folder = str(tmp_path / "backup")
        assert isobar(state, "backup", folder, **outside).returncode == 0
        owner.execute("ALTER TABLE public.mine OWNER TO CURRENT_USER")
    finally:
        owner.execute("DROP ROLE passing")
    owner.execute("INSERT INTO public.mine VALUES (2)")
    before = checksums(owner)
    owner.close()
    rejected = isobar(state, "restore", folder, **outside)
    assert "the database is not empty: it has the table " in rejected.stderr
    failed = isobar(state, "restore", folder, "--replace", **outside)
    assert failed.returncode == 1
    assert 'role "passing" does not exist' in failed.stderr
    with psycopg.connect(outside["DATABASE_URL"]) as connection:
        assert checksums(connection) == before
        left = "SELECT count(*) FROM pg_database WHERE datname ~ '_restoring|_replaced'"
        assert connection.execute(left).fetchone() == (0,)


def test_databases_in_use_are_not_replaced(
    state: Path, outside: dict[str, str], backup: Path, owner: psycopg.Connection
) -> None:
    rejected = isobar(state, "restore", str(backup), "--replace", **outside)
    assert rejected.returncode == 1
    assert "is being accessed by other users" in rejected.stderr
    assert "Stop isobar ui on every machine" in rejected.stderr
    owner.close()
    with filelock.FileLock(state / "ui.lock"):
        rejected = isobar(state, "restore", str(backup), "--replace", **outside)
    assert "is already running" in rejected.stderr
    done = isobar(state, "restore", str(backup), "--replace", **outside)
    assert done.returncode == 0, done.stderr


def rows_of(urls: Iterable[str]) -> list[dict[str, str]]:
    found = []
    for url in urls:
        with psycopg.connect(url) as connection:
            found.append(checksums(connection))
    return found


def test_a_restore_that_breaks_off_at_its_end_replaces_neither_database(
    state: Path,
    server: Connections,
    database: str,
    outside: dict[str, str],
    backup: Path,
    owner: psycopg.Connection,
) -> None:
    """Incident: the warehouse was that of the backup, and the history of its runs was not.

    While the rename of one waits for a session to go, the session that renamed another is lost.
    """
    owner.execute("CREATE TABLE public.since AS SELECT 1 AS one")
    urls = [server.url(SUPERUSER, f"{database}_dagster"), outside["DATABASE_URL"]]
    with psycopg.connect(urls[0], autocommit=True) as dagster:
        dagster.execute("CREATE TABLE public.since AS SELECT 1 AS one")
    before = rows_of(urls)
    with (
        psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as postgres,
        ThreadPoolExecutor() as thread,
    ):
        words = ("restore", str(backup), "--replace")
        done = thread.submit(lambda: isobar(state, *words, **outside))
        renaming = f'%ALTER DATABASE "{database}%RENAME%'
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
        waiting = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
        while not postgres.execute(waiting, [renaming]).rowcount:
            assert not done.done(), done.result().stderr
            time.sleep(0.02)
        ended += " AND query LIKE %s ORDER BY query_start LIMIT 1"
        assert postgres.execute(ended, [renaming]).rowcount == 1
        owner.close()
        failed = done.result()
    assert failed.returncode == 1
    assert "what to do" in failed.stderr
    assert rows_of(urls) == before
    again = isobar(state, *words, **outside)
    assert again.returncode == 0, again.stderr
    assert rows_of(urls) != before


def test_on_two_servers_the_first_is_renamed_back_if_the_second_is_in_use(
    state: Path,
    server: Connections,
    database: str,
    outside: dict[str, str],
    backup: Path,
) -> None:
    """Two names of one server are two servers."""
    dagster = server.url(SUPERUSER, f"{database}_dagster")
    urls = [dagster, outside["DATABASE_URL"]]
    with psycopg.connect(dagster, autocommit=True) as session:
        session.execute("CREATE TABLE public.since AS SELECT 1 AS one")
    before = rows_of(urls)
    variables = outside | {"DAGSTER_POSTGRES_URL": dagster.replace("127.0.0.1", "localhost")}
    with psycopg.connect(outside["DATABASE_URL"]):
        failed = isobar(state, "restore", str(backup), "--replace", **variables)
    assert failed.returncode == 1
    assert "is being accessed by other users" in failed.stderr
    assert rows_of(urls) == before
    with psycopg.connect(dagster) as session:
        left = "SELECT datname FROM pg_database WHERE datname LIKE %s || '%%' ORDER BY 1"
        names = session.execute(left, [database]).fetchall()
    assert names == [(database,), (f"{database}_dagster",)]
    done = isobar(state, "restore", str(backup), "--replace", **variables)
    assert done.returncode == 0, done.stderr
    assert rows_of(urls) != before


@pytest.fixture
def rented(server: Connections, template: str, other: str) -> Iterator[str]:
    """The URL of a database whose owner is no superuser, as on a managed server.

    The login may make roles and databases.
    """
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS rented")
        connection.execute("CREATE ROLE rented LOGIN CREATEROLE CREATEDB PASSWORD 'rented'")
        for role in ("owner", "loader", "analyst", "operator", "modeller"):
            connection.execute(f"GRANT isobar_{role} TO rented WITH ADMIN OPTION, SET FALSE")
        connection.execute(f"ALTER DATABASE {other} OWNER TO rented")
        connection.execute("GRANT CONNECT ON DATABASE postgres TO rented")
    yield f"postgresql://rented:rented@127.0.0.1:{server.port}/{other}"
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {other}_dagster WITH (FORCE)")
        connection.execute(f"ALTER DATABASE {other} OWNER TO CURRENT_USER")
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM rented")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder that looks like a backup of this version."""
    for name in ("warehouse", "dagster"):
        (tmp_path / f"{name}.dump").write_text(name)
    taken_at = datetime(2026, 11, 21, tzinfo=UTC)
    digests = _digests(tmp_path)
    manifest = Manifest(format=FORMAT, isobar="0.1.0", taken_at=taken_at, sha256=digests)
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("manifest.json", {"format": FORMAT + 1}, "it is of Isobar 0.1.0, which restores it"),
        ("manifest.json", {"format": FORMAT - 1, "server_version": 18}, "it is of Isobar 0.1.0"),
        (
            "manifest.json",
            {"format": FORMAT + 1, "sha256": ["x"], "taken_at": 1.5},
            "it is of Isobar",
        ),
        ("manifest.json", "[]", r"no manifest\.json that can be read"),
        ("manifest.json", {"sha256": None}, r"no manifest\.json that can be read"),
        ("manifest.json", "{", r"no manifest\.json that can be read"),
        ("manifest.json", None, r"no manifest\.json that can be read: .*No such file"),
        ("dagster.dump", "Dagster", r"not as they were written: dagster\.dump"),
        ("dagster.dump", None, r"files are missing or .*: dagster\.dump"),
    ],
)
def test_a_backup_of_another_version_or_a_damaged_one_is_rejected(
    written: Path, file: str, content: dict[str, object] | str | None, words: str
) -> None:
    assert read_manifest(written).isobar == "0.1.0"
    if isinstance(content, dict):
        content = json.dumps(json.loads((written / file).read_text()) | content)
    (written / file).unlink()
    if content is not None:
        (written / file).write_text(content)
    with pytest.raises(PermanentFailure, match=words):
        read_manifest(written)
