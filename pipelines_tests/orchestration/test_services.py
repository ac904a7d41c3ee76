"""Sources that page through an API: a package of models alone, run by its job over real HTTP."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.migrations.removal import remove
from pipelines.postgres.server import Connections
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines_tests.authors import Author
from pipelines_tests.command import PROJECT
from pipelines_tests.documents.pages import blocks
from pipelines_tests.loaders import hasten
from pipelines_tests.others import others
from pipelines_tests.plugins import write

(TUTORIAL,) = [
    one
    for one in blocks(PROJECT / "docs" / "adding-a-source.md", "python")
    if "isobar.PagedApi" in one
]
SIZE = 10
SECRET = "s3cret-token"


def permit(number: int) -> dict[str, Any]:
    return {"id": number, "changed_at": f"2026-03-01T{number % 24:02}:00:00Z", "cost_eur": number}


class Api:
    """An API of pages, for those who have its token."""

    def __init__(self, permits: list[dict[str, Any]]) -> None:
        self.permits, self.authorization, self.size = permits, f"Bearer {SECRET}", SIZE
        self.requested: list[dict[str, str]] = []
        #: Whether it answers the first page only.
        self.is_broken = False

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        query = {key: one for key, (one, *_) in parse_qs(urlsplit(handler.path).query).items()}
        self.requested.append(query)
        since = query.get("changed_after", "").replace("+00:00", "Z")
        permits = [one for one in self.permits if one["changed_at"] >= since]
        start = int(query.get("after", 0))
        following = start + self.size
        link = f"/permits?after={following}" if following < len(permits) else None
        if handler.headers.get("Authorization") != self.authorization:
            body(b"no", 401)(handler)
        elif self.is_broken and start:
            body(b"no", 400)(handler)
        else:
            items = permits[start:following]
            document({"data": {"items": items}, "links": {"next": link}})(handler)


class Permits(Author):
    """Somebody who has written the source `permits`."""

    source: FakeSource

    def load(self, api: Api, **config: Any) -> Any:
        """Run the job."""
        self.source.will(api)
        return self.run(config, url=self.source.url)

    def count(self) -> int:
        ((found,),) = self.query("SELECT count(*) FROM permits.permits")
        return int(found)


@pytest.fixture
def author(
    server: Connections,
    database: str,
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Permits]:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", others("permits"))  # a name of the page
    monkeypatch.setenv("PERMITS_TOKEN", SECRET)
    hasten(monkeypatch, "pipelines.ingest.service")
    found = Permits("permits", tmp_path, server, database)
    found.source = source
    without = ("tables.py", "sql/views/enriched.{name}_stops.sql")
    write(tmp_path, "permits", {"__init__.py": TUTORIAL, **dict.fromkeys(without)})
    found.install()
    with found.is_installed:
        yield found


def test_all_pages_are_loaded_once_and_each_is_a_delivery(author: Permits) -> None:
    api = Api([*map(permit, range(1, 24)), permit(12) | {"id": 102}])
    for _ in range(2):
        assert failures(author.load(api)) == []
    assert author.query("SELECT count(*), max(cost_eur) FROM permits.permits") == [(24, 23.0)]
    ledger = "SELECT loaded_count, name FROM ops.deliveries WHERE loaded_count > 0 ORDER BY 2"
    names = ["permits_service", *(f"permits_service, /permits, after={n}" for n in (10, 20))]
    assert author.query(ledger) == [*zip((10, 10, 4), names, strict=True)]


def costs(author: Permits) -> list[Any]:
    return author.query("SELECT permit_id, cost_eur::int FROM permits.permits ORDER BY 1")


def read_whole(author: Permits, api: Api, *sent: int | None) -> list[str]:
    """Read permits of the first numbers with these costs, two a page; None leaves one out."""
    every = enumerate(sent, 1)
    api.permits = [permit(number) | {"cost_eur": cost} for number, cost in every if cost]
    api.size = 2
    return failures(author.load(api, read_whole=True))


def test_a_page_that_looks_like_last_time_is_loaded_if_the_read_is_another_one(
    author: Permits,
) -> None:
    """Incident: the second page was known by its number and content, so C kept the cost 2."""
    api = Api([])
    for sent in ((1, 1, 1), (None, 1, 2), (1, 1, 1)):
        assert read_whole(author, api, *sent) == []
    assert costs(author) == [(1, 1), (2, 1), (3, 1)]
    read = author.query("SELECT read_count FROM ops.deliveries ORDER BY delivery_id")
    assert read == [(2,), (1,), (2,), (2,), (1,)]
    assert read_whole(author, api, 1, 1, 1) == []
    assert len(author.query("SELECT * FROM ops.deliveries")) == len(read), "it is skipped"
    assert read_whole(author, api, 1, 1, 7) == []
    assert costs(author) == [(1, 1), (2, 1), (3, 7)]
    ledger = "SELECT name, loaded_count, unchanged_count FROM ops.deliveries ORDER BY delivery_id"
    pages = [("permits_service", 0, 2), ("permits_service, /permits, after=2", 1, 0)]
    assert author.query(ledger)[len(read) :] == pages


def test_a_read_after_one_that_broke_off_is_loaded(author: Permits) -> None:
    """It is like the last complete one, but what broke off has changed rows since."""
    api = Api([])
    assert read_whole(author, api, 1, 1, 1) == []
    api.is_broken = True
    assert "400" in read_whole(author, api, 2, 2, 1)[0]
    assert costs(author) == [(1, 2), (2, 2), (3, 1)]
    api.is_broken = False
    assert read_whole(author, api, 1, 1, 1) == []
    assert costs(author) == [(1, 1), (2, 1), (3, 1)]


def test_after_a_reset_the_same_pages_are_loaded(author: Permits) -> None:
    api = Api([])
    assert read_whole(author, api, 1, 1, 1) == []
    remove(author.url, "permits", "isobar sources reset permits", for_good=False)
    assert read_whole(author, api, 1, 1, 1) == []
    assert author.count() == 3


def test_a_cursor_that_is_secret_or_long_is_in_no_name(author: Permits) -> None:
    def pages(handler: BaseHTTPRequestHandler) -> None:
        is_first = "after" not in handler.path
        link = f"/permits?page_token={'x' * 3_000}&after=1&key={SECRET}" if is_first else None
        items = [permit(1 if is_first else 2)]
        document({"data": {"items": items}, "links": {"next": link}})(handler)

    author.source.will(pages)
    assert failures(author.run(url=author.source.url)) == []
    ((first,), (second,)) = author.query("SELECT name FROM ops.deliveries ORDER BY delivery_id")
    assert first == "permits_service"
    assert second.startswith("permits_service, /permits, page_token=***")
    assert SECRET not in second
    assert author.count() == 2


def test_bad_records_of_a_page_are_no_problem_once_a_whole_read_is_loaded(author: Permits) -> None:
    """Also if they come corrected on another page."""
    query = "SELECT name, jsonb_array_length(bad_records) FROM ops.deliveries WHERE problem > ''"
    bad = [permit(number) | {"cost_eur": "free"} for number in range(31, 61)]
    api = Api([*map(permit, range(1, 31)), *bad])
    api.size = 30
    assert not author.load(api, read_whole=True).success
    assert author.query(query) == [("permits_service, /permits, after=30", 30)]
    api.permits, api.size = [*map(permit, range(1, 61))], 20
    assert failures(author.load(api, read_whole=True)) == []
    assert author.count() == 60
    assert author.query(query) == [("permits_service, /permits, after=30", None)]


def test_only_records_since_the_newest_are_requested_and_all_on_request(author: Permits) -> None:
    api = Api([*map(permit, range(1, 11))])
    assert author.load(api).success
    late, new = permit(2) | {"id": 102}, permit(12)
    api.permits += [late, new]
    api.requested.clear()
    assert author.load(api).success
    assert api.requested == [{"changed_after": "2026-03-01T09:00:00+00:00"}]
    assert author.count() == 11, "the late one is older than the overlap"
    assert author.load(api, read_whole=True).success
    assert author.count() == 12


def test_a_file_for_a_source_without_an_inbox_is_an_error_that_says_so(author: Permits) -> None:
    """The run skipped everything: PERMITS_URL is not set, it said, and it was."""
    api = Api([permit(1)])
    ran = author.load(api, file="/data/permits.csv")
    assert "this source has no inbox, so it takes no file" in failures(ran)[0]
    assert api.requested == []


def test_what_a_read_that_broke_off_did_not_get_is_requested_again(author: Permits) -> None:
    newest_first = sorted(map(permit, range(1, 21)), key=lambda one: -one["id"])
    api = Api(newest_first)
    api.is_broken = True
    assert not author.load(api).success
    assert author.count() == SIZE
    api.is_broken = False
    assert author.load(api).success
    assert author.count() == 20
    api.permits = [permit(23), permit(22), *newest_first]
    api.is_broken = True
    assert author.load(api).success, "it has one page of news"
    assert "changed_after" in api.requested[-1]
    assert author.count() == 22


def test_a_record_of_the_future_hides_none_until_then(author: Permits) -> None:
    api = Api([permit(1), permit(2) | {"changed_at": "2099-01-01T00:00:00Z"}])
    for _ in range(2):
        assert author.load(api).success
    assert api.requested[-1]["changed_after"] == "2026-03-01T00:00:00+00:00"


def test_a_rejected_page_stops_no_other_and_is_requested_again(author: Permits) -> None:
    bad = [permit(number) | {"cost_eur": "free"} for number in range(1, 31)]
    api = Api([*bad, *map(permit, range(31, 61))])
    api.size = 30
    assert "30 of 30" in failures(author.load(api))[0]
    assert author.count() == 30
    kept = "SELECT jsonb_array_length(bad_records) FROM ops.deliveries WHERE problem IS NOT NULL"
    assert author.query(kept) == [(30,)]
    api.permits[:30] = [*map(permit, range(1, 31))]
    assert author.load(api).success
    assert author.count() == 60


def test_a_wrong_token_fails_the_run_and_is_shown_nowhere(author: Permits) -> None:
    api = Api([])
    api.authorization = "Bearer other"
    ran = author.load(api)
    (problem,) = failures(ran)
    assert "401" in problem
    assert SECRET not in "".join(map(str, ran.all_events))
