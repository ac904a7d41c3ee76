"""What a migration drops and makes again: it keeps the rights and comments that people gave it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.isolation import broken_sources
from pipelines.migrations import apply, history
from pipelines.migrations.apply import migrate
from pipelines.migrations.dropped import drop
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import declared_sources
from pipelines_tests import plugins
from pipelines_tests.warehouse.schemas import condition

#: A view of ours that no other one reads.
OURS = "metrics.flight_prices_by_day"
THEIRS, FUNCTION = "enriched.buses_stops", "metrics.buses_count"
#: A view of a plug-in that reads ours, and a function of it that returns its rows.
VIEW = f"""
CREATE OR REPLACE VIEW {THEIRS} AS
SELECT stop_id, stops.name, itinerary_id FROM buses.stops LEFT JOIN {OURS} ON FALSE;
COMMENT ON COLUMN {THEIRS}.stop_id IS 'Its number.';
"""
COUNT = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}(few integer) RETURNS SETOF {THEIRS} STABLE LANGUAGE sql
AS 'SELECT * FROM {THEIRS} LIMIT few';
"""
FILES: dict[str, str | None] = {
    "sql/views/enriched.{name}_stops.sql": VIEW,
    "sql/views/metrics.{name}_count.sql": COUNT,
}
GIVEN = f"""
GRANT USAGE ON SCHEMA enriched, metrics TO analyst_x, isobar_reader;
GRANT SELECT ON {OURS}, {THEIRS} TO analyst_x WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION {FUNCTION} TO isobar_reader;
GRANT SELECT (stop_id) ON {THEIRS} TO isobar_reader;
REVOKE SELECT ON {THEIRS} FROM isobar_operator;
SET ROLE analyst_x;
GRANT SELECT ON {OURS} TO isobar_reader;
RESET ROLE;
COMMENT ON VIEW {THEIRS} IS 'Ask Ana about it.';
COMMENT ON COLUMN {THEIRS}.itinerary_id IS 'Always null.';
COMMENT ON COLUMN {OURS}.itinerary_id IS 'Ana: it is ours.';
COMMENT ON FUNCTION {FUNCTION} IS 'Ask Ana about it, too.';
"""
#: The rights on each of the three and on its columns, by whom, and their comments.
KEPT = f"""
SELECT name, ARRAY(SELECT unnest(rights)::text ORDER BY 1), about
FROM (
    SELECT relname, relacl, obj_description(oid, 'pg_class')
    FROM pg_class WHERE oid IN ('{OURS}'::regclass, '{THEIRS}'::regclass)
    UNION ALL
    SELECT attrelid::regclass || '.' || attname, attacl, col_description(attrelid, attnum)
    FROM pg_attribute
    WHERE attrelid IN ('{OURS}'::regclass, '{THEIRS}'::regclass) AND attname <> 'one' AND attnum > 0
    UNION ALL
    SELECT proname, proacl, obj_description(oid, 'pg_proc')
    FROM pg_proc WHERE proname = 'buses_count'
) AS kept (name, rights, about)
ORDER BY name
"""
Change = Callable[[str], None]


@pytest.fixture
def url(server: Connections, database: str) -> str:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        connection.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")
    return server.url(SUPERUSER, database)


@pytest.fixture
def analyst(server: Connections, owner: psycopg.Connection) -> Iterator[str]:
    """The address of the login `analyst_x`; there is a role called like one of Isobar's, too."""
    owner.execute("CREATE ROLE analyst_x LOGIN PASSWORD 'x'; CREATE ROLE isobar_reader")
    yield f"postgresql://analyst_x:x@127.0.0.1:{server.port}/{owner.info.dbname}"
    owner.execute("DROP OWNED BY analyst_x CASCADE; DROP OWNED BY isobar_reader")
    owner.execute("DROP ROLE analyst_x; DROP ROLE isobar_reader")


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Change:
    """Sets the columns of our view: PostgreSQL replaces it only if new ones come last."""
    files = declared_sources()["flights"].object_files
    select, _, comments = files[OURS].partition("\nCOMMENT ON ")
    rows = select.partition(" AS\n")[2].rstrip().removesuffix(";")
    head = select.partition(" AS\n")[0]

    def set_columns(columns: str) -> None:
        about = "" if "itineraries.*" not in columns else f";\nCOMMENT ON {comments}"
        changed = f"{head} AS\nSELECT {columns} FROM ({rows}) AS itineraries{about}"
        monkeypatch.setitem(files, OURS, changed)

    return set_columns


def test_analysts_keep_rights_and_comments_on_views_that_are_made_again(
    url: str, owner: psycopg.Connection, analyst: str, change: Change, tmp_path: Path
) -> None:
    """Incident: our view got a column, and analysts lost what they had on the view of a plug-in."""
    plugins.write(tmp_path, "buses", FILES)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute(GIVEN)
        before = owner.execute(KEPT).fetchall()
        assert "isobar_reader=r/analyst_x" in str(before)
        for columns in (
            "1 AS one, itineraries.*",
            "itineraries.*",
            "2::text AS one, itineraries.*",
        ):
            change(columns)
            migrate(url)
            assert (broken_sources(), condition(url)) == ([], "current")
            assert owner.execute(KEPT).fetchall() == before
        assert owner.execute(f"SELECT one FROM {OURS}").fetchall() == []
        with psycopg.connect(analyst) as reader:
            assert reader.execute(f"TABLE {OURS}").fetchall() == []
            assert reader.execute(f"TABLE {THEIRS}").fetchall() == []
    assert (
        owner.execute("SELECT name FROM ops.source_parts WHERE owed IS NOT NULL").fetchall() == []
    )


