"""Where the next page is said to be, and when a list ends."""

import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import BaseModel

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest.feeds import (
    Cursor,
    Feed,
    NextLink,
    Offset,
    PagedApi,
    PageNumber,
    Pagination,
)
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.service import Service, following, says_end
from pipelines.testing.fake_source import Answer, FakeSource, body
from pipelines.testing.fake_source import document as answer

URL = "http://127.0.0.1/items"


def response(document: Any) -> JsonResponse:
    return JsonResponse(URL, b"", document, dt.datetime(2026, 11, 26, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("at", "document", "is_said"),
    [
        ("next", {"next": None}, True),
        ("links.next", {"links": {"next": "", "nxt": "/items"}}, True),
        ("next", {"next": "/items?page=9", "has_more": False}, True),
        ("meta.next", {"meta": {"next": "abc", "hasNextPage": False}}, True),
        ("", [], True),
        ("next", [], False),
        ("next_page_token", {"items": [], "prev_page_token": "a"}, False),
        ("links.nxt", {"links": {"next": "/items"}}, False),
        ("links.next", {"links": None, "link": "x"}, False),
    ],
)
def test_a_last_page_is_the_last(at: str, document: Any, is_said: bool) -> None:
    for pagination in (Cursor(at=at, parameter="after"), NextLink(at=at)):
        if at or isinstance(pagination, NextLink):
            assert following(pagination, response(document), (URL, {}), 1) is None
            assert says_end(pagination, response(document)) is is_said


class Item(BaseModel):
    number: int


def read(source: FakeSource, pagination: Pagination, *answers: Answer) -> list[Any]:
    """The lists of the pages of a real server."""
    source.will(*answers)
    fetcher = PagedApi(pagination=pagination)
    client = HttpClient("items", "ITEMS_URL", attempts=1, secrets=["s3cret"])
    records = Records(at="items", model=Item, table="items.items")
    feed = Feed(name="items", fetch=fetcher, parse=Json(records))
    service = Service(url=source.url, client=client, fetcher=fetcher, params={})
    return [page.response.document["items"] for page in service.pages(feed)]


FULL, LAST = answer({"items": [1, 2]}), answer({"items": [3]})


@pytest.mark.parametrize(
    ("pagination", "said", "requested"),
    [
        (NextLink(at="links.next"), {"links": {"next": "/document.json?after=2"}}, "after=2"),
        (NextLink(at=""), {}, "after=link"),
        (Cursor(at="cursor", parameter="after"), {"cursor": "2"}, "after=2"),
        (PageNumber(), {}, "page=2"),
        (Offset(size=2), {}, "limit=2&offset=2"),
    ],
)
def test_the_next_page_is_where_its_kind_says(
    source: FakeSource, pagination: Pagination, said: dict[str, Any], requested: str
) -> None:
    first = body(json.dumps({"items": [1, 2], **said}).encode(), Link='<?after=link>; rel="next"')
    assert read(source, pagination, first, LAST) == [[1, 2], [3]]
    assert source.requests[1][1] == f"/document.json?{requested}"


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("http://192.0.2.1/s3cret", r"the next page is on another server: http://192.0.2.1/\*\*\*"),
        ({"a": 1}, "the link to the next page is no text"),
        ("/document.json", "leads back to a page that was read before"),
    ],
)
def test_a_page_leading_astray_is_a_failure(source: FakeSource, link: object, problem: str) -> None:
    with pytest.raises(PermanentFailure, match=problem):
        read(source, NextLink(), answer({"items": [1], "next": link}))


@pytest.mark.parametrize(
    "end",
    [
        *(answer(None), answer({"items": None, "total": 3}), body(b"", 204), body(b"gone", 404)),
        LAST,  # of an API that gives the last page for each number behind it
    ],
)
def test_what_comes_behind_the_last_page_ends_the_list(source: FakeSource, end: Answer) -> None:
    assert read(source, PageNumber(), FULL, LAST, end) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("status", "kind"), [(202, TransientFailure), (400, PermanentFailure), (500, TransientFailure)]
)
def test_no_list_ends_in_the_middle(source: FakeSource, status: int, kind: type[Failure]) -> None:
    with pytest.raises(kind, match=str(status)):
        read(source, PageNumber(), FULL, body(b"", status))


