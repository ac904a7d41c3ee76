"""JSON over HTTP: time-outs, bounded retries, a size limit, and errors that say what to do.

A status of 200 is not trusted: the body has to arrive completely, parse, and not be an error
object. Each source's own client validates the content of the document.
"""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests
import tenacity
import urllib3

from pipelines.failures import (
    Failure,
    NotReady,
    PermanentFailure,
    TransientFailure,
    in_one_line,
    redact,
)
from pipelines.http.errors import describe_error, retry_after
from pipelines.http.header_deadline import HeaderDeadlineAdapter, HeadersTooSlow, ended_after
from pipelines.http.json_documents import parse_json
from pipelines.http.redirects import RedirectRejected, is_same_origin, redirect_target

logger = logging.getLogger("isobar.http")
TRANSIENT_STATUS = {408, 425, 429, *range(500, 600)}
NOT_READY_STATUS = {202, 204, 304}
MAX_REDIRECTS = 5
MAX_ERROR_BYTES = 64 * 1024
#: What is shown at most of the words of a status, and of how long to wait.
MAX_REASON, MAX_SHOWN_SECONDS = 80, 999_999_999.0
PROXY_REMEDY = "Correct http_proxy or https_proxy, or add the host of the source to no_proxy."
BROKEN_ENCODING = "the response cannot be unpacked: its {} is broken"


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


