"""Sources that page through an API: a package of models alone, run by its job over real HTTP."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.loaders import hasten
from pipelines_tests.others import others
from pipelines_tests.plugins import installed, write

(TUTORIAL,) = [
    one
    for one in blocks(PROJECT / "docs" / "adding-a-source.md", "python")
    if "isobar.PagedApi" in one
]
#: The source of the tutorial, with another API in place of its own.
DECLARATION = re.sub(
    r"isobar\.PagedApi\(.*?\n {12}\)", "isobar.PagedApi(%s)", TUTORIAL, flags=re.DOTALL
)
BEARER = 'headers={"Authorization": "Bearer {token}"}'
COUNT, SIZE = 25, 10
VARIABLES = {"ISOBAR_SOURCES": "live", "PERMITS_TOKEN": "s3cret-token"}


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source of the tutorial, though somebody has installed one of its name."""
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", others("permits"))


def permit(number: int) -> dict[str, Any]:
    return {"id": number, "changed_at": f"2026-03-01T{number % 24:02}:00:00Z", "cost_eur": number}


class Api:
    """Answers like an API of a kind, for those who have its token."""

    def __init__(self, kind: str, authorization: str, permits: list[dict[str, Any]]) -> None:
        self.kind, self.authorization, self.permits = kind, authorization, permits
        self.requested: list[dict[str, str]] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        query = {key: one for key, (one, *_) in parse_qs(urlsplit(handler.path).query).items()}
        self.requested.append(query)
        status, headers, answer = self.answer(query, str(handler.headers.get("Authorization")))
        content = json.dumps(answer).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def answer(
        self, query: dict[str, str], authorization: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        if authorization != self.authorization:
            return 401, {}, {"message": "no"}
        since = query.get("changed_after", "").replace("+00:00", "Z")
        permits = [one for one in self.permits if one["changed_at"] >= since]
        page = int(query.get("page", "1"))
        start = int(query.get("offset", query.get("after", (page - 1) * SIZE)))
        size = int(query.get("limit", SIZE))
        items, following = permits[start : start + size], start + size
        more = following < len(permits)
        answer: dict[str, Any] = {"data": {"items": items}}
        headers = {}
        if self.kind == "next":
            answer["links"] = {"next": f"/permits?after={following}" if more else None}
        elif self.kind == "cursor":
            answer["cursor"] = str(following) if more else ""
        elif self.kind == "link" and more:
            headers["Link"] = f'<?after={following}>; rel="next"'
        return 200, headers, answer


class Author:
    """Somebody who has written the source `permits`, with a database."""

    def __init__(
        self, server: Connections, database: str, source: FakeSource, folder: Path
    ) -> None:
        self.server, self.database, self.source, self.folder = server, database, source, folder
        self.installed = ExitStack()
        self.is_ready = False

    def run(self, declared: str, api: Api, **config: Any) -> dg.ExecuteInProcessResult:
        """Run the job of a source with what its API is declared as, the tutorial's by default."""
        if not self.is_ready:
            files = {
                "__init__.py": DECLARATION % declared if declared else TUTORIAL,
                **dict.fromkeys(("tables.py", "sql/views/enriched.{name}_stops.sql")),
            }
            write(self.folder, "permits", files)
            self.installed.enter_context(installed(self.folder))
            migrate(self.server.url(SUPERUSER, self.database))
            self.is_ready = True
        self.source.will(api)
        warehouse = WarehouseResource(url=self.server.url(LOADER, self.database))
        permits = source_resource("permits", url=self.source.url)
        definitions = build_definitions({"warehouse": warehouse, "permits": permits})
        return definitions.resolve_job_def("permits").execute_in_process(
            run_config={"ops": {"load_permits": {"config": config}}} if config else {},
            raise_on_error=False,
        )

    def query(self, sql: str) -> list[Any]:
        with psycopg.connect(self.server.url(SUPERUSER, self.database)) as connection:
            return connection.execute(sql.encode()).fetchall()


@pytest.fixture
def author(
    server: Connections,
    database: str,
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Author]:
    for variable, value in VARIABLES.items():
        monkeypatch.setenv(variable, value)
    hasten(monkeypatch, "pipelines.ingest.service")
    found = Author(server, database, source, tmp_path)
    with found.installed:
        yield found


PAGINATIONS = {
    "next": 'pagination=isobar.NextLink(at="links.next")',
    "link": 'pagination=isobar.NextLink(at="")',
    "cursor": 'pagination=isobar.Cursor(at="cursor", parameter="after")',
    "page": "pagination=isobar.PageNumber()",
    "offset": "pagination=isobar.Offset(size=10)",
}


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_all_pages_of_each_kind_are_loaded_once_and_each_is_a_delivery(
    author: Author, kind: str
) -> None:
    api = Api(kind, "Bearer s3cret-token", [*map(permit, range(1, COUNT + 1))])
    for _ in range(2):
        ran = author.run(f"{PAGINATIONS[kind]}, {BEARER}", api)
        assert failures(ran) == []
        assert ran.success
    assert author.query("SELECT count(*), sum(cost_eur) FROM permits.permits") == [(25, 325.0)]
    ledger = "SELECT read_count, loaded_count, name FROM ops.deliveries ORDER BY delivery_id"
    found = author.query(ledger)
    assert [one[:2] for one in found if one[0]] == [(10, 10), (10, 10), (5, 5)]
    assert found[0][2] == "permits_service, page 1"


def test_the_source_of_the_tutorial_loads(author: Author) -> None:
    api = Api("next", "Bearer s3cret-token", [*map(permit, range(1, COUNT + 1))])
    for _ in range(2):
        assert failures(author.run("", api)) == []
    assert author.query("SELECT count(*) FROM permits.permits") == [(COUNT,)]
    assert any("changed_after" in one for one in api.requested), "the second time"


SINCE = (
    "since=isobar.Since(parameter='changed_after', column='changed_at',"
    " overlap=dt.timedelta(hours=1))"
)


def test_only_records_since_the_newest_are_requested_and_all_on_request(author: Author) -> None:
    declared = f"{PAGINATIONS['next']}, {BEARER}, {SINCE}"
    api = Api("next", "Bearer s3cret-token", [*map(permit, range(1, 11))])
    assert author.run(declared, api).success
    late, new = permit(2) | {"id": 102}, permit(12)
    api.permits += [late, new]
    api.requested.clear()
    assert author.run(declared, api).success
    assert api.requested == [{"changed_after": "2026-03-01T09:00:00+00:00"}]
    count = "SELECT count(*) FROM permits.permits"
    assert author.query(count) == [(11,)], "the late one is older than the overlap"
    assert author.run(declared, api, read_whole=True).success
    assert author.query(count) == [(12,)]


def test_a_file_for_a_source_without_an_inbox_is_an_error_that_says_so(author: Author) -> None:
    """The run skipped everything: PERMITS_URL is not set, it said, and it was."""
    api = Api("next", "Bearer s3cret-token", [permit(1)])
    ran = author.run(f"{PAGINATIONS['next']}, {BEARER}", api, file="/data/permits.csv")
    assert "this source has no inbox, so it takes no file" in failures(ran)[0]
    assert api.requested == []


class Broken(Api):
    """Answers newest first, and while it is broken only the first page."""

    is_broken = True

    def answer(
        self, query: dict[str, str], authorization: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        if self.is_broken and "after" in query:
            return 400, {}, {"message": "no"}
        return super().answer(query, authorization)


def test_what_a_read_that_broke_off_did_not_get_is_requested_again(author: Author) -> None:
    declared = f"{PAGINATIONS['next']}, {BEARER}, {SINCE}"
    newest_first = sorted(map(permit, range(1, 21)), key=lambda one: -one["id"])
    api = Broken("next", "Bearer s3cret-token", newest_first)
    assert not author.run(declared, api).success
    count = "SELECT count(*) FROM permits.permits"
    assert author.query(count) == [(SIZE,)]
    api.is_broken = False
    assert author.run(declared, api).success
    assert author.query(count) == [(20,)]
    api.permits = [permit(23), permit(22), *newest_first]
    api.is_broken = True
    assert author.run(declared, api).success, "it has one page of news"
    assert "changed_after" in api.requested[-1]
    assert author.query(count) == [(22,)]


def test_a_record_of_the_future_hides_none_until_then(author: Author) -> None:
    declared = f"{PAGINATIONS['next']}, {BEARER}, {SINCE}"
    future = permit(2) | {"changed_at": "2099-01-01T00:00:00Z"}
    api = Api("next", "Bearer s3cret-token", [permit(1), future])
    for _ in range(2):
        assert author.run(declared, api).success
    assert api.requested[-1]["changed_after"] == "2026-03-01T00:00:00+00:00"


def test_a_rejected_page_stops_no_other_and_is_requested_again(author: Author) -> None:
    bad = [permit(number) | {"cost_eur": "free"} for number in range(1, 31)]
    declared = f"pagination=isobar.Offset(size=30), {BEARER}, {SINCE}"
    api = Api("offset", "Bearer s3cret-token", [*bad, *map(permit, range(31, 61))])
    assert "30 of 30" in failures(author.run(declared, api))[0]
    assert author.query("SELECT count(*) FROM permits.permits") == [(30,)]
    kept = "SELECT jsonb_array_length(bad_records) FROM ops.deliveries WHERE problem IS NOT NULL"
    assert author.query(kept) == [(30,)]
    api.permits[:30] = [*map(permit, range(1, 31))]
    assert author.run(declared, api).success
    assert author.query("SELECT count(*) FROM permits.permits") == [(60,)]


def test_a_wrong_token_fails_the_run_and_is_shown_nowhere(author: Author) -> None:
    ran = author.run(f"{PAGINATIONS['page']}, {BEARER}", Api("page", "Bearer other", []))
    (problem,) = failures(ran)
    assert "401" in problem
    assert "s3cret-token" not in "".join(map(str, ran.all_events))


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        (
            "http://192.0.2.1/s3cret-token",
            "the next page is on another server: http://192.0.2.1/***",
        ),
        ({"a": 1}, "the link to the next page is no text"),
        ("/document.json", "leads back to a page that was read before"),
    ],
)
def test_a_page_that_leads_astray_fails_the_run_after_the_pages_before_it(
    author: Author, link: object, problem: str
) -> None:
    class Astray(Api):
        def answer(self, query: dict[str, str], authorization: str) -> Any:
            del query, authorization
            return 200, {}, {"data": {"items": [permit(1)]}, "next": link}

    ran = author.run(BEARER, Astray("next", "", []))
    assert problem in failures(ran)[0]
    assert author.query("SELECT count(*) FROM permits.permits") == [(1,)]
