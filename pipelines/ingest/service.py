"""A service that a feed is fetched from: its requests, with what its declaration says of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from pipelines.config import Settings
from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure, redact
from pipelines.http.client import HttpClient, JsonResponse, is_same_origin
from pipelines.ingest.feeds import Feed, HttpDocument, PagedApi
from pipelines.ingest.paging import (
    Offset,
    PageNumber,
    Request,
    following,
    has_null,
    says_end,
    value_at,
)

if TYPE_CHECKING:
    from pipelines.config.env_validation import SourceSettings
    from pipelines.ingest.statements import Owner

logger = logging.getLogger("isobar.http")
#: Of an API whose pages have no end.
MAX_PAGES = 100_000


@dataclass(kw_only=True)
class Service:
    """A service with its address and credentials."""

    url: str
    client: HttpClient
    fetcher: HttpDocument | PagedApi
    params: Mapping[str, str]

    def responses(self, feed: Feed, since: str | None = None) -> Iterator[JsonResponse]:
        """Yield the document, or each page; with `since`, of records from that time on.

        Raises:
            PermanentFailure: A page leads to one that has been read, or to another server.
            TransientFailure: A page behind the first one is not ready.
        """
        if not isinstance(self.fetcher, PagedApi):
            yield self.client.get_json(self.url, {**self.params} or None)
            return
        params, pagination = {**self.params}, self.fetcher.pagination
        if since is not None and self.fetcher.since is not None:
            params[self.fetcher.since.parameter] = since
        if isinstance(pagination, Offset):
            params.setdefault(pagination.size_parameter, str(pagination.size))
        count = getattr(feed.parse, "count", _length)
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
            records = count(response.document)
            lists = [value_at(response.document, one.at) for one in feed.records]
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
            nulls = [has_null(response.document, one.at) for one in feed.records]
            if not (nulls and all(nulls)):
                yield response
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

    def _astray(self, problem: str) -> PermanentFailure:
        return PermanentFailure(
            self.client.source,
            redact(problem, self.client.secrets),
            place=redact(self.url, self.client.secrets),
            remedy="See whether the pagination of the feed is that of the API.",
        )


def open_service(
    owner: Owner, fetcher: HttpDocument | PagedApi, settings: SourceSettings
) -> Service | None:
    """Return the service of a fetcher; None if its address is not set.

    Raises `PermanentFailure` if a setting that its requests need is not set.
    """
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


def _length(document: Any) -> int:
    return len(document) if isinstance(document, list) else int(bool(document))
