"""`python -m benchmarks [running | scaling]`: measure on a server of its own.

Without a word: the speed, beside its targets and `benchmarks/baseline.json`, in ten minutes.
"""

import argparse
import datetime as dt
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks import baseline, bookings, flights, references, running, scaling, shipments, solar
from benchmarks.report import Measure, as_json, show, step
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres

#: Of the speed.
MAX_SECONDS = 600


def speed(
    server: Connections, began: float, before: dict[str, baseline.Baseline]
) -> list[baseline.Compared]:
    """Return all measures of the speed beside their baselines."""
    url, rates = server.url(SUPERUSER, "bench"), references.references()
    measures: list[Measure] = []
    for part in (flights, bookings, shipments, solar):
        references.measure_once(rates, url)
        measures += part.measure(server)
    references.measure_once(rates, url)
    seconds = time.monotonic() - began
    measures += [
        *references.as_measures(rates),
        Measure("bench: its duration", seconds, "s", MAX_SECONDS, is_compared=False),
    ]
    return baseline.compare(measures, rates, before)


arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
arguments.add_argument(
    "what",
    nargs="?",
    choices=["running", "scaling"],
    help="what it costs while it runs (10 minutes); how it grows with its data (30, and 20 GB)",
)
arguments.add_argument("--json", type=Path, metavar="FILE", help="also write the measures here")
arguments.add_argument(
    "--check", action="store_true", help="exit with 1 if a measure is worse or gone"
)
arguments.add_argument(
    "--baseline", action="store_true", help="add this run to benchmarks/baseline.json"
)
options = arguments.parse_args()
if options.what and (options.check or options.baseline):
    arguments.error("only the speed has a baseline")
commit = "" if options.what else baseline.measured_commit()  # that needs a clone
date = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
if options.baseline and commit.endswith("+"):
    arguments.error("commit your changes first: a baseline names the commit that it is of")
began, is_worse = time.monotonic(), False
folder = Path(tempfile.mkdtemp(prefix="isobar-bench-"))
folder.chmod(0o755)
built_in = EmbeddedPostgres(folder / "state")
try:
    with step("start PostgreSQL"):
        server = built_in.start()
        with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        migrate(server.url(SUPERUSER, "bench"))
    if options.what == "scaling":
        found = scaling.measure(built_in, folder)
    elif options.what == "running":
        measures = running.measure(server, built_in, folder)
        show(measures)
        found = as_json(measures)
    else:
        before = baseline.read()
        compared = speed(server, began, before)
        show([one.measure for one in compared], baseline.columns(compared, before))
        sys.stdout.write("\n".join(["", *baseline.summary(compared, before), ""]))
        found = baseline.as_json(compared, commit, date)
        is_worse = baseline.is_worse(compared, before)
        if options.baseline:
            baseline.write(baseline.merge(compared, commit, date))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
finally:
    built_in.stop()
    shutil.rmtree(folder, ignore_errors=True)
sys.exit(options.check and is_worse)
