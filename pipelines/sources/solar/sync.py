"""Sync plants with the service: several at once, each window of each in its own transaction.

A plant is locked during its sync, so that it cannot be deleted and two syncs of it take turns.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Integer, any_, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from pipelines.failures import (
    DatabaseError,
    Failure,
    PermanentFailure,
    SubjectGone,
    TransientFailure,
    redact,
)
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.ingest.deliveries import Outcome
from pipelines.sources.solar import Settings, tables
from pipelines.sources.solar.load import SOURCE, Plant, keep_plant, load_response, note_failed
from pipelines.sources.solar.windows import Depth, Window, windows, years, years_before
from pipelines.warehouse.connection import Warehouse

logger = logging.getLogger("isobar.solar")
#: Plants that are requested at the same time: the service is one machine.
AT_ONCE = 8
#: How often a sync of all plants polls for new ones, and any sync for plants locked by another.
POLL_SECONDS = 5.0


@dataclass(frozen=True)
class MonitoringClient:
    """Reads the service at `url`."""

    url: str
    http: HttpClient
    #: Whether times name the end of their hour.
    names_end: bool = False

    def request(self, plant_id: int, window: Window) -> JsonResponse:
        """Request the days of a plant as one array of hours, which `transform.parse` reads.

        Raises whatever `HttpClient` raises, and `PermanentFailure` for a response of another shape.
        """
        days = {"from": window.first.isoformat(), "to": window.end.isoformat()}
        response = self.http.get_json(self.url, {"plant-id": str(plant_id), **days})
        if not isinstance(response.document, list):
            kind = type(response.document).__name__
            raise PermanentFailure(
                self.http.source,
                f"the response for plant {plant_id}, {window}, is not an array but {kind}",
                place=redact(self.url, self.http.secrets),
                remedy=f"Check the service, and whether {self.http.variable} is right.",
            )
        return response


@dataclass
class Synced:
    """The result of one plant; `problems` say which windows failed, and why."""

    plant: Plant
    responses: list[Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def problem(self) -> str | None:
        """Why the plant is incomplete; None if every window was answered."""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0]}{more}" if self.problems else None


@dataclass
class Sync:
    """One sync; `window` is requested instead of the missing days if a person chose it."""

    store: Warehouse
    client: MonitoringClient
    depth: Depth
    clock: Callable[[], dt.datetime]
    run_id: str | None = None
    window: Window | None = None
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)

    def plants(
        self, chosen: Sequence[int] | None = None, *, with_unfinished: bool = False
    ) -> Iterator[Synced]:
        """Sync the chosen plants, or all in service; yield each when it is finished.

        `with_unfinished` includes plants that are registered meanwhile, and those whose sync was
        killed. Raises `PermanentFailure` for an invalid plant or window, before any request.
        """
        plants = self._registered(chosen)
        waiting, known = deque(plants), {plant.plant_id for plant in plants}
        under_way: dict[Future[Synced], Plant] = {}
        with _lock_session(self.store) as lock, ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                while waiting or under_way:
                    is_blocked = bool(waiting)
                    for _ in range(len(waiting)):
                        if len(under_way) >= AT_ONCE:
                            break
                        plant = waiting.popleft()
                        if lock("pg_try_advisory_lock", plant):
                            under_way[pool.submit(self._plant, plant)] = plant
                            is_blocked = False
                        else:  # another sync is working on it
                            waiting.append(plant)
                    done, _ = wait(under_way, POLL_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        lock("pg_advisory_unlock", under_way.pop(future))
                        yield future.result()
                    if is_blocked and not under_way:
                        time.sleep(1.0)
                    if with_unfinished:
                        more = self._in_service(None, is_unfinished=True)
                        more = [one for one in more if one.plant_id not in known]
                        waiting.extendleft(more)
                        known.update(plant.plant_id for plant in more)
            finally:  # requests in progress end after their current attempt
                self._stopped.set()
                if self.client.http.retries:
                    self.client.http.retries.clear()

    def _plant(self, plant: Plant) -> Synced:
        """Sync one plant; it ends if the service does not answer."""
        began = time.monotonic()
        synced = Synced(plant)
        try:
            for window in self._begin(plant):
                if self._stopped.is_set():
                    return synced  # unfinished, so it is due again
                if not self._load_window(synced, window):
                    if self._stopped.is_set():  # without retries
                        return synced
                    break
            synced.seconds = time.monotonic() - began
            if self.window is None:
                ended = update(tables.syncs).where(tables.syncs.c.plant_id == plant.plant_id)
                state = {"response_count": len(synced.responses), "problem": synced.problem}
                with self._transaction(plant) as connection:
                    connection.execute(ended.values(ended_at=self.clock(), **state))
        except SubjectGone as failure:
            synced.problems.append(failure.problem)
        return synced

    def _begin(self, plant: Plant) -> list[Window]:
        """Return the windows to request; records the start of a sync of missing days."""
        if self.window is not None:
            return list(years(self.window))
        now = self.clock()
        today = _today(plant, now)
        oldest = years_before(today, self.depth.until)
        ended = {"ended_at": None, "response_count": 0, "problem": None}
        begun = {"began_at": now, "run_id": self.run_id, "history_from": oldest} | ended
        put = insert(tables.syncs).values(plant_id=plant.plant_id, **begun)
        days = tables.days.c
        is_due = (days.status == "failed") | func.coalesce(days.retry_at <= now, False)
        requested = select(days.day, is_due.label("is_due")).where(
            days.plant_id == plant.plant_id, days.day >= oldest
        )
        with self._transaction(plant) as connection:
            connection.execute(put.on_conflict_do_update(index_elements=["plant_id"], set_=begun))
            stored = {row.day: row.is_due for row in connection.execute(requested)}
        return list(windows(stored, today, self.depth))

    def _load_window(self, synced: Synced, window: Window) -> bool:
        """Request a window and write the response; return whether to request the next one."""
        plant = synced.plant
        try:
            response = self.client.request(plant.plant_id, window)
        except Failure as failure:
            self._note_failed(synced, window, f"{failure.problem}. {failure.remedy}")
            return False
        try:
            outcome = load_response(
                self.store,
                plant,
                window,
                response,
                run_id=self.run_id,
                now=self.clock(),
                names_end=self.client.names_end,
            )
        except (DatabaseError, SubjectGone, TransientFailure):
            raise
        except PermanentFailure as failure:
            self._note_failed(synced, window, f"{failure.problem}. {failure.remedy}")
        except Exception as error:  # our own bug fails only this window
            logger.exception("%s, %s", plant, window)
            self._note_failed(synced, window, f"a fault of Isobar: {error!r}. See the run's log.")
        else:
            synced.responses.append(outcome)
        return True

    def _note_failed(self, synced: Synced, window: Window, problem: str) -> None:
        synced.problems.append(f"{window}: {problem}")
        with self._transaction(synced.plant) as connection:
            note_failed(connection, synced.plant, window, problem, now=self.clock())

    @contextmanager
    def _transaction(self, plant: Plant) -> Iterator[Connection]:
        with self.store.transaction(plant.source) as connection:
            keep_plant(connection, plant)
            yield connection

    def _registered(self, chosen: Sequence[int] | None) -> list[Plant]:
        """Return the plants to sync. Raises `PermanentFailure` for chosen days that cannot be."""
        plants = self._in_service(chosen)
        gone = sorted({*(chosen or ())} - {plant.plant_id for plant in plants})
        problem = f"no plant in service has the number {', '.join(map(str, gone))}"
        if self.window is None:
            if gone:
                logger.warning(problem)
        elif gone or not plants:
            raise PermanentFailure(
                SOURCE,
                problem if gone else "no plant is chosen",
                place="solar.plants",
                remedy="Give numbers of plants in service: see isobar plants list.",
            )
        else:
            today = min(_today(plant, self.clock()) for plant in plants)
            _check_window(self.window, today, years_before(today, self.depth.until))
        return plants

    def _in_service(
        self, chosen: Sequence[int] | None, *, is_unfinished: bool = False
    ) -> list[Plant]:
        """Return plants of the registry, never synced ones first."""
        plants, syncs = tables.plants.c, tables.syncs.c
        query = (
            select(plants.plant_id, plants.name, plants.time_zone)
            .select_from(tables.plants.outerjoin(tables.syncs))
            .where(plants.retired_at.is_(None))
            .order_by(syncs.began_at.is_not(None), plants.plant_id)
        )
        if chosen is not None:
            numbers = [number for number in chosen if 0 < number <= tables.MAX_PLANT_ID]
            query = query.where(plants.plant_id == any_(literal(numbers, ARRAY(Integer))))
        if is_unfinished:
            query = query.where(syncs.ended_at.is_(None))
        with self.store.translate_db_errors(SOURCE), self.store.engine.connect() as connection:
            return [Plant(*row) for row in connection.execute(query)]


@contextmanager
def _lock_session(store: Warehouse) -> Iterator[Callable[[str, Plant], bool]]:
    """Open a session that holds plant locks; yield what calls a function for a plant's lock."""
    with store.translate_db_errors(SOURCE), store.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")

        def call(function: str, plant: Plant) -> bool:
            query = f"SELECT {function}(hashtextextended('isobar sync of plant ' || :id, 0))"
            return bool(connection.execute(text(query), {"id": str(plant.plant_id)}).scalar_one())

        try:
            yield call
        finally:
            connection.invalidate()  # ends its session and releases the locks


