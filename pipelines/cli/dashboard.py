"""The command `isobar dashboard`: a web app with charts, which reads as the analyst."""

import importlib.util
import os
import sys

import click

from pipelines.cli.console import echo, listen_address, port_option, reach_database
from pipelines.config import Settings, with_allowed_host
from pipelines.failures import PermanentFailure
from pipelines.postgres.ports import free_port

PORT = 8501


@click.command()
@port_option(help=f"Port. Default: {PORT}, or a free port if that is taken.")
@listen_address
def dashboard(port: int | None, host: str) -> None:
    """Serve the dashboards until Ctrl-C: a page for each source, and data quality.

    They read the warehouse as the analyst. They have no login: on a server, put them behind the
    proxy. Browsers reach them by the names of this machine to itself, by --host, and by those of
    ISOBAR_ALLOWED_HOSTS. They need the extra `isobar[dashboard]`, which `make dashboard` installs.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise PermanentFailure(
            "dashboard",
            "the package streamlit is not installed",
            place=sys.prefix,
            remedy="In a clone: make dashboard. Otherwise: pip install 'isobar[dashboard]'.",
        )
    settings = Settings.current()
    if settings.has_builtin_server:
        reach_database(settings)
    chosen = port or free_port(PORT)
    if port is None and chosen != PORT:
        echo(f"Port {PORT} is taken.")
    shown = f"[{host}]" if ":" in host else host  # of IPv6
    echo(f"The dashboards are at http://{shown}:{chosen} — Ctrl-C stops them.")
    words = ["-P", "-m", "pipelines.dashboard.server", host, str(chosen)]
    os.execve(sys.executable, [sys.executable, *words], with_allowed_host(host))  # noqa: S606 - it replaces this process
