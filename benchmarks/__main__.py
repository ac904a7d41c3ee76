"""`python -m benchmarks [running | scaling] [--json FILE]`: measures on a server of its own."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import bookings, flights, running, scaling, shipments, solar
from benchmarks.report import Measure, as_json, show
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres


def how_fast(server: Connections) -> list[dict[str, Any]]:
    """Return all measures beside their targets."""
    return shown(
        [
            *flights.measure(server),
            *bookings.measure(server),
            *shipments.measure(server),
            *solar.measure(server),
        ]
    )


def shown(measures: list[Measure]) -> list[dict[str, Any]]:
    """Print measures, and return them for a program."""
    show(measures)
    return as_json(measures)


arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
arguments.add_argument(
    "what",
    nargs="?",
    choices=["running", "scaling"],
    help="what it costs while it runs (10 minutes); how it grows with its data (30, and 20 GB)",
)
arguments.add_argument("--json", type=Path, metavar="FILE", help="also write the measures here")
options = arguments.parse_args()
folder = Path(tempfile.mkdtemp(prefix="isobar-bench-"))
folder.chmod(0o755)
built_in = EmbeddedPostgres(folder / "state")
try:
    server = built_in.start()
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    migrate(server.url(SUPERUSER, "bench"))
    if options.what == "scaling":
        found = scaling.measure(built_in, folder)
    elif options.what == "running":
        found = shown(running.measure(server, built_in, folder))
    else:
        found = how_fast(server)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
finally:
    built_in.stop()
    shutil.rmtree(folder, ignore_errors=True)
