"""Page through an API: where the next page is, and when the last one has come.

Nothing here makes a request or knows a source.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure, redact

if TYPE_CHECKING:
    from pipelines.http.client import JsonResponse

logger = logging.getLogger("isobar.http")
#: More pages than this are an API that never ends.
MAX_PAGES = 100_000
#: A name is taken for a misspelled one from here on: nxt is similar to next, and text is not.
SIMILARITY = 0.8
#: Flags that are false on the last page.
HAS_MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage")
#: What names another page than the next one.
ELSEWHERE = re.compile("prev|first|last|self", re.IGNORECASE)
Params = Mapping[str, str]


def is_end(following: Any) -> bool:
    """Return whether what a page says of the next one means that there is none."""
    return following is None or following is False or following == ""


def names_in(query: str) -> set[str]:
    """Return the names of the parameters of an address."""
    return {name for name, _ in parse_qsl(query, keep_blank_values=True)}


@dataclass(frozen=True, kw_only=True)
class NextLink:
    """Each page has the address of the next one: at a place of the document, or in `Link`.

    Parameters that the address lacks, such as a key, are sent again.
    """

    #: Where in the document, such as `next` or `links.next`; empty: the header `Link`.
    at: str = "next"

    def following(
        self, response: JsonResponse, url: str, params: Params, count: int
    ) -> tuple[str, Params] | None:
        """Return address and parameters of the next page."""
        del count
        link = value_at(response.document, self.at) if self.at else response.links.get("next")
        if link in (None, "", False) or _is_last(response.document, self.at):
            _reject_similar(response.document, self.at)
            return None
        if not isinstance(link, str):
            problem = f"the link to the next page is no text but {type(link).__name__}"
            raise ValueError(problem)  # noqa: TRY004 - of the document, not of the program
        address = urljoin(url, link)
        named = names_in(urlsplit(address).query)
        return address, {name: value for name, value in params.items() if name not in named}


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Each page has a value that is sent as a parameter to get the next one."""

    #: Where in the document, such as `next_cursor` or `meta.cursor`.
    at: str = "next_cursor"
    parameter: str = "cursor"

    def following(
        self, response: JsonResponse, url: str, params: Params, count: int
    ) -> tuple[str, Params] | None:
        """Return address and parameters of the next page."""
        del count
        value = value_at(response.document, self.at)
        if is_end(value) or _is_last(response.document, self.at):
            _reject_similar(response.document, self.at)
            return None
        return url, {**params, self.parameter: str(value)}


