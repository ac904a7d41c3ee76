"""`isobar sources new`, `check` and `reset`: the way of a new author, from a sample to rows."""

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from pipelines.cli.source_list import list_sources
from pipelines.failures import PermanentFailure
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sandbox import sample
from pipelines.source import sources
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests import plugins
from pipelines_tests.authors import Author

READINGS = [
    {"station": station, "measuredAt": f"2026-01-01T{hour:02}:00:00Z", "level cm": 250.5 + hour}
    for station in ("HEL", "BRE")
    for hour in range(12)
]
LEVELS = sum(250.5 + hour for hour in range(12)) * 2


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def call(*words: str) -> Result:
    """Call `isobar sources` with these words, in this process."""
    return CliRunner().invoke(list_sources, words, catch_exceptions=False)


class Gauges(Author):
    """Somebody who writes the package `gauges`."""

    def install(self) -> None:
        plugins.install(self.folder, "gauges")
        super().install()

    @property
    def package(self) -> Path:
        return self.folder / "isobar_gauges"

    @property
    def declaration(self) -> Path:
        return self.package / "__init__.py"

    def edit(self, before: str, after: str) -> None:
        """Write something else in the declaration. Within a second, its length has to change."""
        text = self.declaration.read_text()
        assert before in text
        self.declaration.write_text(text.replace(before, after))
        self.install()

    def write(self, *words: str) -> Result:
        """Have the package made, with these options, and installed."""
        made = call("new", "gauges", *words)
        assert made.exit_code == 0, made.output
        self.install()
        return made


