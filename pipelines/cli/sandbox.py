"""The command `isobar sandbox`: the simulated sources on a port."""

import socket

import click

from pipelines.cli.console import echo, listen_address, port_option
from pipelines.config import Settings
from pipelines.runtime.processes import end_with


@click.command()
@port_option(help="Port. Default: a free one.")
@listen_address
@click.option(
    "--fault-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of responses that fail.",
)
@click.option("--parent", type=int, hidden=True, help="Internal: exit with this process.")
def sandbox(port: int | None, host: str, fault_rate: float, parent: int | None) -> None:
    """Serve the simulated sources. Commands with ISOBAR_SANDBOX_URL use them, instead of their own.

    Sources that deliver files write them into .isobar/inbox. To see how bad responses are handled,
    of which there are six kinds: isobar sandbox --fault-rate 0.2
    """
    import uvicorn

    from pipelines.sandbox.app import build_app

    app = build_app(fault_rate=fault_rate, inboxes=Settings.current().state / "inbox")
    try:
        listening = socket.create_server((host, port or 0))
    except OSError as error:
        words = f"Cannot listen on port {port}: {error.strerror}. Choose another, or omit --port."
        raise click.UsageError(words) from error
    here = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - as the operator requested
    url = f"http://{here}:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning" if parent else "critical"))
    if parent is not None:
        end_with(parent)
        server.run([listening])
        return
    echo(f"The sandbox is at {url} — Ctrl-C stops it.")
    try:
        server.run([listening])
    except KeyboardInterrupt:
        echo("The sandbox has stopped.")
