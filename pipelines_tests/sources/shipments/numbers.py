"""Load generated histories of parcels, and compare every public number with the oracle's."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import psycopg

from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.loaders import runner
from pipelines_tests.sources.shipments import oracle
from pipelines_tests.sources.shipments.made_up import line, text_of
from pipelines_tests.sources.shipments.oracle import File, Key, Parcel

PARCELS = """
SELECT
    tracking_number, carrier, sender_address, receiver_address, status_class, status_changed_at,
    first_seen_at, delivered_at, is_on_its_way, is_silent, promised_on, is_on_time, is_overdue,
    exceptions, transit_hours
FROM enriched.shipments
"""
STATUSES = """
SELECT tracking_number, carrier, seen_at, status
FROM enriched.shipment_statuses
ORDER BY tracking_number, carrier, seen_at, sequence
"""
LANES = """
SELECT
    carrier, sender_country_code, receiver_country_code, parcels, delivered, median_transit_hours,
    p90_transit_hours, promised, delivered_with_promise, on_time, on_time_ratio, overdue,
    exceptions, returned, lost, cancelled
FROM metrics.carrier_lanes(%s, %s)
"""
DAYS = """
SELECT day, first_seen, delivered, on_their_way, silent, exceptions FROM metrics.parcels_by_day
"""
WANTED = """
SELECT address
FROM shipments.addresses
WHERE place_key IN (SELECT place_key FROM shipments.weather_requests WHERE hour_at IS NULL)
"""
BY_STATUS = "SELECT carrier, status, parcels FROM metrics.parcels_by_status"


def deliver(warehouse: Warehouse, folder: Path, files: Sequence[File]) -> None:
    """Load files in the given order."""
    feed = runner("shipments", warehouse, "a run")
    for number, file in enumerate(files):
        path = folder / str(number) / file.name
        path.parent.mkdir(parents=True)
        path.write_text(_text(file))
        nanoseconds = _microseconds(file.at) * 1000
        os.utime(path, ns=(nanoseconds, nanoseconds))
        outcome = load_file(feed, inspect_file("shipments", path))
        assert outcome is None or outcome.rejected == 0


def _microseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(microseconds=1)


def _text(file: File) -> str:
    articles = Counter[Key]()
    lines = []
    for sent in file.lines:
        articles[sent.key] += 1
        lines.append(
            line(
                tracking_number=sent.tracking_number,
                carrier=sent.carrier,
                sender_address=sent.sender.address,
                receiver_address=sent.receiver.address,
                sku=f"S{articles[sent.key]}",
                status=sent.status,
                promised_on=sent.promised_on or "",
            )
        )
    return text_of(lines)


def without_returns_of_unknown_time(files: Sequence[File]) -> list[File]:
    """Leave out parcels that a late file splits in a status which several files confirm.

    Of a status, the first file and the last one are stored. That it was the same on both sides of
    a late file is known; which of the files behind it was the first to say so is not.
    """
    order = {id(file): number for number, file in enumerate(oracle.in_order_of_news(files))}
    loaded: dict[Key, list[tuple[int, str]]] = defaultdict(list)
    unknown = set[Key]()
    for file in files:
        for key, status in {sent.key: sent.status for sent in file.lines}.items():
            news, at = loaded[key], order[id(file)]
            before = [said for number, said in news if number < at]
            behind = [said for number, said in news if number > at]
            if before and len(behind) > 1 and before[-1] == behind[0] == behind[1] != status:
                unknown.add(key)
            loaded[key] = sorted([*news, (at, status)])
    return [
        File(file.name, file.at, tuple(sent for sent in file.lines if sent.key not in unknown))
        for file in files
    ]


def differences(owner: psycopg.Connection, files: Sequence[File], now: datetime) -> list[str]:
    """Compare every number with the oracle, in a transaction that began at `now`."""
    parcels = oracle.parcels(files)
    everyone = parcels.values()

    def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
        return owner.execute(query.encode(), values or None).fetchall()

    first = min(parcel.first_seen_at for parcel in everyone).date()
    days = [first + timedelta(days=n) for n in range((now.date() - first).days + 1)]
    spans = [(days[0], days[-1] + timedelta(days=1)), (days[20], days[60]), (days[60], days[-20])]
    statuses: dict[Any, list[Any]] = defaultdict(list)
    for number, carrier, *status in rows(STATUSES):
        statuses[number, carrier].append(tuple(status))
    found: dict[str, dict[Any, Any]] = {
        "parcels": {row[:2]: (*row[2:14], _close(row[14])) for row in rows(PARCELS)},
        "statuses": statuses,
        "days": {row[0]: row[1:] for row in rows(DAYS)},
        "by status": {row[:2]: row[2:] for row in rows(BY_STATUS)},
        "present weather": dict.fromkeys(rows(WANTED), ()),
    }
    expected: dict[str, dict[Any, Any]] = {
        "parcels": {key: _parcel(parcel, now) for key, parcel in parcels.items()},
        "statuses": {
            key: [(c.changed_at, _word(c.status)) for c in p.changes] for key, p in parcels.items()
        },
        "days": {day: tuple(oracle.parcels_by_day(everyone, day)) for day in days},
        "by status": {
            key: (count,)
            for key, count in Counter(
                (p.key.carrier, _word(p.last.status)) for p in everyone
            ).items()
        },
        "present weather": {
            (place.address,): () for place in oracle.weather_wanted(everyone, now) if place.country
        },
    }
    for number, (from_day, to_day) in enumerate(spans):
        lanes = oracle.carrier_lanes(everyone, from_day, to_day, now)
        expected[f"lanes {number}"] = {
            tuple(lane): tuple(map(_close, scores)) for lane, scores in lanes.items()
        }
        found[f"lanes {number}"] = {
            row[:3]: tuple(map(_close, row[3:])) for row in rows(LANES, from_day, to_day)
        }
    return [
        f"{name} {key}: {found[name].get(key)}, not {expected[name].get(key)}"
        for name in expected
        for key in {**expected[name], **found[name]}
        if expected[name].get(key) != found[name].get(key)
    ]


def _parcel(parcel: Parcel, now: datetime) -> tuple[Any, ...]:
    return (
        parcel.sender.address,
        parcel.receiver.address,
        parcel.last.class_,
        parcel.last.changed_at,
        parcel.first_seen_at,
        parcel.delivered_at,
        parcel.last.is_on_its_way(now),
        parcel.last.is_silent(now),
        parcel.promised_on,
        parcel.on_time,
        parcel.is_overdue(now),
        sum(change.class_ == "exception" for change in parcel.changes),
        _close(parcel.transit_hours),
    )


def _word(status: str) -> str:
    return status.replace(" ", "_")


def _close(value: Fraction | float | date | None) -> object:
    return round(float(value), 6) if isinstance(value, float | Fraction) else value
