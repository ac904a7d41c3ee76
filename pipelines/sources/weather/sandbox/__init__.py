"""The simulated weather providers and geocoder."""

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.weather.sandbox import service


def build(sandbox: Sandbox) -> SandboxParts:
    """Build all providers and the geocoder, which use the real clock."""
    return SandboxParts(routes=service.routes(sandbox.clock))
