"""The simulated hotel system: events over HTTP and as files."""

from functools import partial

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.bookings.sandbox import event_files, events_api


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the API and the daily files."""
    return SandboxParts(
        routes=events_api.routes(sandbox.seed, sandbox.now),
        write_files=partial(event_files.write_files, seed=sandbox.seed),
    )
