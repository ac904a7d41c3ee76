"""The simulated monitoring service of solar plants."""

from typing import Any

from pipelines.source import Sandbox, SandboxParts
from pipelines.sources.solar.sandbox import service


def build(sandbox: Sandbox) -> SandboxParts:
    """The service; hours are spoiled at the rate that its option says."""
    return SandboxParts(
        routes=service.routes(sandbox.seed, sandbox.now, **_service_options(sandbox))
    )


def _service_options(sandbox: Sandbox) -> dict[str, Any]:
    names = {"error_rate": "dirt"}
    return {names.get(name, name): value for name, value in sandbox.options.items()}
