"""`isobar sources new`, `check` and `reset`: the way of a new author, from a sample to rows."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from click.testing import CliRunner, Result

from pipelines.cli.source_list import list_sources
from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import SandboxParts, sources
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests.plugins import installed

READINGS = [
    {"station": station, "measuredAt": f"2026-01-01T{hour:02}:00:00Z", "level cm": 250.5 + hour}
    for station in ("HEL", "BRE")
    for hour in range(12)
]


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def call(*words: str) -> Result:
    """Call `isobar sources` with these words, in this process."""
    return CliRunner().invoke(list_sources, words, catch_exceptions=False)


@pytest.fixture
def use(
    server: Connections, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """Call it to install the package that was written to `gauges`, into the test's database."""
    monkeypatch.setenv("DATABASE_URL", server.url(SUPERUSER, database))
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.chdir(tmp_path)
    query(server, database, f"GRANT CREATE ON DATABASE {database} TO isobar_owner")  # by migrate
    with ExitStack() as stack:

        def install() -> None:
            folder = tmp_path / "isobar-gauges"
            about = folder / "isobar_gauges-0.1.dist-info"
            about.mkdir(exist_ok=True)
            name = "Metadata-Version: 2.1\nName: isobar_gauges\nVersion: 0.1\n"
            (about / "METADATA").write_text(name)
            (about / "entry_points.txt").write_text("[isobar.sources]\ngauges = isobar_gauges\n")
            stack.close()
            stack.enter_context(installed(folder))

        yield install


def run(server: Connections, database: str, **addresses: Any) -> dg.ExecuteInProcessResult:
    """Run the job of `gauges`."""
    migrate(server.url(SUPERUSER, database))
    definitions = build_definitions(
        {
            "warehouse": WarehouseResource(url=server.url(LOADER, database)),
            "gauges": source_resource("gauges", **addresses),
        }
    )
    return definitions.resolve_job_def("gauges").execute_in_process(raise_on_error=False)


def loaded(server: Connections, database: str, **addresses: Any) -> list[tuple[Any, ...]]:
    """Run the job of `gauges`; return the counts of its deliveries."""
    ran = run(server, database, **addresses)
    assert failures(ran) == []
    assert ran.success
    return query(
        server,
        database,
        "SELECT read_count, loaded_count FROM ops.deliveries WHERE feed = 'gauges'",
    )