def test_an_api_that_ignores_the_number_of_the_page_is_not_read_for_ever(
    source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [answer({"items": [1], "took_ms": number}) for number in (3, 4)]
    assert read(source, PageNumber(), *pages) == [[1]]
    assert "it ignores 'page'" in caplog.text


MORE = answer({"items": [1], "has_more": True})
AT_A = answer({"items": [1], "next_cursor": "a"})


@pytest.mark.parametrize(
    ("pagination", "pages"),
    [
        (PageNumber(), (MORE, answer({"items": [2], "has_more": False}), body(b"", 500))),
        (Cursor(), (AT_A, answer({"items": [2], "next_cursor": 0}))),
        (Cursor(), (AT_A, answer({"items": [], "next_cursor": "a"}))),
    ],
)
def test_a_flag_or_a_cursor_says_whether_there_are_more(
    source: FakeSource, pagination: Pagination, pages: tuple[Answer, ...]
) -> None:
    assert len(read(source, pagination, *pages)) == 2


@pytest.mark.parametrize("pagination", [Cursor(), NextLink(), PageNumber()])
def test_pages_that_are_nowhere_are_a_failure(source: FakeSource, pagination: Pagination) -> None:
    with pytest.raises(PermanentFailure, match="there are more, and has no"):
        read(source, pagination, MORE, answer({"items": [], "has_more": True}))


def test_a_page_that_another_one_names_has_to_be_there(source: FakeSource) -> None:
    first = answer({"items": [1], "next": "/document.json?page=2"})
    with pytest.raises(PermanentFailure, match="404"):
        read(source, NextLink(), first, body(b"gone", 404))


def test_a_first_page_that_names_no_next_one_is_read_with_a_warning(
    source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(source, NextLink(at="links.nxt"), answer({"items": [1], "links": {"next": "/"}}))
    assert "the first page does not say where the next one is" in caplog.text
    caplog.clear()
    read(source, NextLink(), answer({"items": [1], "next": None}))
    assert caplog.text == ""


class Line(BaseModel):
    code: str


def numbered(count: int, start: int, stop: int) -> list[dict[str, int]]:
    """The records of a page of a list."""
    return [{"number": number} for number in range(count)][start:stop]


def read_offsets(source: FakeSource, pagination: Offset, orders: int, lines: int) -> set[int]:
    """The orders that pages with two lists have, whose offset counts the orders."""

    def page(handler: Any) -> None:
        query = {key: int(one) for key, (one, *_) in parse_qs(urlsplit(handler.path).query).items()}
        start, stop = query.get("offset", 0), query.get("offset", 0) + min(query["limit"], 5)
        found = numbered(orders, start, stop)
        answer({"orders": found, "lines": [{"code": "A"}] * lines * bool(found)})(handler)

    source.will(page)
    fetcher = PagedApi(pagination=pagination)
    client = HttpClient("items", "ITEMS_URL", attempts=1)
    both = (
        Records(at="orders", model=Item, table="a.b"),
        Records(at="lines", model=Line, table="a.c"),
    )
    feed = Feed(name="items", fetch=fetcher, parse=Json(*both))
    service = Service(url=source.url, client=client, fetcher=fetcher, params={})
    documents = [page.response.document for page in service.pages(feed)]
    return {one["number"] for document in documents for one in document["orders"]}


@pytest.mark.parametrize("pagination", [Offset(size=5), Offset(size=100, at="orders")])
@pytest.mark.parametrize("lines", [0, 3, 40])
def test_an_offset_counts_the_records_of_one_list(
    source: FakeSource, pagination: Offset, lines: int
) -> None:
    """Incident: the next page began behind as many records as both lists had."""
    assert read_offsets(source, pagination, 17, lines) == {*range(17)}


@pytest.mark.parametrize("lines", [0, 1, 3, 15])
@pytest.mark.parametrize("orders", [4, 5, 10, 17])
def test_no_record_is_left_out_where_an_api_gives_less_than_requested(
    source: FakeSource, orders: int, lines: int
) -> None:
    """It gives five orders at most: nobody knows which list the offset counts."""
    assert read_offsets(source, Offset(size=8), orders, lines) == {*range(orders)}


def test_a_list_that_is_misspelt_is_a_failure_and_another_one_leaves_none_out(
    source: FakeSource,
) -> None:
    """Incident: the named list ended before the other one, whose rest was never requested."""
    with pytest.raises(PermanentFailure, match="a page has no list at 'order'"):
        read_offsets(source, Offset(size=5, at="order"), 17, 3)
    source.will(
        answer({"orders": [{"number": 1}, {"number": 2}], "lines": [{"code": "A"}]}),
        answer({"orders": [{"number": 2}, {"number": 3}], "lines": []}),
        answer({"orders": [], "lines": []}),
    )
    fetcher = PagedApi(pagination=Offset(size=5, at="lines"))
    both = [Records(at=at, model=Item, table=f"a.{at}") for at in ("orders", "lines")]
    client = HttpClient("items", "ITEMS_URL", attempts=1)
    service = Service(url=source.url, client=client, fetcher=fetcher, params={})
    pages = [*service.pages(Feed(name="items", fetch=fetcher, parse=Json(*both)))]
    assert [len(page.response.document["orders"]) for page in pages] == [2, 2, 0]
    offsets = [parse_qs(urlsplit(path).query).get("offset") for _, path in source.requests[-3:]]
    assert offsets == [None, ["1"], ["3"]]
