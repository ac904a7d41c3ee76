"""`isobar sources reset` and `drop`: what a source has goes, and nothing that others have."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from pipelines.cli.source_list import list_sources
from pipelines.failures import PermanentFailure
from pipelines.isolation import broken_sources
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests import plugins
from pipelines_tests.warehouse.schemas import condition, differences

ABOUT = '    about="Buses, and where they stop.",'
#: A plug-in with a feed of another name, a table and a view in shared schemas, and a type.
FILES: dict[str, str | None] = {
    "__init__.py": plugins.DECLARATION.replace(
        ABOUT, f'{ABOUT}\n    ledgers=(Ledger(on="{{name}}.stops", feed="{{name}}_timetable"),),'
    ).replace("import Source,", "import Ledger, Source,"),
    "tables.py": f"""{plugins.TABLES.rstrip()}
counts = Table(
    "{{name}}_counts",
    metadata,
    Column("stops", Integer, primary_key=True, comment="Number of stops."),
    schema="metrics",
    comment="How many stops there are.",
)
lines = Table(
    "lines",
    metadata,
    Column("kind", Enum("day", "night", name="kind", schema="{{name}}"), primary_key=True),
    Column("stop_id", ForeignKey("{{name}}.stops.stop_id"), comment="Where it begins."),
    schema="{{name}}",
    comment="Lines.",
)
""".replace("import Column,", "import Column, Enum, ForeignKey,"),
    "sql/views/{name}.newest.sql": "CREATE OR REPLACE VIEW {name}.newest AS SELECT"
    " max(name) AS name, now() AS newest_at, NULL::timestamptz AS new_data_at FROM {name}.stops",
    "sql/views/{name}.shout.sql": "CREATE OR REPLACE FUNCTION {name}.shout() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN new.name := upper(new.name); RETURN new; END';",
    "sql/tables.sql": "CREATE OR REPLACE TRIGGER shout BEFORE INSERT ON {name}.stops"
    " FOR EACH ROW EXECUTE FUNCTION {name}.shout();"
    " CREATE OR REPLACE VIEW {name}.unlisted AS TABLE {name}.stops;",
}
LOADED = """
INSERT INTO buses.stops VALUES (1, 'Market');
INSERT INTO ops.deliveries (feed, name, sha256, byte_count, received_at, read_count, loaded_count,
    unchanged_count, rejected_count)
SELECT feed, 'one', '', 0, now(), 1, 0, 0, 1
FROM unnest(ARRAY['buses', 'buses_timetable', 'shipments']) AS feed;
INSERT INTO ops.quarantine (
    delivery_id, record_number, position, raw, reasons, reason_codes, is_final
)
SELECT delivery_id, 1, 'line 1', feed, '{bad}', '{bad}', FALSE FROM ops.deliveries;
INSERT INTO ops.inbox_files (source, name, byte_count, modified_ns, changed_ns, reading)
SELECT source, 'a.csv', 0, 0, 0, '' FROM unnest(ARRAY['buses', 'shipments']) AS source;
INSERT INTO ops.watermarks (name, position)
SELECT name, 1 FROM unnest(ARRAY['buses.stops', 'bookings.events']) AS name;
INSERT INTO ops.sources (source, checked_at) VALUES ('buses', now()), ('shipments', now());
"""
LEFT = """
SELECT feed FROM ops.deliveries UNION ALL SELECT raw FROM ops.quarantine
UNION ALL SELECT source FROM ops.inbox_files UNION ALL SELECT name FROM ops.watermarks
UNION ALL SELECT source FROM ops.sources ORDER BY 1
"""
OF_OTHERS = [("bookings.events",), *[("shipments",)] * 4]
#: Everything in the database, by number and version: nothing was made again.
ALL = """
SELECT pg_describe_object(tableoid, oid, 0), oid, xmin::text::bigint FROM pg_class
WHERE relnamespace::regnamespace::text !~ '^pg_'
UNION ALL
SELECT pg_describe_object(tableoid, oid, 0), oid, xmin::text::bigint FROM pg_proc
WHERE pronamespace::regnamespace::text !~ '^pg_'
ORDER BY 1
"""
#: What others build on a plug-in, how it is named, and what they do to remove it.
BUILT = {
    "view mine.names of ana": "CREATE VIEW mine.names AS SELECT name FROM buses.stops",
    "view mine.again of ana": "CREATE VIEW mine.again AS TABLE enriched.buses_stops",
    "view mine.newest of ana": "CREATE VIEW mine.newest AS TABLE ops.newest",
    "view mine.more of ana": "CREATE VIEW mine.between AS TABLE buses.stops;"
    "CREATE VIEW mine.more AS TABLE mine.between",
    "materialized view mine.stored of ana": "CREATE MATERIALIZED VIEW mine.stored AS"
    " TABLE buses.stops",
    "table buses.mine of ana": "CREATE TABLE buses.mine (x integer)",
    "function mine.f(buses.stops) of ana": "CREATE FUNCTION mine.f(one buses.stops)"
    " RETURNS text LANGUAGE sql AS 'SELECT one.name'",
    "table constraint trips_stop_id_fkey on mine.trips of ana": "CREATE TABLE mine.trips"
    " (stop_id integer REFERENCES buses.stops)",
    "table column mine.kinds.kind of ana": "CREATE TABLE mine.kinds (kind buses.kind)",
    "table mine.part of ana": "RESET ROLE;"
    " CREATE TABLE mine.part () INHERITS (buses.stops); ALTER TABLE mine.part OWNER TO ana",
}


def call(*words: str) -> Result:
    return CliRunner().invoke(list_sources, words, catch_exceptions=False)


@pytest.fixture
def url(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The address of a database that the plug-in `buses` has filled; it is not installed now."""
    url = server.url(SUPERUSER, database)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    owner.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")
    plugins.write(tmp_path / "buses", "buses", FILES)
    with plugins.installed(tmp_path / "buses"):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")
    owner.execute(LOADED)
    return url


