"""What `isobar ui` noted of itself: its address and its processes."""

import json
import socket
from pathlib import Path


def read_noted_ui(state: Path) -> tuple[str | None, dict[str, str]]:
    """Return the address of the web UI on this machine, and the note of each of its processes.

    Nothing where none was started, it was stopped in order, or it is another machine's. Whether a
    process is still alive, `pipelines.postgres.process_identity.find` knows.
    """
    try:
        record = json.loads((state / "ui.json").read_text())
        if record["host"] != socket.gethostname():
            return None, {}
        return str(record["url"]), {
            name: note.strip() for name, note in record["processes"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # none, or of older code
        return None, {}
