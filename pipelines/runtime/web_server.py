"""Dagster's web server, which rejects requests that pages of other origins send.

Dagster has no setting for it, and accepts commands and opens WebSockets for any page.
"""

from typing import Any

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from pipelines.config import allowed_hosts
from pipelines.http.request_guard import RequestGuard


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's web server behind a `RequestGuard`."""

    def build_middleware(self) -> list[Middleware]:
        """Return Dagster's layers with ours outside of them."""
        return [Middleware(RequestGuard, hosts=allowed_hosts()), *super().build_middleware()]


if __name__ == "__main__":
    app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]
    cli.main()  # type: ignore[no-untyped-call]
