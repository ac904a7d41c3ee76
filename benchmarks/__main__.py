"""`python -m benchmarks [scaling] [--json FILE]`: a server of its own, all measures, one table."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import bookings, flights, scaling, shipments, solar
from benchmarks.report import as_json, show
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres


def how_fast(server: Connections) -> list[dict[str, Any]]:
    """All measures beside what was asked for."""
    measures = [
        *flights.measure(server),
        *bookings.measure(server),
        *shipments.measure(server),
        *solar.measure(server),
    ]
    show(measures)
    return as_json(measures)


arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
arguments.add_argument(
    "what", nargs="?", choices=["scaling"], help="how it grows with its data: half an hour, 20 GB"
)
arguments.add_argument("--json", type=Path, metavar="FILE", help="also write the measures here")
asked = arguments.parse_args()
folder = Path(tempfile.mkdtemp(prefix="isobar-bench-"))
folder.chmod(0o755)
built_in = EmbeddedPostgres(folder / "state")
try:
    server = built_in.start()
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    migrate(server.url(SUPERUSER, "bench"))
    found = scaling.measure(built_in, folder) if asked.what == "scaling" else how_fast(server)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
finally:
    built_in.stop()
    shutil.rmtree(folder, ignore_errors=True)
