"""Load one file, as a run does, in a process of its own, whose memory is known."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import peak_megabytes, step
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.loaders import runner

#: What each run has imported before it loads.
SHARED = ("pandas", "pyarrow.csv")


def measure_load(server: Connections, source: str, file: Path) -> dict[str, float]:
    """The seconds and megabytes that it took, and how many records changed a row."""
    command = [sys.executable, "-m", "benchmarks.one_load"]
    with step(f"{source}: load {file.name}"):
        done = subprocess.run(
            [*command, server.url(LOADER, "bench"), source, file],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _take(url: str, source: str, file: Path) -> dict[str, float]:
    for module in SHARED:
        importlib.import_module(module)
    warehouse = Warehouse(url)
    began = time.monotonic()
    outcome = load_file(runner(source, warehouse), inspect_file(source, file))
    seconds = time.monotonic() - began
    warehouse.dispose()
    loaded = outcome.loaded if outcome else 0
    return {"seconds": seconds, "megabytes": peak_megabytes(), "loaded": loaded}


if __name__ == "__main__":
    _url, _source, _file = sys.argv[1:]
    print(json.dumps(_take(_url, _source, Path(_file))))  # noqa: T201
