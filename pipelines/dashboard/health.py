"""Whether everything is all right: what `isobar status` finds, and what the ledger shows.

The analyst may not read Dagster's storage, so `isobar status` is executed beside the app where the
environment has the addresses that it needs: with the built-in server, or if DAGSTER_POSTGRES_URL
is set. It takes some seconds, and nobody waits for it: a page shows what was found last. Elsewhere
only what the warehouse knows is shown, and the page says what it does not know.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pipelines.config import Settings
from pipelines.dashboard.page import Questions
from pipelines.dashboard.source_page import title_of
from pipelines.failures import redact
from pipelines.source import by_seniority

QUESTIONS = Questions("pipelines.dashboard")
#: How old a report may be before `isobar status` is executed again, and how long that may take.
KEPT_SECONDS, LONGEST_SECONDS = 60.0, 90.0
UNKNOWN_HERE = (
    "Runs, checks, schedules and the daemon cannot be seen from here, because the analyst may not"
    " read them: run isobar status on the server, or set DAGSTER_POSTGRES_URL for the dashboards."
)
#: Where the first clause of a remedy ends.
CLAUSE_END = re.compile(r"\. |; |: | \(")
Level = Literal["error", "warning", "unknown"]


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be, or that cannot be known here."""

    key: str
    level: Level
    #: What is wrong and where, in a line.
    words: str
    #: What to do about it.
    remedy: str = ""
    #: The path of its page in the Dagster UI.
    path: str = ""
    since: str | None = None
    #: The same for readers who do not know Dagster and the tables; by default, `words`.
    plain: str = ""
    #: The first rows that a failed check found.
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def source(self) -> str | None:
        """The source whose schema its key names, if any."""
        place = self.key.split(":")[1] if ":" in self.key else ""
        return place.split(".")[0] or None


@dataclass(frozen=True)
class Health:
    """What is known: findings, worst first."""

    findings: list[Finding]
    #: When `isobar status` looked; None if it has not ended yet or cannot be executed here.
    checked_at: pd.Timestamp | None
    is_pending: bool
    #: Facts about each source as `isobar status --json` writes them, by name.
    sources: dict[str, dict[str, Any]]
    #: The history of each check as `isobar status --json` writes it.
    checks: list[dict[str, Any]] = field(default_factory=list)


class Watch:
    """The last report of `isobar status`, renewed in a thread of its own when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_looking = False
        self._looked_at = float("-inf")
        self._report: dict[str, Any] | None = None
        self._problem: str | None = None

    def latest(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the last report, or why there is none; neither before the first one."""
        with self._lock:
            is_old = time.monotonic() - self._looked_at > KEPT_SECONDS
            if is_old and not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, daemon=True).start()
            return self._report, self._problem

    def _look(self) -> None:
        report, problem = None, None
        try:
            words = [sys.executable, "-P", "-m", "pipelines.cli", "status", "--json"]
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
            )
            report = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            problem = redact(f"isobar status did not report: {type(error).__name__}: {error}")
        with self._lock:
            self._report, self._problem = report, problem
            self._looked_at, self._is_looking = time.monotonic(), False


@st.cache_resource
def watch() -> Watch:
    """Return the one watch of this process."""
    return Watch()


def can_be_executed(settings: Settings) -> bool:
    """Whether `isobar status` can read Dagster's storage with this environment."""
    return settings.has_builtin_server or settings.dagster_postgres_url is not None


def health() -> Health:
    """Return what is known now."""
    known = [*map(_of_warehouse, QUESTIONS.ask("problems").rows.to_dict("records"))]
    if not can_be_executed(Settings.current()):
        unknown = Finding("unknown", "unknown", UNKNOWN_HERE, "Run isobar status on the server.")
        return Health([*known, unknown], None, is_pending=False, sources={})
    report, problem = watch().latest()
    if report is None:
        unknown_here = [Finding("unknown", "unknown", problem)] if problem else []
        return Health([*known, *unknown_here], None, is_pending=problem is None, sources={})
    quiet = [one for one in known if one.key.startswith("quiet:")]
    rows = {f"check:{one['asset']}:{one['name']}": one["rows"] for one in report["checks"]}
    checked_at = report["checked_at"]
    reported = [_of_status(one, checked_at, rows.get(one["key"], [])) for one in report["problems"]]
    return Health(
        [*reported, *quiet],
        pd.Timestamp(checked_at),
        is_pending=False,
        sources={one["name"]: one for one in report["sources"]},
        checks=report["checks"],
    )


def _of_status(problem: dict[str, Any], checked_at: str, rows: list[dict[str, Any]]) -> Finding:
    is_of_machinery = problem["key"].startswith("status:") or not problem["where"]
    what = problem["what"]
    words = what if is_of_machinery else f"{problem['where']}: {what}"
    return Finding(
        problem["key"],
        problem["severity"],
        words,
        problem["remedy"],
        problem["path"],
        # A problem whose beginning is not known has the time at which it was found.
        problem["since"] if problem["since"] != checked_at else None,
        in_plain_words(problem["key"], what, problem["remedy"]),
        rows,
    )


def in_plain_words(key: str, what: str, remedy: str) -> str:
    """Return what is wrong for readers who do not know Dagster and the tables.

    The remedy of a check begins with what is wrong.
    """
    kind, _, place = key.partition(":")
    subject, _, rest = place.partition(":")
    check, _, _ = rest.partition(":")  # a file follows if the check is of files
    if kind == "check":
        count = re.match(r"Found (\d+)", what)
        clause = CLAUSE_END.split(remedy)[0].replace("`", "").rstrip(".")
        return f"{owner_of(subject, check)}: {f'{clause} ({count[1]})' if count else what}"
    if kind == "freshness":
        return f"{owner_of(subject)}: the data are late, because they were not refreshed in time"
    if kind in ("run", "materialisation"):
        return f"{owner_of(subject)}: the last run failed. {what}"
    if kind == "stopped":
        return f"Automation is switched off: {place}"
    if kind in ("sensor", "schedule"):
        return f"Automation fails: {place}. {what}"
    return f"Nothing is refreshed on schedule. {what}" if key == "status:daemon" else what


def owner_of(name: str, check: str = "") -> str:
    """Return what the dashboards call the source of a job, a table or a view, or else its name."""
    schema = name.partition(".")[0]
    for source in by_seniority():
        declared = any(one.on == name and one.name == check for one in source.checks)
        if source.name == schema or declared or name in source.object_files:
            return title_of(source)
    return name


def _of_warehouse(row: Mapping[Any, Any]) -> Finding:
    """Return what the warehouse knows by itself: `metrics.health`."""
    words, remedy = f"{row['source']}: {row['what']}", row["remedy"]
    plain = f"{owner_of(row['source'])}: {row['what']}"
    since = str(row["began_at"])
    return Finding(row["key"], row["severity"], words, remedy, since=since, plain=plain)
