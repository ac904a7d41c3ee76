"""The schema of plug-ins: created, upgraded, left alone, and kept from harming that of others."""

from pathlib import Path

import psycopg
import pytest

from pipelines.isolation import broken_sources
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import sources
from pipelines_tests import plugins
from pipelines_tests.warehouse.schemas import LACKED_BY_4_0, condition, differences

STOPS = "SELECT stop_id, name FROM enriched.buses_stops"
#: Relations and functions of everybody else, and who may do what with them.
OTHERS = """
SELECT nspname, relname, pg_class.oid::text, pg_class.xmin::text, relacl::text
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspowner = 'isobar_owner'::regrole AND nspname || relname !~ 'buses|trams|opscatalog|source_p'
UNION ALL
SELECT nspname, proname, pg_proc.oid::text, pg_proc.xmin::text, proacl::text
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspowner = 'isobar_owner'::regrole AND nspname || proname !~ 'buses|trams'
ORDER BY 1, 2, 3
"""
#: The same of a plug-in.
BUSES = OTHERS.replace("!~", "~").replace("|trams", "").replace("|opscatalog|source_p", "")
NEWEST = """
CREATE OR REPLACE VIEW {name}.newest AS
SELECT NULL::text AS name, now() AS newest_at, NULL::timestamptz AS new_data_at;
"""


@pytest.fixture
def url(server: Connections, database: str) -> str:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        connection.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")
    return server.url(SUPERUSER, database)


def test_a_plugin_comes_and_goes(url: str, owner: psycopg.Connection, tmp_path: Path) -> None:
    """Incident: an update made .venv anew, and the next migration dropped the views of plug-ins."""
    others = owner.execute(OTHERS).fetchall()
    said: list[str] = []
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        assert condition(url) == "behind"
        migrate(url, said.append)
        assert condition(url) == "current"
        assert differences(url) == []
        owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
        owner.execute("GRANT SELECT ON enriched.buses_stops TO PUBLIC")
        migrate(url, said.append)
        assert said == ["Updated the tables and views."]

    before = owner.execute(BUSES).fetchall()
    assert condition(url) == "other views"
    for _ in range(2):
        migrate(url)
        assert condition(url) == "current"
        assert owner.execute(BUSES).fetchall() == before
        assert owner.execute(STOPS).fetchall() == [(1, "Market")]

    with plugins.installed(tmp_path):
        migrate(url)
        assert condition(url) == "current"
        assert broken_sources() == []
    assert owner.execute(STOPS).fetchall() == [(1, "Market")]
    assert owner.execute(BUSES).fetchall() == before
    assert owner.execute(OTHERS).fetchall() == others


