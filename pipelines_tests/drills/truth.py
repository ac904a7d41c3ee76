"""What tables must contain, computed in plain Python from the files."""

import datetime as dt
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

Row = tuple[Any, ...]
STATUSES = {"1": "booking", "2": "cancellation"}


def events_of_files(files: Iterable[Sequence[Mapping[str, str]]]) -> dict[int, Row]:
    """Return by id the good events of files in their order; of two with one id the first."""
    rows: dict[int, Row] = {}
    for line in (line for lines in files for line in lines):
        try:
            at = dt.datetime.fromisoformat(line["event_timestamp"]).replace(tzinfo=dt.UTC)
            event: Row = (
                int(line["hotel_id"]),
                at,
                STATUSES[line["status"]],
                uuid.UUID(line["room_reservation_id"]),
                dt.date.fromisoformat(line["night_of_stay"]),
            )
        except (KeyError, ValueError):
            continue
        rows.setdefault(int(line["id"]), event)
    return rows


def counts(events: Iterable[Row], *, by_night: bool) -> list[Row]:
    """Return by hotel and day: bookings, cancellations and their difference."""
    found: Counter[tuple[int, dt.date, str]] = Counter()
    for hotel, at, status, _, night in events:
        found[hotel, night if by_night else at.date(), status] += 1
    return [
        (hotel, day, booked, cancelled, booked - cancelled)
        for hotel, day in sorted({key[:2] for key in found})
        for booked, cancelled in [(found[hotel, day, "booking"], found[hotel, day, "cancellation"])]
    ]


def shipments(files: Iterable[Sequence[Sequence[str]]]) -> dict[tuple[str, str], Row]:
    """Return by number and carrier: both addresses, status, articles, pieces and value.

    A later file has the say, but for shipments of which its lines disagree.
    """
    heads: dict[tuple[str, str], Row] = {}
    articles: dict[tuple[str, str], dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    loaded: list[Sequence[Sequence[str]]] = []
    for lines in files:
        if lines in loaded:
            continue  # the same file again is none
        loaded.append(lines)
        good = [line for line in lines if re.fullmatch(r"\d+(\.\d\d?)?", line[6])]
        by_name: dict[tuple[str, str], list[Sequence[str]]] = defaultdict(list)
        for line in good:
            by_name[line[0], line[1]].append(line)
        for name, sent in by_name.items():
            said = {(line[2], line[3], status_of(line[8])) for line in sent}
            if len(said) == 1:
                heads[name] = said.pop()
                articles[name] |= {line[7]: (int(line[5]), Decimal(line[6])) for line in sent}
    return {
        name: (
            *head,
            len(articles[name]),
            sum(pieces for pieces, _ in articles[name].values()),
            sum(pieces * price for pieces, price in articles[name].values()),
        )
        for name, head in heads.items()
    }


def status_of(word: str) -> str:
    word = word.replace("-", "_")
    return "in_transit" if word == "transit" else word
