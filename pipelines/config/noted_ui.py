"""The record that `isobar ui` writes while it runs: its URL and its processes."""

import json
import socket
from pathlib import Path


def read_noted_ui(state: Path) -> tuple[str | None, dict[str, str]]:
    """Return the URL of the web UI on this machine, and the recorded identity of each process.

    Both are empty if no UI runs on this machine. `process_identity.find` says whether a process is
    still alive.
    """
    try:
        record = json.loads((state / "ui.json").read_text())
        if record["host"] != socket.gethostname():
            return None, {}
        return str(record["url"]), {
            name: note.strip() for name, note in record["processes"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or older code
        return None, {}
