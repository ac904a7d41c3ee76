"""The simulated hotel system: events over HTTP and as files."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.bookings.sandbox import event_files, events_api


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the API, the daily files and, where configured, a stream of files."""
    options = sandbox.options

    def stream(folder: Path) -> tuple[Callable[[dt.datetime], object], float] | None:
        if not options["files"]:
            return None
        files = event_files.Stream(
            folder, sandbox.seed, int(options["lines"]), options["error_rate"]
        )
        return files.write_next, options["files"]

    return SandboxParts(
        routes=events_api.routes(sandbox.seed, sandbox.now),
        write_files=partial(event_files.write_files, seed=sandbox.seed),
        stream=stream,
    )
