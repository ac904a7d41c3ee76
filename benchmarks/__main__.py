"""`python -m benchmarks [--json FILE]`: a server of its own, all measures, one table."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import psycopg

from benchmarks import bookings, flights, shipments, solar
from benchmarks.report import as_json, show
from pipelines.core.embedded_postgres import SUPERUSER, EmbeddedPostgres
from pipelines.migrations.apply import migrate

arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
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
    measures = [
        *flights.measure(server),
        *bookings.measure(server),
        *shipments.measure(server),
        *solar.measure(server),
    ]
    show(measures)
    if asked.json:
        asked.json.write_text(json.dumps(as_json(measures), indent=2) + "\n")
finally:
    built_in.stop()
    shutil.rmtree(folder, ignore_errors=True)
