"""Command lines of Dagster's long-running processes: code server, web server and daemon."""

import json
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

#: How long a sensor tick may poll: long under `isobar ui`, which ends ticks before it stops the
#: daemon; short elsewhere.
LONG_POLL_SECONDS, SHORT_POLL_SECONDS = 270.0, 20.0
#: Signal to the code server that ends running ticks, sent before the daemon is stopped: the daemon
#: waits for them.
END_POLLS = signal.SIGUSR1
#: Modules that the code server and nearly every run import.
PRELOADED = (
    *("pipelines.definitions", "pipelines.runtime.preparing_storage", "dagster._grpc.impl"),
    *("pandas", "pandera.pandas", "pyarrow.csv"),
)

#: Where the code server listens, in the words of a workspace file and of Dagster's options.
Address = Mapping[str, str | int]


def tcp_address(host: str, port: int) -> Address:
    """Return the address of a code server that everybody can use who can connect to the port."""
    return {"host": host, "port": port}


def socket_address(path: Path) -> Address:
    """Return the address of a code server on a Unix socket, which its folder's rights protect."""
    return {"socket": str(path)}


def write_workspace(file: Path, address: Address) -> Path:
    """Write the workspace file that points the web server and the daemon at the code server."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    location = {"grpc_server": {**address, "location_name": "pipelines"}}
    fresh.write_text(json.dumps({"load_from": [location]}))  # JSON is YAML
    return fresh.replace(file)  # atomic: another process may be reading it


def code_server(address: Address, poll_seconds: float) -> list[str]:
    """Return the command that loads definitions, evaluates schedules and sensors, and starts runs.

    A sensor tick polls for `poll_seconds`. The daemon cannot be stopped during a tick.
    """
    module = ["--module-name", "pipelines.definitions", "--location-name", "pipelines"]
    listen = [f"--{name}={value}" for name, value in address.items()]
    return _python("pipelines.runtime.code_server", str(poll_seconds), *listen, *module)


def web_server(host: str, port: int, workspace: Path, *, is_read_only: bool = False) -> list[str]:
    """Return the command that serves the UI; a read-only one cannot start or change anything."""
    only = ["--read-only"] if is_read_only else []
    words = ["-h", host, "-p", str(port), "-w", str(workspace), *only]
    return _python("pipelines.runtime.web_server", *words)


def daemon(workspace: Path) -> list[str]:
    """Return the command that evaluates schedules and sensors and dequeues runs."""
    # The module rather than the `dagster-daemon` script, which may not be on the PATH of a service.
    return _python("dagster._daemon", "run", "-w", str(workspace))


def _python(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", *words]