def _check_window(window: Window, today: dt.date, oldest: dt.date) -> None:
    first, end = window
    problems = {
        "From date can not be greater than to date": first > end,
        f"from and to are both {end}, and to is excluded": first == end,
        f"{end} is in the future: the last available day is yesterday": end > today,
        f"{first} is before {oldest}, where history begins (SYNC_UNTIL_YEAR)": first < oldest,
    }
    for problem, is_so in problems.items():
        if is_so:
            raise PermanentFailure(
                SOURCE,
                problem,
                place=f"the window {window}",
                remedy=f"Give days such as {today - dt.timedelta(days=7)} to {today}: the first is"
                " included, the second is not. For older ones, raise SYNC_UNTIL_YEAR.",
            )


def _today(plant: Plant, now: dt.datetime) -> dt.date:
    return now.astimezone(ZoneInfo(plant.zone)).date()


def open_client(settings: Settings) -> MonitoringClient | None:
    """Return a client for the configured service; None if it is off."""
    if settings.monitoring_url is None:
        return None
    http = HttpClient(
        "solar",
        "MONITORING_URL",
        attempts=7,
        first_wait_seconds=2.0,
        growth=1.0,
        retries=deque([None] * 100, maxlen=100),
        max_bytes=16 * 1024 * 1024,  # a year is little more than one
    )
    names_end = settings.monitoring_hour == "end"
    return MonitoringClient(settings.monitoring_url, http, names_end)
