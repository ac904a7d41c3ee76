"""A time limit for the complete headers of a response.

The read time-out of a socket restarts with each byte. Without this limit, a server that sends its
headers byte by byte could keep a request open for hours.
"""

import socket
import threading
from functools import partial
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection


class HeadersTooSlow(Exception):
    """The headers did not arrive within the time limit."""


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
        is_late = threading.Event()
        reading = self.sock

        def end() -> None:
            is_late.set()
            # Shutting down the TLS socket itself would drop state that the reading thread still
            # uses.
            socket.socket.shutdown(reading, socket.SHUT_RDWR)

        timer = threading.Timer(self.header_seconds, end)
        timer.daemon = True
        timer.start()
        try:
            response = super().getresponse()
            # For the deadline of the body.
            end_reading = partial(socket.socket.shutdown, reading, socket.SHUT_RDWR)
            response.end_reading = end_reading  # type: ignore[attr-defined]
            return response
        finally:
            timer.cancel()
            if is_late.is_set():
                raise HeadersTooSlow(f"its headers took more than {self.header_seconds:.0f} s")
