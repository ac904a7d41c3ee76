"""JSON over HTTP: time-outs, bounded retries, a size limit, and errors that say what to do.

A status of 200 is not trusted: the body has to arrive completely, parse, and not be an error
object. Each source's own client validates the content of the document.
"""

import hashlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry, parse_url

from pipelines.failures import (
    Failure,
    NotReady,
    PermanentFailure,
    TransientFailure,
    in_one_line,
    redact,
)
from pipelines.http.json_documents import as_sent, parse_json

logger = logging.getLogger("isobar.http")
logging.getLogger("urllib3").setLevel(logging.ERROR)  # it would log URLs with secrets
TRANSIENT_STATUS = {408, 425, 429, *range(500, 600)}
NOT_READY_STATUS = {202, 204, 304}
CONNECT_SECONDS = 5.0
#: What is shown at most of the words of a status, and of an error of the source.
MAX_REASON, MAX_SHOWN = 80, 200
USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class JsonResponse:
    """A complete, parsed response: the body as received, and its content."""

    url: str
    body: bytes
    document: Any
    received_at: datetime
    #: Addresses in the header `Link`, by relation.
    links: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


#: Maps status, parsed body, URL and time of an error response to a failure, if the source
#: documents it.
Explain = Callable[[int, Any, str, datetime], Failure | None]


class _Session(requests.Session):
    """Follows redirects on the server of the URL only, and from http to https on it.

    Elsewhere, a source could make Isobar send credentials, or requests to its own network.
    """

    max_redirects = 5

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a redirect leads. Raises if that is another server."""
        if not resp.is_redirect:
            return None
        resp.close()  # or its whole body would be read
        try:
            target = urljoin(str(resp.url), resp.headers["Location"])
            old, new = _server_of(str(resp.url)), _server_of(target)
        except ValueError:
            raise requests.TooManyRedirects("it redirects to what is no address") from None
        is_upgrade = (old[0], old[2], *new) == ("http", 80, "https", old[1], 443)
        if new != old and not is_upgrade:
            raise requests.TooManyRedirects(f"it redirects to another server, {new[1]}")
        return target


def is_same_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port."""
    return _server_of(one) == _server_of(other)


def _server_of(url: str) -> tuple[str | None, str | None, int | None]:
    parsed = parse_url(url)
    return parsed.scheme, parsed.host, parsed.port or USUAL_PORTS.get(parsed.scheme or "")


