"""The only request loop: due places in batches; requests are logged, sent and stored.

A `Kind` defines what is requested. The loop handles quotas, retries, rejected places and back-off,
and holds a lock, so that at most one session requests weather at a time.
"""

import datetime as dt
import math
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure
from pipelines.sources.weather import request_log
from pipelines.sources.weather.providers import (
    Clock,
    Place,
    QuotaExhausted,
    RequestRejected,
    Service,
)
from pipelines.sources.weather.tables import SCHEMA, fetch_state, places
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

#: Seconds between the attempts for one batch.
WAITS_SECONDS = (0.5, 1.0, 2.0)
MAX_FAILED_BATCHES = 3
#: Seconds of back-off, doubled with each failure in a row, and the most: of all, of a single place,
#: and of one that the provider rejects.
OF_PROVIDER, OF_PLACE, REJECTED = (30.0, 300.0), (30.0, 6 * 3600.0), (6 * 3600.0, 6 * 3600.0)
#: Seconds after which a run that a sensor started leaves history to the next one, which serves new
#: places first: ten years of many plants take an hour.
MAX_HISTORY_SECONDS = 60.0
#: Seconds to wait for another run before giving up.
MAX_LOCK_SECONDS, POLL_SECONDS = 600.0, 0.2
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('isobar weather', 0))"
#: Opens a transaction; raises `TransientFailure` if its session is lost.
Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True)
class Batch:
    """The places of one request, and the quota cost of each."""

    places: tuple[Place, ...]
    cost: float

    @property
    def place_ids(self) -> list[int]:
        """The numbers of its places."""
        return [place.place_id for place in self.places]


B = TypeVar("B", bound=Batch)
A = TypeVar("A")