@pytest.fixture
def ana(owner: psycopg.Connection, url: str) -> Iterator[None]:
    """A modeller with a schema of her own, who may build on what the plug-in has."""
    owner.execute(
        "CREATE ROLE ana LOGIN; GRANT isobar_modeller TO ana; CREATE SCHEMA mine AUTHORIZATION ana;"
        "GRANT CREATE, USAGE ON SCHEMA buses TO ana; GRANT ALL ON buses.stops TO ana;"
        "GRANT SELECT ON enriched.buses_stops, metrics.buses_counts TO ana WITH GRANT OPTION"
    )
    yield
    owner.execute("DROP OWNED BY ana CASCADE; DROP ROLE ana")


@pytest.mark.parametrize("name", BUILT)
def test_what_others_built_stops_a_reset_by_its_name(
    url: str, owner: psycopg.Connection, ana: None, tmp_path: Path, name: str
) -> None:
    """Incident: a reset dropped whatever others had in the schema, by CASCADE."""
    _build(owner, BUILT[name])
    with plugins.installed(tmp_path / "buses"):
        migrate(url)
        before = owner.execute(ALL).fetchall(), owner.execute(LEFT).fetchall()
        with pytest.raises(
            PermanentFailure, match="others have built on what buses has"
        ) as stopped:
            call("reset", "buses", "--yes")
        assert name in stopped.value.problem
        assert "isobar sources reset buses" in stopped.value.remedy
        assert (owner.execute(ALL).fetchall(), owner.execute(LEFT).fetchall()) == before
        assert owner.execute("SELECT name FROM buses.stops").fetchall() == [("MARKET",)]


def test_a_reset_names_all_that_others_built_and_works_without_it(
    url: str, owner: psycopg.Connection, ana: None, tmp_path: Path
) -> None:
    for statements in BUILT.values():
        _build(owner, statements)
    with plugins.installed(tmp_path / "buses"):
        with pytest.raises(PermanentFailure) as stopped:
            call("reset", "buses", "--yes")
        assert [one for one in BUILT if one not in stopped.value.problem] == []
        owner.execute("DROP SCHEMA mine CASCADE; DROP TABLE buses.mine")
        reset = call("reset", "buses", "--yes")
        assert "Deleted 2 deliveries of buses" in reset.output
        assert (broken_sources(), condition(url), differences(url)) == ([], "current", [])
    assert owner.execute("SELECT count(*) FROM enriched.buses_stops").fetchone() == (0,)
    assert owner.execute(LEFT).fetchall() == OF_OTHERS
    kept = "has_table_privilege('ana', name, 'SELECT WITH GRANT OPTION')"
    names = "unnest(ARRAY['enriched.buses_stops', 'metrics.buses_counts']) AS name"
    assert owner.execute(f"SELECT bool_and({kept}) FROM {names}").fetchone() == (True,)


def _build(owner: psycopg.Connection, statements: str) -> None:
    owner.execute(f"SET ROLE ana; {statements}; RESET ROLE".encode())


