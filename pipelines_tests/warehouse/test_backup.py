"""`isobar backup` and `restore`: contents and rejections. The drill is in `drills`."""

import datetime as dt
import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import filelock
import psycopg
import pytest
from dagster._daemon.types import DaemonHeartbeat  # as a daemon writes it
from psycopg import sql
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.migrations.apply import prepare_roles
from pipelines.orchestration.storage import PooledPostgresStorage
from pipelines.postgres import clients as postgres_clients
from pipelines.postgres.clients import Clients, connect, find_clients
from pipelines.postgres.log_files import shortened, tail
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime import backup as backups
from pipelines.runtime import restore
from pipelines.runtime.backup import FORMAT, Manifest, digests, one_instant, read_manifest
from pipelines.runtime.personal_logins import create_login
from pipelines.runtime.restore_guard import ui_lock
from pipelines.status.rules import BEAT_SECONDS
from pipelines.testing.databases import made
from pipelines_tests.checksums import checksums
from pipelines_tests.command import isobar
from pipelines_tests.warehouse.deep_views import create_too_deep


@pytest.fixture
def other(server: Connections) -> Iterator[str]:
    """The name of a second empty database."""
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


def test_a_backup_contains_all_loads_that_dagster_recorded_as_done(
    server: Connections, empty_database: str, other: str
) -> None:
    """As a run does: the rows of a load are committed, then Dagster records it."""
    urls = [server.url(SUPERUSER, name) for name in (empty_database, other)]
    for url in urls:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE done (number integer)")
    is_over = threading.Event()

    def load() -> None:
        sessions = [psycopg.connect(url, autocommit=True) for url in urls]
        for number in range(1_000_000):
            for session in sessions:
                session.execute("INSERT INTO done VALUES (%s)", [number])
            if is_over.is_set():
                break
        for session in sessions:
            session.close()

    loading = threading.Thread(target=load)
    loading.start()
    ahead = set()
    try:
        with connect(urls[0], autocommit=True) as watcher:
            for _ in range(60):
                with connect(urls[0]) as warehouse, connect(urls[1]) as storage:
                    one_instant(warehouse, storage, watcher)
                    query = "SELECT count(*) FROM done"
                    (loaded,) = warehouse.execute(query).fetchone() or (0,)
                    (recorded,) = storage.execute(query).fetchone() or (0,)
                    ahead.add(loaded - recorded)
    finally:
        is_over.set()
        loading.join()
    assert loaded > 60
    assert ahead <= {0, 1}


def test_a_password_is_passed_by_environment_not_by_argument(
    server: Connections, database: str, tmp_path: Path
) -> None:
    program, noted = tmp_path / "pg_dump", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" "$PGPASSWORD" "$KEPT" > {noted}\n')
    program.chmod(0o755)
    url = server.url(SUPERUSER, database).replace("postgresql:", "postgresql+psycopg2:")
    clients = Clients(tmp_path, with_tls=False)
    clients.run("pg_dump", ["--file=x"], f"{url}?options=-c%20jit%3Doff", {"KEPT": "yes"})
    words, password, kept = noted.read_text().splitlines()
    assert (password, kept) == (server.passwords[SUPERUSER], "yes")
    assert password not in words
    assert f"dbname={database}" in words
    assert "jit=off" in words


def test_program_errors_are_reported_verbatim_without_a_password(
    server: Connections, database: str
) -> None:
    url = server.url(SUPERUSER, database)
    with connect(url) as connection:
        clients = find_clients(connection)
    with pytest.raises(PermanentFailure, match="no matching tables were found") as caught:
        clients.run("pg_dump", ["--table=nothing"], url, {})
    assert server.passwords[SUPERUSER] not in str(caught.value)


def test_programs_older_than_the_server_are_rejected(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_clients, "major_version", lambda _: 15)
    with connect(server.url(SUPERUSER, database)) as connection:
        major = connection.info.server_version // 10_000
        problem = f"no usable pg_dump and pg_restore {major}"
        with pytest.raises(PermanentFailure, match=problem) as caught:
            find_clients(connection)
    assert f"postgresql-client-{major}" in str(caught.value)


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
    (full / "warehouse").mkdir()
    rejected = isobar(state, "backup", str(full), **outside)
    assert rejected.returncode == 1
    assert "the folder is not empty" in rejected.stderr
    assert (full / "warehouse").exists()