class Kind(ABC, Generic[B, A]):
    """A kind of request, as in `weather.fetch_state` and `weather.api_requests`."""

    #: observation, forecast, archive or geocoding.
    name: ClassVar[str]
    #: The statement that returns due places, at most `:max_places`.
    query: ClassVar[str]
    #: The most calls that a place may need.
    max_calls: ClassVar[float] = 1.0
    #: Places that are picked at once.
    max_places: int = 50
    #: Whether some of what it requests is history, for which fewer calls are left.
    has_history: ClassVar[bool] = False
    #: Whether all of it is.
    is_history: ClassVar[bool] = False

    def __init__(self, client: Service, clock: Clock) -> None:
        self.client, self.clock = client, clock
        #: Impossible values that were left out of good responses, by name.
        self.impossible = Counter[str]()
        #: The calls that have to be left for one place to be picked.
        self.cost_of_place = min(self.max_calls, client.calls_per_day)

    def parameters(self, now: dt.datetime, *, with_history: bool) -> dict[str, Any]:  # noqa: ARG002 - for kinds that have some
        """Return the parameters of the query."""
        return {"now": now}

    def due(
        self, connection: Connection, max_places: int | None = None, *, with_history: bool = True
    ) -> Sequence[Row[Any]]:
        """Return due places, all of them by default."""
        query = text(read_sql("pipelines.sources.weather", self.query))
        parameters = self.parameters(self.clock(), with_history=with_history)
        return connection.execute(query, parameters | {"max_places": max_places}).all()

    def pick(self, connection: Connection) -> tuple[Sequence[Row[Any]], str | None]:
        """Return due places that may be requested now, or why places have to wait.

        While too few calls are left for history, they are the places that lack newer hours.
        """
        quota = request_log.quota(connection, self.client, self.clock())
        if quota.blocked_until is not None:
            return [], quota.why_paused
        with_history = quota.history_requests_left >= self.cost_of_place
        calls = quota.requests_left
        if self.has_history and with_history:
            calls = quota.history_requests_left
        max_places = min(self.max_places, int(calls // self.cost_of_place))
        rows = self.due(connection, max_places, with_history=with_history)
        is_limited = not max_places or (self.has_history and not with_history)
        if rows or not is_limited or not self.due(connection, max_places=1):
            return rows, None
        return rows, quota.why_history_waits if max_places else quota.why_paused

    @abstractmethod
    def batches(self, rows: Sequence[Row[Any]]) -> Sequence[B]:
        """Return the requests for due places."""

    @abstractmethod
    def request(self, batch: B) -> Sequence[A | str]:
        """Send the request. Returns the response for each place in order, or why it is unusable."""

    @abstractmethod
    def write(self, connection: Connection, batch: B, responses: Mapping[int, A]) -> B | None:
        """Write the good responses, by place_id. Returns what to request next, if anything."""

    def execute(self, connection: Connection, name: str, **parameters: object) -> None:
        """Change `weather.fetch_state` by a statement."""
        statement = text(read_sql("pipelines.sources.weather", name))
        connection.execute(statement, {"kind": self.name, **parameters})

    def record_success(
        self, connection: Connection, place_ids: Iterable[int], *, is_due: bool = False
    ) -> None:
        """Record that places are up to date, or that more of them may be due at once."""
        at = None if is_due else self.clock()
        fresh = {"last_success_at": at, "consecutive_failures": 0, "retry_at": None}
        self.note(connection, place_ids, fresh | {"problem": None})

    def note(
        self, connection: Connection, place_ids: Iterable[int], state: Mapping[str, object]
    ) -> None:
        """Set columns of `weather.fetch_state` of places."""
        rows = [{"place_id": place_id, "kind": self.name, **state} for place_id in place_ids]
        put = insert(fetch_state).values(rows)
        keys = ["place_id", "kind"]
        connection.execute(put.on_conflict_do_update(index_elements=keys, set_=state))


@dataclass
class FetchResult:
    """Places that succeeded and failed, requests sent, and the last failure."""

    succeeded: int = 0
    failed: int = 0
    requests: int = 0
    failure: Failure | None = None
    #: Why requests are paused, and until when.
    paused: str | None = None
    impossible: Counter[str] = field(default_factory=Counter)
    failed_batches: int = field(default=0, repr=False)


def fetch(
    store: Warehouse, kinds: Sequence[Kind[Any, Any]], *, is_by_hand: bool = False
) -> FetchResult:
    """Request everything that is due, one kind after the other, holding the lock of the weather.

    Stops after `MAX_FAILED_BATCHES` in a row and when a quota is used up; the result has the
    failure. Places that failed are due again soon, or at once in a manual run. A manual run also
    requests all history, and others leave it to the next run after `MAX_HISTORY_SECONDS`. Raises
    `PermanentFailure` for what needs a person, such as a wrong key.
    """
    done = FetchResult()
    with fetch_session(store) as transaction:
        history_ends = math.inf if is_by_hand else time.monotonic() + MAX_HISTORY_SECONDS
        for kind in kinds:
            loop = _Loop(transaction, kind, done, history_ends)
            with transaction() as connection:
                request_log.note_limit(connection, kind.client, kind.clock())
            if is_by_hand:
                state = fetch_state.c
                waiting = (state.kind == kind.name) & state.retry_at.is_not(None)
                with transaction() as connection:
                    connection.execute(update(fetch_state).where(waiting).values(retry_at=None))
            try:
                loop.run()
            except QuotaExhausted as exhausted:
                done.failure = exhausted
                loop.pick()
            done.impossible.update(kind.impossible)
            if isinstance(done.failure, QuotaExhausted):
                break
    return done


@contextmanager
def fetch_session(store: Warehouse) -> Iterator[Transaction]:
    """Hold the lock, waiting for other runs. Yields a function that opens transactions in it.

    PostgreSQL releases the lock if the session ends, in which all data are written: a late response
    is not written beside another run's. The lock is polled, because a blocked statement would hold
    back VACUUM. Raises `TransientFailure` after `MAX_LOCK_SECONDS`.
    """
    with store.translate_db_errors(SCHEMA):
        connection = store.engine.connect()
    try:
        deadline = time.monotonic() + MAX_LOCK_SECONDS
        while True:
            with store.translate_db_errors(SCHEMA), connection.begin():
                if connection.execute(text(LOCK)).scalar_one():
                    break
            if time.monotonic() > deadline:
                raise TransientFailure(
                    SCHEMA,
                    f"another run has been fetching the weather for {MAX_LOCK_SECONDS:.0f} s",
                    place=store.place,
                    remedy="See whether that run makes progress; terminate it if it does not.",
                )
            time.sleep(POLL_SECONDS)
        yield partial(store.transaction, SCHEMA, connection)
    finally:
        connection.invalidate()  # a pooled connection would keep the lock
        connection.close()


@dataclass(frozen=True)
class _Loop(Generic[B, A]):
    """The requests of one kind."""

    transaction: Transaction
    kind: Kind[B, A]
    done: FetchResult
    #: When it leaves history to the next run, by `time.monotonic`.
    history_ends: float

    def run(self) -> None:
        while batches := self.pick():
            for batch in batches:
                if self.done.failed_batches >= MAX_FAILED_BATCHES:
                    return
                if self.kind.is_history and time.monotonic() >= self.history_ends:
                    self.done.paused = "history goes on with the next run"
                    return
                self._send(batch)

    def pick(self) -> Sequence[B]:
        """Return the next requests; note why there are none, if places have to wait."""
        with self.transaction() as connection:
            rows, paused = self.kind.pick(connection)
        self.done.paused = paused or self.done.paused
        return self.kind.batches(rows) if rows else []

    def _send(self, batch: B) -> None:
        """Send a batch, logged before, with retries if necessary, and write the outcome."""
        kind = self.kind
        for wait in (*WAITS_SECONDS, None):
            self.done.requests += 1
            with self.transaction() as connection:
                request_id = request_log.log_request(
                    connection, kind.client, kind.name, batch.place_ids, batch.cost, kind.clock()
                )
            try:
                responses = kind.request(batch)
            except (TransientFailure, NotReady) as failure:
                self._log_failure(batch, request_id, failure, is_last=wait is None)
                if wait is None:
                    self.done.failed_batches += 1
                else:
                    time.sleep(wait)
            except RequestRejected as rejected:
                is_alone = len(batch.places) == 1
                self._log_failure(batch, request_id, rejected, is_last=is_alone)
                for place in () if is_alone else batch.places:
                    self._send(replace(batch, places=(place,)))
                return
            except (QuotaExhausted, PermanentFailure) as failure:
                self._stop(batch, request_id, failure)
                raise
            else:
                self._write(batch, responses, request_id)
                return

    def _log_failure(self, batch: B, request_id: Any, failure: Failure, *, is_last: bool) -> None:
        """Log why a request failed; if it is the last attempt, its places are due again later."""
        self.done.failure = failure
        is_rejected = isinstance(failure, RequestRejected)
        with self.transaction() as connection:
            outcome = "rejected" if is_rejected else "failed"
            request_log.log_outcome(connection, request_id, outcome, failure)
            if is_last:
                waits = REJECTED if is_rejected else OF_PROVIDER
                # A place that was corrected meanwhile is due at once.
                moved = self._moved(connection, batch.places)
                same = [place for place in batch.places if place.place_id not in moved]
                self._back_off(connection, same, failure, waits)
                self.done.failed += len(batch.places)

    def _stop(self, batch: B, request_id: Any, failure: Failure) -> None:
        """Log why all requests have to stop, without counting a failure against any place."""
        kind = self.kind
        with self.transaction() as connection:
            outcome = "quota" if isinstance(failure, QuotaExhausted) else "failed"
            request_log.log_outcome(connection, request_id, outcome, failure)
            kind.note(connection, batch.place_ids, {"problem": request_log.shorten(failure)})
            if isinstance(failure, QuotaExhausted):
                request_log.block_key(connection, kind.client, failure, kind.clock())

    def _write(self, batch: B, responses: Sequence[A | str], request_id: Any) -> None:
        """Write the good responses, the outcome and the next retries in one transaction.

        What came for a place that was corrected meanwhile is not written: it is due again.
        """
        follow_up: B | None = None
        answers = [*zip(batch.places, responses, strict=True)]
        good = {place.place_id: one for place, one in answers if not isinstance(one, str)}
        bad = [(place, one) for place, one in answers if isinstance(one, str)]
        with self.transaction() as connection:
            request_log.delete_block(connection, self.kind.client)
            if moved := self._moved(connection, batch.places):
                request_log.log_outcome(connection, request_id, "superseded", place_ids=moved)
                good = {key: answer for key, answer in good.items() if key not in moved}
                bad = [(place, why) for place, why in bad if place.place_id not in moved]
            if good:
                follow_up = self.kind.write(connection, batch, good)
                request_log.log_outcome(connection, request_id, "success", place_ids=list(good))
            for place, problem in bad:
                failure = TransientFailure(
                    self.kind.client.name,
                    problem,
                    place=f"weather.places, place_id {place.place_id}",
                    remedy="It is requested again soon.",
                )
                request_log.log_outcome(connection, request_id, "failed", failure, [place.place_id])
                self._back_off(connection, [place], failure, OF_PLACE)
                self.done.failure = failure
        self.done.failed += len(bad)
        self.done.failed_batches = 0 if good or not bad else self.done.failed_batches + 1
        if follow_up is None:
            self.done.succeeded += len(good)
        else:
            self._send(follow_up)

    @staticmethod
    def _moved(connection: Connection, requested: Sequence[Place]) -> list[int]:
        """Return the places that have other coordinates now; the others keep theirs meanwhile."""
        columns = places.c.place_id, places.c.latitude, places.c.longitude
        ids = [place.place_id for place in requested]
        query = select(*columns).where(places.c.place_id.in_(ids)).with_for_update(read=True)
        now = {row.place_id: (row.latitude, row.longitude) for row in connection.execute(query)}
        return [
            place.place_id
            for place in requested
            if now.get(place.place_id) != (place.latitude, place.longitude)
        ]

    def _back_off(
        self,
        connection: Connection,
        places: Sequence[Place],
        failure: Failure,
        waits: tuple[float, float],
    ) -> None:
        """Count a failure of places, which are due again after a wait."""
        self.kind.execute(
            connection,
            "back_off",
            place_ids=[place.place_id for place in places],
            now=self.kind.clock(),
            problem=request_log.shorten(failure),
            first_seconds=waits[0],
            max_seconds=waits[1],
        )