def test_the_view_of_another_plugin_survives_a_reset(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Also of one that is away, and whose file is not there to make it again."""
    view = "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT name AS bus FROM buses.stops"
    plugins.write(tmp_path / "trams", "trams", {"sql/views/enriched.{name}_stops.sql": view})
    with plugins.installed(tmp_path / "buses", tmp_path / "trams"):
        migrate(url)
        assert broken_sources() == []
        owner.execute("GRANT SELECT ON enriched.trams_stops TO PUBLIC")
        assert call("reset", "buses", "--yes").exit_code == 0
        assert (broken_sources(), condition(url)) == ([], "current")
    with plugins.installed(tmp_path / "buses"):
        assert call("reset", "buses", "--yes").exit_code == 0
    public = "SELECT count(*) FROM pg_class WHERE oid = 'enriched.trams_stops'::regclass"
    public += " AND '=r/isobar_owner' = ANY(relacl::text[])"
    assert owner.execute(public).fetchone() == (1,)


def test_a_source_that_is_away_is_listed_and_dropped(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Incident: its tables stayed for ever, and a hand-written CASCADE was how to remove them."""
    listed = call().output
    assert "buses" in listed
    assert "away" in listed
    assert "isobar sources drop buses" in listed
    assert call("drop", "buses").exit_code == 1, "it asks"
    assert owner.execute("SELECT count(*) FROM buses.stops").fetchone() == (1,)
    dropped = call("drop", "buses", "--yes")
    assert "Deleted 2 deliveries of buses" in dropped.output, dropped.output
    assert owner.execute(LEFT).fetchall() == OF_OTHERS
    rest = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace || relname ~ 'buses'"
    assert owner.execute(rest).fetchone() == (0,)
    of = "SELECT (SELECT count(*) FROM ops.sql_objects WHERE name ~ 'buses'),"
    of += " (SELECT count(*) FROM ops.source_parts WHERE name ~ 'buses' OR source = 'buses'),"
    of += " to_regnamespace('buses')"
    assert owner.execute(of).fetchone() == (0, 0, None)
    assert (condition(url), differences(url)) == ("current", [])
    assert "away" not in call().output.replace("away:", "")
    with plugins.installed(tmp_path / "buses"):
        migrate(url)
        assert (broken_sources(), condition(url)) == ([], "current")


@pytest.mark.parametrize("name", [name for name in BUILT if "newest" not in name])
def test_what_others_built_stops_a_drop(
    url: str, owner: psycopg.Connection, ana: None, name: str
) -> None:
    """But a view of what gathers sources, which shows nothing of one that is away."""
    _build(owner, BUILT[name])
    migrate(url)
    before = owner.execute(ALL).fetchall(), owner.execute(LEFT).fetchall()
    with pytest.raises(PermanentFailure) as stopped:
        call("drop", "buses", "--yes")
    assert name in stopped.value.problem
    assert (owner.execute(ALL).fetchall(), owner.execute(LEFT).fetchall()) == before


def test_the_view_of_another_plugin_stops_a_drop(
    url: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    view = "CREATE OR REPLACE VIEW enriched.{name}_stops AS SELECT name AS bus FROM buses.stops"
    plugins.write(tmp_path / "trams", "trams", {"sql/views/enriched.{name}_stops.sql": view})
    with plugins.installed(tmp_path / "buses", tmp_path / "trams"):
        migrate(url)
        assert broken_sources() == []
    with plugins.installed(tmp_path / "trams"):
        with pytest.raises(PermanentFailure) as stopped:
            call("drop", "buses", "--yes")
        assert "view enriched.trams_stops of the source trams" in stopped.value.problem
    assert owner.execute("SELECT bus FROM enriched.trams_stops").fetchall() == [("MARKET",)]


def test_only_a_source_that_is_away_is_dropped(
    url: str, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = owner.execute(LEFT).fetchall()
    own = call("drop", "shipments", "--yes")
    assert (own.exit_code, "Isobar's own" in own.output) == (2, True)
    for name in ("busses", "ops", "enriched", "mine", "public"):
        unknown = call("drop", name, "--yes")
        assert unknown.exit_code == 2
        assert "is not one of the sources that are away: buses" in unknown.output
    with plugins.installed(tmp_path / "buses"):
        installed = call("drop", "buses", "--yes")
        assert (installed.exit_code, "uninstall it first" in installed.output) == (2, True)
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", "buses")
    with plugins.installed(tmp_path / "buses"):
        assert call("drop", "buses", "--yes").exit_code == 2, "it is disabled"
    monkeypatch.delenv("ISOBAR_DISABLE_SOURCES")
    plugins.write(tmp_path / "buses", "buses", {**FILES, "__init__.py": "import no_such_module"})
    with plugins.installed(tmp_path / "buses"):
        assert call("drop", "buses", "--yes").exit_code == 2, "it is broken"
    assert owner.execute(LEFT).fetchall() == before
    assert owner.execute("SELECT name FROM enriched.buses_stops").fetchall() == [("MARKET",)]