@dataclass(frozen=True, kw_only=True)
class PageNumber:
    """Pages are numbered; the first one without a record is the end."""

    parameter: str = "page"
    first: int = 1

    def following(
        self, response: JsonResponse, url: str, params: Params, count: int
    ) -> tuple[str, Params] | None:
        """Return address and parameters of the next page."""
        del response
        number = int(params.get(self.parameter, self.first)) + 1
        return (url, {**params, self.parameter: str(number)}) if count else None


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Pages begin at a number of records; the first one without a record is the end.

    An API may give less than the requested `size`.
    """

    parameter: str = "offset"
    size: int = 100
    size_parameter: str = "limit"

    def following(
        self, response: JsonResponse, url: str, params: Params, count: int
    ) -> tuple[str, Params] | None:
        """Return address and parameters of the next page."""
        del response
        if not count:
            return None
        return url, {**params, self.parameter: str(int(params.get(self.parameter, 0)) + count)}


Pagination = NextLink | Cursor | PageNumber | Offset


def value_at(document: Any, at: str) -> Any:
    """Return what is at a place of a document, such as `data.items`; None if nothing is.

    The empty place is the document itself.
    """
    for name in at.split(".") if at else ():
        document = document.get(name) if isinstance(document, dict) else None
    return document


def has_null(document: Any, at: str) -> bool:
    """Return whether a document has null where a list could be: it is an empty one."""
    *path, last = at.split(".")
    around = value_at(document, ".".join(path))
    return document is None or (isinstance(around, dict) and around.get(last, "") is None)


def _is_last(document: Any, at: str) -> bool:
    """Return whether a flag beside the place of the next page says that there is none."""
    around = value_at(document, at.rpartition(".")[0]) if at else None
    return isinstance(around, dict) and any(around.get(one) is False for one in HAS_MORE)


def _reject_similar(document: Any, at: str) -> None:
    """Raise `ValueError` if a document has nothing at a place, and a value at a similar one.

    A misspelled place would end every read after the first page.
    """
    around = document
    for name in at.split(".") if at else ():
        if not isinstance(around, dict):
            return
        if name not in around:
            there = [
                one
                for one, value in around.items()
                if isinstance(one, str) and not is_end(value) and not ELSEWHERE.search(one)
            ]
            for similar in get_close_matches(name, there, n=1, cutoff=SIMILARITY):
                raise ValueError(
                    f"the page has no {at!r}, where the next one should be, but {similar!r}: what"
                    " follows would not be read"
                )
            return
        around = around[name]


def pages(
    get: Callable[[str, Params], JsonResponse],
    url: str,
    params: Params,
    pagination: Pagination,
    count: Callable[[Any], int],
    source: str,
    secrets: Sequence[str] = (),
    is_nothing: Callable[[Any], bool] = lambda _: False,
) -> Iterator[JsonResponse]:
    """Yield the pages of an API.

    Args:
        get: Makes a request, with retries.
        url: The address of the first page.
        params: Parameters of the first page; one that has the name of the pagination's is kept.
        pagination: How to find the next page.
        count: Returns the number of records in a document.
        source: The source, for messages.
        secrets: What no message may show.
        is_nothing: Returns whether a document is an empty list; it is not yielded.

    Raises:
        PermanentFailure: A page leads to one that has been read, or there is no end.
        TransientFailure: A page behind the first one is not ready.
    """
    from pipelines.http.redirects import is_same_origin  # not for those who only declare

    def failure(problem: str) -> PermanentFailure:
        return PermanentFailure(
            source,
            redact(problem, secrets),
            place=redact(url, secrets),
            remedy="See whether the pagination of the feed is that of the API.",
        )

    if isinstance(pagination, Offset):
        params = {pagination.size_parameter: str(pagination.size), **params}
    read: set[str] = set()
    last = ""
    step: tuple[str, Params] | None = (url, params)
    while step is not None:
        key = repr((step[0], sorted(step[1].items())))
        problem = None
        if key in read:
            problem = "the API leads back to a page that was read before"
        elif len(read) == MAX_PAGES:
            problem = f"the API has more than {MAX_PAGES:,} pages"
        elif not is_same_origin(url, step[0]):  # which would get the credentials
            problem = f"the next page is on another server: {step[0]}"
        if problem:
            raise failure(problem)
        read.add(key)
        try:
            response = get(*step)
        except Failure as error:
            is_behind = isinstance(pagination, PageNumber | Offset) and error.status == 404
            if len(read) > 1 and (is_behind or error.status == 204):
                return
            if len(read) == 1 or not isinstance(error, NotReady):
                raise
            problem, remedy = f"{error.problem} in the middle of a list", "Try again later."
            raise TransientFailure(source, problem, place=error.place, remedy=remedy) from error
        records = count(response.document)
        if records and response.sha256 == last and isinstance(pagination, PageNumber | Offset):
            logger.warning(  # some answer with the last page behind the end
                "%s: the API answers with the same page again. If that was not the last one, it"
                " ignores %r.",
                source,
                pagination.parameter,
            )
            return
        last = response.sha256
        if not is_nothing(response.document):
            yield response
        try:
            step = pagination.following(response, *step, records)
        except ValueError as error:
            raise failure(str(error)) from error
