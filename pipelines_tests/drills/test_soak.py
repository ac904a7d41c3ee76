"""Twenty minutes at high cadence: memory, files, threads and sessions of each process stay flat."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from statistics import median

import psutil
import pytest

from pipelines.postgres.roles import DAGSTER
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.system import System
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of

SECONDS = 1200
#: This part of the time is not judged: caches fill.
WARM_UP = 1 / 4
FILE_EVERY, SAMPLE_EVERY = 4.0, 5.0
#: From the median of the first half to that of the second; so little as the latter is noise.
MAX_GROWTH, MAX_GROWTH_BYTES = 0.10, 8_000_000
#: As docs/operations.md says.
MAX_SESSIONS = 60
LINES = 20
ROLES = ("isobar ui", "web server", "code server", "daemon", "sandbox")
SESSIONS = """
SELECT coalesce(usename, 'not logged in yet'), count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
GROUP BY 1
"""
RUNS = "SELECT pipeline_name, count(*) FROM runs GROUP BY 1 ORDER BY 1"
LOADED = "SELECT count(*) FROM ops.deliveries WHERE name LIKE 'soak%'"
SCHEDULES = """
[schedules.weather_each_minute]
job = "weather"
cron = "* * * * *"

[schedules.solar_each_minute]
job = "solar"
cron = "* * * * *"
"""


class Meter:
    """Samples of each role: private bytes, files, threads; and sessions."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.needed: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        self.sessions: list[Counter[str]] = []
        self.pids: dict[str, int] = {}

    def look(self) -> None:
        for role in ROLES:
            found = self.system.having(role)
            eldest = min(found, key=lambda one: one.create_time())
            assert self.pids.setdefault(role, eldest.pid) == eldest.pid, f"the {role} died"
            self.needed[role].append(needs([eldest]))
        self.needed["PostgreSQL"].append(needs(self._servers()))
        self.sessions.append(Counter(dict(self.system.query(SESSIONS))))

    def _servers(self) -> list[psutil.Process]:
        """Its lasting processes, without those of sessions."""
        (postmaster,) = self.system.having("PostgreSQL")
        sessions = self.system.having("session")
        return [postmaster, *(one for one in postmaster.children() if one not in sessions)]

    def halves(self, role: str) -> list[tuple[float, float]]:
        """Return the medians of bytes, files and threads in both halves after the warm-up."""
        samples = self.needed[role][int(len(self.needed[role]) * WARM_UP) :]
        middle = len(samples) // 2
        return [
            (median(column[:middle]), median(column[middle:]))
            for column in zip(*samples, strict=True)
        ]

    def halves_of_sessions(self) -> tuple[float, float]:
        """Return the same for all sessions together."""
        samples = [one.total() for one in self.sessions[int(len(self.sessions) * WARM_UP) :]]
        middle = len(samples) // 2
        return median(samples[:middle]), median(samples[middle:])

    def most_sessions(self) -> Counter[str]:
        most: Counter[str] = Counter()
        for one in self.sessions:
            most |= one
        return most

    def table(self) -> str:
        """For people."""
        lines = ["| process | MB | MB later | growth | files | later | threads | later |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for role in self.needed:
            (sooner, later), files, threads = self.halves(role)
            growth = f"{(later / sooner - 1) * 100:+.1f} %"
            shown = [f"{sooner / 1e6:.1f}", f"{later / 1e6:.1f}", growth]
            shown += [f"{number:.0f}" for number in (*files, *threads)]
            lines.append(f"| {role} | {' | '.join(shown)} |")
        return "\n".join(lines)


def needs(processes: list[psutil.Process]) -> tuple[int, int, int]:
    """Bytes that are no file's and not shared, open files, threads.

    Pages of shared_buffers, of which there are more and more up to its setting, are shared ones,
    even those that only one process has looked at yet.
    """
    total = [0, 0, 0]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_info()
            total[0] += memory.rss - memory.shared
            total[1] += process.num_fds()
            total[2] += process.num_threads()
    return total[0], total[1], total[2]


def drop(system: System, number: int) -> None:
    """A file of events or of shipments."""
    if number % 2:
        first = 10**9 + number * LINES
        text = text_of_events(event(first + n, hotel_id=90_000) for n in range(LINES))
    else:
        text = text_of([line(tracking_number=f"SOAK{number}-{n}") for n in range(LINES)])
    inbox = system.state / "inbox" / ("bookings" if number % 2 else "shipments")
    (inbox / f".soak{number}.csv").write_text(text)
    (inbox / f".soak{number}.csv").rename(inbox / f"soak{number}.csv")


def soak(system: System, seconds: float) -> tuple[Meter, int]:
    """Drop files and look at the processes for so long; how many files there were, too."""
    meter, numbers = Meter(system), count()
    began = time.monotonic()
    looks_at = began
    while time.monotonic() < began + seconds:
        drop(system, number := next(numbers))
        if time.monotonic() >= looks_at:
            meter.look()
            looks_at += SAMPLE_EVERY
        time.sleep(max(0.0, began + (number + 1) * FILE_EVERY - time.monotonic()))
    return meter, number + 1


@pytest.mark.skipif(not LONG, reason="it takes twenty minutes: make drills")
@pytest.mark.timeout(3600)
def test_in_twenty_minutes_at_high_cadence_nothing_grows(
    state: Path, record_property: Callable[[str, object], None]
) -> None:
    system = System(state, SCHEDULES)
    try:
        system.wait_until(lambda: system.query("SELECT 1 FROM solar.syncs"), "the system is up")
        system.wait_until(lambda: all(map(system.having, ROLES)), "all processes are there")
        meter, files = soak(system, SECONDS)
        system.wait_until(lambda: system.query(LOADED) == [(files,)], "all files are loaded")
        runs = system.query(RUNS, database=DAGSTER)
    finally:
        said = system.stop()
    most = meter.most_sessions()
    report = f"{meter.table()}\n{files} files, runs {dict(runs)}\n"
    report += f"sessions {meter.halves_of_sessions()}, most {dict(most)}\n{said}"
    record_property("soak", report)
    print(f"\n{report}")  # noqa: T201 - the figures of the documents
    assert system.starts == 1
    assert max(one.total() for one in meter.sessions) <= MAX_SESSIONS
    sooner, later = meter.halves_of_sessions()
    assert later - sooner <= max(2, MAX_GROWTH * sooner), report
    for role in meter.needed:
        (sooner, later), files_of, threads = meter.halves(role)
        assert later - sooner < max(MAX_GROWTH * sooner, MAX_GROWTH_BYTES), f"{role}\n{report}"
        for before, after in (files_of, threads):
            assert after - before <= max(2, MAX_GROWTH * before), f"{role}\n{report}"
