"""The simulated service or files of a source, for tests."""

import datetime as dt
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from pipelines.postgres.ports import free_port
from pipelines.sandbox import sample
from pipelines.source import Sandbox
from pipelines.testing.drivers import Driver

#: The time of the sandbox.
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI app on loopback in a thread; gives its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True  # it looks ten times a second


@contextmanager
def simulated(driver: Driver) -> Iterator[str]:
    """Serve the sandbox of a driver's source, or its sample; gives what the driver's job reads."""
    source, module = driver.declared, driver.declared.module("sandbox")
    build: Any = module.build if module else lambda _: sample.build(source)
    parts = build(Sandbox(1, lambda: NOON))
    with served(Starlette(routes=[*parts.routes])) as url:
        if driver.is_http:
            yield f"{url}{source.settings.about(driver.setting)['url']}"
        else:
            folder = Path(tempfile.mkdtemp(dir=driver.site.folder.parent))
            parts.write_files(folder, NOON.date())
            yield str(folder)