def test_the_rights_that_a_revision_drops_come_back_with_the_views_of_plugins(
    url: str,
    owner: psycopg.Connection,
    analyst: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A revision drops views before it changes a table; those of plug-ins are made last."""
    plugins.write(tmp_path, "buses", FILES)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute(GIVEN)
        before = owner.execute(KEPT).fetchall()
        owner.execute("UPDATE ops.sql_objects SET sha256 = 'old' WHERE name = 'ops.catalog'")
        monkeypatch.setattr(history, "upgrade", lambda connection: drop(connection, [OURS]))
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    assert owner.execute(KEPT).fetchall() == before
    with psycopg.connect(analyst) as reader:
        assert reader.execute(f"TABLE {THEIRS}").fetchall() == []


def test_views_of_a_plugin_that_is_broken_or_away_are_kept_when_ours_change(
    url: str, owner: psycopg.Connection, analyst: str, change: Change, tmp_path: Path
) -> None:
    plugins.write(tmp_path, "buses", FILES)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute(GIVEN)
        before = owner.execute(KEPT).fetchall()
    plugins.write(tmp_path, "buses", {**FILES, "__init__.py": "import no_such_module"})
    with plugins.installed(tmp_path):
        change("1 AS one, itineraries.*")
        migrate(url)
        assert [one.name for one in broken_sources()] == ["buses"]
        assert owner.execute(KEPT).fetchall() == before
    plugins.write(tmp_path, "buses", {**FILES, "sql/tables.sql": "ALTER TABLE buses.no ADD x int;"})
    with plugins.installed(tmp_path):
        change("itineraries.*")
        migrate(url)
        assert [one.name for one in broken_sources()] == ["buses"]
        assert owner.execute(KEPT).fetchall() == before
    change("2 AS one, itineraries.*")
    migrate(url)  # it is not installed
    assert owner.execute(KEPT).fetchall() == before
    with psycopg.connect(analyst) as reader:
        assert reader.execute(f"TABLE {THEIRS}").fetchall() == []
    plugins.write(tmp_path, "buses", {**FILES, "sql/tables.sql": None})
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    assert owner.execute(KEPT).fetchall() == before


def test_rights_on_a_view_that_no_longer_fits_come_back_with_its_plugin(
    url: str,
    owner: psycopg.Connection,
    analyst: str,
    change: Change,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugins.write(tmp_path, "buses", FILES)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute(GIVEN)
    change("1 AS one")
    migrate(url)
    assert f"{THEIRS} of the source buses does not fit what changed" in caplog.text
    assert owner.execute(f"SELECT to_regclass('{THEIRS}')").fetchone() == (None,)
    assert condition(url) == "current"
    caplog.clear()
    fitting = VIEW.replace("itinerary_id FROM", "one FROM")
    plugins.write(tmp_path, "buses", {**FILES, "sql/views/enriched.{name}_stops.sql": fitting})
    with plugins.installed(tmp_path):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    assert "does not fit" not in caplog.text
    with psycopg.connect(analyst) as reader:
        assert reader.execute(f"SELECT one FROM {THEIRS}").fetchall() == []
    kept = "has_column_privilege('isobar_reader', %s, 'stop_id', 'SELECT')"
    kept += ", has_function_privilege('isobar_reader', 'metrics.buses_count(integer)', 'EXECUTE')"
    kept += ", obj_description(%s::regclass)"
    row = owner.execute(f"SELECT {kept}", (THEIRS, THEIRS)).fetchone()
    assert row == (True, True, "Ask Ana about it.")


def test_a_function_keeps_its_rights_when_it_gets_another_argument(
    url: str, owner: psycopg.Connection, analyst: str, tmp_path: Path
) -> None:
    plugins.write(tmp_path, "buses", FILES)
    with plugins.installed(tmp_path):
        migrate(url)
        owner.execute(GIVEN)
    wider = COUNT.replace("few integer", "few integer, word text")
    plugins.write(tmp_path, "buses", {**FILES, "sql/views/metrics.{name}_count.sql": wider})
    with plugins.installed(tmp_path):
        migrate(url)
        assert broken_sources() == []
    signature = f"'{FUNCTION}(integer, text)'"
    kept = f"has_function_privilege('isobar_reader', {signature}, 'EXECUTE')"
    row = owner.execute(f"SELECT {kept}, obj_description({signature}::regprocedure)").fetchone()
    assert row == (True, "Ask Ana about it, too.")


def test_what_a_file_says_of_rights_and_comments_prevails(
    url: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does where PostgreSQL replaces the view in place."""
    files = apply.object_files()
    view = "CREATE OR REPLACE VIEW enriched.a AS SELECT 1 AS x"
    monkeypatch.setattr(apply, "object_files", lambda *_: files | {"enriched.a": view})
    migrate(url)
    owner.execute("COMMENT ON VIEW enriched.a IS 'Old.'")
    other = "CREATE OR REPLACE VIEW enriched.a AS SELECT 2 AS y;"
    other += "REVOKE SELECT ON enriched.a FROM isobar_analyst; COMMENT ON VIEW enriched.a IS 'New.'"
    monkeypatch.setattr(apply, "object_files", lambda *_: files | {"enriched.a": other})
    migrate(url)
    row = owner.execute(
        "SELECT has_table_privilege('isobar_analyst', 'enriched.a', 'SELECT'),"
        " has_table_privilege('isobar_operator', 'enriched.a', 'SELECT'),"
        " obj_description('enriched.a'::regclass)"
    ).fetchone()
    assert row == (False, True, "New.")
