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
from pipelines_tests.warehouse.schemas import condition, differences

STOPS = "SELECT stop_id, name FROM enriched.buses_stops"
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


def test_a_plugin_comes_and_goes(url: str, owner: psycopg.Connection, tmp_path: Path) -> None:
    others = owner.execute(OTHERS).fetchall()
    said: list[str] = []
    plugins.write(tmp_path)
    with plugins.installed(tmp_path):
        assert condition(url) == "behind"
        migrate(url, said.append)
        assert condition(url) == "current"
        assert differences(url) == []
        owner.execute("INSERT INTO buses.stops VALUES (1, 'Market')")
        migrate(url, said.append)
        assert said == ["Updated the tables and views."]

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
