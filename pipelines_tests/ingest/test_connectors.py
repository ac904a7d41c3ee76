"""dlt resources and Singer taps as fetchers: their records under ledger and quarantine."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from pipelines.config.source_settings import SourceSettings, secret_text
from pipelines.definitions import build_definitions
from pipelines.failures import PermanentFailure
from pipelines.ingest import connectors
from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.testing.fake_source import FakeSource, body
from pipelines.testing.runs import failures
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.others import others
from pipelines_tests.plugins import installed, write

DECLARATION = '''
"""Cities, by a connector."""

{imports}

from pydantic import BaseModel

from pipelines import source as isobar


class City(BaseModel):
    """Cities, one row each."""

    city_id: int = isobar.Field(description="Number of the city.")
    name: isobar.Name = isobar.Field(description="Name of the city.")


class Settings(isobar.SourceSettings, env_prefix="CITIES_"):
    """Where cities come from."""

    url: str | None = isobar.url("The API of cities.")
    token: isobar.SecretStr | None = isobar.secret_text("Its token.")


{code}


source = isobar.Source(
    name="cities",
    package=__name__,
    about="Cities.",
    settings=Settings,
    feeds=(
{feed}
    ),
)
'''
IMPORTS = """
import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
"""
SNIPPETS = blocks(PROJECT / "docs" / "adding-a-source.md", "python")
(DLT,) = [one for one in SNIPPETS if "isobar.dlt_records" in one]
(SINGER,) = [one for one in SNIPPETS if "isobar.singer_records" in one]
(FEED,) = [one for one in SNIPPETS if "isobar.Batches" in one]
#: A tap as Singer's specification has it: it pages through the API of its configuration.
TAP = """
    import argparse, json, sys, urllib.request
    from urllib.parse import urljoin

    arguments = argparse.ArgumentParser()
    arguments.add_argument("--config", required=True)
    config = json.load(open(arguments.parse_args().config))

    def write(**message):
        print(json.dumps(message), flush=True)

    schema = {"properties": {"city_id": {"type": "integer"}, "name": {"type": "string"}}}
    write(type="SCHEMA", stream="cities", schema=schema, key_properties=["city_id"])
    url = config["api_url"] + "/cities"
    while url:
        try:
            page = json.load(urllib.request.urlopen(url))
        except Exception as error:
            sys.exit(f"the API did not answer: {error}")
        for item in page["items"]:
            write(type="RECORD", stream="cities", record=item)
        write(type="STATE", value={"last": url})
        url = urljoin(url, page["next"]) if page["next"] else None
"""
#: Batches of two streams that the feed loads, and of one that it does not know. One is bad.
STREAMS = """
def fetch(settings):
    for stream, first in ("cities", 1), ("bad", 0), ("towns", 11), ("rivers", 21), ("towns", 31):
        records = [{"city_id": first + n, "name": "Some"} for n in range(3)]
        if stream == "bad":
            stream, records = "cities", [{"city_id": "x", "name": "None"} for n in range(40)]
        yield f"{stream}, batch {first}", {stream: records}