def test_nothing_is_backed_up_where_nothing_is(empty_state: Path, tmp_path: Path) -> None:
    done = isobar(empty_state, "backup", str(tmp_path / "backup"))
    assert done.returncode == 1
    assert "there is no database of Isobar to back up" in done.stderr
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
    assert "have rights in the backup are not here: passing" in failed.stderr
    with psycopg.connect(outside["DATABASE_URL"]) as connection:
        assert checksums(connection) == before
        left = "SELECT count(*) FROM pg_database WHERE datname ~ 'being_restored|before_restore'"
        assert connection.execute(left).fetchone() == (0,)


def test_databases_in_use_or_on_older_servers_are_not_replaced(
    state: Path, outside: dict[str, str], backup: Path, owner: psycopg.Connection
) -> None:
    owner.execute("SET application_name = 'tableau'")
    rejected = isobar(state, "restore", str(backup), "--replace", **outside)
    assert rejected.returncode == 1
    assert "the databases are in use: database " in rejected.stderr
    assert f"(tableau as {owner.info.user}" in rejected.stderr
    owner.close()
    with filelock.FileLock(state / "ui.lock"):
        rejected = isobar(state, "restore", str(backup), "--replace", **outside)
    assert "the databases are in use: isobar ui is running" in rejected.stderr
    done = isobar(state, "restore", str(backup), "--replace", **outside)
    assert done.returncode == 0, done.stderr
    manifest = backup / "manifest.json"
    later = json.loads(manifest.read_text()) | {"server_version": 990000}
    manifest.write_text(json.dumps(later))
    rejected = isobar(state, "restore", str(backup), "--replace", **outside)
    assert "the backup was made with PostgreSQL 99, and the server is 18" in rejected.stderr


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


