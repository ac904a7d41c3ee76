"""`isobar sources new`, `check` and `reset`: the way of a new author, from a sample to rows."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
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
from pipelines.sandbox import sample
from pipelines.source import sources
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests import plugins

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


@dataclass
class Author:
    """Somebody who writes the package `gauges` in a folder, with a database."""

    server: Connections
    database: str
    folder: Path
    installed: ExitStack

    @property
    def url(self) -> str:
        return self.server.url(SUPERUSER, self.database)

    def install(self) -> None:
        package = self.folder / "isobar-gauges"
        plugins.install(package, "gauges")
        self.installed.close()
        self.installed.enter_context(plugins.installed(package))

    def run(self, **addresses: Any) -> dg.ExecuteInProcessResult:
        migrate(self.url)
        warehouse = WarehouseResource(url=self.server.url(LOADER, self.database))
        gauges = source_resource("gauges", **addresses)
        definitions = build_definitions({"warehouse": warehouse, "gauges": gauges})
        return definitions.resolve_job_def("gauges").execute_in_process(raise_on_error=False)

    def loaded(self, **addresses: Any) -> list[tuple[Any, ...]]:
        """Run the job; return the counts of its deliveries."""
        ran = self.run(**addresses)
        assert failures(ran) == []
        assert ran.success
        counts = "SELECT read_count, loaded_count FROM ops.deliveries WHERE feed = 'gauges'"
        return self.query(counts)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql.encode()).fetchall()


@pytest.fixture
def author(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Author]:
    monkeypatch.setenv("DATABASE_URL", server.url(SUPERUSER, database))
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    owner.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")  # by migrate
    with ExitStack() as stack:
        yield Author(server, database, tmp_path, stack)


SAMPLES = {
    "levels.csv": as_csv(READINGS),
    "unended.csv": as_csv(READINGS).rstrip(),
    "levels.tsv": as_csv(READINGS, "\t"),
    "levels.jsonl": "".join(f"{json.dumps(row)}\n" for row in READINGS),
    "levels.json": json.dumps({"data": {"levels": READINGS}}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_made_of_a_file_loads_it_and_passes_the_check(
    author: Author, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(SAMPLES[name])
    made = call("new", "gauges", "--from", name)
    assert made.exit_code == 0, made.output
    assert re.search(r"measured_at \(key\) +AwareDatetime", made.output)
    author.install()
    checked = call("check", "gauges")
    assert checked.exit_code == 0, checked.output
    parts = sample.build(sources()["gauges"])
    assert parts.write_files is not None
    parts.write_files(tmp_path / "inbox", None)  # type: ignore[arg-type]
    assert author.loaded(inbox=str(tmp_path / "inbox")) == [(24, 24)]
    table = sources()["gauges"].loads[0]
    total = author.query(f"SELECT sum(level_cm), count(DISTINCT station) FROM {table}")
    assert total == [(sum(row["level cm"] for row in READINGS), 2)]  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["document", "api"])
def test_a_package_made_of_a_url_loads_what_it_answers(
    author: Author, source: FakeSource, kind: str
) -> None:
    document = {"levels": READINGS, "next": None}
    source.will(body(json.dumps({**document, "next": "/more"}).encode()))
    made = call("new", "gauges", "--kind", kind, "--from", source.url)
    assert made.exit_code == 0, made.output
    author.install()
    assert call("check", "gauges").exit_code == 0
    source.will(body(json.dumps(document).encode()))
    assert author.loaded(url=source.url) == [(24, 24)]


@pytest.mark.parametrize("kind", ["files", "document", "api"])
def test_a_package_without_a_sample_has_an_example_that_loads(author: Author, kind: str) -> None:
    made = call("new", "gauges", "--kind", kind)
    assert made.exit_code == 0, made.output
    author.install()
    assert call("check", "gauges").exit_code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bookings", "is taken"),
        ("Parking Lots", "lower-case letters"),
        *((name, "") for name in ("select", "import", "pg_x", "ünder", "../x", "x" * 41)),
    ],
)
def test_a_name_that_is_taken_or_no_schema_is_rejected(name: str, words: str) -> None:
    done = call("new", name)
    assert done.exit_code == 2
    assert words in done.output


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.json", b'{"a": 1}', "no list of records in it"),
        ("twice.csv", b"id,ID\n1,2\n", "its header has a name twice, or one that cannot"),
        ("lines.csv", b'"a\nb",c\n1,2\n', "its header has a name twice, or one that cannot"),
        ("empty.csv", b"", "no records could be read from the sample"),
        ("binary.json", b"\x00\xff", "no records could be read from the sample"),
        ("deep.json", b"[" * 100_000, "no records could be read from the sample"),
        ("torn.parquet", b"PAR1", "no records could be read from the sample"),
        ("torn.xlsx", b"PK\x03\x04", "no records could be read from the sample"),
    ],
)
def test_a_sample_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Exception, match=problem):
        call("new", "gauges", "--from", name)
    assert not (tmp_path / "isobar-gauges").exists()
    (tmp_path / "isobar-gauges").mkdir()
    with pytest.raises(Exception, match="the folder is there already"):
        call("new", "gauges")


def test_odd_names_make_a_package_that_loads(author: Author, tmp_path: Path) -> None:
    """Incident: each of them gave one that could not be imported, migrated or loaded."""
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
    author.install()
    assert call("check", "gauges").exit_code == 0
    assert author.loaded(inbox=str(inbox)) == [(6, 6)]


def test_a_package_without_a_key_says_so_until_it_has_one(author: Author, tmp_path: Path) -> None:
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
    author.install()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    assert "there is no table gauges.gauges: name its key" in checked.output
    declaration.write_text(
        declaration.read_text().replace("key=()", 'key=("charger", "free", "kw")')
    )
    author.install()
    assert call("check", "gauges").exit_code == 0


def test_foreign_text_never_becomes_code(author: Author, tmp_path: Path) -> None:
    """Neither names of files and columns, nor values."""
    evil = '"); open("PWNED", "w") #'
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([evil, f"x{evil}", "[red]", "id"])
    writer.writerows([[evil, f"\n{evil}", "[/red]", number] for number in range(9)])
    (tmp_path / f"a.{evil}").write_text(text.getvalue())
    made = call("new", "gauges", "--from", f"a.{evil}")
    assert made.exit_code == 0, made.output
    author.install()
    assert "gauges" in sources()
    assert not (tmp_path / "PWNED").exists()
    assert call("check", "gauges").exit_code == 0


def test_a_check_names_each_mistake_with_the_file_and_line_of_sql(
    author: Author, tmp_path: Path
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
    author.install()
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
    author.install()
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


def test_after_a_change_of_the_models_reset_begins_anew(author: Author, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv(READINGS) + "HEL,never,1\n")
    call("new", "gauges", "--from", "inbox/levels.csv")
    sql = tmp_path / "isobar-gauges" / "isobar_gauges" / "sql"
    (sql / "views").mkdir(parents=True)
    (sql / "views" / "gauges.touch.sql").write_text(TOUCH)
    (sql / "tables.sql").write_text(TRIGGER)
    author.install()
    assert author.loaded(inbox=str(inbox)) == [(25, 24)]
    declaration = tmp_path / "isobar-gauges" / "isobar_gauges" / "__init__.py"
    renamed = declaration.read_text().replace("    level_cm:", "    water_depth_cm:")
    declaration.write_text(renamed)  # longer: within a second, Python compiles it anew only if so
    author.install()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    assert "isobar sources reset gauges" in checked.output
    (inbox / "more.csv").write_text(as_csv(READINGS))
    (problem,) = failures(author.run(inbox=str(inbox)))
    assert "not those of its models" in problem
    assert 'column "water_depth_cm"' in problem
    assert "isobar sources reset gauges" in problem
    (inbox / "more.csv").unlink()
    assert call("reset", "bookings", "--yes").exit_code == 2
    with psycopg.connect(author.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mine")
        connection.execute("CREATE VIEW mine.levels AS SELECT station FROM gauges.gauges")
        with pytest.raises(Exception, match=r"view mine\.levels depends on") as stopped:
            call("reset", "gauges", "--yes")
        assert "then run isobar sources reset gauges" in str(stopped.value)
        connection.execute("DROP VIEW mine.levels")
    reset = call("reset", "gauges", "--yes")
    assert reset.exit_code == 0, reset.output
    assert author.query("SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert author.loaded(inbox=str(inbox)) == [(25, 24)]
    ((total,),) = author.query("SELECT sum(water_depth_cm) FROM gauges.gauges")
    assert total == sum(row["level cm"] for row in READINGS)  # type: ignore[misc]
    assert call("check", "gauges").exit_code == 0


def test_a_changed_type_or_key_writes_nothing(author: Author, tmp_path: Path) -> None:
    """Incident: PostgreSQL rounded 2.49 to fit into the column that an earlier model had made."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv([row | {"level cm": 250} for row in READINGS]))
    call("new", "gauges", "--from", "inbox/levels.csv")
    author.install()
    assert author.loaded(inbox=str(inbox)) == [(24, 24)]
    declaration = tmp_path / "isobar-gauges" / "isobar_gauges" / "__init__.py"
    first = declaration.read_text()
    for before, after, value, problem in (
        ("  level_cm: int", "  level_cm: float", 2.49, "level_cm is bigint, not double precision"),
        ('key=("station", "measured_at")', 'key="measured_at"', 2, "no unique or exclusion"),
    ):
        (inbox / "more.csv").write_text(as_csv([row | {"level cm": value} for row in READINGS]))
        assert first.count(before) == 1, first
        declaration.write_text(first.replace(before, after))
        author.install()
        checked = call("check", "gauges")
        assert checked.exit_code == 1
        assert "isobar sources reset gauges" in checked.output
        (said,) = failures(author.run(inbox=str(inbox)))
        assert "not those of its models, and nothing was written" in said
        assert problem in said
        stored = "SELECT DISTINCT level_cm FROM gauges.gauges"
        assert author.query(stored) == [(250,)]
