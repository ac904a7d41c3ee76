"""The sandbox's app behind a real web server on loopback, in a thread of the test."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from pipelines.postgres.ports import free_port
from pipelines.sandbox.app import build_app


class Server(uvicorn.Server):
    """Stops at once; uvicorn's own looks ten times a second whether it is to stop."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)


@contextmanager
def sandbox_server(**options: Any) -> Iterator[str]:
    """Serve `build_app(**options)`; gives its address."""
    port = free_port()
    config = uvicorn.Config(build_app(**options), host="127.0.0.1", port=port, log_level="error")
    server = Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
