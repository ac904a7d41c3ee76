"""Brings plants up to date: several at once, each window of each plant a transaction of its own.

Answers that were written are not asked for again by the next sync, however this one ended. A plant
that is synced is locked, so that it cannot be deleted and two syncs of it take turns.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Integer, any_, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import DBAPIError

from pipelines.core.deliveries import Outcome
from pipelines.core.failures import DatabaseTrouble, Failure, PermanentFailure, TransientFailure
from pipelines.core.warehouse import Warehouse
from pipelines.solar import tables
from pipelines.solar.client import MonitoringClient
from pipelines.solar.load import (
    SOURCE,
    Plant,
    PlantGone,
    keep_plant,
    known_days,
    note_failed,
    take_answer,
)
from pipelines.solar.windows import Depth, Window, history_from, windows, years

AT_ONCE = 8
"""Plants that are asked for at the same time: the service is one machine."""
MOST_PLANT_ID = 2**31 - 1
LOOK_SECONDS = 5.0
"""How often a sync of all plants looks for new ones, and any for those that another one let go."""


@dataclass
class Synced:
    """What came of one plant; `problems` say which windows did not come, and why."""

    plant: Plant
    answers: list[Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def problem(self) -> str | None:
        """Why it is not whole, in words; None when every answer came."""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0]}{more}" if self.problems else None


@dataclass(frozen=True)
class Sync:
    """How plants are synced; `window` instead of what is missing, where a person says so."""

    store: Warehouse
    client: MonitoringClient
    depth: Depth
    clock: Callable[[], dt.datetime]
    run_id: str | None = None
    window: Window | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def plants(self, chosen: Sequence[int] | None) -> Iterator[Synced]:
        """Sync the chosen plants, or all and those that are registered meanwhile.

        Gives each as it is finished. Retired ones are left alone. Raises `PermanentFailure` for a
        plant or a window that cannot be, before anything is asked, and what the database raises.
        """
        plants = _registered(self.store, chosen)
        for plant in plants:
            self._check_window(plant)
        waiting, known = deque(plants), {plant.plant_id for plant in plants}
        under_way: dict[Future[Synced], Plant] = {}
        with _locks(self.store) as locks, ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                while waiting or under_way:
                    for _ in range(len(waiting)):
                        if len(under_way) >= AT_ONCE:
                            break
                        plant = waiting.popleft()
                        if locks.take(plant):
                            under_way[pool.submit(self._plant, plant)] = plant
                        else:  # another sync is at it
                            waiting.append(plant)
                    done, _ = wait(under_way, LOOK_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        locks.release(under_way.pop(future))
                        yield future.result()
                    if not under_way and waiting:
                        time.sleep(1.0)
                    if chosen is None:
                        new = _registered(self.store, None, is_new=True)
                        new = [plant for plant in new if plant.plant_id not in known]
                        waiting.extendleft(new)
                        known.update(plant.plant_id for plant in new)
            finally:  # what is under way ends after its present try
                self.stopped.set()
                if self.client.http.patience is not None:
                    self.client.http.patience.end()

    def _plant(self, plant: Plant) -> Synced:
        """Bring one plant up to date; a service that does not answer ends it."""
        began = time.monotonic()
        synced = Synced(plant)
        try:
            for window in self._begin(plant):
                if self.stopped.is_set() or not self._take(synced, window):
                    break
            synced.seconds = time.monotonic() - began
            self._end(synced)
        except PlantGone as failure:
            synced.problems.append(failure.problem)
        return synced

    def _begin(self, plant: Plant) -> list[Window]:
        """Note that it begins; what to ask for."""
        now = self.clock()
        today = _today(plant, now)
        oldest = history_from(today, self.depth)
        begun = {
            "plant_id": plant.plant_id,
            "began_at": now,
            "ended_at": None,
            "run_id": self.run_id,
            "history_from": oldest,
            "answers": 0,
            "problem": None,
        }
        with self._transaction(plant) as connection:
            known = known_days(connection, plant.plant_id, oldest, now)
            statement = insert(tables.syncs).values(begun)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["plant_id"], set_=begun)
            )
        return list(years(self.window) if self.window else windows(known, today, self.depth))

    def _take(self, synced: Synced, window: Window) -> bool:
        """Ask for a window and write what comes; whether to go on."""
        plant = synced.plant
        try:
            answer = self.client.ask(plant.plant_id, window)
        except Failure as failure:
            self._note_failed(synced, window, failure)
            return not isinstance(failure, TransientFailure)
        try:
            outcome = take_answer(
                self.store, plant, window, answer, run_id=self.run_id, now=self.clock()
            )
        except (DatabaseTrouble, PlantGone):
            raise
        except PermanentFailure as failure:
            self._note_failed(synced, window, failure)
        else:
            synced.answers.append(outcome)
        return True

    def _note_failed(self, synced: Synced, window: Window, failure: Failure) -> None:
        synced.problems.append(f"{window}: {failure.problem}")
        with self._transaction(synced.plant) as connection:
            note_failed(connection, synced.plant, window, failure.problem, now=self.clock())

    def _end(self, synced: Synced) -> None:
        ended = {
            "ended_at": self.clock(),
            "answers": len(synced.answers),
            "problem": synced.problem,
        }
        mine = tables.syncs.c.plant_id == synced.plant.plant_id
        with self._transaction(synced.plant) as connection:
            connection.execute(update(tables.syncs).where(mine).values(ended))

    @contextmanager
    def _transaction(self, plant: Plant) -> Iterator[Connection]:
        with self.store.transaction(plant.source) as connection:
            keep_plant(connection, plant)
            yield connection

    def _check_window(self, plant: Plant) -> None:
        if self.window is None:
            return
        today = _today(plant, self.clock())
        if self.window.first > self.window.end:
            problem = "From date can not be greater than to date"
        elif self.window.first == self.window.end:
            problem = f"from and to are both {self.window.end}, and to is excluded"
        elif self.window.end > today:
            problem = f"{self.window.end} is in the future: the last day to be had is yesterday"
        else:
            return
        raise PermanentFailure(
            SOURCE,
            problem,
            place=f"{plant}, {self.window}",
            remedy=f"Give from_date and to_date such as {today - dt.timedelta(days=7)} and {today}:"
            " the first is included, the second is not.",
        )


class _Locks:
    """Locks of plants, held by one session: they end with it, however it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, plant: Plant) -> bool:
        """Whether nobody else syncs the plant; from now on we do."""
        return bool(self._ask("pg_try_advisory_lock", plant))

    def release(self, plant: Plant) -> None:
        self._ask("pg_advisory_unlock", plant)

    def _ask(self, function: str, plant: Plant) -> object:
        query = text(f"SELECT {function}(hashtextextended('isobar sync of plant ' || :id, 0))")
        return self._connection.execute(query, {"id": str(plant.plant_id)}).scalar_one()