@pytest.fixture
def author(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Gauges]:
    monkeypatch.setenv("DATABASE_URL", server.url(SUPERUSER, database))
    monkeypatch.setenv("ISOBAR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    owner.execute(f"GRANT CREATE ON DATABASE {database} TO isobar_owner")  # by migrate
    found = Gauges("gauges", tmp_path / "isobar-gauges", server, database)
    with found.is_installed:
        yield found


SAMPLES = {
    "unended.csv": as_csv(READINGS).rstrip(),
    "levels.tsv": as_csv(READINGS, "\t"),
    "levels.json": json.dumps({"data": {"levels": READINGS}}),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_package_made_of_a_file_loads_it(author: Gauges, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SAMPLES[name])
    made = author.write("--from", name)
    assert "with the same station and measured_at replaces this one" in made.output
    assert "    measured_at: AwareDatetime" in author.declaration.read_text()
    checked = call("check", "gauges")
    assert checked.exit_code == 0, checked.output
    parts = sample.build(sources()["gauges"])
    assert parts.write_files is not None
    parts.write_files(tmp_path / "inbox", None)  # type: ignore[arg-type]
    assert author.loaded(inbox=str(tmp_path / "inbox")) == [(24, 24, 0, 0)]
    table = sources()["gauges"].loads[0]
    total = author.query(f"SELECT sum(level_cm), count(DISTINCT station) FROM {table}")
    assert total == [(LEVELS, 2)]


@pytest.mark.parametrize("kind", ["document", "api"])
def test_a_package_made_of_a_url_loads(author: Gauges, source: FakeSource, kind: str) -> None:
    document = {"levels": READINGS, "next": None}
    source.will(body(json.dumps({**document, "next": "/more"}).encode()))
    author.write("--kind", kind, "--from", source.url)
    assert call("check", "gauges").exit_code == 0
    source.will(body(json.dumps(document).encode()))
    assert author.loaded(url=source.url) == [(24, 24, 0, 0)]


@pytest.mark.parametrize("kind", ["files", "document", "api"])
def test_a_package_without_a_sample_has_an_example_that_loads(author: Gauges, kind: str) -> None:
    author.write("--kind", kind)
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
        ("empty.csv", b"", "no records could be read from the sample"),
        ("deep.json", b"[" * 100_000, "no records could be read from the sample"),
        ("torn.parquet", b"PAR1", "no records could be read from the sample"),
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


def test_odd_names_make_a_package_that_loads(author: Gauges, tmp_path: Path) -> None:
    """Incident: each of them gave one that could not be imported, migrated or loaded."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    names = ["id", "Straße", "PM10 (µg/m³)", "dt", "int", "isobar", "xmin", "order", "raw"]
    names += ["x" * 70 + c for c in "ab"]
    rows = [dict(zip(names, [number, "A", 2.5, *"12345678"], strict=True)) for number in range(6)]
    (inbox / "odd.csv").write_text(as_csv(rows))
    author.write("--from", "inbox/odd.csv")
    assert "    pm10_ug_m3: float" in author.declaration.read_text()
    assert call("check", "gauges").exit_code == 0
    assert author.loaded(inbox=str(inbox)) == [(6, 6, 0, 0)]


def test_a_package_without_a_key_says_so_until_it_has_one(author: Gauges, tmp_path: Path) -> None:
    rows = [dict(zip("abc", one, strict=True)) for one in product((1, 2), repeat=3)]
    (tmp_path / "chargers.csv").write_text(as_csv(rows))
    doubt = "Check: no field or pair of them identifies a record"
    assert doubt in author.write("--from", "chargers.csv").output
    assert f"# {doubt}" in author.declaration.read_text()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    assert "there is no table gauges.gauges: name its key" in checked.output
    author.edit("key=()", 'key=("a", "b", "c")')
    assert call("check", "gauges").exit_code == 0


def test_foreign_text_never_becomes_code(author: Gauges, tmp_path: Path) -> None:
    """Neither names of files and columns, nor values."""
    evil = '"); open("PWNED", "w") #'
    rows = [{evil: evil, f"x{evil}": f"\n{evil}", "[red]": "[/red]", "id": n} for n in range(9)]
    (tmp_path / f"a.{evil}").write_text(as_csv(rows))
    author.write("--from", f"a.{evil}")
    assert "gauges" in sources()
    assert not (tmp_path / "PWNED").exists()
    assert call("check", "gauges").exit_code == 0


def test_a_check_names_each_mistake_with_the_file_and_line_of_sql(author: Gauges) -> None:
    author.write()
    author.edit("    inbox: isobar", '    api_token: str = "x"\n    inbox: isobar')
    view = author.package / "sql" / "views" / "enriched.gauges.sql"
    view.parent.mkdir(parents=True)
    view.write_text("\nSELECT nothing;\n")
    author.install()
    checked = call("check", "gauges")
    assert checked.exit_code == 1
    for pattern in (
        r"gauges: the setting 'api_token' is called like a secret",
        r"isobar-gauges/isobar_gauges/sql/views/enriched\.gauges\.sql:2: column \"nothing\"",
        r"gauges: 2 errors",
    ):
        assert re.search(pattern, checked.output), f"{pattern} in {checked.output}"


TOUCH = """CREATE OR REPLACE FUNCTION gauges.touch() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RETURN new; END $$; COMMENT ON FUNCTION gauges.touch() IS 'Changes nothing.';"""
TRIGGER = """CREATE OR REPLACE TRIGGER touched BEFORE UPDATE ON gauges.gauges
FOR EACH ROW EXECUTE FUNCTION gauges.touch();"""


def test_after_a_change_of_the_models_reset_begins_anew(author: Gauges, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv(READINGS) + "HEL,never,1\n")
    author.write("--from", "inbox/levels.csv")
    sql = author.package / "sql"
    (sql / "views").mkdir(parents=True)
    (sql / "views" / "gauges.touch.sql").write_text(TOUCH)
    (sql / "tables.sql").write_text(TRIGGER)
    author.install()
    assert author.loaded(inbox=str(inbox)) == [(25, 24, 0, 1)]
    author.edit("    level_cm:", "    water_depth_cm:")
    assert "isobar sources reset gauges" in call("check", "gauges").output
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
        with pytest.raises(PermanentFailure, match=r"view mine\.levels of isobar") as stopped:
            call("reset", "gauges", "--yes")
        assert "then run isobar sources reset gauges" in str(stopped.value)
        assert author.query("SELECT count(*) FROM mine.levels") == [(24,)]
        connection.execute("DROP VIEW mine.levels")
    reset = call("reset", "gauges", "--yes")
    assert reset.exit_code == 0, reset.output
    assert author.query("SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert author.loaded(inbox=str(inbox)) == [(25, 24, 0, 1)]
    assert author.query("SELECT sum(water_depth_cm) FROM gauges.gauges") == [(LEVELS,)]
    assert call("check", "gauges").exit_code == 0


def test_a_changed_type_or_key_writes_nothing(author: Gauges, tmp_path: Path) -> None:
    """Incident: PostgreSQL rounded 2.49 to fit into the column that an earlier model had made."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "levels.csv").write_text(as_csv([row | {"level cm": 250} for row in READINGS]))
    author.write("--from", "inbox/levels.csv")
    assert author.loaded(inbox=str(inbox)) == [(24, 24, 0, 0)]
    for before, after, value, problem in (
        ("  level_cm: int", "  level_cm: float", 2.49, "level_cm is bigint, not double precision"),
        ('key=("station", "measured_at")', 'key="measured_at"', 2, "no unique or exclusion"),
    ):
        (inbox / "more.csv").write_text(as_csv([row | {"level cm": value} for row in READINGS]))
        author.edit(before, after)
        assert "isobar sources reset gauges" in call("check", "gauges").output
        (said,) = failures(author.run(inbox=str(inbox)))
        assert "not those of its models, and nothing was written" in said
        assert problem in said
        assert author.query("SELECT DISTINCT level_cm FROM gauges.gauges") == [(250,)]
        author.edit(after, before)