def test_tables_of_an_analyst_are_left_out_of_a_backup_by_name(
    state: Path, server: Connections, rented: str, other: str, tmp_path: Path
) -> None:
    """Incident: one table in an analyst's own schema, and pg_dump stopped at LOCK TABLE."""
    assert isobar(state, "migrate", DATABASE_URL=rented).returncode == 0
    with psycopg.connect(server.url(SUPERUSER, other), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS jane")
        connection.execute("CREATE ROLE jane")
        connection.execute('CREATE SCHEMA "Jane\'s" AUTHORIZATION jane')
        connection.execute("CREATE SCHEMA shown AUTHORIZATION jane")
        connection.execute("SET ROLE jane")
        connection.execute('CREATE TABLE "Jane\'s"."own ""x""" (id serial, word text)')
        connection.execute("GRANT USAGE ON SCHEMA shown TO rented")
        connection.execute("CREATE TABLE shown.kept AS SELECT 7 AS number")
        connection.execute("GRANT SELECT ON shown.kept TO rented")
        connection.execute("CREATE TABLE shown.counted (id integer GENERATED ALWAYS AS IDENTITY)")
        connection.execute("CREATE TABLE shown.hidden (id integer PRIMARY KEY)")
        connection.execute("CREATE TABLE shown.guarded (id integer)")
        connection.execute("ALTER TABLE shown.guarded ENABLE ROW LEVEL SECURITY")
        connection.execute("CREATE TABLE shown.pointing (id integer REFERENCES shown.hidden)")
        connection.execute("CREATE TABLE shown.child () INHERITS (shown.hidden)")
        for name in ("counted", "guarded", "pointing", "child"):
            connection.execute(f"GRANT SELECT ON shown.{name} TO rented")
        connection.execute('CREATE VIEW shown.reading AS SELECT word FROM "Jane\'s"."own ""x"""')
    try:
        done = isobar(state, "backup", str(tmp_path / "backup"), DATABASE_URL=rented)
        assert done.returncode == 0, done.stderr
        left_out = [
            '"Jane\'s"."own ""x"""',
            '"Jane\'s"."own ""x""_id_seq"',
            "shown.child",
            "shown.counted",
            "shown.counted_id_seq",
            "shown.guarded",
            "shown.hidden",
            "shown.pointing",
            "shown.reading",
        ]
        for name in left_out:
            assert f"this user may not read it: {name} of jane." in done.stdout + done.stderr
        assert read_manifest(tmp_path / "backup").left_out == left_out
        with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {other} WITH (FORCE)")
            connection.execute(f"DROP DATABASE IF EXISTS {other}_dagster WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {other} OWNER rented")
            connection.execute("GRANT jane TO rented")  # who restores what she owns
        again = isobar(state, "restore", str(tmp_path / "backup"), DATABASE_URL=rented)
        assert again.returncode == 0, again.stderr
        assert "The backup has no" in again.stdout + again.stderr
        with psycopg.connect(server.url(SUPERUSER, other)) as connection:
            assert connection.execute("SELECT number FROM shown.kept").fetchone() == (7,)
    finally:
        with psycopg.connect(server.url(SUPERUSER, other), autocommit=True) as connection:
            connection.execute("DROP OWNED BY jane CASCADE")
            connection.execute("DROP ROLE jane")


@pytest.fixture
def modelled(
    state: Path, server: Connections, outside: dict[str, str], owner: psycopg.Connection
) -> Iterator[dict[str, str]]:
    """The variables of a warehouse with an analyst, bob, and a modeller, jane, and her work."""
    assert isobar(state, "migrate", **outside).returncode == 0
    prepare_roles(outside["DATABASE_URL"])
    create_login(owner, "bob", is_modeller=False, new_password=False)
    password = create_login(owner, "jane", is_modeller=True, new_password=False)
    name = owner.info.dbname
    url = f"postgresql://jane:{password}@{owner.info.host}:{owner.info.port}/{name}"
    with psycopg.connect(url, autocommit=True) as jane:
        jane.execute("CREATE TABLE kept AS SELECT 7 AS number")
        jane.execute("CREATE VIEW routes AS SELECT route FROM enriched.itineraries")
        jane.execute("CREATE SCHEMA jane_marts; CREATE TABLE jane_marts.daily AS TABLE kept")
        jane.execute("GRANT USAGE ON SCHEMA jane TO isobar_analyst; GRANT SELECT ON kept TO bob")
    yield {**outside, "URL_OF_JANE": url}
    with psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as connection:
        for login in ("jane", "bob"):
            connection.execute(f"DROP OWNED BY {login} CASCADE; DROP ROLE {login}".encode())


def test_a_restore_names_missing_logins_and_creates_them_on_request(
    state: Path, modelled: dict[str, str], owner: psycopg.Connection, tmp_path: Path
) -> None:
    folder, name = str(tmp_path / "backup"), owner.info.dbname
    assert isobar(state, "backup", folder, **modelled).returncode == 0
    owner.execute("DROP OWNED BY jane CASCADE; DROP OWNED BY bob; DROP ROLE jane, bob")
    before = checksums(owner)
    owner.close()
    failed = isobar(state, "restore", folder, "--replace", **modelled)
    assert failed.returncode == 1
    assert "are not here: bob (isobar_analyst), jane (isobar_modeller)" in failed.stderr
    with psycopg.connect(modelled["DATABASE_URL"]) as connection:
        assert checksums(connection) == before
    done = isobar(state, "restore", folder, "--replace", "--create-logins", **modelled)
    assert done.returncode == 0, done.stderr
    created = dict(re.findall(r"Created a login: (postgresql://(\w+):\S+)", done.stderr))
    urls = {login: url for url, login in created.items()}
    assert {*urls} == {"jane", "bob"}
    assert all(url.endswith(f"/{name}") for url in urls.values())
    with psycopg.connect(urls["jane"], autocommit=True) as jane:
        assert jane.execute("TABLE kept").fetchall() == [(7,)], "her schema is on her search path"
        assert jane.execute("TABLE jane_marts.daily").fetchall() == [(7,)]
        jane.execute("INSERT INTO kept VALUES (8)")
        jane.execute("CREATE TEMPORARY TABLE passing AS TABLE routes; CREATE SCHEMA jane_more")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            jane.execute("DELETE FROM flights.legs")
    with psycopg.connect(urls["bob"], autocommit=True) as bob:
        assert bob.execute("SELECT count(*) FROM flights.legs").fetchone() == (0,)
        assert bob.execute("SELECT number FROM jane.kept").fetchall() == [(7,), (8,)]


def test_a_non_superuser_carries_what_modellers_build(
    state: Path, server: Connections, rented: str, other: str, tmp_path: Path
) -> None:
    name, variables = f"of_{other}", {"DATABASE_URL": rented}
    assert isobar(state, "migrate", **variables).returncode == 0
    made = isobar(state, "database", "login", name, "--modeller", **variables)
    assert made.returncode == 0, made.stderr
    with psycopg.connect(made.stdout.strip(), autocommit=True) as modeller:
        modeller.execute("CREATE TABLE kept AS SELECT 7 AS number; CREATE SCHEMA more")
    folder = str(tmp_path / "backup")
    done = isobar(state, "backup", folder, **variables)
    assert done.returncode == 0, done.stderr
    assert "Not in the backup" not in done.stderr
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {other} WITH (FORCE)".encode())
        admin.execute(f"DROP DATABASE IF EXISTS {other}_dagster WITH (FORCE)".encode())
        admin.execute(f"DROP ROLE {name}".encode())
        admin.execute(f"CREATE DATABASE {other} OWNER rented".encode())
    restored = isobar(state, "restore", folder, "--create-logins", **variables)
    assert restored.returncode == 0, restored.stderr
    (url,) = re.findall(rf"Created a login: (postgresql://{name}:\S+)", restored.stderr)
    with psycopg.connect(url, autocommit=True) as modeller:
        assert modeller.execute("TABLE kept").fetchall() == [(7,)]
        modeller.execute("CREATE TABLE more.built AS TABLE kept; CREATE SCHEMA another")
    with psycopg.connect(server.url(SUPERUSER, other), autocommit=True) as admin:
        admin.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())


