"""A source of several feeds: each is fetched, whatever fails of others, and the run says it all."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.orchestration import asset_metadata
from pipelines.postgres.server import Connections
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines_tests.authors import Author
from pipelines_tests.loaders import hasten
from pipelines_tests.plugins import write

DECLARATION = '''
"""Rivers: gauges page by page, floods as a document, warnings by a function."""

import json
from pathlib import Path

from pydantic import BaseModel

from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="RIVERS_"):
    gauges: str | None = isobar.url("Gauges.")
    floods: str | None = isobar.url("Floods.")
    warnings: str | None = None


class Entry(BaseModel):
    """An entry."""

    number: int
    level: float


def batches(settings):
    for name, entries in json.loads(Path(settings.warnings).read_text()):
        if entries is None:
            raise isobar.NotReady("rivers", "no more yet", place=name, remedy="Wait.")
        yield name, entries


def json_of(table):
    return isobar.Json(isobar.Records(model=Entry, table=table, key="number"))


source = isobar.Source(
    name="rivers",
    package=__name__,
    about="Rivers.",
    settings=Settings,
    feeds=(
        isobar.Feed(
            name="rivers_gauges",
            fetch=isobar.PagedApi(
                setting="gauges",
                pagination=isobar.PageNumber(),
                input=isobar.Input(name="gauges_api", about="Gauges.", kind="json"),
            ),
            parse=json_of("rivers.gauges"),
        ),
        isobar.Feed(
            name="rivers_floods",
            fetch=isobar.HttpDocument(
                setting="floods",
                input=isobar.Input(name="floods_document", about="Floods.", kind="json"),
            ),
            parse=json_of("rivers.floods"),
        ),
        isobar.Feed(
            name="rivers_warnings",
            fetch=isobar.Batches(
                fetch=batches,
                input=isobar.Input(name="warnings_function", about="Warnings.", kind="python"),
            ),
            parse=json_of("rivers.warnings"),
        ),
    ),
)
'''
GOOD = [{"number": number, "level": 1.0} for number in range(30)]
BAD = [{"number": number, "level": "ice"} for number in range(30)]


class Rivers(Author):
    """Somebody who has written the source `rivers`."""

    source: FakeSource
    #: What the service answers by path and page.
    answers: dict[str, Any]
    #: The tables whose rows the last run showed.
    materialized: set[str]

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.answers.get(handler.path)
        body(b"down", answer)(handler) if isinstance(answer, int) else document(answer)(handler)

    def load(self, answers: dict[str, Any], batches: list[Any], *off: str) -> list[str]:
        """Run the job, without the addresses that are `off`; return why it failed."""
        self.answers = {"/gauges": [], **answers}
        self.source.will(self)
        file = self.folder / "batches.json"
        file.write_text(json.dumps(batches))
        address = self.source.url.removesuffix("/document.json")
        addresses: dict[str, Any] = {"gauges": f"{address}/gauges", "floods": f"{address}/floods"}
        on = {name: url for name, url in addresses.items() if name not in off}
        ran = self.run(warnings=str(file), **on)
        assert ran.success == (not failures(ran))
        keys = {event.asset_key.path[-1] for event in ran.get_asset_materialization_events()}
        self.materialized = {*map(str, keys)}
        return failures(ran)

    def counts(self) -> list[int]:
        tables = ("gauges", "floods", "warnings")
        return [self.query(f"SELECT count(*) FROM rivers.{one}")[0][0] for one in tables]


@pytest.fixture
def author(
    server: Connections,
    database: str,
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rivers]:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setattr(asset_metadata, "PATIENCE_SECONDS", (0,))
    hasten(monkeypatch, "pipelines.ingest.service")
    found = Rivers("rivers", tmp_path, server, database)
    found.source = source
    without = ("tables.py", "sql/views/enriched.{name}_stops.sql")
    write(tmp_path, "rivers", {"__init__.py": DECLARATION, **dict.fromkeys(without)})
    found.install()
    with found.is_installed:
        yield found


@pytest.mark.parametrize(
    ("answers", "said", "count"),
    [
        ({"/gauges": BAD, "/gauges?page=2": GOOD[:3]}, "30 of 30 records are bad", 3),
        ({"/gauges": GOOD[:3], "/gauges?page=2": 400}, "the source answered 400", 3),
        ({"/gauges": 503}, "the source answered 503", 0),
    ],
)
def test_a_feed_that_fails_stops_no_other(
    author: Rivers, answers: dict[str, Any], said: str, count: int
) -> None:
    """Incident: behind a bad page of the first feed, the second one was never fetched."""
    (problem,) = author.load({"/floods": GOOD, **answers}, [["first", GOOD]])
    assert said in problem
    assert author.counts() == [count, 30, 30]
    assert {"floods", "warnings"} <= author.materialized
    assert author.load({"/floods": GOOD, "/gauges": GOOD}, []) == []
    assert author.counts() == [30, 30, 30]


def test_services_that_are_down_are_all_named_once_the_run_gives_up(author: Rivers) -> None:
    (problem,) = author.load({"/gauges": 503, "/floods": 500}, [["first", GOOD]])
    assert "answered 503" in problem
    assert "answered 500" in problem
    assert author.counts() == [0, 0, 30]


def test_the_run_says_everything_that_went_wrong(author: Rivers) -> None:
    answers = {"/gauges": BAD, "/gauges?page=2": GOOD, "/floods": BAD[:25]}
    (problem,) = author.load(answers, [["first", BAD], ["second", GOOD]])
    for place in ("30 of 30", "25 of 25", "where: gauges_api", "where: floods_document", "first"):
        assert place in problem
    assert author.counts() == [30, 0, 30]
    kept = "SELECT feed, jsonb_array_length(bad_records) FROM ops.deliveries WHERE problem > ''"
    assert sorted(author.query(kept)) == [
        *(("rivers_floods", 25), ("rivers_gauges", 30), ("rivers_warnings", 30))
    ]


def test_a_rejected_batch_is_reported_although_there_is_no_more_yet(author: Rivers) -> None:
    """Incident: NotReady behind a rejected batch made the run green."""
    answers = {"/floods": GOOD}
    (problem,) = author.load(answers, [["first", BAD], ["second", GOOD], ["third", None]])
    assert "30 of 30 records are bad" in problem
    assert author.counts() == [0, 30, 30]
    assert author.load(answers, [["first", GOOD], ["third", None]]) == [], "it is no failure alone"


def test_a_rejected_page_is_reported_although_the_next_one_is_not_ready(author: Rivers) -> None:
    answers = {"/gauges": BAD, "/gauges?page=2": 202, "/floods": 202}
    (problem,) = author.load(answers, [["first", GOOD]])
    assert "30 of 30 records are bad" in problem
    assert "202" in problem
    assert author.counts() == [0, 0, 30]


def test_a_table_of_another_type_stops_no_other_feed(author: Rivers) -> None:
    assert author.load({"/floods": GOOD, "/gauges": GOOD[:1]}, []) == []
    with psycopg.connect(author.url) as connection:
        connection.execute("ALTER TABLE rivers.gauges ALTER level TYPE integer")
    (problem,) = author.load({"/floods": GOOD[:5], "/gauges": GOOD}, [["first", GOOD]])
    assert "rivers.gauges.level is integer, not double precision" in problem
    assert author.counts() == [1, 30, 30]


def test_a_missing_right_stops_the_run_and_what_was_loaded_is_shown(author: Rivers) -> None:
    assert author.load({"/floods": GOOD[:1], "/gauges": GOOD[:1]}, []) == []
    with psycopg.connect(author.url) as connection:
        connection.execute("REVOKE INSERT ON rivers.floods FROM isobar_loader")
    answers = {"/floods": GOOD, "/gauges": BAD, "/gauges?page=2": GOOD}
    (problem,) = author.load(answers, [["first", GOOD]])
    assert "30 of 30 records are bad" in problem
    assert "permission denied for table floods" in problem
    assert author.counts() == [30, 1, 0]
    assert "gauges" in author.materialized
    kept = "SELECT feed FROM ops.deliveries WHERE problem > ''"
    assert author.query(kept) == [("rivers_gauges",)], "nothing is rejected for the right"


def test_a_batch_with_the_content_of_another_one_is_another_batch(author: Rivers) -> None:
    """Its parser may read its name."""
    for name in ("monday", "tuesday", "tuesday"):
        assert author.load({"/floods": []}, [[name, GOOD]]) == []
    query = "SELECT name FROM ops.deliveries WHERE feed = 'rivers_warnings' ORDER BY delivery_id"
    assert author.query(query) == [("monday",), ("tuesday",)]


def test_a_rejected_part_is_tried_with_each_run_and_good_ones_are_not(author: Rivers) -> None:
    batches: list[list[Any]] = [["first", GOOD], ["second", BAD], ["third", None]]
    for _ in range(2):
        (problem,) = author.load({"/floods": []}, batches)
        assert "30 of 30 records are bad" in problem
    query = "SELECT name FROM ops.deliveries WHERE feed = 'rivers_warnings' AND problem IS NULL"
    assert author.query(query) == [("first",)]
    batches[1][1] = GOOD
    assert author.load({"/floods": []}, batches) == []
    kept = "SELECT count(*) FROM ops.deliveries WHERE bad_records IS NOT NULL"
    assert author.query(kept) == [(0,)]


def test_a_feed_without_an_address_was_not_read(author: Rivers) -> None:
    """Incident: it counted as read to its end, because a feed before it was on."""
    assert author.load({"/floods": [], "/gauges": GOOD[:3]}, []) == []
    reads = "SELECT cardinality(digests) FROM ops.reads WHERE name ~ 'gauges'"
    before = author.query(reads)
    assert author.load({"/floods": GOOD}, [], "gauges") == []
    assert author.query(reads) == before == [(1,)]
