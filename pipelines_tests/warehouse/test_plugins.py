"""The schema of plug-ins: created, upgraded, left alone, and kept from harming that of others."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.isolation import broken_sources
from pipelines.migrations import apply
from pipelines.migrations.apply import migrate, plugins_without_revision
from pipelines.postgres.roles import ANALYST, LOADER, OPERATOR, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import Source, sources
from pipelines.testing.databases import made
from pipelines_tests import plugins
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.warehouse.schemas import condition, differences

REVISION = '''
"""Lines that stop there."""

import sqlalchemy as sa
from alembic import op

revision = "{id}"
down_revision = {before}


def upgrade() -> None:
    op.add_column("stops", sa.Column("{column}", sa.Text(), comment="{column}"), schema="buses")
'''
OTHER_KEY = "ALTER TABLE buses.stops DROP CONSTRAINT stops_pkey, ADD PRIMARY KEY (name)"
QUARANTINED = """
WITH delivery AS (
    INSERT INTO ops.deliveries (source, name, sha256, byte_count, received_at, loaded_at,
        read_count, loaded_count, unchanged_count, rejected_count)
    VALUES ('buses', 'a', 'a', 1, now(), now(), 2, 0, 0, 2)
    RETURNING delivery_id
)
INSERT INTO ops.quarantine (delivery_id, record_number, position, raw, reasons, reason_codes,
    is_final, record_key)
SELECT delivery_id, number, 'line', 'x', ARRAY['bad'], ARRAY['bad'], FALSE, ARRAY[name, '1']
FROM delivery, (VALUES (1, 'buses.stops'), (2, 'other.stops')) AS keys (number, name)
"""
KEYS = "SELECT record_key FROM ops.quarantine ORDER BY record_number"
STOPS = "SELECT stop_id, name FROM enriched.buses_stops"
VERSION = "SELECT version_num FROM ops.revision_buses"
#: Relations and functions of everybody else, and who may do what with them.
OTHERS = """
SELECT nspname, relname, pg_class.oid::text, pg_class.xmin::text, relacl::text
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspowner = 'isobar_owner'::regrole AND nspname || relname !~ 'buses|trams|opscatalog'
UNION ALL
SELECT nspname, proname, pg_proc.oid::text, pg_proc.xmin::text, proacl::text
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspowner = 'isobar_owner'::regrole AND nspname || proname !~ 'buses|trams'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def url(server: Connections, database: str) -> str:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        connection.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")
    return server.url(SUPERUSER, database)


@pytest.fixture
def fresh(server: Connections) -> Iterator[str]:
    """The address of an empty database."""
    with made(server) as name:
        yield server.url(SUPERUSER, name)


def columns(tables: str, *names: str) -> str:
    """The declaration of tables with more columns of stops."""
    more = "".join(f'    Column("{name}", Text, comment="{name}"),\n' for name in names)
    return tables.replace('    schema="', f'{more}    schema="')


def with_revisions(folder: Path, *names: str) -> None:
    """The plug-in in the release in which stops have these columns more, one a revision."""
    files: dict[str, str | None] = {"tables.py": columns(plugins.TABLES, *names)}
    before = None
    for name in names:
        revision = REVISION.replace("{id}", name).replace("{before}", repr(before))
        files[f"migrations/{name}.py"] = revision.replace("{column}", name)
        before = name
    plugins.write(folder, "buses", files)