def query(server: Connections, database: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        found = connection.execute(sql.encode())
        return found.fetchall() if found.description else []


SAMPLES = {
    "levels.csv": as_csv(READINGS),
    "unended.csv": as_csv(READINGS).rstrip(),
    "levels.tsv": as_csv(READINGS, "\t"),
    "levels.jsonl": "".join(f"{json.dumps(row)}\n" for row in READINGS),
    "levels.json": json.dumps({"data": {"levels": READINGS}}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_made_of_a_file_loads_it_and_passes_the_check(
    use: Callable[[], None],
    server: Connections,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    (tmp_path / name).write_text(SAMPLES[name])
    made = call("new", "gauges", "--from", name)
    assert made.exit_code == 0, made.output
    assert re.search(r"measured_at \(key\) +AwareDatetime", made.output)
    use()
    checked = call("check", "gauges")
    assert checked.exit_code == 0, checked.output
    parts = _sandbox()
    assert parts.write_files is not None
    parts.write_files(tmp_path / "inbox", None)  # type: ignore[arg-type]
    assert loaded(server, database, inbox=str(tmp_path / "inbox")) == [(24, 24)]
    table = sources()["gauges"].loads[0]
    total = query(server, database, f"SELECT sum(level_cm), count(DISTINCT station) FROM {table}")
    assert total == [(sum(row["level cm"] for row in READINGS), 2)]  # type: ignore[misc]


def _sandbox() -> SandboxParts:
    """What the sandbox sends of the sample."""
    from pipelines.sandbox import sample

    return sample.build(sources()["gauges"])


@pytest.mark.parametrize("kind", ["document", "api"])
def test_a_package_made_of_a_url_loads_what_it_answers(
    use: Callable[[], None], server: Connections, database: str, source: FakeSource, kind: str
) -> None:
    document = {"levels": READINGS, "next": None}
    source.will(body(json.dumps({**document, "next": "/more"}).encode()))
    made = call("new", "gauges", "--kind", kind, "--from", source.url)
    assert made.exit_code == 0, made.output
    use()
    assert call("check", "gauges").exit_code == 0
    source.will(body(json.dumps(document).encode()))
    assert loaded(server, database, url=source.url) == [(24, 24)]


@pytest.mark.parametrize("kind", ["files", "document", "api"])
def test_a_package_without_a_sample_has_an_example_that_loads(
    use: Callable[[], None], kind: str
) -> None:
    made = call("new", "gauges", "--kind", kind)
    assert made.exit_code == 0, made.output
    use()
    assert call("check", "gauges").exit_code == 0


def test_names_that_are_taken_folders_that_exist_and_empty_samples_are_said(
    use: Callable[[], None], tmp_path: Path
) -> None:
    del use
    assert "is taken" in call("new", "bookings").output
    assert "lower-case letters" in call("new", "Parking Lots").output
    (tmp_path / "empty.json").write_text('{"a": 1}')
    with pytest.raises(Exception, match="no list of records in it"):
        call("new", "gauges", "--from", "empty.json")
    (tmp_path / "isobar-gauges").mkdir()
    with pytest.raises(Exception, match="the folder is there already"):
        call("new", "gauges")


@pytest.mark.parametrize("name", ["select", "import", "pg_x", "ünder", "../x", "x" * 41])
def test_a_name_that_is_no_schema_is_rejected(use: Callable[[], None], name: str) -> None:
    del use
    assert call("new", name).exit_code == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("binary.json", b"\x00\xff"),
        ("deep.json", b"[" * 100_000),
        ("torn.parquet", b"PAR1"),
        ("torn.xlsx", b"PK\x03\x04"),
    ],
)
def test_a_sample_that_cannot_be_read_is_named(
    use: Callable[[], None], tmp_path: Path, name: str, content: bytes
) -> None:
    del use
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Exception, match="no records could be read from the sample"):
        call("new", "gauges", "--from", name)
    assert not (tmp_path / "isobar-gauges").exists()


def test_odd_names_make_a_package_that_loads(
    use: Callable[[], None],
    server: Connections,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Incident: each of them gave one that could not be imported, migrated or loaded."""
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    names = [
        "id",
        "Straße",
        "PM10 (µg/m³)",
        "dt",
        "int",
        "isobar",
        "xmin",
        "order",
        "raw",
        *("x" * 70 + c for c in "ab"),
    ]
    rows = [dict(zip(names, [number, "A", 2.5, *"12345678"], strict=True)) for number in range(6)]
    (inbox / "odd.csv").write_text(as_csv(rows))
    made = call("new", "gauges", "--from", "inbox/odd.csv")
    assert made.exit_code == 0, made.output
    assert "pm10_ug_m3" in made.output
    use()
    assert call("check", "gauges").exit_code == 0
    assert loaded(server, database, inbox=str(inbox)) == [(6, 6)]


def test_a_package_without_a_key_says_so_until_it_has_one(
    use: Callable[[], None], tmp_path: Path
) -> None:
    rows = [
        {"charger": one, "free": free, "kw": kw}
        for one in (1, 2)
        for free in (1, 2)
        for kw in (1, 2)
    ]
    (tmp_path / "chargers.csv").write_text(as_csv(rows))
    made = call("new", "gauges", "--from", "chargers.csv")
    assert made.exit_code == 0, made.output
    assert "Check: no field or pair of them identifies a record" in made.output
    declaration = tmp_path / "isobar-gauges" / "isobar_gauges" / "__init__.py"
    assert "# Check: no field or pair of them identifies a record" in declaration.read_text()
    use()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    assert "there is no table gauges.gauges: name its key" in checked.output
    declaration.write_text(
        declaration.read_text().replace("key=()", 'key=("charger", "free", "kw")')
    )
    use()
    assert call("check", "gauges").exit_code == 0


def test_a_header_that_no_file_may_have_is_named(use: Callable[[], None], tmp_path: Path) -> None:
    del use
    for header in ("id,ID", '"a\nb",c'):
        (tmp_path / "odd.csv").write_text(f"{header}\n1,2\n")
        with pytest.raises(Exception, match="its header has a name twice, or one that cannot"):
            call("new", "gauges", "--from", "odd.csv")


def test_foreign_text_never_becomes_code(use: Callable[[], None], tmp_path: Path) -> None:
    """Neither names of files and columns, nor values."""
    evil = '"); open("PWNED", "w") #'
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([evil, f"x{evil}", "[red]", "id"])
    writer.writerows([[evil, f"\n{evil}", "[/red]", number] for number in range(9)])
    (tmp_path / f"a.{evil}").write_text(text.getvalue())
    made = call("new", "gauges", "--from", f"a.{evil}")
    assert made.exit_code == 0, made.output
    use()
    assert "gauges" in sources()
    assert not (tmp_path / "PWNED").exists()
    assert call("check", "gauges").exit_code == 0


def test_a_check_names_each_mistake_with_the_file_and_line_of_sql(
    use: Callable[[], None], tmp_path: Path
) -> None:
    call("new", "gauges")
    package = tmp_path / "isobar-gauges" / "isobar_gauges"
    declaration = package / "__init__.py"
    text = declaration.read_text()
    text = text.replace("    inbox: isobar", '    api_token: str = "x"\n    inbox: isobar')
    declaration.write_text(text.replace("level_cm", "depth"))
    for file, sql in SQL.items():
        (package / "sql" / file).parent.mkdir(parents=True, exist_ok=True)
        (package / "sql" / file).write_text(sql)
    use()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    place = r"isobar-gauges/isobar_gauges"
    for pattern in (
        r"gauges: the setting 'api_token' is called like a secret",
        rf"{place}/sql/cookbook/01_depths\.sql: column \"nothing\" does not exist",
        rf"{place}/sql/cookbook/02_days\.sql: the parameter 'day' has no example",
        rf"{place}/sql/cookbook/03_none\.sql: the question '03_none' has no statement",
        r"gauges: 4 errors",
    ):
        assert re.search(pattern, checked.output), f"{pattern} in {checked.output}"
    view = package / "sql" / "views" / "enriched.gauges.sql"
    view.parent.mkdir()
    view.write_text("\nSELECT nothing;\n")
    use()
    assert re.search(
        rf"{place}/sql/views/enriched\.gauges\.sql:2: column \"nothing\"",
        call("check", "gauges").output,
    )


SQL = {
    "cookbook/01_depths.sql": "-- Which?\n--\n-- at: 1\nSELECT nothing FROM gauges.gauges"
    " WHERE depth > %(at)s",
    "cookbook/02_days.sql": "-- When?\nSELECT station FROM gauges.gauges WHERE at > %(day)s",
    "cookbook/03_none.sql": "-- Why?\n",
    "cookbook/04_good.sql": "-- Who?\n--\n-- at: 1\nSELECT station FROM gauges.gauges"
    " WHERE depth > %(at)s AND station LIKE '%%a'",
}


TOUCH = """CREATE OR REPLACE FUNCTION gauges.touch() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RETURN new; END $$; COMMENT ON FUNCTION gauges.touch() IS 'Changes nothing.';"""
TRIGGER = """CREATE OR REPLACE TRIGGER touched BEFORE UPDATE ON gauges.gauges
FOR EACH ROW EXECUTE FUNCTION gauges.touch();"""


def test_after_a_change_of_the_models_reset_begins_anew(
    use: Callable[[], None],
    server: Connections,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv(READINGS) + "HEL,never,1\n")
    call("new", "gauges", "--from", "inbox/levels.csv")
    sql = tmp_path / "isobar-gauges" / "isobar_gauges" / "sql"
    (sql / "views").mkdir(parents=True)
    (sql / "views" / "gauges.touch.sql").write_text(TOUCH)
    (sql / "tables.sql").write_text(TRIGGER)
    use()
    assert loaded(server, database, inbox=str(inbox)) == [(25, 24)]
    declaration = tmp_path / "isobar-gauges" / "isobar_gauges" / "__init__.py"
    renamed = declaration.read_text().replace("    level_cm:", "    water_depth_cm:")
    declaration.write_text(renamed)  # longer: within a second, Python compiles it anew only if so
    use()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    assert "isobar sources reset gauges" in checked.output
    (inbox / "more.csv").write_text(as_csv(READINGS))
    (problem,) = failures(run(server, database, inbox=str(inbox)))
    assert "not those of its models" in problem
    assert 'column "water_depth_cm"' in problem
    assert "isobar sources reset gauges" in problem
    (inbox / "more.csv").unlink()
    assert call("reset", "bookings", "--yes").exit_code == 2
    with psycopg.connect(server.url(SUPERUSER, database), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mine")
        connection.execute("CREATE VIEW mine.levels AS SELECT station FROM gauges.gauges")
        with pytest.raises(Exception, match=r"view mine\.levels depends on") as stopped:
            call("reset", "gauges", "--yes")
        assert "then run isobar sources reset gauges" in str(stopped.value)
        connection.execute("DROP VIEW mine.levels")
    reset = call("reset", "gauges", "--yes")
    assert reset.exit_code == 0, reset.output
    assert query(server, database, "SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert loaded(server, database, inbox=str(inbox)) == [(25, 24)]
    ((total,),) = query(server, database, "SELECT sum(water_depth_cm) FROM gauges.gauges")
    assert total == sum(row["level cm"] for row in READINGS)  # type: ignore[misc]
    assert call("check", "gauges").exit_code == 0


def test_a_changed_type_or_key_writes_nothing(
    use: Callable[[], None],
    server: Connections,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Incident: PostgreSQL rounded 2.49 to fit into the column that an earlier model had made."""
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv([row | {"level cm": 250} for row in READINGS]))
    call("new", "gauges", "--from", "inbox/levels.csv")
    use()
    assert loaded(server, database, inbox=str(inbox)) == [(24, 24)]
    declaration = tmp_path / "isobar-gauges" / "isobar_gauges" / "__init__.py"
    first = declaration.read_text()
    for before, after, value, problem in (
        ("  level_cm: int", "  level_cm: float", 2.49, "level_cm is bigint, not double precision"),
        ('key=("station", "measured_at")', 'key="measured_at"', 2, "no unique or exclusion"),
    ):
        (inbox / "more.csv").write_text(as_csv([row | {"level cm": value} for row in READINGS]))
        assert first.count(before) == 1, first
        declaration.write_text(first.replace(before, after))
        use()
        checked = call("check", "gauges")
        assert checked.exit_code == 1
        assert "isobar sources reset gauges" in checked.output
        (said,) = failures(run(server, database, inbox=str(inbox)))
        assert "not those of its models, and nothing was written" in said
        assert problem in said
        stored = "SELECT DISTINCT level_cm FROM gauges.gauges"
        assert query(server, database, stored) == [(250,)]
