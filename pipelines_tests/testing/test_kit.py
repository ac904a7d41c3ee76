"""Each test of the contract kit fails for a source with the mistake that it is for."""

import datetime as dt
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import psycopg
import pytest
from pydantic import BaseModel, BeforeValidator
from sqlalchemy import Column, Date, MetaData, Table

from pipelines.http.client import HttpClient
from pipelines.ingest.contract import Reject
from pipelines.ingest.feeds import Cap, Feed, Parsed
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.reasons import Reason
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import SandboxParts, sources
from pipelines.testing import Driver, LoadFailed, contract, drivers_of
from pipelines.testing.databases import made
from pipelines.testing.pytest_plugin import Start
from pipelines.testing.records import ModelRecords
from pipelines.testing.suite import Contract, ledger_is_true
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.others import others
from pipelines_tests.plugins import install, installed, write
from pipelines_tests.testing.stops import FILES

Broken = Callable[[pytest.MonkeyPatch, type[Driver]], object]
counter = itertools.count()


def feed_of(kind: type[Driver]) -> Feed:
    return sources()[kind.source].feeds[0]


def set_in_feed(kind: type[Driver], **values: Any) -> None:
    """Change the declaration, which is imported anew for each test."""
    for name, value in values.items():
        object.__setattr__(feed_of(kind), name, value)


