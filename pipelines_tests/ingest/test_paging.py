"""Where the next page is said to be, and what is taken for a misspelled place."""

import datetime as dt
from typing import Any

import pytest
from pydantic import BaseModel

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest.feeds import Feed, PagedApi
from pipelines.ingest.paging import Cursor, NextLink, PageNumber, Pagination, following
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.service import Service
from pipelines.testing.fake_source import Answer, FakeSource, body
from pipelines.testing.fake_source import document as answer

URL = "http://127.0.0.1/items"


def response(document: Any) -> JsonResponse:
    return JsonResponse(URL, b"", document, dt.datetime(2026, 11, 26, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("at", "document"),
    [
        ("next_page_token", {"items": [], "prev_page_token": "a"}),
        ("next_page_cursor", {"first_page_cursor": "a", "prev_page_cursor": "b"}),
        ("links.next", {"links": {"prev": "/items", "self": "/items", "text": "x"}}),
        ("links.next", {"links": {"next": None, "nxt": "/items"}}),
        ("links.next", {"items": [], "links": None, "link": "x"}),
        ("next", []),
        ("next", {"next": "/items?page=9", "has_more": False}),
        ("meta.next", {"meta": {"next": "abc", "hasNextPage": False}}),
    ],
)
def test_a_last_page_is_the_last(at: str, document: Any) -> None:
    for pagination in (Cursor(at=at, parameter="after"), NextLink(at=at)):
        assert following(pagination, response(document), (URL, {}), 1) is None


@pytest.mark.parametrize(
    ("at", "document", "similar"),
    [
        ("cursr", {"cursor": "a"}, "cursor"),
        ("links.nxt", {"links": {"next": "/items?page=2"}}, "next"),
        ("links.next", {"link": {"next": "/items?page=2"}}, "link"),
    ],
)
def test_a_similar_name_with_a_value_is_not_the_last_page(
    at: str, document: Any, similar: str
) -> None:
    for pagination in (Cursor(at=at, parameter="after"), NextLink(at=at)):
        with pytest.raises(ValueError, match=f"has no '{at}', .* but '{similar}'"):
            following(pagination, response(document), (URL, {}), 1)


class Item(BaseModel):
    number: int


def read(source: FakeSource, pagination: Pagination, *answers: Answer) -> list[Any]:
    """The lists of the pages of a real server."""
    source.will(*answers)
    fetcher = PagedApi(pagination=pagination)
    client = HttpClient("items", "ITEMS_URL", attempts=1)
    records = Records(at="items", model=Item, table="items.items")
    feed = Feed(name="items", fetch=fetcher, parse=Json(records))
    service = Service(
        source="items", name="items", url=source.url, client=client, fetcher=fetcher, params={}
    )
    return [one.document["items"] for one in service.responses(feed)]


FULL, LAST = answer({"items": [1, 2]}), answer({"items": [3]})


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
def test_no_list_ends_silently_in_the_middle(
    source: FakeSource, status: int, kind: type[Failure]
) -> None:
    with pytest.raises(kind, match=str(status)):
        read(source, PageNumber(), FULL, body(b"", status))


def test_an_api_that_ignores_the_number_of_the_page_is_not_read_for_ever(
    source: FakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(source, PageNumber(), FULL, FULL) == [[1, 2]]
    assert "it ignores 'page'" in caplog.text


def test_a_page_that_another_one_names_has_to_be_there(source: FakeSource) -> None:
    first = answer({"items": [1], "next": "/document.json?page=2"})
    with pytest.raises(PermanentFailure, match="404"):
        read(source, NextLink(), first, body(b"gone", 404))