class RetryBudget:
    """The number of retries left to all requests that share the budget.

    A flaky source keeps its budget because every response refunds one retry; a dead one exhausts
    it. Thread-safe.
    """

    def __init__(self, tries: int) -> None:
        self._left = self._most = tries
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Use up one retry. Returns whether one was left."""
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def give(self) -> None:
        """Refund one retry after a response, up to the initial number."""
        with self._lock:
            self._left = min(max(self._left, 0) + 1, self._most)

    def end(self) -> None:
        """Disallow all further retries."""
        with self._lock:
            self._left = self._most = 0

    @property
    def is_used_up(self) -> bool:
        """Whether no retry is left for now."""
        return self._left <= 0


#: Maps status, parsed body, URL and time of an error response to a failure, if the source
#: documents it.
Explain = Callable[[int, Any, str, datetime], Failure | None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class HttpClient:
    """GET requests to one source. All limits are per instance; secrets never appear in a message.

    `variable` is the environment variable that a person changes to use another URL. `headers` may
    contain a key: they are sent to the host of the URL and never follow a redirect to another.
    `parse` returns the `document` of a response, and raises as `parse_json` does if it is invalid.
    Waits between attempts grow by the factor `growth`, with jitter; 1 keeps them constant.
    `patience` limits the retries of all requests that share it. `explain` interprets the error
    bodies of a source that say more than the status. `clock` says when a response was received.

    Raises `TransientFailure` if all attempts fail, `PermanentFailure` for errors that a retry
    cannot fix, and `NotReady` for 202, 204 and 304.
    """

    source: str
    variable: str
    connect_seconds: float = 5.0
    read_seconds: float = 20.0
    attempt_seconds: float = 120.0
    attempts: int = 5
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    growth: float = 2.0
    max_bytes: int = 256 * 1024 * 1024
    secrets: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    explain: Explain | None = None
    parse: Callable[[bytes], Any] = parse_json
    patience: RetryBudget | None = None
    clock: Callable[[], datetime] = _utc_now

    def __post_init__(self) -> None:
        """Silence a logger that would log URLs with secrets."""
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> JsonResponse:
        """Fetch `url` and parse it as JSON, retrying transient errors."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._may_pass),
            stop=self._is_enough,
            wait=self._wait_seconds,
            before_sleep=self._log_retry,
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                response = self._get_once(url, params, attempt.retry_state.attempt_number)
                if self.patience is not None:
                    self.patience.give()
                return response
        raise AssertionError("tenacity ends with a response or an exception")

    def _may_pass(self, error: BaseException) -> bool:
        """Return whether to retry; not if `Retry-After` exceeds our own limit."""
        if not isinstance(error, TransientFailure):
            return False
        return (error.retry_after_seconds or 0) <= self.longest_wait_seconds

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        if state.attempt_number >= self.attempts:
            return True
        return self.patience is not None and not self.patience.take()

    def _wait_seconds(self, state: tenacity.RetryCallState) -> float:
        """Return `Retry-After` if it is in the future, else exponential backoff with jitter."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientFailure) and error.retry_after_seconds:
            return error.retry_after_seconds
        backoff = tenacity.wait_exponential_jitter(
            multiplier=self.first_wait_seconds,
            max=self.longest_wait_seconds,
            exp_base=self.growth,
            jitter=self.first_wait_seconds,
        )
        return backoff(state)

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        problem = error.problem if isinstance(error, TransientFailure) else error
        logger.warning("%s: %s; trying again in %.1f s", self.source, problem, state.upcoming_sleep)

    def _get_once(self, url: str, params: Mapping[str, str] | None, attempt: int) -> JsonResponse:
        configured, shown = url, redact(url, self.secrets)
        deadline = time.monotonic() + self.attempt_seconds
        try:
            with _Session(self.attempt_seconds) as session:
                for _ in range(MAX_REDIRECTS + 1):
                    with session.get(
                        url,
                        params=params,
                        timeout=(self.connect_seconds, self.read_seconds),
                        headers={
                            "Accept": "application/json",
                            "User-Agent": "isobar",
                            **(self.headers if is_same_origin(configured, url) else {}),
                        },
                        stream=True,
                        allow_redirects=False,
                    ) as response:
                        if response.is_redirect:
                            url = redirect_target(url, response.headers["Location"])
                            params = None
                            if not is_same_origin(configured, url):
                                session.auth = _no_credentials
                            continue
                        self._check_status(response, shown, attempt, deadline)
                        body = self._read(response, shown, deadline)
                        break
                else:
                    raise self._permanent(shown, f"more than {MAX_REDIRECTS} redirects")
        except RedirectRejected as error:
            raise self._permanent(shown, str(error)) from self._cause(error, configured, url)
        except requests.exceptions.SSLError as error:
            raise self._permanent(shown, describe_error(error)) from self._cause(
                error, configured, url
            )
        except (ValueError, requests.exceptions.InvalidURL) as error:
            problem = f"this is not an address: {error}"
            raise self._permanent(shown, problem) from self._cause(error, configured, url)
        except HeadersTooSlow as error:
            raise self._transient(shown, str(error), attempt) from None
        except urllib3.exceptions.DecodeError as error:
            problem = BROKEN_ENCODING.format(_encoding(response))
            raise self._transient(shown, problem, attempt) from self._cause(error, configured, url)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            is_of_proxy = isinstance(error, requests.exceptions.ProxyError)
            raise self._transient(
                shown, describe_error(error), attempt, remedy=PROXY_REMEDY if is_of_proxy else None
            ) from self._cause(error, configured, url)
        encoding = _encoding(response)
        if encoding and not body:  # it unpacks to nothing
            raise self._transient(shown, BROKEN_ENCODING.format(encoding), attempt)
        document = self._parse(body, shown, attempt, encoding)
        links = {name: str(one.get("url", "")) for name, one in response.links.items()}
        return JsonResponse(shown, body, document, self.clock(), links)

    def _cause(self, error: Exception, *urls: str) -> Exception | None:
        """Return the exception to show as the cause; None if it may contain a URL with a secret."""
        has_secret = self.secrets or any(redact(url) != url for url in urls)
        return None if has_secret else error

    def _check_status(
        self, response: requests.Response, shown: str, attempt: int, deadline: float
    ) -> None:
        status = response.status_code
        if status == 200:
            return
        if self.explain is not None:
            body = self._read(response, shown, deadline, enough=MAX_ERROR_BYTES)
            text = redact(body.decode("utf-8", "replace"), self.secrets)
            with suppress(ValueError, RecursionError):
                document = parse_json(text.encode())
                if failure := self.explain(status, document, shown, self.clock()):
                    raise failure
        problem = (
            f"the source answered {status} {in_one_line((response.reason or '')[:MAX_REASON])}"
        )
        if status in NOT_READY_STATUS:
            raise NotReady(
                self.source, problem, place=shown, remedy="Nothing: the next run requests it again."
            )
        if status in TRANSIENT_STATUS:
            raise self._transient(shown, problem, attempt, retry_after(response))
        if status == 407:
            raise self._permanent(shown, problem.replace("source", "proxy", 1), PROXY_REMEDY)
        if status in (401, 403):
            remedy = (
                f"See whether the credentials in the settings beside {self.variable}, such as a"
                " token, are right, and may read this address."
            )
            raise self._permanent(shown, problem, remedy)
        raise self._permanent(shown, problem)

    def _read(
        self, response: requests.Response, shown: str, deadline: float, enough: int | None = None
    ) -> bytes:
        """Read the body in chunks, which bounds huge responses; a deadline bounds slow ones.

        A chunk may itself never end, such as one of trailers or of empty members of gzip.
        """
        body = bytearray()
        end_reading = response.raw.end_reading  # type: ignore[union-attr] # of `HeaderDeadlineAdapter`
        failure = TimeoutError(f"the response took more than {self.attempt_seconds:.0f} s")
        with ended_after(deadline - time.monotonic(), end_reading, failure):
            while chunk := response.raw.read1(1 << 20, decode_content=True):
                body += chunk
                if enough is not None and len(body) >= enough:
                    break
                if len(body) > self.max_bytes:
                    limit = self.max_bytes // (1024 * 1024)
                    raise self._permanent(shown, f"the response is larger than {limit} MiB")
        return bytes(body)

    def _parse(self, body: bytes, shown: str, attempt: int, encoding: str) -> Any:
        try:
            document = self.parse(body)
        except (ValueError, RecursionError) as error:
            start = redact(body[:1000].decode("utf-8", "replace"), self.secrets)[:60].strip()
            what = "HTML instead of JSON" if start.startswith("<") else f"not JSON ({error})"
            unpacked = f", unpacked from {encoding}," if encoding else ""
            problem = (
                f"the response of {len(body):,} bytes{unpacked} is {what}; it begins {start!r}"
            )
            raise self._transient(shown, problem, attempt) from error
        if isinstance(document, dict) and document.get("error"):
            text = redact(json.dumps(document, ensure_ascii=False), self.secrets)[:200]
            raise self._transient(shown, f"the source answered with an error: {text}", attempt)
        return document

    def _transient(
        self,
        shown: str,
        problem: str,
        attempt: int,
        retry_after_seconds: float | None = None,
        remedy: str | None = None,
    ) -> TransientFailure:
        if retry_after_seconds:
            problem += f" and asks to wait {min(retry_after_seconds, MAX_SHOWN_SECONDS):.0f} s"
        times = ", at the first attempt" if attempt == 1 else f", in {attempt} attempts"
        if self.attempts == 1:  # the caller retries itself
            times = ""
        elif self.patience is not None and self.patience.is_used_up:
            times += "; all tries of this run are used up"
        return TransientFailure(
            self.source,
            f"{redact(problem, self.secrets)}{times}",
            place=shown,
            remedy=remedy
            or f"Try again later. If it lasts, see whether the source is up and {self.variable}"
            " points at it.",
            retry_after_seconds=retry_after_seconds,
        )

    def _permanent(self, shown: str, problem: str, remedy: str | None = None) -> PermanentFailure:
        correct = (
            f"Trying again will not help: correct {self.variable}, or ask whoever runs the source."
        )
        return PermanentFailure(
            self.source, redact(problem, self.secrets), place=shown, remedy=remedy or correct
        )


def _encoding(response: requests.Response) -> str:
    """Return how a response is packed, such as gzip; empty if it is not."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return "" if encoding == "identity" else in_one_line(encoding[:20])


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Replace the credentials that `requests` would take from a URL or .netrc for any host."""
    return request


class _Session(requests.Session):
    """Limit headers, and do not follow redirects: `requests` would read their bodies."""

    def __init__(self, header_seconds: float) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, HeaderDeadlineAdapter(header_seconds))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - theirs
        return None