def test_logins_that_are_there_keep_their_password_over_a_restore(
    state: Path, modelled: dict[str, str], owner: psycopg.Connection, tmp_path: Path
) -> None:
    folder = str(tmp_path / "backup")
    assert isobar(state, "backup", folder, **modelled).returncode == 0
    owner.execute("REVOKE isobar_analyst FROM bob")
    owner.close()
    done = isobar(state, "restore", folder, "--replace", **modelled)
    assert done.returncode == 0, done.stderr
    assert "Grants of the backup that are not here: isobar_analyst to bob." in done.stderr
    assert "Created a login" not in done.stderr
    with psycopg.connect(modelled["URL_OF_JANE"]) as jane:
        assert jane.execute("TABLE kept").fetchall() == [(7,)]
        assert jane.execute("SHOW statement_timeout").fetchone() == ("30min",)


def test_no_code_of_a_modeller_is_executed_by_a_restore(
    state: Path, modelled: dict[str, str], owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Constraints of rows and literals are checked with the rights of whoever restores."""
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        jane.execute(
            """
            CREATE SCHEMA "Jane's code";
            CREATE FUNCTION "Jane's code".trap(integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
            AS $$
            BEGIN
                IF current_user <> 'jane' THEN
                    RAISE EXCEPTION 'caught %', current_user;
                END IF;
                RETURN TRUE;
            END
            $$;
            SET search_path = jane, "Jane's code";
            CREATE DOMAIN "Jane's code".trapped AS integer CHECK (trap(VALUE));
            CREATE TYPE "Jane's code".pair AS (one trapped, two text);
            CREATE TYPE jane.mood AS ENUM ('good', 'bad');
            CREATE TABLE positive (x integer CHECK (x > 0));
            CREATE TABLE checked (x integer CHECK (trap(x)));
            CREATE TABLE domained (x trapped);
            CREATE TABLE domains (x trapped[]);
            CREATE TABLE composed (x pair);
            CREATE TABLE generated (x integer, y boolean GENERATED ALWAYS AS (trap(x)) STORED);
            CREATE TABLE parted (x integer) PARTITION BY LIST (trap(x));
            CREATE TABLE part PARTITION OF parted FOR VALUES IN (TRUE);
            CREATE TABLE defaulted (x integer, y integer DEFAULT ('{1}'::trapped[])[1]::integer);
            CREATE TABLE indexed (x integer);
            CREATE INDEX ON indexed (trap(x));
            CREATE TABLE fine (x integer PRIMARY KEY, mood jane.mood, moods jane.mood[]);
            CREATE MATERIALIZED VIEW counted AS SELECT trap(x) FROM fine;
            CREATE MATERIALIZED VIEW summed AS SELECT sum(x) FROM fine;
            CREATE VIEW seen AS TABLE checked;
            CREATE VIEW literal AS SELECT ('{1}'::trapped[])[1]::integer AS x;
            CREATE TABLE "Jane's code".own AS TABLE fine;
            INSERT INTO checked VALUES (1);
            INSERT INTO domained VALUES (1);
            INSERT INTO domains VALUES ('{1}');
            INSERT INTO composed VALUES ((1, 'two'));
            INSERT INTO generated VALUES (1);
            INSERT INTO parted VALUES (1);
            INSERT INTO fine VALUES (1, 'good', '{bad}');
            REFRESH MATERIALIZED VIEW summed;
            """
        )
    trapped = {
        "checked": "1",
        "domained": "1",
        "domains": "{1}",
        "composed": "(1,two)",
        "generated": "1",
        "part": "1",
    }
    for table, row in trapped.items():  # as pg_restore writes
        with (
            pytest.raises(psycopg.errors.RaiseException, match="caught isobar"),
            owner.cursor().copy(f"COPY jane.{table} (x) FROM STDIN".encode()) as copy,
        ):
            copy.write(f"{row}\n")
    with pytest.raises(psycopg.errors.RaiseException, match="caught isobar"):
        owner.execute("""CREATE VIEW public.mine AS SELECT '{1}'::"Jane's code".trapped[] AS x""")
    folder = tmp_path / "backup"
    done = isobar(state, "backup", str(folder), **modelled)
    assert done.returncode == 0, done.stderr
    owner.close()
    others = ("parted", "positive", "seen", "defaulted", "indexed", "counted", "literal")
    left_out = sorted(['"Jane\'s code".own', *(f"jane.{name}" for name in (*trapped, *others))])
    assert read_manifest(folder).left_out == ["the schema Jane's code", *left_out]
    for name in read_manifest(folder).left_out:
        assert f"because restoring it could execute code: {name} of jane" in done.stderr
    restored = isobar(state, "restore", str(folder), "--replace", **modelled)
    assert restored.returncode == 0, restored.stderr
    with psycopg.connect(modelled["URL_OF_JANE"]) as jane:
        assert jane.execute("TABLE fine").fetchall() == [(1, "good", "{bad}")]
        assert jane.execute("TABLE summed").fetchall() == [(1,)]


#: Each stops pg_restore, if it exits on errors: some of it cannot be restored.
WHAT_CANNOT_BE_RESTORED = {
    "node": "CREATE TABLE stored AS SELECT adbin FROM pg_attrdef LIMIT 1",
    "index": "CREATE TABLE own (x integer PRIMARY KEY);"
    " CREATE TABLE stored AS SELECT 'own_pkey'::regclass AS x",
    "refreshed": "CREATE MATERIALIZED VIEW stored AS"
    " SELECT pg_sleep(0.1)::text AS waited,"  # longer than the last attempt has
    " 1 / (current_database() !~ '_being_restored$')::integer AS x",
    "endless": "CREATE MATERIALIZED VIEW stored AS"
    " SELECT CASE WHEN current_database() ~ '_being_restored$' THEN pg_sleep(1000)::text END AS x",
    "converted": "CREATE TYPE pair AS (x integer);"
    " CREATE FUNCTION first(pair) RETURNS integer LANGUAGE sql RETURN 1;"
    " CREATE CAST (pair AS integer) WITH FUNCTION first(pair)",
    "named": "CREATE TABLE own (x integer CHECK (x > 0));"
    " CREATE VIEW stored AS SELECT NULL::own AS x",
    "guarded": "CREATE TABLE own (x integer CHECK (x > 0)); CREATE TABLE stored (x integer);"
    " CREATE POLICY mine ON stored USING (EXISTS (SELECT FROM own))",
    "published": "CREATE TABLE own (x integer CHECK (x > 0));"
    " CREATE PUBLICATION mine FOR TABLE own",
    "hidden": 'CREATE TABLE "\u2028 EVENT TRIGGER - isobar_forbid_extensions " (x integer);'
    ' CREATE VIEW stored AS TABLE "\u2028 EVENT TRIGGER - isobar_forbid_extensions "',
}


def test_what_modellers_build_does_not_stop_a_restore(
    state: Path,
    modelled: dict[str, str],
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        for schema, statements in WHAT_CANNOT_BE_RESTORED.items():
            jane.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}".encode())
            jane.execute(statements.encode())
        jane.execute("CREATE MATERIALIZED VIEW jane.sums AS SELECT sum(number) FROM jane.kept")
    folder = tmp_path / "backup"
    done = isobar(state, "backup", str(folder), **modelled)
    assert done.returncode == 0, done.stderr
    owner.close()
    monkeypatch.setattr(restore, "REFRESH_SECONDS", 3.0)
    monkeypatch.setenv("DATABASE_URL", modelled["DATABASE_URL"])
    monkeypatch.setenv("ISOBAR_HOME", str(state))
    said: list[str] = []
    restore.restore_from(folder, Settings.current(), True, os.environ, said.append)
    reported = "\n".join(said)
    assert "Not everything that others have built could be restored" in reported
    assert "Without rows: refreshed.stored, which could not be refreshed: division" in reported
    assert "Without rows: endless.stored, which could not be refreshed: canceling" in reported
    with psycopg.connect(modelled["URL_OF_JANE"]) as jane:
        assert jane.execute("TABLE kept").fetchall() == [(7,)]
        assert jane.execute("TABLE sums").fetchall() == [(7,)]
        assert jane.execute("SELECT count(*) FROM hidden.stored").fetchone() == (0,)


def test_nothing_of_others_belongs_to_whoever_restores(
    state: Path, server: Connections, rented: str, other: str, tmp_path: Path
) -> None:
    """A view shows what its owner may read. Only a superuser gives one to whoever has no schema."""
    variables = {"DATABASE_URL": rented}
    assert isobar(state, "migrate", **variables).returncode == 0
    names = [f"{one}_{other}" for one in ("host", "guest")]
    for name in names:
        done = isobar(state, "database", "login", name, "--modeller", **variables)
        assert done.returncode == 0, done.stderr
    host, guest = names
    with psycopg.connect(server.url(SUPERUSER, other), autocommit=True) as admin:
        admin.execute(f"GRANT CREATE, USAGE ON SCHEMA {host} TO {guest}".encode())
        admin.execute(f"SET ROLE {guest}".encode())
        admin.execute(f"CREATE VIEW {host}.seen AS TABLE ops.quarantine".encode())
    folder = str(tmp_path / "backup")
    assert isobar(state, "backup", folder, **variables).returncode == 0
    try:
        failed = isobar(state, "restore", folder, "--replace", **variables)
        assert failed.returncode == 1
        assert f"permission denied for schema {host}" in failed.stderr
    finally:
        with psycopg.connect(server.url(SUPERUSER, other), autocommit=True) as admin:
            both = f"{host}, {guest}"
            admin.execute(f"DROP OWNED BY {both} CASCADE; DROP ROLE {both}".encode())


def test_a_view_that_is_nested_too_deep_is_left_out_of_a_backup_by_name(
    state: Path, modelled: dict[str, str], owner: psycopg.Connection, tmp_path: Path
) -> None:
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        jane.execute("CREATE TABLE numbers AS SELECT 1 AS x")
        create_too_deep(jane, "jane.deep", "jane.numbers")
        jane.execute("CREATE VIEW jane.reading AS TABLE jane.deep")
    done = isobar(state, "backup", str(tmp_path / "backup"), **modelled)
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "backup").left_out == ["jane.deep", "jane.reading"]
    assert "because its SQL is nested too deep to be written: jane.deep of jane." in done.stderr


def test_a_row_that_is_too_large_to_be_written_is_left_out_of_a_backup_with_its_table(
    state: Path, modelled: dict[str, str], tmp_path: Path
) -> None:
    """Compressed, it takes little space; a line of COPY has at most a gigabyte."""
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        jane.execute("CREATE TABLE large (a text, b text, c text)")
        jane.execute("INSERT INTO large (a) VALUES (repeat('a', 400000000))")
        jane.execute("UPDATE large SET b = a")
        jane.execute("UPDATE large SET c = a")
    done = isobar(state, "backup", str(tmp_path / "backup"), **modelled)
    assert done.returncode == 0, done.stderr
    assert read_manifest(tmp_path / "backup").left_out == ["jane.large"]
    assert "because a row of it is too large to be written: jane.large of jane." in done.stderr


def test_more_tables_than_the_server_can_lock_are_left_out_of_a_backup_with_their_schemas(
    modelled: dict[str, str],
    outside: dict[str, str],
    server: Connections,
    other: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backups, "MAX_RELATIONS", 30)
    run = Clients.run

    def run_out_of_locks(clients: Clients, program: str, words: Any, *given: Any) -> None:
        if '--exclude-schema="jane"' not in words and modelled["DATABASE_URL"] in given:
            raise PermanentFailure("database", "out of shared memory", place="", remedy="")
        run(clients, program, words, *given)

    monkeypatch.setattr(Clients, "run", run_out_of_locks)
    urls = {"warehouse": outside["DATABASE_URL"], "dagster": server.url(SUPERUSER, other)}
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        for number in range(30):
            jane.execute(f"CREATE TABLE part_{number} (x integer CHECK (x > 0))".encode())
    said: list[str] = []
    (tmp_path / "warehouse").mkdir()
    manifest = backups._dump(tmp_path, urls, os.environ, said.append)
    assert manifest.left_out == ["the schema jane", "the schema jane_marts"]
    assert "has more than 30 tables and views: the schema jane_marts of jane." in "\n".join(said)


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_backup_waits_for_a_lock_so_long_and_says_what_to_do(
    modelled: dict[str, str],
    outside: dict[str, str],
    server: Connections,
    other: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Anybody may lock what is theirs for as long as they want."""
    monkeypatch.setattr(backups, "LOCK_WAIT", "100ms")
    urls = {"warehouse": outside["DATABASE_URL"], "dagster": server.url(SUPERUSER, other)}
    with psycopg.connect(modelled["URL_OF_JANE"]) as jane:
        name = "kept" if kind == "TABLE" else "routes"
        jane.execute(f"ALTER {kind} {name} RENAME TO changing".encode())
        (tmp_path / "warehouse").mkdir()
        with pytest.raises(TransientFailure, match="did not release it within 100ms") as raised:
            backups._dump(tmp_path, urls, os.environ, lambda _: None)
    assert "pg_locks" in str(raised.value)


def test_names_in_messages_of_a_backup_are_printable(
    state: Path, modelled: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(modelled["URL_OF_JANE"], autocommit=True) as jane:
        jane.execute('CREATE TABLE "red\x1b[31m\nDone" (x integer CHECK (x > 0))')
    done = isobar(state, "backup", str(tmp_path / "backup"), **modelled)
    assert done.returncode == 0, done.stderr
    assert "\x1b[31m" not in done.stderr
    assert r'jane."red\x1b[31m\nDone" of jane.' in done.stderr


def test_an_error_of_pg_dump_is_shown_with_its_beginning() -> None:
    """Incident: of a long error, only the end was shown, without "permission denied"."""
    lines = ["pg_dump: error: permission denied for table x", *(["LOCK TABLE …"] * 500), "the end"]
    shown = shortened("\n".join(lines))
    assert len(shown) < 1_300
    assert shown.startswith(lines[0])
    assert shown.endswith("LOCK TABLE …\nthe end")
    assert tail("\n".join(lines)).startswith("LOCK TABLE …\n"), "it begins at a line"


def test_a_database_not_created_by_restore_is_not_dropped(
    state: Path, server: Connections, backup: Path, other: str
) -> None:
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {other}_before_restore")
        try:
            done = isobar(state, "restore", str(backup), DATABASE_URL=server.url(SUPERUSER, other))
            assert done.returncode == 1
            assert f"{other}_before_restore exists, and no restore" in done.stderr
        finally:
            connection.execute(f"DROP DATABASE {other}_before_restore")
            connection.execute(f"DROP DATABASE IF EXISTS {other}_dagster WITH (FORCE)")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder that looks like a backup of this version."""
    for name in ("warehouse", "dagster"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "toc.dat").write_text(name)
    manifest = Manifest(
        format=FORMAT,
        isobar="0.1.0",
        server_version=180006,
        taken_at=datetime(2026, 11, 21, tzinfo=UTC),
        sha256=digests(tmp_path),
    )
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    return tmp_path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"isobar": "99.0.0"}, "made by another version of Isobar, 99.0.0"),
        ({"format": FORMAT + 1}, "made by another version"),
        ({"format": FORMAT - 1}, "made by another version"),
        ({"more": 1}, "manifest.json cannot be read"),
        ({"isobar": None}, "manifest.json cannot be read"),
        ({"isobar": "\x1b[2J"}, "manifest.json cannot be read"),
        ({"sha256": None}, "manifest.json cannot be read"),
    ],
)
def test_a_backup_of_a_later_version_is_rejected(
    written: Path, change: dict[str, object], words: str
) -> None:
    manifest = written / "manifest.json"
    assert read_manifest(written).isobar == "0.1.0"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    with pytest.raises(PermanentFailure, match=words):
        read_manifest(written)


def test_a_damaged_or_incomplete_backup_is_rejected(written: Path) -> None:
    (written / "dagster" / "toc.dat").write_text("Dagster")
    with pytest.raises(PermanentFailure, match=r"not as they were written: dagster/toc\.dat"):
        read_manifest(written)
    (written / "dagster" / "toc.dat").unlink()
    with pytest.raises(PermanentFailure, match=r"files are missing or .*: dagster/toc\.dat"):
        read_manifest(written)
    (written / "manifest.json").write_text("{")
    with pytest.raises(PermanentFailure, match="cannot be read"):
        read_manifest(written)
    (written / "manifest.json").unlink()
    with pytest.raises(PermanentFailure, match=r"no complete backup: it has no manifest\.json"):
        read_manifest(written)


def test_a_living_daemon_keeps_its_database(
    server: Connections, other: str, tmp_path: Path
) -> None:
    """Of a storage without tables, too."""
    url, messages = server.url(SUPERUSER, other), list[str]()
    with ui_lock(tmp_path, url, messages.append):
        assert messages == []
    storage = make_url(url).set(drivername="postgresql+psycopg2")
    PooledPostgresStorage(storage.render_as_string(hide_password=False))  # it makes the tables
    with psycopg.connect(url, autocommit=True) as daemon:

        def beat(seconds_ago: float) -> None:
            at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds_ago)
            sent = DaemonHeartbeat(at.timestamp(), "SENSOR", "1", [])
            daemon.execute(
                "INSERT INTO daemon_heartbeats (daemon_type, daemon_id, timestamp, body)"
                " VALUES ('SENSOR', '1', %s, %s) ON CONFLICT (daemon_type) DO UPDATE"
                " SET timestamp = excluded.timestamp, body = excluded.body",
                [at.replace(tzinfo=None), dg.serialize_value(sent)],
            )

        beat(300)
        with ui_lock(tmp_path, url, messages.append):
            assert messages == []
        beat(BEAT_SECONDS - 2)
        with ui_lock(tmp_path, url, messages.append):
            assert "waiting for its next sign of life" in messages[-1]
        beat(10)
        with (
            pytest.raises(PermanentFailure, match="a daemon of isobar ui is running"),
            ui_lock(tmp_path, url, lambda _: beat(0)),
        ):
            pass
