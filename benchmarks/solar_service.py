"""A monitoring service with prepared answers.

`python -m benchmarks.solar_service` prints its address, serves, and ends with its input.
"""

import datetime as dt
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from urllib.parse import parse_qs, urlsplit

HOUR = dt.timedelta(hours=1)


@contextmanager
def service() -> Iterator[str]:
    """Serve in a process of its own; gives the address."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.solar_service"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


@cache
def answer(first: dt.date, end: dt.date) -> bytes:
    """The hours of the days from `first` until before `end`: like the real ones, full of digits."""
    random = Random(f"{first}")
    at = dt.datetime.combine(first, dt.time())
    items = []
    while at.date() < end:
        values = [100 * random.random() for _ in range(4)]
        items.append(
            f'{{"datetime":"{at.isoformat()}",'
            f'"expected":{{"energy":{values[0]!r},"irradiation":{values[1]!r}}},'
            f'"observed":{{"energy":{values[2]!r},"irradiation":{values[3]!r}}}}}'
        )
        at += HOUR
    return f"[{','.join(items)}]".encode()


def serve() -> None:
    """Serve any plant, all alike, until the input ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parameters = parse_qs(urlsplit(self.path).query)
            body = answer(*(dt.date.fromisoformat(parameters[name][0]) for name in ("from", "to")))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    serve()
