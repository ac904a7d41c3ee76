"""The JSON report of `isobar status --json`: everything collected, for a monitor."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from pipelines.source import sources
from pipelines.status.collect import Status
from pipelines.status.rules import Database, status_of
from pipelines.warehouse.last_look import Look

UNKNOWN: Mapping[str, Any] = dict.fromkeys(
    ("last_success_at", "is_overdue", "promised_seconds", "last_delivery_at", "in_quarantine")
)


def document(seen: Status) -> dict[str, Any]:
    """Return everything collected as JSON; `isobar status --help` lists the keys."""
    look = seen.look or Look(seen.checked_at)
    parts: dict[str, Mapping[str, Any]] = {
        "database": _database(seen.warehouse),
        "dagster_storage": _database(seen.storage),
        "processes": {"url": seen.url, "processes": [asdict(one) for one in seen.processes]},
        "daemon": {
            "heartbeats": [
                one | {"age_seconds": _seconds(parsed(one["at"]), seen)} for one in look.heartbeats
            ]
        },
        "runs": look.runs,
        "disks": {"places": [asdict(disk) for disk in seen.disks]},
    }
    return {
        "status": status_of(seen.problems),
        "checked_at": seen.checked_at,
        "looked_at": seen.look.looked_at if seen.look else None,
        "problems": [asdict(problem) for problem in seen.problems],
        **{name: {"status": status_of_part(seen, name), **facts} for name, facts in parts.items()},
        "sources": [source_facts(seen, name) for name in sources()],
        "quarantine": dict(seen.quarantine),
    }


def status_of_part(seen: Status, part: str) -> Literal["ok", "warning", "bad"] | None:
    """Return the status of a part; None if it could not be inspected or does not exist."""
    problems = [one for one in seen.problems if one.key.split(":")[:2] == ["status", part]]
    if problems:
        return status_of(problems)
    if part == "dagster_storage" and seen.is_inspected and not seen.storage.is_reachable:
        return "bad"  # on the same server, reported with the database
    is_seen = {
        "processes": bool(seen.processes),
        "daemon": seen.look is not None,
        "runs": seen.look is not None,
    }
    return "ok" if is_seen.get(part, seen.is_inspected) else None


def source_facts(seen: Status, name: str) -> dict[str, Any]:
    """Return the facts about a source; null is not known, and nothing is promised of one off."""
    found = next((one for one in seen.sources if one["name"] == name), UNKNOWN)
    is_on = name not in seen.sources_off
    facts = {"name": name, "is_on": is_on, **found}
    facts["age_seconds"] = _seconds(facts["last_success_at"], seen)
    return facts if is_on else facts | {"is_overdue": None, "promised_seconds": None}


def parsed(at: str | None) -> dt.datetime | None:
    """Return a time that was noted."""
    return dt.datetime.fromisoformat(at) if at else None


def _database(found: Database) -> dict[str, Any]:
    left_out = ("part", "remedy")  # of the problem's text
    return {name: fact for name, fact in asdict(found).items() if name not in left_out}


def _seconds(at: dt.datetime | None, seen: Status) -> float | None:
    return round((seen.checked_at - at).total_seconds(), 1) if at else None
