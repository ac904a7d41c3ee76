"""The simulated weather providers and geocoder."""

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.weather.sandbox import service


def build(sandbox: Sandbox) -> SandboxParts:
    """All providers and the geocoder, by the true clock."""
    return SandboxParts(routes=service.routes(sandbox.clock))
