"""The text report of `isobar status`."""

import datetime as dt
import sys
from textwrap import shorten

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.config import ui_url
from pipelines.failures import printable
from pipelines.orchestration.format_duration import span_in_words
from pipelines.source import sources
from pipelines.status.collect import Status
from pipelines.status.json_report import parsed, source_facts, status_of_part
from pipelines.status.rules import GIB, Database, status_of
from pipelines.warehouse.last_look import Problem

WIDTH = 100
MAX_WARNINGS = 5
MAX_CHARACTERS = 400
MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]", None: "[dim]?[/]"}
WORDS = {"ok": "all is well", "warning": "no errors, but warnings", "bad": "something is bad"}


def page(seen: Status) -> str:
    """Return the report: problems, then a line per part, then sources."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    with console.capture() as captured:
        _print(console, seen)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _print(console: Console, seen: Status) -> None:
    status = status_of(seen.problems)
    at = f"[dim]{seen.checked_at:%Y-%m-%d %H:%M:%S} UTC[/]"
    console.print(f"{MARKS[status]} [bold]Isobar: {WORDS[status]}[/]  {at}")
    if seen.problems:
        console.print(_problems(seen))
    if not seen.is_inspected:
        return
    console.print()
    console.print(_parts(seen))
    if seen.sources:
        console.print()
        console.print(_sources(seen))


def _problems(seen: Status) -> Table:
    """Show errors in full, warnings in one line each, and below each its complete remedy."""
    lines = Table.grid(padding=(0, 1))
    errors = [problem for problem in seen.problems if problem.severity == "error"]
    for problem in errors:
        lines.add_row(MARKS["bad"], escape(_words(problem)) + _since(problem, seen))
        lines.add_row("", f"[dim]{escape(_remedy(problem, seen))}[/]")
    warnings = [problem for problem in seen.problems if problem.severity == "warning"]
    for problem in warnings[:MAX_WARNINGS]:
        lines.add_row(MARKS["warning"], Text(_words(problem), no_wrap=True, overflow="ellipsis"))
        lines.add_row("", f"[dim]{escape(problem.remedy)}[/]")
    if len(warnings) > MAX_WARNINGS:
        left = len(warnings) - MAX_WARNINGS
        lines.add_row(MARKS["warning"], f"[dim]and {left} more: isobar status --json[/]")
    return lines


def _words(problem: Problem) -> str:
    """Return a problem in one line: what is wrong, and where."""
    if problem.key == "status:configuration":
        text = f"{problem.what} ({problem.where})"
    else:
        is_of_machinery = problem.key.startswith("status:")
        text = problem.what if is_of_machinery else f"{problem.where}: {problem.what}"
    return shorten(printable(text), MAX_CHARACTERS, placeholder=" …")


def _since(problem: Problem, seen: Status) -> str:
    is_old = problem.since < seen.checked_at
    return f" [dim]({_span(problem.since, seen)})[/]" if is_old else ""


def _remedy(problem: Problem, seen: Status) -> str:
    url = ui_url() or seen.url
    return f"{problem.remedy} {url}{problem.path}" if url and problem.path else problem.remedy


def _parts(seen: Status) -> Table:
    """One line for each part of the platform."""
    lines = {
        "database": ("database", _database(seen.warehouse)),
        "dagster_storage": ("Dagster's storage", _database(seen.storage)),
        "processes": ("web UI", _ui(seen)),
        "daemon": ("daemon", _daemon(seen)),
        "runs": ("runs", _runs(seen)),
        "disks": ("disk", _disks(seen)),
    }
    parts = Table.grid(padding=(0, 1))
    for part, (title, words) in lines.items():
        parts.add_row(MARKS[status_of_part(seen, part)], title, escape(printable(words)))
    return parts


def _database(found: Database) -> str:
    if not found.is_reachable:
        return "not reachable"
    size = (found.size_bytes or 0) / 2**20
    schema = f", its schema is {found.schema}" if found.schema != "current" else ""
    place = found.place.rpartition("@")[2]
    return f"PostgreSQL {found.server_version}, {size:,.0f} MiB{schema}, at {place}"


def _ui(seen: Status) -> str:
    if not seen.processes:
        return "isobar ui does not run on this machine; that of dagster dev is not known"
    dead = [
        f"{one.name} {one.state}"
        for one in seen.processes
        if one.name != "daemon" and one.state != "alive"
    ]
    return ", ".join([seen.url or "down", *dead])


def _daemon(seen: Status) -> str:
    if seen.look is None:
        return "not known"
    beats = seen.look.heartbeats
    at = [moment for one in beats if (moment := parsed(one["at"]))]
    if not at:
        return "no sign of life"
    latest, oldest = _ago(max(at), seen), _ago(min(at), seen)
    return f"signs of life of {len(at)} of its {len(beats)} parts: {latest}, the oldest {oldest}"


def _runs(seen: Status) -> str:
    if seen.look is None or not seen.look.runs:
        return "not known"
    runs = seen.look.runs
    counts = []
    for name, words in (("queued", "queued"), ("under_way", "under way")):
        at = parsed(runs[f"oldest_{name}_at"])
        since = f" (the oldest since {_span(at, seen)})" if at else ""
        counts.append(f"{runs[name]} {words}{since}")
    return ", ".join(counts)


def _disks(seen: Status) -> str:
    return ", ".join(f"{one.free_bytes / GIB:,.0f} GiB free at {one.path}" for one in seen.disks)


def _sources(seen: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(
        *(f"[dim]{title}[/]" for title in ("source", "last success", "last delivery", ""))
    )
    for name in sources():
        one = source_facts(seen, name)
        remarks = [] if one["is_on"] else ["off"]
        if one["is_overdue"]:
            remarks.append("[red]overdue[/]")
        if one["in_quarantine"]:
            remarks.append(f"[yellow]{one['in_quarantine']:,} in quarantine[/]")
        delivered = _ago(one["last_delivery_at"], seen) if one["last_delivery_at"] else "-"
        ages = (_ago(one["last_success_at"], seen), delivered)
        table.add_row(name, *ages, ", ".join(remarks))
    return table


def _span(at: dt.datetime, seen: Status) -> str:
    return span_in_words(max(0.0, (seen.checked_at - at).total_seconds()))


def _ago(at: dt.datetime | None, seen: Status) -> str:
    return f"{_span(at, seen)} ago" if at else "never"
