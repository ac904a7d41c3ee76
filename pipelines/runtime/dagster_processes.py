"""The long-running processes of Dagster, as commands: code server, web server, daemon."""

import secrets
import signal
import sys
from pathlib import Path

#: For `isobar ui`, which ends ticks before it stops the daemon; and where nobody does.
LONG_LOOK_SECONDS, SHORT_LOOK_SECONDS = 270.0, 20.0
#: Sent to the code server before the daemon is stopped, which waits for the ticks under way.
END_LOOKS = signal.SIGUSR1
#: What the code server and nearly every run import.
PRELOADED = (
    *("pipelines.definitions", "pipelines.orchestration.storage", "dagster._grpc.impl"),
    *("pandas", "pandera.pandas", "pyarrow.csv"),
)

WORKSPACE = """\
load_from:
  - grpc_server: {{host: {host}, port: {port}, location_name: pipelines}}
"""


def write_workspace(file: Path, host: str, port: int) -> Path:
    """Say in `file` where the code server is, for the other two."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    fresh.write_text(WORKSPACE.format(host=host, port=port))
    return fresh.replace(file)  # whole: another process may be reading it


def code_server(host: str, port: int, look_seconds: float) -> list[str]:
    """What loads the definitions, evaluates schedules and sensors, and starts runs.

    A tick of a sensor looks for `look_seconds`, in which the daemon cannot be stopped.
    """
    module = ["--module-name", "pipelines.definitions", "--location-name", "pipelines"]
    return _python(
        "pipelines.runtime.code_server", str(look_seconds), "-h", host, "-p", str(port), *module
    )


def web_server(host: str, port: int, workspace: Path, *, is_read_only: bool = False) -> list[str]:
    """Return the command that serves the UI; a read-only one cannot start or change anything."""
    only = ["--read-only"] if is_read_only else []
    words = ["-h", host, "-p", str(port), "-w", str(workspace), *only]
    return _python("dagster_webserver", *words)


def daemon(workspace: Path) -> list[str]:
    """What ticks schedules and sensors, and hands out what is queued."""
    # `dagster-daemon` without its script, which may not be on the PATH of a service.
    return _python("dagster._daemon", "run", "-w", str(workspace))


def _python(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", *words]
