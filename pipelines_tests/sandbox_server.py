"""The sandbox's app behind a real web server on loopback, in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from pipelines.postgres.ports import free_port
from pipelines.sandbox.app import build_app


@contextmanager
def sandbox_server(**options: Any) -> Iterator[str]:
    """Serve `build_app(**options)`; gives its address."""
    port = free_port()
    config = uvicorn.Config(build_app(**options), host="127.0.0.1", port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
