"""What a function yields, such as a dlt resource's records, under ledger and quarantine."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.others import others
from pipelines_tests.plugins import installed, write

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
Run = Callable[[int], dg.ExecuteInProcessResult]


def pages(*several: list[dict[str, Any]]) -> list[Any]:
    """The answers of an API, page by page."""
    links = [*(f"/cities?page={n}" for n in range(2, len(several) + 1)), None]
    return [
        body(json.dumps({"items": items, "next": link}).encode(), Content_Type="application/json")
        for items, link in zip(several, links, strict=True)
    ]


@pytest.fixture
def database(server: Connections, template: str) -> Iterator[str]:
    with made(server, template) as name:
        yield name


@pytest.fixture
def run(
    server: Connections,
    database: str,
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Run]:
    """Call it with the number of records of a batch to run the job of cities."""
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", others("cities"))  # a name of the page
    monkeypatch.setenv("CITIES_TOKEN", "a-secret-token")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    with ExitStack() as stack:

        def run_job(batch: int) -> dg.ExecuteInProcessResult:
            stack.close()
            declaration = DECLARATION.replace("FETCH", FETCH.replace("5_000", str(batch)))
            declaration = declaration.replace("FEED", FEED)
            package = {"tables.py": None, "sql/views/enriched.{name}_stops.sql": None}
            write(tmp_path, "cities", {"__init__.py": declaration, **package})
            stack.enter_context(installed(tmp_path))
            migrate(server.url(SUPERUSER, database))
            address = source.url.removesuffix("/document.json")
            resources = {
                "warehouse": WarehouseResource(url=server.url(LOADER, database)),
                "cities": source_resource("cities", url=address),
            }
            job = build_definitions(resources).resolve_job_def("cities")
            return job.execute_in_process(raise_on_error=False)

        yield run_job


def query(server: Connections, database: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        return connection.execute(sql.encode()).fetchall()


LEDGER = (
    "SELECT name, read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    " WHERE problem IS NULL"
    " AND feed = 'cities' ORDER BY delivery_id"
)


def test_records_of_a_connector_are_loaded_once_and_bad_ones_kept(
    run: Run, server: Connections, database: str, source: FakeSource
) -> None:
    bad = [{"city_id": "x", "name": "Nowhere"}]
    for extra in ([], [], [{"city_id": 8, "name": "City 8"}]):
        source.will(*pages(CITIES[:4], CITIES[4:] + bad + extra))
        ran = run(5_000)
        assert failures(ran) == []
        assert ran.success
    assert query(server, database, LEDGER) == [
        ("cities, batch 1", 8, 7, 0, 1),
        ("cities, batch 1", 9, 1, 8, 0),
    ]
    assert query(server, database, "SELECT count(*) FROM cities.cities") == [(8,)]
    ((codes, raw),) = query(server, database, "SELECT reason_codes, raw FROM ops.quarantine")
    assert (codes, json.loads(raw)) == (["city_id_invalid"], bad[0])


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # of dlt, in a cycle
def test_what_came_before_a_connector_fails_is_loaded_and_the_run_is_red(
    run: Run,
    server: Connections,
    database: str,
    source: FakeSource,
) -> None:
    first, _ = pages(CITIES[:4], [])
    source.will(first, body(b"down", 404))
    ran = run(4)
    (problem,) = failures(ran)
    assert "404" in problem
    assert "a-secret-token" not in "".join(map(str, ran.all_events))
    gc.collect()  # or an unrelated test would be the one that it fails
    assert query(server, database, LEDGER) == [("cities, batch 1", 4, 4, 0, 0)]
