"""The JSON report of `isobar status --json`: everything collected, for a monitor."""

import datetime as dt
from dataclasses import asdict
from typing import Any, Literal

from pipelines.failures import PermanentFailure
from pipelines.orchestration.operations.problems import CheckHistory
from pipelines.source import sources
from pipelines.status.collect import Status
from pipelines.status.rules import Database, Runs, status_of


def document(seen: Status) -> dict[str, Any]:
    """Return everything collected as JSON; `isobar status --help` lists the keys."""
    dagster = seen.dagster
    parts: dict[str, dict[str, Any]] = {
        "database": _database(seen.warehouse),
        "dagster_storage": _database(seen.storage),
        "processes": {"processes": [asdict(one) for one in seen.processes]},
        "daemon": {"heartbeats": _heartbeats(seen)},
        "code_location": asdict(seen.code),
        "runs": asdict(dagster.runs if dagster else Runs(None, None, None, None)),
        "disks": {"places": [asdict(disk) for disk in seen.disks]},
    }
    return {
        "status": status_of(seen.problems),
        "checked_at": seen.checked_at,
        "problems": [asdict(problem) for problem in seen.problems],
        **{name: {"status": status_of_part(seen, name), **facts} for name, facts in parts.items()},
        "automation": [asdict(one) for one in dagster.instigators] if dagster else [],
        "checks": [_check(one) for one in dagster.checks] if dagster else [],
        "sources": [source_facts(seen, name) for name in sources()],
        "quarantine": {feed: records for feed, (_, records) in seen.ledger.items() if records},
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
        "daemon": seen.dagster is not None,
        "runs": seen.dagster is not None,
    }
    return "ok" if is_seen.get(part, seen.is_inspected) else None


def source_facts(seen: Status, name: str) -> dict[str, Any]:
    """Return the facts about a source."""
    last_success_at = seen.dagster.last_success_at[name] if seen.dagster else None
    delivered = seen.ledger.get(name)
    return {
        "name": name,
        "is_on": name not in seen.sources_off,
        "last_success_at": last_success_at,
        "age_seconds": _seconds(last_success_at, seen),
        "is_overdue": _is_overdue(seen, name),
        "promised_seconds": _promised_seconds(seen, name),
        "last_delivery_at": delivered[0] if delivered else None,
        "in_quarantine": delivered[1] if delivered else 0 if seen.ledger else None,
    }


def _is_overdue(seen: Status, name: str) -> bool | None:
    """Return whether the daemon reports an asset of the source as overdue; None if unknown."""
    keys = [one.key for one in seen.dagster.problems] if seen.dagster else []
    is_judged = seen.code.own_error is None and name not in seen.sources_off
    if seen.dagster is None or "status:problems" in keys or not is_judged:
        return None
    return any(key.startswith(f"freshness:{name}.") for key in keys)


def _promised_seconds(seen: Status, name: str) -> float | None:
    """Return after how long a source is overdue; None if it has no schedule, is off or broken."""
    if seen.code.own_error is not None or name in seen.sources_off:
        return None
    # Definitions that cannot be built are reported, too: they are not imported for that.
    from pipelines.orchestration.automation import due_within

    try:
        within = due_within(sources()[name])
    except PermanentFailure:  # a wrong variable, which is reported as a problem of its own
        return None
    return within.total_seconds() if within else None


def _check(history: CheckHistory) -> dict[str, Any]:
    outcomes = [{"at": at, "has_passed": has_passed} for at, has_passed in history.outcomes]
    return asdict(history) | {"outcomes": outcomes}


def _database(found: Database) -> dict[str, Any]:
    left_out = ("part", "remedy", "outdated")  # of the problem's text
    return {name: fact for name, fact in asdict(found).items() if name not in left_out}


def _heartbeats(seen: Status) -> list[dict[str, Any]]:
    beats = seen.dagster.heartbeats if seen.dagster else []
    return [asdict(one) | {"age_seconds": _seconds(one.at, seen)} for one in beats]


def _seconds(at: dt.datetime | None, seen: Status) -> float | None:
    return round((seen.checked_at - at).total_seconds(), 1) if at else None
