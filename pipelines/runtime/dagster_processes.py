"""Command lines of Dagster's long-running processes: code server, web server and daemon."""

import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

#: How long a tick may poll: under `isobar ui`, which ends ticks, and in a container, which waits.
POLL_SECONDS, CONTAINER_POLL_SECONDS = 60, 20
#: Threads of the code server, made when needed: one per sensor, which mostly waits, plus others.
THREADS = 64

#: Where the code server listens: a host and port, or a socket, which its folder protects.
Address = Mapping[str, str | int]


def write_workspace(file: Path, address: Address) -> Path:
    """Write the workspace file that points the web server and the daemon at the code server."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    location = {"grpc_server": {**address, "location_name": "pipelines"}}
    fresh.write_text(json.dumps({"load_from": [location]}))  # JSON is YAML
    return fresh.replace(file)  # atomic: another process may be reading it


def code_server(address: Address) -> list[str]:
    """Return the command that loads definitions, evaluates sensors, and executes runs."""
    listen = [f"--{name}={value}" for name, value in address.items()]
    module = ["--module-name", "pipelines.definitions", "--location-name", "pipelines"]
    # Not the module with -P: Dagster drops the first entry of the path, here the folder of scripts.
    script = str(Path(sys.executable).with_name("dagster"))
    words = ["api", "grpc", f"--max-workers={THREADS}", *listen, *module]
    return [sys.executable, script, *words]


def web_server(host: str, port: int, workspace: Path, *, is_read_only: bool = False) -> list[str]:
    """Return the command that serves the UI; a read-only one cannot start or change anything."""
    only = ["--read-only"] if is_read_only else []
    words = ["-h", host, "-p", str(port), "-w", str(workspace), *only]
    return [sys.executable, "-P", "-m", "pipelines.runtime.web_server", *words]


def daemon(workspace: Path) -> list[str]:
    """Return the command that evaluates schedules and sensors and dequeues runs."""
    # The module rather than the `dagster-daemon` script, which may not be on the PATH of a service.
    return [sys.executable, "-P", "-m", "dagster._daemon", "run", "-w", str(workspace)]
