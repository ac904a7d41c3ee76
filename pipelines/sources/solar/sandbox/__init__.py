"""The simulated monitoring service of solar plants."""

from typing import Any

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.solar.sandbox import service


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the service, which corrupts hours at the rate of its option."""
    return SandboxParts(
        routes=service.routes(sandbox.seed, sandbox.now, **_service_options(sandbox))
    )


def _service_options(sandbox: Sandbox) -> dict[str, Any]:
    names = {"error_rate": "dirt"}
    return {names.get(name, name): value for name, value in sandbox.options.items()}
