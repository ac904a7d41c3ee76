"""What a function yields, such as a dlt resource's records, under ledger and quarantine."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.postgres.server import Connections
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests.authors import Author
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.others import others
from pipelines_tests.plugins import write

DECLARATION = """
from itertools import islice

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from pydantic import BaseModel

from pipelines import source as isobar


class City(BaseModel):
    city_id: int
    name: isobar.Name


class Settings(isobar.SourceSettings, env_prefix="CITIES_"):
    url: str | None = isobar.url("The API of cities.")
    token: isobar.SecretStr | None = isobar.secret_text("Its token.")


FETCH


source = isobar.Source(
    name="cities", package=__name__, about="Cities.", settings=Settings, feeds=FEED
)
"""
SNIPPETS = blocks(PROJECT / "docs" / "adding-a-source.md", "python")
(FETCH,) = [one for one in SNIPPETS if "dlt.resource" in one]
(FEED,) = [one for one in SNIPPETS if "isobar.Batches" in one]
CITIES = [{"city_id": number, "name": f"City {number}"} for number in range(1, 8)]


def pages(*several: list[dict[str, Any]]) -> list[Any]:
    """The answers of an API, page by page."""
    links = [*(f"/cities?page={n}" for n in range(2, len(several) + 1)), None]
    return [
        body(json.dumps({"items": items, "next": link}).encode(), Content_Type="application/json")
        for items, link in zip(several, links, strict=True)
    ]


@pytest.fixture
def author(
    server: Connections, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Author]:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", others("cities"))  # a name of the page
    monkeypatch.setenv("CITIES_TOKEN", "a-secret-token")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    found = Author("cities", tmp_path, server, database)
    declaration = DECLARATION.replace("FETCH", FETCH.replace("5_000", "4")).replace("FEED", FEED)
    package = {"tables.py": None, "sql/views/enriched.{name}_stops.sql": None}
    write(tmp_path, "cities", {"__init__.py": declaration, **package})
    found.install()
    with found.is_installed:
        yield found


def address(source: FakeSource) -> str:
    return source.url.removesuffix("/document.json")


def test_records_are_loaded_once_and_bad_ones_kept(author: Author, source: FakeSource) -> None:
    bad = {"city_id": "x", "name": "Nowhere"}
    for extra in ([], [], [{"city_id": 8, "name": "City 8"}]):
        source.will(*pages(CITIES[:4], [*CITIES[4:], bad, *extra]))
        ledger = author.loaded(url=address(source))
    new = [(4, 0, 4, 0), (4, 0, 3, 1), (1, 1, 0, 0)]  # of a read that is another one
    assert ledger == [(4, 4, 0, 0), (4, 3, 1, 0), *new]
    assert author.query("SELECT count(*) FROM cities.cities") == [(8,)]
    ((codes, raw),) = author.query("SELECT reason_codes, raw FROM ops.quarantine")
    assert (codes, json.loads(raw)) == (["city_id_invalid"], bad)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of dlt, in a cycle
def test_what_came_before_a_failure_is_loaded(author: Author, source: FakeSource) -> None:
    first, _ = pages(CITIES[:4], [])
    source.will(first, body(b"down", 404))
    ran = author.run(url=address(source))
    (problem,) = failures(ran)
    assert "404" in problem
    assert "a-secret-token" not in "".join(map(str, ran.all_events))
    gc.collect()  # or an unrelated test would be the one that it fails
    assert author.query("SELECT count(*) FROM cities.cities") == [(4,)]


def test_a_record_that_moves_between_batches_is_as_last_sent(
    author: Author, source: FakeSource
) -> None:
    """Incident: a batch with the number and content of last time was skipped."""
    first, last = CITIES[:4], {"city_id": 5, "name": "Five"}
    moved = {"city_id": 5, "name": "V"}
    for batches in ([first, [last]], [[*CITIES[1:4], moved]], [first, [last]]):
        source.will(*pages(*batches))
        author.loaded(url=address(source))
    assert author.query("SELECT name FROM cities.cities WHERE city_id = 5") == [("Five",)]
