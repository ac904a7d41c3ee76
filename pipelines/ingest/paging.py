"""How an API is paged: where the next page is, and whether there is one.

Nothing here makes a request or knows a source; `service` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

if TYPE_CHECKING:
    from pipelines.http.client import JsonResponse

#: Flags that are false on the last page.
HAS_MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage")
#: Address and parameters of a request.
Request = tuple[str, Mapping[str, str]]


def is_end(following: Any) -> bool:
    """Return whether what a page says of the next one means that there is none."""
    return not following or following in ("0", -1, "-1", "false")


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


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Each page has a value that is sent as a parameter to get the next one."""

    #: Where in the document, such as `next_cursor` or `meta.cursor`.
    at: str = "next_cursor"
    parameter: str = "cursor"


@dataclass(frozen=True, kw_only=True)
class PageNumber:
    """Pages are numbered; the first one without a record is the end."""

    parameter: str = "page"
    first: int = 1


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Pages begin at a number of records; the first one without a record is the end.

    An API may give less than the requested `size`.
    """

    parameter: str = "offset"
    size: int = 100
    size_parameter: str = "limit"


Pagination = NextLink | Cursor | PageNumber | Offset


def following(
    pagination: Pagination, response: JsonResponse, step: Request, count: int
) -> Request | None:
    """Return the request for the page behind one with so many records; None behind the last one.

    Raises `ValueError` for a page that does not say what it should.
    """
    url, params = step
    document, at = response.document, getattr(pagination, "at", "records")
    flag = _flag(document, getattr(pagination, "at", ""))
    if flag is False:
        return None
    found: Any = None
    match pagination:
        case NextLink():
            found = value_at(document, at) if at else response.links.get("next")
        case Cursor():
            found = value_at(document, at)
            if not count and str(found) == params.get(pagination.parameter):
                return None
        case PageNumber(first=first) if count:
            found = int(params.get(pagination.parameter, first)) + 1
        case Offset() if count:
            found = int(params.get(pagination.parameter, 0)) + count
    if is_end(found):
        if flag:
            raise ValueError(f"the page says that there are more, and has no {at or 'Link'!r}")
        return None
    if not isinstance(pagination, NextLink):
        return url, {**params, pagination.parameter: str(found)}
    if not isinstance(found, str):
        problem = f"the link to the next page is no text but {type(found).__name__}"
        raise ValueError(problem)  # noqa: TRY004 - of the document, not of the program
    address = urljoin(url, found)
    named = names_in(urlsplit(address).query)
    return address, {name: value for name, value in params.items() if name not in named}


def value_at(document: Any, at: str) -> Any:
    """Return what is at a place of a document, such as `data.items`; None if nothing is.

    The empty place is the document itself.
    """
    for name in at.split(".") if at else ():
        document = document.get(name) if isinstance(document, dict) else None
    return document


def has_null(document: Any, at: str) -> bool:
    """Return whether a document has null where a list could be: it is an empty one."""
    around, _, last = at.rpartition(".")
    found = value_at(document, around)
    return document is None or (isinstance(found, dict) and found.get(last, "") is None)


def says_end(pagination: Pagination, response: JsonResponse) -> bool:
    """Return whether a page without a next one names the place where that would be, or a flag."""
    at = getattr(pagination, "at", "")
    around = value_at(response.document, at.rpartition(".")[0])
    expected = {at.rpartition(".")[2], *HAS_MORE}
    return not at or (isinstance(around, dict) and bool(expected & around.keys()))


def _flag(document: Any, at: str) -> bool | None:
    """Return what a flag beside a place says of the next page; None if there is none."""
    around = value_at(document, at.rpartition(".")[0])
    found = [around.get(one) for one in HAS_MORE] if isinstance(around, dict) else []
    said = [one not in (False, "false", 0) for one in found if one is not None]
    return all(said) if said else None
