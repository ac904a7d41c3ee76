"""A service that a feed is fetched from: its requests, and where the next page is."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from pydantic import SecretStr

from pipelines.config import Settings
from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure, redact
from pipelines.http.client import HttpClient, JsonResponse, is_same_origin
from pipelines.ingest.feeds import (
    Cursor,
    Feed,
    HttpDocument,
    NextLink,
    Offset,
    PagedApi,
    PageNumber,
    Pagination,
)
from pipelines.ingest.parsers import value_at

if TYPE_CHECKING:
    from pipelines.config.env_validation import SourceSettings
    from pipelines.ingest.statements import Owner

logger = logging.getLogger("isobar.http")
#: Of an API whose pages have no end.
MAX_PAGES = 100_000
#: Flags that are false on the last page.
HAS_MORE = ("has_more", "hasMore", "has_next", "hasNext", "has_next_page", "hasNextPage")
#: Address and parameters of a request.
Request = tuple[str, Mapping[str, str]]
#: A longer name of a page ends in a digest: it is in an index.
MAX_NAME = 200


@dataclass(frozen=True)
class Page:
    """A page of a list: its response, named after what its request has beyond the usual."""

    name: str
    response: JsonResponse


@dataclass(kw_only=True)
class Service:
    """A service with its address and credentials."""

    url: str
    client: HttpClient
    fetcher: HttpDocument | PagedApi
    params: Mapping[str, str]

    def document(self) -> JsonResponse:
        """Return the document at the URL."""
        return self.client.get_json(self.url, {**self.params} or None)

    def pages(self, feed: Feed, since: str = "") -> Iterator[Page]:
        """Yield each page; with `since`, of records from that time on.

        Raises `PermanentFailure` if a page leads to one that has been read or to another server,
        and `TransientFailure` if one behind the first is not ready.
        """
        assert isinstance(self.fetcher, PagedApi)
        params, pagination = {**self.params}, self.fetcher.pagination
        if isinstance(pagination, Offset):
            params.setdefault(pagination.size_parameter, str(pagination.size))
        usual, begin = {**params}, ""
        if since and self.fetcher.since is not None:
            params[self.fetcher.since.parameter] = since
            begin = f"{self.fetcher.since.parameter}={since}"
        numbered = pagination if isinstance(pagination, PageNumber | Offset) else None
        step: Request | None = (self.url, params)
        read, last = set[str](), None
        while step is not None:
            key = repr((step[0], sorted(step[1].items())))
            if key in read:
                raise self._astray("the API leads back to a page that was read before")
            if len(read) > MAX_PAGES:
                raise self._astray(f"there are more than {MAX_PAGES:,} pages")
            if not is_same_origin(self.url, step[0]):  # which would get the credentials
                raise self._astray(f"the next page is on another server: {step[0]}")
            read.add(key)
            try:
                response = self.client.get_json(step[0], {**step[1]} or None)
            except Failure as error:
                if len(read) > 1 and (error.status == 204 or (numbered and error.status == 404)):
                    return
                if len(read) == 1 or not isinstance(error, NotReady):
                    raise
                problem = f"{error.problem} in the middle of a list"
                raise TransientFailure(
                    self.client.source, problem, place=error.place, remedy="Try again later."
                ) from error
            lists = [value_at(response.document, one.at) for one in feed.records]
            lengths = [*map(_length, lists or [response.document])]
            records = sum(lengths)
            if isinstance(pagination, Offset):
                records = self._counted(pagination, response.document, lengths)
            found = lists or response.sha256  # what stands around lists may be the time
            if numbered and records and found == last:
                # Some answer with the last page behind the end.
                logger.warning(
                    "%s: the API answers with the same page again. If that was not the last one,"
                    " it ignores %r.",
                    self.client.source,
                    numbered.parameter,
                )
                return
            last = found
            nulls = [_has_null(response.document, one.at) for one in feed.records]
            if not (nulls and all(nulls)):
                yield Page(self._name(step, usual, begin), response)
            try:
                step = following(pagination, response, step, records)
            except ValueError as error:
                raise self._astray(str(error)) from error
            if step and self.url.startswith("https:") and step[0].startswith("http:"):
                step = f"https{step[0].removeprefix('http')}", step[1]  # behind a proxy
            if step is None and len(read) == 1 and not (numbered or says_end(pagination, response)):
                logger.warning(
                    "%s: the first page does not say where the next one is (%r). If it was not the"
                    " only one, correct the pagination of the feed.",
                    self.client.source,
                    pagination,
                )

    def _name(self, step: Request, usual: Mapping[str, str], begin: str) -> str:
        """Return what a request has beyond the usual, such as `after=20`, without secrets.

        It begins with the time from which on records are requested, if they are not all.
        """
        own, address = urlsplit(self.url), urlsplit(step[0])
        known = {*parse_qsl(own.query, keep_blank_values=True), *usual.items()}
        sent = [*parse_qsl(address.query, keep_blank_values=True), *step[1].items()]
        words = [begin] if begin else []
        words += [address.path] if address.path != own.path else []
        others = (f"{name}={value}" for name, value in sent if (name, value) not in known)
        words += [word for word in others if word != begin]
        name = ", ".join(redact(word, self.client.secrets) for word in words)
        if name == ", ".join(words) and len(name) <= MAX_NAME:
            return name
        for secret in filter(None, self.client.secrets):
            words = [word.replace(secret, "***") for word in words]
        digest = hashlib.sha256(repr(words).encode()).hexdigest()[:12]
        return f"{name[:MAX_NAME]} ({digest})"

    def _counted(self, pagination: Offset, document: Any, lengths: Sequence[int]) -> int:
        """Return how many records later the next page begins; 0 behind the last one.

        It is as many as the named list has. Without one, or behind its end, it is the requested
        size if a list has as many. Else an API gives less than requested, or the page is the last
        one of a list: no other is left behind.
        """
        if pagination.at:
            named = value_at(document, pagination.at)
            if not isinstance(named, list) and not _has_null(document, pagination.at):
                raise self._astray(f"a page has no list at {pagination.at!r}")
            if named:
                return _length(named)
        if len(lengths) > 1 and pagination.size in lengths:
            return pagination.size
        return min(filter(None, lengths), default=0)

    def _astray(self, problem: str) -> PermanentFailure:
        return PermanentFailure(
            self.client.source,
            redact(problem, self.client.secrets),
            place=redact(self.url, self.client.secrets),
            remedy="See whether the pagination of the feed is that of the API.",
        )


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


def says_end(pagination: Pagination, response: JsonResponse) -> bool:
    """Return whether a page without a next one names the place where that would be, or a flag."""
    at = getattr(pagination, "at", "")
    expected = {at.rpartition(".")[2], *HAS_MORE}
    return not at or bool(expected & _around(response.document, at).keys())


def is_end(following: Any) -> bool:
    """Return whether what a page says of the next one means that there is none."""
    return not following or following in ("0", -1, "-1", "false")


def names_in(query: str) -> set[str]:
    """Return the names of the parameters of an address."""
    return {name for name, _ in parse_qsl(query, keep_blank_values=True)}


def _around(document: Any, at: str) -> dict[str, Any]:
    """Return the object in which a place of a document is; an empty one if there is none."""
    found = value_at(document, at.rpartition(".")[0])
    return found if isinstance(found, dict) else {}


def _flag(document: Any, at: str) -> bool | None:
    """Return what a flag beside a place says of the next page; None if there is none."""
    found = [_around(document, at).get(one) for one in HAS_MORE]
    said = [one not in (False, "false", 0) for one in found if one is not None]
    return all(said) if said else None


def _has_null(document: Any, at: str) -> bool:
    """Return whether a document has null where a list could be: it is an empty one."""
    return document is None or _around(document, at).get(at.rpartition(".")[2], "") is None


def _length(found: Any) -> int:
    return len(found) if isinstance(found, list) else int(bool(found))


def open_service(
    owner: Owner, fetcher: HttpDocument | PagedApi, settings: SourceSettings
) -> Service | None:
    """Return the service of a fetcher; None if it has no address. Raises `PermanentFailure`."""
    url = getattr(settings, fetcher.setting)
    if url is None:
        return None
    values = _plain(settings)
    is_simulated = Settings.current().sources == "sandbox"

    def filled(texts: Mapping[str, str]) -> dict[str, str]:
        return {name: replaced(text) for name, text in texts.items()}

    def replaced(text: str) -> str:
        """Replace `{field}` by the setting, which has to be set; a sandbox wants no credentials."""
        for name, value in values.items():
            if f"{{{name}}}" not in text:
                continue
            if value is None and not is_simulated:
                variable = settings.variable(name)
                raise PermanentFailure(
                    owner.name,
                    f"{variable} is not set, and its service needs it",
                    place=variable,
                    remedy="Set it, or the variable with _FILE that names a file with it.",
                )
            text = text.replace(f"{{{name}}}", "sandbox" if value is None else str(value))
        return text

    return Service(
        url=url,
        client=HttpClient(
            owner.name,
            settings.variable(fetcher.setting),
            secrets=secrets_of(settings),
            headers=filled(fetcher.headers),
        ),
        fetcher=fetcher,
        params=filled(fetcher.params),
    )


def secrets_of(settings: SourceSettings) -> list[str]:
    """Return the values of settings that no message may show."""
    values = _plain(settings).items()
    return [str(value) for name, value in values if value and not settings.may_be_shown(name)]


def _plain(settings: SourceSettings) -> dict[str, Any]:
    """Return the value of each setting, secrets as text."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in settings.model_dump().items()
    }
