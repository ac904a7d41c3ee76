"""`python -m benchmarks [running]`: measure on a server of its own, beside targets.

Without a word: the speed, in some five minutes.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import psycopg

from benchmarks import bookings, flights, running, shipments, solar
from benchmarks.report import show, step
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import EmbeddedPostgres

arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
arguments.add_argument(
    "what", nargs="?", choices=["running"], help="what it costs while it runs (10 minutes)"
)
arguments.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
options = arguments.parse_args()
folder = Path(tempfile.mkdtemp(prefix="isobar-bench-"))
folder.chmod(0o755)
built_in = EmbeddedPostgres(folder / "state")
try:
    if options.what == "running":
        measures = running.measure(folder)
    else:
        with step("start PostgreSQL"):
            server = built_in.start()
            with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            migrate(server.url(SUPERUSER, "bench"))
        parts = (flights, bookings, shipments, solar)
        measures = [measure for part in parts for measure in part.measure(server)]
    show(measures)
finally:
    built_in.stop()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(options.check and not all(one.is_met for one in measures))
