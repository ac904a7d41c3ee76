"""Each generated history has everything that senders do; the oracle agrees with itself on it."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from pipelines_tests.sources.shipments.histories import History, history
from pipelines_tests.sources.shipments.oracle import (
    CLASSES,
    NOT_ENDED,
    STALE,
    ZONES,
    Key,
    Parcel,
    carrier_lanes,
    in_order_of_news,
    parcels,
    parcels_by_day,
)

SEEDS = range(5)
NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_history_has_each_kind_of_case(seed: int) -> None:
    made = history(seed, NOW)
    assert made == history(seed, NOW)
    assert all(file.lines and file.at < NOW for file in made.files)
    assert min(file.at for file in made.files) > NOW - timedelta(days=122)
    everyone = list(parcels(made.files).values())
    assert 140 <= len(everyone) <= 160
    found = cases_of_files(made) | cases_of_parcels(everyone) | cases_of_promises(everyone)
    assert [name for name, is_there in found.items() if not is_there] == []


def cases_of_files(made: History) -> dict[str, bool]:
    files, names = made.files, [file.name for file in made.files]
    first_loaded = {file.name: names.index(file.name) for file in files}
    ordered = in_order_of_news({file.name: file for file in files}.values())
    together = {(a.name, b.name) for a, b in pairwise(ordered) if a.at == b.at}
    # What each parcel would be if files counted in the order of loading.
    renumbered = [type(file)(f"{number}", NOW, file.lines) for number, file in enumerate(files)]
    by_loading, right = parcels(renumbered), parcels(files)
    return {
        "late": any(a.at > b.at for a, b in pairwise(files)),
        "loaded again": len(names) > len(set(names)),
        "one time": {
            ("status_9.csv", "status_10.csv"),
            ("status_99.csv", "status_100.csv"),
        }
        <= together,
        "10 loaded before 9": first_loaded["status_10.csv"] < first_loaded["status_9.csv"],
        "the state depends on the order": any(
            by_loading[key].last.status != parcel.last.status for key, parcel in right.items()
        ),
        "a repetition becomes a change": repetition_becomes_change(made),
        "several lines of a parcel": any(len(f.lines) > len(set(f.lines)) for f in files),
    }


def repetition_becomes_change(made: History) -> bool:
    """Return whether a file between two that say the same of a parcel is loaded after both."""
    loaded = {id(file): number for number, file in enumerate(made.files)}
    reported: dict[Key, list[tuple[int, str]]] = defaultdict(list)
    for file in in_order_of_news(made.files):
        for line in set(file.lines):
            reported[line.key].append((loaded[id(file)], line.status))
    return any(
        before[1] == after[1] != between[1] and between[0] > max(before[0], after[0])
        for news in reported.values()
        for before, between, after in zip(news, news[1:], news[2:], strict=False)
    )


def cases_of_parcels(everyone: list[Parcel]) -> dict[str, bool]:
    classes = [[change.class_ for change in parcel.changes] for parcel in everyone]
    found = {f"now {each}": any(of[-1] == each for of in classes) for each in CLASSES.values()}
    numbers = [parcel.key.tracking_number for parcel in everyone]
    reopened = {(a, b) for of in classes for a, b in pairwise(of)}
    limits = [p.last for p in everyone if p.last.changed_at == NOW - STALE]
    just_after = NOW - STALE + timedelta(seconds=1)
    week = [p.last.changed_at for p in everyone if p.last.class_ not in NOT_ENDED]
    seven = NOW - timedelta(days=7)
    return found | {
        "first seen delivered": any(of[0] == "delivered" for of in classes),
        "first seen delivered, then under way": any(
            of[0] == "delivered" and len(of) > 1 for of in classes
        ),
        "delivered twice": any(of[1:].count("delivered") > 1 for of in classes),
        "lost and found": ("lost", "under_way") in reopened,
        "returned and sent again": ("returned", "under_way") in reopened,
        "delivered and returned": ("delivered", "returned") in reopened,
        "unknown words": any(c.status == "at depot 7" for p in everyone for c in p.changes),
        "silent": any(parcel.last.is_silent(NOW) for parcel in everyone),
        "a silent exception": any(
            p.last.is_silent(NOW) and p.last.class_ == "exception" for p in everyone
        ),
        "silent since this instant": any(last.is_silent(NOW) for last in limits),
        "a second before silence": any(
            p.last.changed_at == just_after and p.last.is_on_its_way(NOW) for p in everyone
        ),
        "ended a week ago": {seven, seven + timedelta(seconds=1)} <= set(week),
        "transit": any(parcel.transit_hours for parcel in everyone),
        "transit of no time": any(parcel.transit_hours == 0 for parcel in everyone),
        "a number of two carriers": len(numbers) > len(set(numbers)),
        "a place that is none": any(p.receiver.country is None for p in everyone),
    }


def cases_of_promises(everyone: list[Parcel]) -> dict[str, bool]:
    verdicts = [parcel.on_time for parcel in everyone]
    overdue = [parcel for parcel in everyone if parcel.is_overdue(NOW)]
    return {
        "on time": True in verdicts,
        "late": False in verdicts,
        "delivered without a promise": any(
            p.delivered_at and p.promised_on is None for p in everyone
        ),
        "overdue and silent": any(p.last.is_silent(NOW) for p in overdue),
        "overdue and on its way": any(p.last.is_on_its_way(NOW) for p in overdue),
        "late in the receiver's day alone": any(
            p.on_time is False
            and p.delivered_at is not None
            and p.delivered_at.date() == p.promised_on
            and p.receiver.country in ZONES
            for p in everyone
        ),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_promises_change(seed: int) -> None:
    promises: dict[Key, set[date]] = defaultdict(set)
    for line in (line for file in history(seed, NOW).files for line in file.lines):
        if line.promised_on is not None:
            promises[line.key].add(line.promised_on)
    assert any(len(of_parcel) > 1 for of_parcel in promises.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_loading_does_not_matter(seed: int) -> None:
    made = history(seed, NOW)
    right = parcels(made.files)
    for number in range(3):
        files = list(made.files)
        Random(number).shuffle(files)
        assert parcels(files) == right
    assert parcels({file.name: file for file in made.files}.values()) == right


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_add_up(seed: int) -> None:
    everyone = list(parcels(history(seed, NOW).files).values())
    first, end = NOW.date() - timedelta(days=125), NOW.date()
    days = [parcels_by_day(everyone, first + timedelta(days=n)) for n in range((end - first).days)]
    lanes = carrier_lanes(everyone, first, end, NOW).values()
    assert sum(day.first_seen for day in days) == len(everyone)
    assert sum(lane.parcels for lane in lanes) == len(everyone)
    assert sum(lane.overdue for lane in lanes) == sum(p.is_overdue(NOW) for p in everyone)
    assert sum(day.delivered for day in days) == sum(
        change.class_ == "delivered" for parcel in everyone for change in parcel.changes
    )
    midnight = datetime.combine(end, datetime.min.time(), UTC)
    assert days[-1].on_their_way == sum(p.last.is_on_its_way(midnight) for p in everyone)
    assert days[-1].silent == sum(p.last.is_silent(midnight) for p in everyone)
    for parcel in everyone:
        states = parcel.last.is_on_its_way(NOW), parcel.last.is_silent(NOW)
        assert sum(states) == (parcel.last.class_ in NOT_ENDED)
