"""The command `isobar status`: a health check for people and for monitors."""

import datetime as dt
import json
import sys
from dataclasses import asdict
from typing import Any

import click

from pipelines.config import Settings
from pipelines.failures import Failure, PermanentFailure
from pipelines.isolation import LOG


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show the state of databases, processes, daemon, sources and disks.

    Exits with 0 if there are no problems or only warnings, and with 1 if something is bad. It
    starts and changes nothing. Runs, checks, automation and the daemon are as the daemon saw them
    up to two minutes ago; if it has not looked since, this command looks itself.

    \b
    Keys of --json; times are ISO 8601 in UTC, sizes in bytes, and null means not known. If a
    variable is invalid, there are only status, checked_at and problems:
      status           ok, warning or bad: the worst of problems
      checked_at
      looked_at        when runs, checks, data, automation and the daemon were looked at
      problems         [key, severity (error, warning), what, where, since,
                       path (page in the web UI), remedy, source, rows (the first ones that a
                       failed check found, cut off at 200 characters a value)], errors
                       first, then the newest
      database         status, place, is_reachable, error, server_version, size_bytes,
                       schema
      dagster_storage  the same; schema: current, missing, behind, foreign, other views
      processes        status, the url of isobar ui on this machine, and its processes:
                       [name, pid, is_alive, started_at]
      daemon           status
      sources          [name, is_on, last_success_at, age_seconds, is_overdue,
                       promised_seconds (from one success to the next),
                       last_delivery_at, in_quarantine, remarks (such as how much
                       of a quota is used)]
      disks            status, and places [what, path, free_bytes, total_bytes]
    """
    from pipelines.status.collect import collect, unconfigured
    from pipelines.status.text_report import page

    LOG.disabled = True  # the report has what is logged
    now = dt.datetime.now(dt.UTC)
    try:
        seen = collect(Settings.current(), now)
    except Failure as failure:
        seen = unconfigured(failure, now)
    except OSError as error:  # the user may not read the state folder
        problem = f"the operating system reported: {error.strerror}"
        remedy = "Run it as the user that runs Isobar."
        rejection = PermanentFailure("status", problem, place=str(error.filename), remedy=remedy)
        seen = unconfigured(rejection, now)
    click.echo(json.dumps(seen, indent=2, default=_as_json) if as_json else page(seen))
    sys.exit(1 if seen["status"] == "bad" else 0)


def _as_json(fact: Any) -> Any:
    return fact.isoformat() if isinstance(fact, dt.datetime) else asdict(fact)