@dataclass(frozen=True)
class HttpClient:
    """GET requests to one source. All limits are per instance; secrets never appear in a message.

    `variable` is the environment variable of the URL. `read_seconds` limits the time until the
    first bytes and between two reads, `attempt_seconds` that of a body. Waits between attempts
    grow by `growth`, with jitter. Of `retries`, if given, a retry takes one, and a response gives
    one back. Connections are kept, also by clients that `dataclasses.replace` makes of it.

    Raises `TransientFailure` if all attempts fail, `PermanentFailure` for errors that a retry
    cannot fix, and `NotReady` for 202, 204 and 304.
    """

    source: str
    variable: str
    read_seconds: float = 20.0
    attempt_seconds: float = 120.0
    attempts: int = 5
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    growth: float = 2.0
    retries: deque[None] | None = None
    max_bytes: int = 256 * 1024 * 1024
    secrets: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    explain: Explain | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    session: requests.Session = field(default_factory=_Session, repr=False, compare=False)

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> JsonResponse:
        """Fetch `url` and parse it as JSON, retrying transient errors."""
        attempt = 1
        while True:
            try:
                response = self._get_once(url, params, attempt)
            except TransientFailure as error:
                if (wait := self._pause(attempt, error)) is None:
                    raise
                logger.warning("%s: %s; trying again in %.1f s", self.source, error.problem, wait)
                time.sleep(wait)
                attempt += 1
            else:
                if self.retries is not None:
                    self.retries.append(None)
                return response

    def _pause(self, attempt: int, error: TransientFailure) -> float | None:
        """Return the seconds until the next attempt; None if this was the last one."""
        jitter = random.random()  # noqa: S311 - no secret
        grown = self.first_wait_seconds * (self.growth ** (attempt - 1) + jitter)
        wait = error.retry_after_seconds or min(grown, self.longest_wait_seconds)
        if attempt >= self.attempts or wait > self.longest_wait_seconds:
            return None
        try:
            if self.retries is not None:
                self.retries.pop()
        except IndexError:
            return None
        return wait

    def _get_once(self, url: str, params: Mapping[str, str] | None, attempt: int) -> JsonResponse:
        """Send one request. Causes of failures are left out: they name URLs with their secrets."""
        shown = redact(url, self.secrets)
        deadline = time.monotonic() + self.attempt_seconds
        try:
            with self.session.get(
                url,
                params=params,
                headers={"Accept": "application/json", "User-Agent": "isobar", **self.headers},
                timeout=(CONNECT_SECONDS, self.read_seconds),
                stream=True,
            ) as response:
                self._check_status(response, shown, attempt, deadline)
                body = self._read(response, shown, deadline)
        except (requests.TooManyRedirects, requests.exceptions.SSLError, ValueError) as error:
            raise self._permanent(shown, _described(error)) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise self._transient(shown, _described(error), attempt) from None
        document = self._parse(body, shown, attempt)
        links = {name: str(one.get("url", "")) for name, one in response.links.items()}
        return JsonResponse(shown, body, document, self.clock(), links)

    def _check_status(
        self, response: requests.Response, shown: str, attempt: int, deadline: float
    ) -> None:
        status = response.status_code
        if status == 200:
            return
        failure: Failure
        if self.explain is not None:
            body = self._read(response, shown, deadline)
            text = redact(body.decode("utf-8", "replace"), self.secrets)
            with suppress(ValueError):
                document = parse_json(text.encode())
                if meant := self.explain(status, document, shown, self.clock()):
                    raise meant
        reason = in_one_line((response.reason or "")[:MAX_REASON])
        problem = f"the source answered {status} {reason}"
        if status in NOT_READY_STATUS:
            remedy = "Nothing: the next run requests it again."
            failure = NotReady(self.source, problem, place=shown, remedy=remedy)
        elif status in TRANSIENT_STATUS:
            failure = self._transient(shown, problem, attempt, retry_after(response))
        else:
            failure = self._permanent(shown, problem)
        failure.status = status
        raise failure

    def _read(self, response: requests.Response, shown: str, deadline: float) -> bytes:
        """Read the body in chunks, which bounds huge responses; a deadline bounds slow ones."""
        body = bytearray()
        while chunk := response.raw.read1(1 << 20, decode_content=True):
            body += chunk
            if len(body) > self.max_bytes:
                most = self.max_bytes >> 20
                raise self._permanent(shown, f"the response is larger than {most} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the response took more than {self.attempt_seconds:.0f} s")
        return bytes(body)

    def _parse(self, body: bytes, shown: str, attempt: int) -> Any:
        try:
            document = parse_json(body)
        except ValueError as error:
            start = redact(body[:1000].decode("utf-8", "replace"), self.secrets)[:60].strip()
            what = "HTML instead of JSON" if start.startswith("<") else f"not JSON ({error})"
            problem = f"the response of {len(body):,} bytes is {what}; it begins {start!r}"
            raise self._transient(shown, problem, attempt) from error
        said = document if isinstance(document, dict) else {}
        if said.get("error") or (said.get("errors") and isinstance(said["errors"], list)):
            text = redact(as_sent(document), self.secrets)[:MAX_SHOWN]
            raise self._transient(shown, f"the source answered with an error: {text}", attempt)
        return document

    def _transient(
        self, shown: str, problem: str, attempt: int, retry_after_seconds: float | None = None
    ) -> TransientFailure:
        problem = redact(problem, self.secrets)
        if retry_after_seconds:
            problem += f" and asks to wait {retry_after_seconds:.0f} s"
        if self.attempts > 1:  # else the caller retries itself
            problem += ", at the first attempt" if attempt == 1 else f", in {attempt} attempts"
        usual = "Try again later. If it lasts, see whether the source is up and"
        remedy = f"{usual} {self.variable} points at it."
        failure = TransientFailure(self.source, problem, place=shown, remedy=remedy)
        failure.retry_after_seconds = retry_after_seconds
        return failure

    def _permanent(self, shown: str, problem: str) -> PermanentFailure:
        problem = redact(problem, self.secrets)
        others = "whoever runs the source or a proxy before it"
        remedy = f"Trying again will not help: correct {self.variable}, or ask {others}."
        return PermanentFailure(self.source, problem, place=shown, remedy=remedy)


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds of a Retry-After header in either of its two forms (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    try:
        return float(Retry(retry_after_max=10**9).parse_retry_after(value))
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _described(error: BaseException) -> str:
    """Return the kind of an error, and the innermost cause: requests wraps it several times."""
    kind = type(error).__name__
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = cause
    return f"{kind}: {error}"
