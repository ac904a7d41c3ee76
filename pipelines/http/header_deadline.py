"""Time limits for the complete headers of a response, and for what is read after them.

The read time-out of a socket restarts with each byte. Without these limits, a server that sends
byte by byte could keep a request open for hours.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection


class HeadersTooSlow(Exception):
    """The headers did not arrive within the time limit."""


@contextmanager
def ended_after(seconds: float, end: Callable[[], object], failure: Exception) -> Iterator[None]:
    """Call `end` after some seconds, to end what is being read; then raise `failure`."""
    is_late = threading.Event()

    def act() -> None:
        is_late.set()
        with suppress(OSError):
            end()

    timer = threading.Timer(max(0.0, seconds), act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_late.is_set():
            raise failure


class HeaderDeadlineAdapter(HTTPAdapter):
    """Adapter that aborts a request whose headers take longer than `seconds`: `HeadersTooSlow`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return the pool of `requests`, with connections that enforce the time limit."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)  # type: ignore[assignment]
        base = HTTPSConnection if pool.scheme == "https" else HTTPConnection
        limited = type("Limited", (_Limited, base), {"header_seconds": self.seconds})
        pool.ConnectionCls = limited
        return pool


class _Limited(HTTPConnection):
    header_seconds: float

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3's own
        # Shutting down the TLS socket itself would drop state that the reading thread still uses.
        end_reading = partial(socket.socket.shutdown, self.sock, socket.SHUT_RDWR)
        failure = HeadersTooSlow(f"its headers took more than {self.header_seconds:.0f} s")
        with ended_after(self.header_seconds, end_reading, failure):
            response = super().getresponse()
        response.end_reading = end_reading  # type: ignore[attr-defined] # for the deadline of the body
        return response