"""
FEED_OF_STREAMS = """
isobar.Feed(
    fetch=isobar.Batches(fetch=fetch),
    parse=isobar.Json(
        isobar.Records(at="cities", model=City, table="cities.cities", key="city_id"),
        isobar.Records(at="towns", model=City, table="cities.towns", key="city_id"),
    ),
),
"""
TAP_OF_PAGE = '"taps/bin/tap-cities"'
CITIES = [{"city_id": number, "name": f"City {number}"} for number in range(1, 8)]
Run = Callable[[str], dg.ExecuteInProcessResult]


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
    """Call it with the kind of connector to run the job of cities."""
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", others("cities"))  # a name of the page
    monkeypatch.setenv("CITIES_TOKEN", "a-secret-token")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
    tap = tmp_path / "tap.py"
    tap.write_text(dedent(TAP))
    with ExitStack() as stack:

        def run_job(kind: str) -> dg.ExecuteInProcessResult:
            imports, code, feed = {
                "dlt": (IMPORTS, DLT, FEED),
                "singer": (
                    "import sys",
                    SINGER.replace(TAP_OF_PAGE, f"sys.executable, {str(tap)!r}"),
                    FEED,
                ),
                "streams": ("", STREAMS, FEED_OF_STREAMS),
            }[kind]
            stack.close()
            parts = {"imports": imports, "code": code, "feed": indent(feed, " " * 8)}
            declaration = DECLARATION
            for name, text in parts.items():
                declaration = declaration.replace(f"{{{name}}}", text)
            package = {
                "__init__.py": declaration,
                "tables.py": None,
                "sql/views/enriched.{name}_stops.sql": None,
            }
            write(tmp_path, "cities", package)
            stack.enter_context(installed(tmp_path))
            migrate(server.url(SUPERUSER, database))
            definitions = build_definitions(
                {
                    "warehouse": WarehouseResource(url=server.url(LOADER, database)),
                    "cities": source_resource(
                        "cities", url=source.url.removesuffix("/document.json")
                    ),
                }
            )
            return definitions.resolve_job_def("cities").execute_in_process(raise_on_error=False)

        yield run_job


def query(server: Connections, database: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url(SUPERUSER, database)) as connection:
        return connection.execute(sql.encode()).fetchall()


LEDGER = (
    "SELECT name, read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    " WHERE feed = 'cities' ORDER BY delivery_id"
)


@pytest.mark.parametrize("kind", ["dlt", "singer"])
def test_records_of_a_connector_are_loaded_once_and_bad_ones_kept(
    run: Run, server: Connections, database: str, source: FakeSource, kind: str
) -> None:
    bad = [{"city_id": "x", "name": "Nowhere"}]
    for extra in ([], [], [{"city_id": 8, "name": "City 8"}]):
        source.will(*pages(CITIES[:4], CITIES[4:] + bad + extra))
        ran = run(kind)
        assert failures(ran) == []
        assert ran.success
    assert query(server, database, LEDGER) == [
        ("cities, batch 1", 8, 7, 0, 1),
        ("cities, batch 1", 9, 1, 8, 0),
    ]
    assert query(server, database, "SELECT count(*) FROM cities.cities") == [(8,)]
    ((codes, raw),) = query(server, database, "SELECT reason_codes, raw FROM ops.quarantine")
    assert (codes, json.loads(raw)) == (["city_id_invalid"], bad[0])


@pytest.mark.parametrize("kind", ["dlt", "singer"])
def test_what_came_before_a_connector_fails_is_loaded_and_the_run_is_red(
    run: Run,
    server: Connections,
    database: str,
    source: FakeSource,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(connectors, "BATCH_RECORDS", 4)
    first, _ = pages(CITIES[:4], [])
    source.will(first, body(b"down", 404))
    ran = run(kind)
    (problem,) = failures(ran)
    assert "404" in problem
    assert "a-secret-token" not in "".join(map(str, ran.all_events))
    assert query(server, database, LEDGER) == [("cities, batch 1", 4, 4, 0, 0)]


def test_each_stream_is_a_list_and_a_bad_batch_keeps_no_other_away(
    run: Run, server: Connections, database: str
) -> None:
    (problem,) = failures(run("streams"))
    assert "40 of 40 records are bad" in problem
    assert query(server, database, LEDGER) == [
        ("cities, batch 1", 3, 3, 0, 0),
        ("towns, batch 11", 3, 3, 0, 0),
        ("towns, batch 31", 3, 3, 0, 0),
    ]
    assert query(server, database, "SELECT count(*) FROM cities.towns") == [(6,)]


def test_a_batch_for_a_parser_of_ones_own_is_left_as_it_is() -> None:
    """It declares no list, and all of its batches were left out."""
    batch = {"towns": [1]}
    assert connectors.with_all_lists(batch, []) == (batch, set())
    assert connectors.with_all_lists(batch, ["data.items"]) == (batch, set())
    assert connectors.with_all_lists([1], [""]) == ([1], set())


def test_what_a_tap_writes_before_it_fails_is_shown_without_its_secrets(tmp_path: Path) -> None:
    tap = tmp_path / "tap.py"
    tap.write_text("import sys\nsys.exit(f'no access with ' + 'k3y-' * 3)")
    command = [sys.executable, str(tap)]
    fetch = connectors.singer_records(command, lambda _: {}, source="cities")

    class Settings(SourceSettings, env_prefix="CITIES_"):
        token: SecretStr | None = secret_text("Its token.")

    with pytest.raises(PermanentFailure, match="no access with") as failure:
        next(fetch(Settings(token=SecretStr("k3y-" * 3))))
    assert "k3y-" not in str(failure.value)


def test_a_tap_that_is_not_there_is_named() -> None:
    fetch = connectors.singer_records(["no-such-tap"], lambda _: {}, source="cities")
    with pytest.raises(Exception, match="it cannot be started"):
        next(fetch(None))


@pytest.mark.parametrize("bad", ["[1]", "{", '{"type": "RECORD", "record": {}}'])
def test_what_came_before_a_line_that_is_no_message_is_kept(tmp_path: Path, bad: str) -> None:
    """Incident: the message said so, and the records before the line were lost."""
    tap = tmp_path / "tap.py"
    good = '{"type": "RECORD", "stream": "s", "record": {"id": 1}}'
    tap.write_text(f"print({good!r}, {bad!r}, {good!r}, sep='\\n')")
    batches = connectors.singer_records([sys.executable, str(tap)], lambda _: {}, source="s")(None)
    assert next(batches) == ("s, batch 1", {"s": [{"id": 1}]})
    with pytest.raises(PermanentFailure, match="line 2 is no message of a tap"):
        next(batches)


def test_a_tap_is_ended_when_its_records_are_not_wanted(tmp_path: Path) -> None:
    tap = tmp_path / "tap.py"
    tap.write_text(
        "import json, time\n"
        "print(json.dumps({'type': 'RECORD', 'stream': 's', 'record': {}}), flush=True)\n"
        f"open({str(tmp_path / 'started')!r}, 'w').close()\n"
        "time.sleep(600)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connectors, "BATCH_RECORDS", 1)
        batches = connectors.singer_records([sys.executable, str(tap)], lambda _: {}, source="s")(
            None
        )
        assert next(batches) == ("s, batch 1", {"s": [{}]})
        batches.close()  # would wait for ten minutes