@contextmanager
def _locks(store: Warehouse) -> Iterator[_Locks]:
    try:
        with store.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                yield _Locks(connection)
            finally:
                connection.invalidate()  # its session ends, and its locks with it
    except DBAPIError as error:
        raise TransientFailure(
            SOURCE,
            f"the database went away: {str(error.orig).strip()}",
            place=store.place,
            remedy="Run again: what was written stays, and is not asked for again.",
        ) from error


def _registered(
    store: Warehouse, chosen: Sequence[int] | None, *, is_new: bool = False
) -> list[Plant]:
    """The plants that are not retired, those that were never synced first.

    Raises `PermanentFailure` when one of the chosen is not there.
    """
    plants, syncs = tables.plants.c, tables.syncs.c
    query = (
        select(plants.plant_id, plants.name, plants.time_zone, plants.retired_at)
        .select_from(tables.plants.outerjoin(tables.syncs))
        .order_by(syncs.began_at.is_not(None), plants.plant_id)
    )
    if chosen is not None:
        numbers = [number for number in chosen if 0 < number <= MOST_PLANT_ID]
        query = query.where(plants.plant_id == any_(literal(numbers, ARRAY(Integer))))
    if is_new:
        query = query.where(syncs.began_at.is_(None))
    with store.engine.connect() as connection:
        rows = connection.execute(query).all()
    if unknown := sorted(set(chosen or ()) - {row.plant_id for row in rows}):
        raise PermanentFailure(
            SOURCE,
            f"there is no plant {', '.join(map(str, unknown))}",
            place="solar.plants",
            remedy="See isobar plants list.",
        )
    return [Plant(row.plant_id, row.name, row.time_zone) for row in rows if row.retired_at is None]


def _today(plant: Plant, now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(plant.zone)).date()
