"""A real HTTP server on loopback that answers as a test instructs it."""

import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class FakeSource:
    """Gives the queued answers one after the other, and the last one for ever after."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[float, str]] = []
        self.answers: list[Answer] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.requests.append((time.monotonic(), self.path))
                answer = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
                answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Ignore clients that hang up: some tests do so on purpose."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    def __enter__(self) -> "FakeSource":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the document."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}/document.json"

    def will(self, *answers: Answer) -> "FakeSource":
        """Give these from now on."""
        self.answers = list(answers)
        return self


def document(content: Any) -> Answer:
    """Answer 200 with JSON."""
    return body(json.dumps(content).encode())


def body(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes; underscores in header names stand for hyphens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def cut(content: bytes, said_length: int) -> Answer:
    """Promise more bytes than come, then hang up."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(said_length))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return answer