def test_what_gathers_views_leaves_out_a_source_that_is_away(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Its own view stays, and is gathered again once it is back."""
    gathered = "SELECT count(*) FROM ops.newest WHERE source = 'buses'"
    plugins.write(tmp_path, "buses", {"sql/views/{name}.newest.sql": NEWEST})
    for _ in range(2):
        with plugins.installed(tmp_path):
            migrate(url)
            assert owner.execute(gathered).fetchone() == (1,)
        migrate(url)
        assert owner.execute(gathered).fetchone() == (0,)
        assert owner.execute("SELECT count(*) FROM buses.newest").fetchone() == (1,)


def test_a_view_without_a_file_goes_while_another_source_is_away(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """As does what nobody has any more: a plug-in that is still there has said so."""
    for name in ("buses", "trams"):
        (tmp_path / name).mkdir()
        plugins.write(tmp_path / name, name)
    with plugins.installed(tmp_path / "buses", tmp_path / "trams"):
        migrate(url)
    plugins.write(tmp_path / "buses", "buses", {VIEW: None, "sql/grants.sql": "SELECT 1"})
    with plugins.installed(tmp_path / "buses"):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
        there = "SELECT to_regclass('enriched.buses_stops'), count(*) FROM enriched.trams_stops"
        assert owner.execute(there).fetchone() == (None, 0)
    plugins.write(
        tmp_path / "trams",
        "trams",
        {VIEW: None, "sql/tables.sql": "ALTER TABLE trams.no ADD x int"},
    )
    with plugins.installed(tmp_path / "buses", tmp_path / "trams"):
        migrate(url)
        assert [one.name for one in broken_sources()] == ["trams"]
        assert owner.execute(there).fetchone() == (None, 0), "of a broken update nothing is done"
    plugins.write(tmp_path / "trams", "trams", {VIEW: None, "sql/tables.sql": None})
    with plugins.installed(tmp_path / "buses", tmp_path / "trams"):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
        gone = "SELECT to_regclass('enriched.trams_stops')"
        assert owner.execute(gone).fetchone() == (None,)


def test_a_table_is_never_dropped_as_a_view(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Where an earlier version had a view of its name, and the list still says so."""
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
        owner.execute("INSERT INTO ops.sql_objects VALUES ('buses.stops', 'old')")
        assert condition(url) == "other views"
        migrate(url)
        assert condition(url) == "current"
    assert owner.execute(STOPS).fetchall() == [(1, "Market")]


def test_a_database_of_4_0_keeps_what_a_source_has_that_is_away(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """The update to this version is what makes .venv anew; 4.0 did not note whose a view is."""
    count = "CREATE OR REPLACE FUNCTION metrics.{name}() RETURNS bigint STABLE LANGUAGE sql"
    count += " AS 'SELECT count(*) FROM {name}.stops';"
    all_of = "CREATE OR REPLACE VIEW metrics.{name}_all AS SELECT * FROM enriched.{name}_stops;"
    files = {"sql/views/metrics.{name}.sql": count, "sql/views/metrics.{name}_all.sql": all_of}
    plugins.write(tmp_path, "buses", files)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
    before = owner.execute(BUSES).fetchall()
    parts = owner.execute("SELECT name FROM ops.source_parts WHERE source = 'buses'").fetchall()
    owner.execute("DROP TABLE ops.source_parts")
    owner.execute(LACKED_BY_4_0)
    owner.execute("UPDATE ops.revision SET version_num = '0001_one_history'")
    owner.execute("UPDATE ops.sql_objects SET sha256 = 'old' WHERE name LIKE 'ops/%'")
    owner.execute("INSERT INTO ops.sql_objects VALUES ('enriched.gone', 'old')")
    owner.execute("SET ROLE isobar_owner; CREATE VIEW enriched.gone AS SELECT 1; RESET ROLE")
    assert condition(url) == "behind"
    migrate(url)
    assert condition(url) == "current"
    assert differences(url) == []
    assert owner.execute(BUSES).fetchall() == before
    assert owner.execute("SELECT metrics.buses(), * FROM metrics.buses_all").fetchall() == [
        (1, 1, "Market")
    ]
    assert owner.execute("SELECT to_regclass('enriched.gone')").fetchone() == (None,)
    noted = owner.execute("SELECT name FROM ops.source_parts WHERE source = 'buses'").fetchall()
    assert set(noted) == {one for one in parts if one != ("buses.stops",)}
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    noted = owner.execute("SELECT name FROM ops.source_parts WHERE source = 'buses'").fetchall()
    assert set(noted) == set(parts)


def test_a_plugin_brings_triggers_and_rights_and_replaces_its_views(
    server: Connections, url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    files: dict[str, str | None] = {
        "sql/views/buses.shout.sql": "CREATE OR REPLACE FUNCTION buses.shout() RETURNS trigger"
        " LANGUAGE plpgsql AS $$ BEGIN new.name := upper(new.name); RETURN new; END $$;",
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


VIEW = "sql/views/enriched.{name}_stops.sql"
BAD = plugins.TABLES.replace('"name", Text', '"name", Text, ForeignKey("no.such")')
#: What fails in a plug-in: a file of it, and the message.
FAULTS = [
    (VIEW, "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT nonsense", "nonsense"),
    ("sql/tables.sql", "ALTER TABLE {name}.nothing ADD x integer;", "nothing"),
    ("sql/grants.sql", "GRANT DELETE ON {name}.stops TO nobody_there;", "nobody_there"),
    ("tables.py", BAD.replace("Column, Int", "Column, ForeignKey, Int"), "could not find table"),
]


def test_plugins_that_fail_harm_nobody(url: str, owner: psycopg.Connection, tmp_path: Path) -> None:
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
    left = "SELECT to_regnamespace(%s)"
    assert {owner.execute(left, (name,)).fetchone() for name in names} == {(None,)}
    assert owner.execute("SELECT count(*) FROM enriched.trams_stops").fetchone() == (0,)
    assert owner.execute(OTHERS).fetchall() == others
    for name in names:
        plugins.write(tmp_path, name, {"sql/tables.sql": None, "sql/grants.sql": None})
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")


def test_views_of_a_broken_plugin_stay(url: str, owner: psycopg.Connection, tmp_path: Path) -> None:
    """After an update gone wrong, dashboards still have what they read."""
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        migrate(url)
    plugins.write(tmp_path, "buses", {"__init__.py": "import no_such_module"})
    with plugins.installed(tmp_path):
        assert "buses" not in sources()
        owner.execute("UPDATE ops.sql_objects SET sha256 = 'old' WHERE name !~ 'buses'")
        migrate(url)
        assert condition(url) == "current"
    assert owner.execute(STOPS).fetchall() == []
