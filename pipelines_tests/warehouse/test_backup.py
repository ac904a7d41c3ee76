"""`isobar backup` and `restore`: contents and rejections. The drill is in `drills`."""

import json
from collections.abc import Iterator
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


def test_a_backup_migrates_nothing_and_needs_an_empty_folder(
    state: Path, tmp_path: Path, outside: dict[str, str], owner: psycopg.Connection
) -> None:
    owner.execute("DROP VIEW enriched.itineraries")
    assert isobar(state, "migrate", **outside).returncode == 0
    owner.execute("DROP VIEW enriched.itineraries")
    assert isobar(state, "backup", str(tmp_path / "new"), **outside).returncode == 0
    view = "SELECT to_regclass('enriched.itineraries') IS NULL"
    assert owner.execute(view).fetchone() == (True,)
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


def test_a_non_superuser_restores_what_a_superuser_backed_up(
    state: Path, rented: str, backup: Path
) -> None:
    """As on a managed server: the login may make roles and databases, and owns its own."""
    done = isobar(state, "restore", str(backup), DATABASE_URL=rented)
    assert done.returncode == 0, done.stderr
    assert isobar(state, "migrate", DATABASE_URL=rented).returncode == 0


@pytest.fixture
def rented(server: Connections, template: str, other: str) -> Iterator[str]:
    """The URL of a database whose owner is no superuser, as on a managed server."""
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
    manifest = Manifest(
        format=FORMAT,
        isobar="0.1.0",
        taken_at=datetime(2026, 11, 21, tzinfo=UTC),
        sha256=_digests(tmp_path),
    )
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    return tmp_path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": FORMAT + 1}, "it is of Isobar 0.1.0, which restores it"),
        ({"format": FORMAT - 1, "server_version": 180006}, "it is of Isobar 0.1.0"),
        ({"isobar": None}, r"no manifest\.json that can be read"),
        ({"sha256": None}, r"no manifest\.json that can be read"),
    ],
)
def test_a_backup_of_another_version_is_rejected(
    written: Path, change: dict[str, object], words: str
) -> None:
    manifest = written / "manifest.json"
    assert read_manifest(written).isobar == "0.1.0"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(PermanentFailure, match=words):
        read_manifest(written)


def test_a_damaged_or_incomplete_backup_is_rejected(written: Path) -> None:
    (written / "dagster.dump").write_text("Dagster")
    with pytest.raises(PermanentFailure, match=r"not as they were written: dagster\.dump"):
        read_manifest(written)
    (written / "dagster.dump").unlink()
    with pytest.raises(PermanentFailure, match=r"files are missing or .*: dagster\.dump"):
        read_manifest(written)
    (written / "manifest.json").write_text("{")
    with pytest.raises(PermanentFailure, match=r"no manifest\.json that can be read"):
        read_manifest(written)
    (written / "manifest.json").unlink()
    with pytest.raises(
        PermanentFailure, match=r"no manifest\.json that can be read: .*No such file"
    ):
        read_manifest(written)
