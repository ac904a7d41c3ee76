"""Where the next page is said to be, and what is taken for a misspelled place."""

import datetime as dt
from typing import Any

import pytest

from pipelines.http.client import JsonResponse
from pipelines.ingest.paging import Cursor, NextLink

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
    ],
)
def test_a_last_page_is_the_last(at: str, document: Any) -> None:
    assert Cursor(at=at, parameter="after").following(response(document), URL, {}, 1) is None
    assert NextLink(at=at).following(response(document), URL, {}, 1) is None


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
            pagination.following(response(document), URL, {}, 1)
