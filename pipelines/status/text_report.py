"""The text report of `isobar status`."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipelines.config import ui_url
from pipelines.failures import printable
from pipelines.orchestration.format_duration import span_in_words
from pipelines.status.collect import GIB
from pipelines.warehouse.last_look import Problem

WIDTH = 100
MAX_CHARACTERS = 400
MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]", None: "[dim]?[/]"}
WORDS = {"ok": "all is well", "warning": "no errors, but warnings", "bad": "something is bad"}
Document = Mapping[str, Any]


def page(seen: Document) -> str:
    """Return the report: problems, then a line per part, then sources."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    with console.capture() as captured:
        status, at = seen["status"], f"[dim]{seen['checked_at']:%Y-%m-%d %H:%M:%S} UTC[/]"
        console.print(f"{MARKS[status]} [bold]Isobar: {WORDS[status]}[/]  {at}")
        url = ui_url() or seen.get("processes", {}).get("url")
        console.print(_problems(seen["problems"], seen["checked_at"], url))
        if "database" in seen:
            console.print(_parts(seen))
            console.print()
            console.print(_sources(seen["sources"], seen["checked_at"]))
            for source in seen["sources"]:
                for remark in source["remarks"]:
                    console.print(f"[dim]{escape(printable(remark))}[/]")
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _problems(problems: Sequence[Problem], now: dt.datetime, url: str | None) -> Table:
    """Show errors in full, warnings in one line each, and below each its complete remedy."""
    lines = Table.grid(padding=(0, 1))
    for problem in [one for one in problems if one.severity == "error"]:
        age = (now - problem.since).total_seconds()
        since = f" [dim]({span_in_words(age)})[/]" if age > 0 else ""
        lines.add_row(MARKS["bad"], escape(_words(problem)) + since)
        page = f" {url}{problem.path}" if url and problem.path else ""
        lines.add_row("", f"[dim]{escape(problem.remedy + page)}[/]")
    for problem in [one for one in problems if one.severity == "warning"]:
        lines.add_row(MARKS["warning"], Text(_words(problem), no_wrap=True, overflow="ellipsis"))
        lines.add_row("", f"[dim]{escape(problem.remedy)}[/]")
    lines.add_row()
    return lines


def _words(problem: Problem) -> str:
    """Return a problem in one line: what is wrong, and where."""
    is_of_machinery = problem.key.startswith("status:")
    text = problem.what if is_of_machinery else f"{problem.where}: {problem.what}"
    return shorten(printable(text), MAX_CHARACTERS, placeholder=" …")


def _parts(seen: Document) -> Table:
    """One line for each part of the platform."""
    places, at = seen["disks"]["places"], seen["looked_at"]
    free = ", ".join(f"{one['free_bytes'] / GIB:,.0f} GiB free at {one['path']}" for one in places)
    looked = _ago((seen["checked_at"] - at).total_seconds() if at else None)
    lines = {
        "database": ("database", _database(seen["database"])),
        "dagster_storage": ("Dagster's storage", _database(seen["dagster_storage"])),
        "processes": ("web UI", seen["processes"]["url"] or "isobar ui is not up on this machine"),
        "daemon": ("daemon", f"last look at runs, checks and data: {looked}"),
        "disks": ("disk", free),
    }
    parts = Table.grid(padding=(0, 1))
    for part, (title, words) in lines.items():
        parts.add_row(MARKS[seen[part]["status"]], title, escape(printable(words)))
    return parts


def _database(found: Document) -> str:
    if not found["is_reachable"]:
        return "not reachable"
    schema = f", its schema is {found['schema']}" if found["schema"] != "current" else ""
    size, place = found["size_bytes"] / 2**20, found["place"].rpartition("@")[2]
    return f"PostgreSQL {found['server_version']}, {size:,.0f} MiB{schema}, at {place}"


def _sources(sources: Sequence[Document], now: dt.datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(
        *(f"[dim]{title}[/]" for title in ("source", "last success", "last delivery", ""))
    )
    for one in sources:
        remarks = [] if one["is_on"] else ["off"]
        if one["is_overdue"]:
            remarks.append("[red]overdue[/]")
        if one["in_quarantine"]:
            remarks.append(f"[yellow]{one['in_quarantine']:,} in quarantine[/]")
        at = one["last_delivery_at"]
        delivered = _ago((now - at).total_seconds()) if at else "-"
        table.add_row(one["name"], _ago(one["age_seconds"]), delivered, ", ".join(remarks))
    return table


def _ago(seconds: float | None) -> str:
    return "none known" if seconds is None else f"{span_in_words(max(0.0, seconds))} ago"