def test_a_plugin_is_created_upgraded_removed_and_added_again(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    others = owner.execute(OTHERS).fetchall()
    said: list[str] = []
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        assert condition(url) == "behind"
        migrate(url, said.append)
        assert condition(url) == "current"
        assert differences(url) == []
        owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
        assert owner.execute(VERSION).fetchone() is None, "it is at its baseline"
        migrate(url, said.append)
        assert said == ["Updated the tables and views."]

    with_revisions(tmp_path, "lines", "shelter")
    with plugins.installed(tmp_path):
        assert condition(url) == "behind"
        migrate(url)
        assert condition(url) == "current"
        assert differences(url) == []
    assert owner.execute(VERSION).fetchone() == ("shelter",)
    assert owner.execute("SELECT * FROM buses.stops").fetchall() == [(1, "Market", None, None)]

    assert condition(url) == "other views"
    migrate(url)
    assert condition(url) == "current"
    assert owner.execute("SELECT to_regclass('enriched.buses_stops')").fetchone() == (None,)
    assert owner.execute("SELECT name FROM buses.stops").fetchall() == [("Market",)]

    with plugins.installed(tmp_path):
        migrate(url)
        assert condition(url) == "current"
        assert broken_sources() == []
    assert owner.execute(STOPS).fetchall() == [(1, "Market")]
    assert owner.execute(OTHERS).fetchall() == others


def test_columns_of_views_have_the_comments_of_those_they_come_from(
    fresh: str, tmp_path: Path
) -> None:
    """Of the table, and of a view of it; a renamed one, and one of their own, have not."""
    views = {
        "sql/views/enriched.{name}_stops.sql": """
            CREATE OR REPLACE VIEW enriched.{name}_stops AS
            SELECT stop_id, name, upper(name) AS title FROM {name}.stops;
            COMMENT ON VIEW enriched.{name}_stops IS 'Where buses stop.';
            COMMENT ON COLUMN enriched.{name}_stops.name IS 'Our own words.';
        """,
        "sql/views/enriched.{name}_titles.sql": """
            CREATE OR REPLACE VIEW enriched.{name}_titles AS
            SELECT stop_id, name, title FROM enriched.{name}_stops;
            COMMENT ON VIEW enriched.{name}_titles IS 'What stops are called.';
        """,
    }
    plugins.write(tmp_path, "buses", views)
    with plugins.installed(tmp_path):
        migrate(fresh)
    query = (
        "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0"
    )
    with psycopg.connect(fresh) as connection:
        for view in ("enriched.buses_stops", "enriched.buses_titles"):
            assert dict(connection.execute(query, [view]).fetchall()) == {
                "stop_id": "Number of the stop.",
                "name": "Our own words.",
                "title": None,
            }


def test_a_plugin_whose_schema_was_dropped_is_created_again(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    with_revisions(tmp_path, "lines")
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute("DROP SCHEMA buses CASCADE")
        assert condition(url) == "behind"
        migrate(url)
        assert broken_sources() == []
        assert condition(url) == "current"
        assert differences(url) == []
    assert owner.execute(VERSION).fetchone() == ("lines",)
    assert owner.execute(STOPS).fetchall() == []


def test_a_changed_table_without_revision_is_reported(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        assert plugins_without_revision(url) == [], "its tables are not there yet"
        migrate(url)
        assert plugins_without_revision(url) == []
        owner.execute("ALTER TABLE buses.stops ALTER name DROP NOT NULL")
        assert plugins_without_revision(url) == ["buses"]


def test_a_new_database_begins_at_the_newest_revision(fresh: str, tmp_path: Path) -> None:
    with_revisions(tmp_path, "lines", "shelter")
    with plugins.installed(tmp_path):
        migrate(fresh)
        assert condition(fresh) == "current"
        assert differences(fresh) == []
    with psycopg.connect(fresh) as connection:
        assert connection.execute(VERSION).fetchone() == ("shelter",)
        connection.execute("UPDATE ops.revision_buses SET version_num = 'later'")
    with plugins.installed(tmp_path):
        migrate(fresh)
        (broken,) = broken_sources()
    assert "does not know their revision later" in broken.problem


def test_alembic_writes_a_revision_into_the_folder_of_its_source(
    url: str, state: Path, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    package = plugins.write(tmp_path, "buses", {"tables.py": columns(plugins.TABLES, "lines")})
    with plugins.installed(tmp_path):
        (difference,) = differences(url)
    assert "lines" in difference, "its revision is missing"
    called = subprocess.run(
        [sys.executable, "-m", "alembic", "-x", "source=buses", "revision", "--autogenerate"],
        env=environment(state, DATABASE_URL=url, PYTHONPATH=str(tmp_path)),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert called.returncode == 0, called.stderr
    (revision,) = (package / "migrations").glob("*.py")
    assert "op.add_column('stops', sa.Column('lines'" in revision.read_text()
    with plugins.installed(tmp_path):
        assert condition(url) == "behind"
        migrate(url)
        assert (condition(url), differences(url)) == ("current", [])


def test_quarantined_records_forget_a_key_that_a_revision_changed(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Incident: a record counted as the correction of another one, whose former key it had."""
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    owner.execute(QUARANTINED)
    with_revisions(tmp_path, "lines")
    revision = tmp_path / "isobar_buses" / "migrations" / "lines.py"
    with plugins.installed(tmp_path):
        migrate(url)
    assert owner.execute(KEYS).fetchall() == [(["buses.stops", "1"],), (["other.stops", "1"],)]
    with_revisions(tmp_path, "lines", "name_is_key")
    text = revision.with_name("name_is_key.py").read_text()
    head, _, _ = text.partition("    op.")
    revision.with_name("name_is_key.py").write_text(f"{head}    op.execute({OTHER_KEY!r})\n")
    with plugins.installed(tmp_path):
        migrate(url)
        assert [one.problem for one in broken_sources()] == []
    assert owner.execute(KEYS).fetchall() == [(None,), (["other.stops", "1"],)]


def test_a_changed_comment_of_a_plugin_needs_no_revision(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    tables = plugins.TABLES.replace("What it is called.", "Its {name}; commit at 100%, it's known.")
    plugins.write(tmp_path, "buses", {"tables.py": tables})
    with plugins.installed(tmp_path):
        assert condition(url) == "other views"
        migrate(url)
        assert (condition(url), differences(url), broken_sources()) == ("current", [], [])
    comment = owner.execute("SELECT col_description('buses.stops'::regclass, 2)").fetchone()
    assert comment == ("Its buses; commit at 100%, it's known.",)


def test_roles_use_plugin_tables_like_any_others(
    server: Connections, database: str, url: str, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    denied = psycopg.errors.InsufficientPrivilege
    with psycopg.connect(server.url(LOADER, database), autocommit=True) as loader:
        loader.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
        with pytest.raises(denied):
            loader.execute("CREATE TABLE buses.mine (x integer)")
        with pytest.raises(denied):
            loader.execute("INSERT INTO ops.revision_buses VALUES ('mine')")
    for role in (ANALYST, OPERATOR):
        with psycopg.connect(server.url(role, database), autocommit=True) as reader:
            assert reader.execute(STOPS).fetchall() == [(1, "Market")]
            assert reader.execute(VERSION).fetchall() == []
            with pytest.raises(denied):
                reader.execute("DELETE FROM buses.stops")


def test_a_plugin_brings_triggers_and_rights_and_replaces_its_views(
    server: Connections, url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    trigger = """
    CREATE OR REPLACE FUNCTION buses.shout() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        new.name := upper(new.name);
        RETURN new;
    END
    $$;
    """
    files: dict[str, str | None] = {
        "sql/views/buses.shout.sql": trigger,
        "sql/tables.sql": "CREATE OR REPLACE TRIGGER shout BEFORE INSERT ON buses.stops"
        " FOR EACH ROW EXECUTE FUNCTION buses.shout();",
        "sql/grants.sql": "GRANT DELETE ON buses.stops TO isobar_operator;",
    }
    plugins.write(tmp_path, "buses", files)
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
    assert owner.execute(STOPS).fetchall() == [(1, "MARKET")]
    right = "SELECT has_table_privilege('isobar_operator', 'buses.stops', 'DELETE')"
    assert owner.execute(right).fetchone() == (True,)
    files["sql/views/enriched.{name}_stops.sql"] = (
        "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT name FROM {name}.stops"
    )
    plugins.write(tmp_path, "buses", files)
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    assert owner.execute("SELECT * FROM enriched.buses_stops").fetchall() == [("MARKET",)]


def test_a_plugins_view_that_others_use_is_not_changed_and_they_are_named(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
    owner.execute("CREATE VIEW public.mine AS SELECT stop_id FROM enriched.buses_stops")
    view = "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT name FROM {name}.stops"
    plugins.write(tmp_path, "buses", {"sql/views/enriched.{name}_stops.sql": view})
    with plugins.installed(tmp_path):
        migrate(url)
        (broken,) = broken_sources()
        assert "view mine depends on view enriched.buses_stops" in broken.problem
    with pytest.raises(PermanentFailure, match="view mine depends on view"):
        migrate(url)  # uninstalled
    assert owner.execute("TABLE public.mine").fetchall() == [(1,)]
    owner.execute("DROP VIEW public.mine")
    migrate(url)
    gone = "SELECT to_regclass('enriched.buses_stops')"
    assert owner.execute(gone).fetchone() == (None,)


def test_a_plugin_may_rename_a_view_of_its_own(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    old, new = "sql/views/enriched.{name}_stops.sql", "sql/views/enriched.{name}_halts.sql"
    halts = "CREATE OR REPLACE VIEW enriched.{name}_halts AS SELECT name FROM {name}.stops"
    plugins.write(tmp_path, "buses", {old: None, new: halts})
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    gone = "SELECT to_regclass('enriched.buses_stops'), to_regclass('enriched.buses_halts')"
    assert owner.execute(gone).fetchone() == (None, "enriched.buses_halts")


def test_a_view_may_read_a_plugin_whose_name_comes_later(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    view = "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT name FROM trams.stops"
    plugins.write(tmp_path, "buses", {"sql/views/enriched.{name}_stops.sql": view})
    plugins.write(tmp_path, "trams")
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    assert owner.execute("SELECT name FROM enriched.buses_stops").fetchall() == []


BAD = "CREATE OR REPLACE VIEW enriched.{name}_stops AS "


#: What fails in a plug-in: a file of it, and the message.
FAULTS = [
    ("sql/views/enriched.{name}_stops.sql", BAD + "SELECT no_such_column", "no_such_column"),
    (
        "sql/views/{name}.newest.sql",
        (
            "CREATE MATERIALIZED VIEW {name}.newest AS"
            " SELECT NULL::text AS name, now() AS newest_at, now() AS new_data_at;"
        ),
        ".newest is no view",
    ),
    ("sql/tables.sql", "ALTER TABLE {name}.nothing ADD x integer;", "nothing"),
    ("sql/grants.sql", "GRANT DELETE ON {name}.stops TO nobody_there;", "nobody_there"),
    (
        "tables.py",
        plugins.TABLES.replace('"name", Text', '"name", Text, ForeignKey("no.such")').replace(
            "Column, Int", "Column, ForeignKey, Int"
        ),
        "could not find table",
    ),
]


def test_plugins_that_fail_are_named_and_harm_nobody(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Not even each other: all of them are there at once."""
    others = owner.execute(OTHERS).fetchall()
    names = [f"buses{number:02}" for number in range(len(FAULTS))]
    for name, (path, words, _) in zip(names, FAULTS, strict=True):
        plugins.write(tmp_path, name, {path: words})
    plugins.write(tmp_path, "trams")
    with plugins.installed(tmp_path):
        migrate(url)
        problems = {one.name: one.problem for one in broken_sources()}
        assert sorted(problems) == names
        for name, (_, words, problem) in zip(names, FAULTS, strict=True):
            assert problem in problems[name], words
        assert condition(url) == "behind"
        said: list[str] = []
        migrate(url, said.append)  # they are tried again, and nothing is said of the others
        assert said == []
    left = "SELECT to_regnamespace(%s), to_regclass('ops.revision_' || %s)"
    assert {owner.execute(left, (name, name)).fetchone() for name in names} == {(None, None)}
    assert owner.execute("SELECT count(*) FROM enriched.trams_stops").fetchone() == (0,)
    assert owner.execute(OTHERS).fetchall() == others
    for name in names:
        wrong = ["sql/tables.sql", "sql/grants.sql", "sql/views/{name}.newest.sql"]
        plugins.write(tmp_path, name, dict.fromkeys(wrong))
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")


def test_a_plugin_that_exits_at_import_is_named_like_any_other(tmp_path: Path) -> None:
    plugins.write(tmp_path, files={"__init__.py": "raise SystemExit('not configured')"})
    with plugins.installed(tmp_path):
        assert "flights" in sources()
        (broken,) = broken_sources()
        assert broken.name == "buses"
        assert broken.problem == (
            "its declaration: SystemExit: not configured (isobar_buses/__init__.py:1)"
        )


def test_a_plugin_revision_changes_all_or_nothing_also_under_a_view(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
    with_revisions(tmp_path, "lines")
    revision = tmp_path / plugins.package_of("buses") / "migrations" / "lines.py"
    words = revision.read_text()
    revision.write_text(words + "    raise ValueError('not today')\n")
    with plugins.installed(tmp_path):
        migrate(url)
        (broken,) = broken_sources()
    assert "not today" in broken.problem
    assert owner.execute("SELECT * FROM buses.stops").fetchall() == [(1, "Market")]
    assert owner.execute(STOPS).fetchall() == [(1, "Market")]
    change = "    op.alter_column('stops', 'name', type_=sa.VARCHAR(9), schema='buses')\n"
    revision.write_text(words + change)
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    query = "SELECT DISTINCT pg_typeof(name) FROM enriched.buses_stops"
    assert owner.execute(query).fetchall() == [("character varying",)]


def test_a_view_collected_from_all_sources_has_those_that_fit(
    url: str, owner: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose part does not fit is left out, and does not stop the others."""
    files = apply.object_files

    def with_collection(chosen: Mapping[str, Source] | None = None) -> dict[str, str]:
        used = sources() if chosen is None else chosen
        parts = ["SELECT NULL::text AS source, NULL::integer AS stop_id WHERE FALSE"]
        parts += [
            f"SELECT '{name}', stop_id FROM {name}.offered"
            for name, source in used.items()
            if f"{name}.offered" in source.object_files
        ]
        collected = f"CREATE OR REPLACE VIEW weather.collected AS {' UNION ALL '.join(parts)}"
        return files(chosen) | {"weather.collected": collected}

    monkeypatch.setattr(apply, "object_files", with_collection)
    offered = "CREATE OR REPLACE VIEW {name}.offered AS SELECT stop_id FROM {name}.stops"
    plugins.write(tmp_path, "buses", {"sql/views/{name}.offered.sql": offered})
    misfit = offered.replace("SELECT stop_id", "SELECT stop_id || 'x' AS stop_id")
    plugins.write(tmp_path, "ships", {"sql/views/{name}.offered.sql": misfit})
    plugins.write(tmp_path, "trams", {"sql/views/{name}.offered.sql": offered})
    with plugins.installed(tmp_path):
        migrate(url)
        assert [one.name for one in broken_sources()] == ["ships"]
        for name in ("buses", "trams"):
            owner.execute(f"INSERT INTO {name}.stops VALUES (1, 'Market')")
        collected = owner.execute("TABLE weather.collected").fetchall()
        assert sorted(collected) == [("buses", 1), ("trams", 1)]
        said: list[str] = []
        migrate(url, said.append)
        assert said == []
    migrate(url)
    assert owner.execute("TABLE weather.collected").fetchall() == []


def test_views_of_a_plugin_that_cannot_be_imported_stay(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """After an update gone wrong, dashboards still have what they read."""
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    plugins.write(tmp_path, "buses", {"__init__.py": "import no_such_module"})
    with plugins.installed(tmp_path):
        assert "buses" not in sources()
        owner.execute("UPDATE ops.sql_objects SET sha256 = 'old' WHERE plugin IS NULL")
        migrate(url)
        assert condition(url) == "current"
    assert owner.execute(STOPS).fetchall() == []