def parse(spoil: Callable[[Parsed], Parsed]) -> Broken:
    """Have the parser return something else."""

    def apply(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
        good = feed_of(kind).parse
        set_in_feed(kind, parse=lambda content, context: map(spoil, good(content, context)))

    return apply


def rows(change: Callable[[Any], Any]) -> Broken:
    """Have the parser return other rows."""
    return parse(
        lambda parsed: replace(
            parsed, rows={name: change(frame) for name, frame in parsed.rows.items()}
        )
    )


def rejects(**changes: Callable[[Reject], Any]) -> Broken:
    """Have the parser return other rejects."""

    def changed(one: Reject) -> Reject:
        return replace(one, **{name: new(one) for name, new in changes.items()})

    return parse(lambda one: replace(one, rejects=[*map(changed, one.rejects)]))


def driver(name: str, after: Callable[[Driver], object]) -> Broken:
    """Have something happen after a method of the driver, as if the source did it."""

    def apply(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
        method = getattr(kind, name)

        def spoiled(self: Driver, *values: Any) -> Any:
            try:
                return method(self, *values)
            finally:
                after(self)

        patch.setattr(kind, name, spoiled)

    return apply


def sql(statement: str) -> Callable[[Driver], object]:
    return lambda one: one.site.owner.execute(statement.encode())


def never_an_error(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
    """Errors become an empty document."""
    patch.setattr(HttpClient, "_check_status", lambda *_: None)
    patch.setattr(HttpClient, "_parse", lambda *_: {"stations": [], "readings": []})


def gives_up(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
    """A source that failed once is never requested again."""
    failed: list[bool] = []
    get = HttpClient._get_once

    def once(self: HttpClient, *values: Any) -> Any:
        if failed:
            raise self._permanent("url", "it failed before")
        try:
            return get(self, *values)
        except Exception:
            failed.append(True)
            raise

    patch.setattr(HttpClient, "_get_once", once)


def accepts_all_texts(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
    """The model lets through what the table rejects."""

    class Station(BaseModel):
        station_id: str
        name: str | None = None
        latitude: float
        longitude: float

    parser = feed_of(kind).parse
    assert isinstance(parser, Json)
    readings, _ = parser.records
    stations = Records(at="stations", model=Station, table="tides.stations")
    set_in_feed(kind, parse=Json(readings, stations))
    made = drivers_of(sources()[kind.source])[0].made
    patch.setattr(kind, "made", made)


def sandbox(line: Callable[[], str]) -> Broken:
    """Have the sandbox write a line after its header."""

    def apply(patch: pytest.MonkeyPatch, kind: type[Driver]) -> None:
        module: Any = sources()[kind.source].module("sandbox")

        def write_files(folder: Path, _: Any) -> None:
            (folder / "1.csv").write_text(f"{module.HEADER}\n{line()}\n")

        patch.setattr(module, "build", lambda _: SandboxParts(write_files=write_files))

    return apply


#: In the order of the fields.
ONE_ROW = """INSERT INTO stops.stops VALUES
(9999, 'A', 'x', 'bus', '2020-01-01', now(), 1, 0.5, TRUE, '0000', gen_random_uuid(), NULL, 1)"""
ALL_OF_THE_LAST = (
    "UPDATE tides.readings SET delivery_id = (SELECT max(delivery_id) FROM ops.deliveries)"
)
#: What a source does wrong: the mistake, and the test that has to find it. Of the plug-in with a
#: document, or of that with files.
CASES: Sequence[tuple[str, Broken, str]] = (
    (
        "tides",
        rows(lambda frame: frame.assign(name="x" * next(counter)) if "name" in frame else frame),
        "delivered_twice",
    ),
    ("tides", driver("announce", sql("DELETE FROM tides.readings")), "delivered_twice"),
    ("tides", parse(lambda one: replace(one, read=min(one.read, 80))), "duplicates_within"),
    (
        "stops",
        rows(lambda frame: frame.drop_duplicates(["stop_id", "line"], keep="last")),
        "contradict",
    ),
    ("tides", lambda patch, kind: patch.setattr(kind, "latest_wins", False), "a_changed_record"),
    ("tides", driver("load", sql(ALL_OF_THE_LAST)), "a_changed_record"),
    (
        "tides",
        rejects(reasons=lambda one: tuple(Reason(why.code, "bad") for why in one.reasons)),
        "each_field",
    ),
    ("stops", rejects(raw=lambda one: f"{one.raw}{next(counter)}"), "quarantined_once"),
    ("stops", rejects(key=lambda _: None), "quarantined_once"),
    ("tides", lambda patch, kind: set_in_feed(kind, cap=Cap(share=1, few=10**6)), "mostly_bad"),
    ("tides", accepts_all_texts, "unusual_value"),
    ("tides", parse(lambda one: replace(one, drift=())), "unknown_field"),
    ("tides", never_an_error, "away_or_torn"),
    ("stops", rows(lambda frame: frame[frame["stop_id"] != 40]), "away_or_torn"),
    ("stops", driver("fetch_from", sql(ONE_ROW)), "dies_before"),
    ("stops", driver("fetch_from", sql("DELETE FROM stops.stops WHERE stop_id = 3")), "two_loads"),
    ("tides", gives_up, "away_or_torn"),
    ("stops", driver("retry", sql("DELETE FROM ops.quarantine")), "quarantine_is_read"),
    (
        "tides",
        lambda patch, kind: patch.setattr(kind, "rows_of_check", lambda *_: [{"one": "HEL"}]),
        "checks_find",
    ),
    ("tides", driver("load", sql("DROP VIEW enriched.tide_levels")), "views"),
    ("stops", sandbox(lambda: str(next(counter))), "sandbox"),
    ("stops", sandbox(lambda: ""), "sandbox"),
)


@pytest.fixture(scope="module")
def plug_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ...]]:
    """Folders with the example plug-in and one with files, as an installer leaves them."""
    entry, files = tmp_path_factory.mktemp("entry"), tmp_path_factory.mktemp("files")
    install(entry, "tides")
    write(files, "stops", FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOBAR_DISABLE_SOURCES", others("tides"))
        yield PROJECT / "examples" / "isobar-tides", entry, files


@pytest.fixture(scope="module")
def plug_in_template(
    isobar_server: Connections, isobar_template: str, plug_ins: tuple[Path, ...]
) -> Iterator[str]:
    """The name of a database that has the tables of the plug-ins too."""
    with made(isobar_server, isobar_template) as name:
        with installed(*plug_ins):
            migrate(isobar_server.url(SUPERUSER, name))
        yield name


@pytest.mark.parametrize(("name", "broken", "part"), CASES)
def test_a_mistake_is_found_by_its_test(
    plug_ins: tuple[Path, ...],
    plug_in_template: str,  # first, for it imports the plug-ins
    isobar_start: Start,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    broken: Broken,
    part: str,
) -> None:
    with installed(*plug_ins):
        (kind,) = drivers_of(sources()[name])
        monkeypatch.setattr(kind, "template", "plug_in_template")
        kit = contract(sources()[name], drivers=[kind])
        (test,) = [one for one in dir(kit) if one.startswith("test_") and part in one]
        broken(monkeypatch, kind)
        with pytest.raises((AssertionError, LoadFailed, psycopg.Error, pytest.fail.Exception)):
            if part == "sandbox":
                getattr(kit(), test)(isobar_start)
            else:
                started = isobar_start(kind)
                getattr(kit(), test)(started)
                ledger_is_true(started)


def test_each_promise_is_broken_by_a_mistake() -> None:
    tests = {one for one in dir(Contract) if one.startswith("test_")}
    found = {test for test in tests for *_, part in CASES if part in test}
    assert tests - found == {"test_every_feed_is_driven"}, "which the next test breaks"


def test_a_feed_that_the_kit_cannot_drive_is_named(plug_ins: tuple[Path, ...]) -> None:
    with installed(*plug_ins):
        source = sources()["tides"]
        (feed,) = source.feeds
        own = replace(feed, parse=lambda *_: [])
        kit = contract(replace(source, feeds=(own,)))
        with pytest.raises(AssertionError, match="nobody knows what its records are"):
            kit().test_every_feed_is_driven()
        contract(
            replace(source, feeds=(own,)), not_driven={"tides": "it has own tests"}
        )().test_every_feed_is_driven()


def tried(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of plug-ins in a folder, as their author does."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "tests"],
        cwd=folder,
        env=environment(folder, PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.system
def test_plug_ins_of_files_pass_by_one_line_in_a_folder_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name, policy in (("stops", "Upsert"), ("halts", "Insert")):
        parse = "            parse="
        declaration = str(FILES["__init__.py"]).replace(
            parse, f"            load=isobar.{policy}(),\n{parse}"
        )
        write(tmp_path, name, {**FILES, "__init__.py": declaration})
        (tmp_path / "tests" / f"test_{name}.py").write_text(
            f"from isobar_{name} import source\nfrom pipelines.testing import contract\n\n"
            "TestContract = contract(source)\n"
        )
    done = tried(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "32 passed" in done.stdout


def german(sent: str) -> str:
    day, month, year = sent.split(".")  # AttributeError for nothing
    return f"{year}-{month}-{day}"


class Level(BaseModel):
    day: Annotated[dt.date, BeforeValidator(german)]


def test_records_have_dates_as_their_validators_parse_them() -> None:
    """Incident: the validator that `sources new` recommends failed 21 of the kit's 23 tests."""
    records = ModelRecords(Level, Table("levels", MetaData(), Column("day", Date)))
    assert [records.record(number)["day"] for number in (0, 1)] == ["01.01.2020", "02.01.2020"]
    assert "AttributeError" in records.problems({"day": None})[""]
