"""The only request loop: due places in batches; requests are logged, sent and stored.

A `Kind` defines what is requested: present weather (`refresh`), hours (`hours`) or coordinates
(`geocode_places`). The loop handles quotas, retries, rejected places and back-off, and nothing
else.
"""

import datetime as dt
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, text

from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure
from pipelines.sources.weather import request_log
from pipelines.sources.weather.fetch_lock import Transaction, fetch_session
from pipelines.sources.weather.providers import (
    Client,
    Clock,
    Place,
    QuotaExhausted,
    RequestRejected,
    end_of,
)
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

#: Seconds between the attempts for one batch.
WAITS_SECONDS = (0.5, 1.0, 2.0)
MAX_FAILED_BATCHES = 3
#: Maximum back-off in seconds after a failure of the provider, and of a single place.
MAX_WAIT_SECONDS, MAX_WAIT_OF_PLACE_SECONDS = 300.0, 6 * 3600.0
#: A place that the provider rejects is requested again after this time.
REJECTED_FOR = dt.timedelta(hours=6)
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Batch:
    """The places of one request, and the quota cost of each."""

    places: tuple[Place, ...]
    cost: float


B = TypeVar("B", bound=Batch)
A = TypeVar("A")


class Kind(ABC, Generic[B, A]):
    """A kind of request, as in `weather.fetch_state` and `weather.api_requests`."""

    #: observation, forecast, archive or geocoding.
    name: str
    provider: str
    #: Digest of the provider's key, to which quotas and blocks apply. Empty without a key.
    key_digest: str
    #: The calls that have to be left for one place to be picked.
    cost_of_place: float

    def __init__(self, client: Client, most_calls: float) -> None:
        self.provider, self.key_digest = client.name, client.key_digest
        self._calls_per_day = client.calls_per_day
        #: Impossible values that were left out of good responses, by name.
        self.impossible = Counter[str]()
        self.cost_of_place = min(most_calls, client.calls_per_day or most_calls)

    def quota_left(self, connection: Connection, now: dt.datetime) -> float:
        """Return the calls that the provider still answers today."""
        return request_log.quota_left(
            connection, self.provider, self.key_digest, self._calls_per_day, now
        )

    @abstractmethod
    def pick(self, connection: Connection, now: dt.datetime, quota_left: float) -> Sequence[B]:
        """Return due places, in one or several batches within the quota; empty if nothing is due.

        Return several batches if finding them is slow: no other session requests them meanwhile.
        """

    @abstractmethod
    def request(self, batch: B) -> Sequence[A | str]:
        """Send the request. Returns the response for each place in order, or why it is unusable."""

    @abstractmethod
    def write(
        self, connection: Connection, batch: B, responses: Mapping[int, A], now: dt.datetime
    ) -> None:
        """Write the good responses, by place_id."""

    def succeeded_at(
        self,
        batch: B,  # noqa: ARG002 - for kinds that override it
        responses: Mapping[int, A],  # noqa: ARG002 - so is this
        now: dt.datetime,
    ) -> dt.datetime | None:
        """Return when the places became up to date; None if more of them may be due at once."""
        return now

    def follow_up(
        self,
        batch: B,  # noqa: ARG002 - for kinds that override it
        responses: Mapping[int, A],  # noqa: ARG002 - so is this
    ) -> B | None:
        """Return another request that these responses make necessary."""
        return None


@dataclass
class FetchResult:
    """Places that succeeded and failed, requests sent, and the last failure."""

    succeeded: int = 0
    failed: int = 0
    requests: int = 0
    failure: Failure | None = None
    #: Why requests are paused, and until when.
    paused: str | None = None
    #: Impossible values that were left out of good responses, by name.
    impossible: Counter[str] = field(default_factory=Counter)
    failed_batches: int = field(default=0, repr=False)


def fetch(
    store: Warehouse,
    kinds: Sequence[Kind[Any, Any]],
    clock: Clock,
    sleep: Sleep = time.sleep,
    *,
    is_by_hand: bool = False,
) -> FetchResult:
    """Request everything that is due, one kind after the other, holding the lock of the weather.

    Stops after `MAX_FAILED_BATCHES` in a row and when a quota is used up; the result has the
    failure. Places that failed keep their data and are due again soon, or at once in a manual run.

    Raises:
        PermanentFailure: For an error that needs a person, such as a wrong key.
    """
    done = FetchResult()
    with fetch_session(store) as transaction:
        for kind in kinds:
            loop = _Loop(transaction, kind, clock, sleep, done)
            if is_by_hand:
                loop.clear_retries()
            try:
                loop.run()
            except QuotaExhausted as exhausted:
                done.failure = exhausted
            loop.note_block()
            done.impossible.update(kind.impossible)
            if isinstance(done.failure, QuotaExhausted):
                break
    return done


@dataclass(frozen=True)
class _Loop(Generic[B, A]):
    """The requests of one kind."""

    transaction: Transaction
    kind: Kind[B, A]
    clock: Clock
    sleep: Sleep
    done: FetchResult

    def clear_retries(self) -> None:
        """Make all failed places due at once."""
        with self.transaction() as connection:
            self._execute(connection, "clear_retries")

    def note_block(self) -> None:
        """Note if the provider blocks the key, and until when."""
        with self.transaction() as connection:
            block = request_log.current_block(
                connection, self.kind.provider, self.kind.key_digest, self.clock()
            )
        if block is not None:
            self.done.paused = (
                f"requests to {self.kind.provider} are paused until"
                f" {block.blocked_until:%Y-%m-%d %H:%M:%S} UTC: {block.reason}"
            )

    def run(self) -> None:
        while batches := self._pick():
            for batch in batches:
                if self.done.failed_batches >= MAX_FAILED_BATCHES:
                    return
                self._send(batch)

    def _pick(self) -> Sequence[B]:
        now = self.clock()
        with self.transaction() as connection:
            left = self.kind.quota_left(connection, now)
            batches = self.kind.pick(connection, now, left)
            is_spent = not batches and left < self.kind.cost_of_place
            if is_spent and self.kind.pick(connection, now, request_log.UNLIMITED):
                self.done.paused = (
                    f"the quota of {self.kind.provider} is used up until"
                    f" {end_of('day', now):%Y-%m-%d %H:%M} UTC,"
                    " and places that are due wait for it"
                )
            return batches

    def _send(self, batch: B) -> None:
        """Send a batch, with retries if necessary, and write the outcome."""
        for wait in (*WAITS_SECONDS, None):
            request_id = self._log(batch)
            try:
                responses = self.kind.request(batch)
            except (TransientFailure, NotReady) as failure:
                self._record_failure(batch, request_id, failure, is_last=wait is None)
                if wait is not None:
                    self.sleep(wait)
            except RequestRejected as rejected:
                self._split(batch, request_id, rejected)
                return
            except (QuotaExhausted, PermanentFailure) as failure:
                self._stop(batch, request_id, failure)
                raise
            else:
                self._write(batch, responses, request_id)
                return

    def _log(self, batch: B) -> Any:
        """Log a request before it is sent, so that it counts even if this process is killed."""
        self.done.requests += 1
        with self.transaction() as connection:
            return request_log.log_request(
                connection,
                [place.place_id for place in batch.places],
                provider=self.kind.provider,
                key_digest=self.kind.key_digest,
                kind=self.kind.name,
                cost=batch.cost,
                now=self.clock(),
            )

    def _record_failure(
        self, batch: B, request_id: Any, failure: Failure, *, is_last: bool
    ) -> None:
        self.done.failure = failure
        with self.transaction() as connection:
            request_log.log_outcome(connection, request_id, "failed", failure)
            if is_last:
                self._back_off(connection, batch.places, failure)
        if is_last:
            self.done.failed += len(batch.places)
            self.done.failed_batches += 1

    def _split(self, batch: B, request_id: Any, rejected: RequestRejected) -> None:
        """Request the places of a rejected batch one by one; one that is rejected alone waits."""
        self.done.failure = rejected
        is_alone = len(batch.places) == 1
        with self.transaction() as connection:
            request_log.log_outcome(connection, request_id, "rejected", rejected)
            if is_alone:
                retry_at = self.clock() + REJECTED_FOR
                self._back_off(connection, batch.places, rejected, retry_at=retry_at)
        self.done.failed += is_alone
        for place in () if is_alone else batch.places:
            self._send(replace(batch, places=(place,)))

    def _stop(self, batch: B, request_id: Any, failure: Failure) -> None:
        """Log why all requests have to stop, without counting a failure against any place."""
        with self.transaction() as connection:
            is_quota = isinstance(failure, QuotaExhausted)
            outcome = "quota" if is_quota else "failed"
            request_log.log_outcome(connection, request_id, outcome, failure)
            place_ids = [place.place_id for place in batch.places]
            problem = request_log.shorten(failure)
            self._execute(connection, "note_problem", place_ids=place_ids, problem=problem)
            if isinstance(failure, QuotaExhausted):
                request_log.block_key(
                    connection, self.kind.provider, self.kind.key_digest, failure, self.clock()
                )

    def _write(self, batch: B, responses: Sequence[A | str], request_id: Any) -> None:
        """Write the good responses, the outcome and the next retries in one transaction."""
        now = self.clock()
        good: dict[int, A] = {}
        bad: list[tuple[Place, TransientFailure]] = []
        for place, response in zip(batch.places, responses, strict=True):
            if isinstance(response, str):
                bad.append((place, _unusable(self.kind.provider, place, response)))
            else:
                good[place.place_id] = response
        with self.transaction() as connection:
            request_log.delete_block(connection, self.kind.provider, self.kind.key_digest)
            if good:
                self.kind.write(connection, batch, good, now)
                request_log.log_outcome(connection, request_id, "success", place_ids=list(good))
                succeeded_at = self.kind.succeeded_at(batch, good, now)
                self._execute(
                    connection, "record_success", place_ids=list(good), succeeded_at=succeeded_at
                )
            for place, failure in bad:
                request_log.log_outcome(connection, request_id, "failed", failure, [place.place_id])
                self._back_off(connection, [place], failure, max_seconds=MAX_WAIT_OF_PLACE_SECONDS)
                self.done.failure = failure
        follow_up = self.kind.follow_up(batch, good) if good else None
        self.done.succeeded += len(good) - (len(follow_up.places) if follow_up else 0)
        self.done.failed += len(bad)
        self.done.failed_batches = 0 if good else self.done.failed_batches + 1
        if follow_up:
            self._send(follow_up)

    def _back_off(
        self,
        connection: Connection,
        places: Sequence[Place],
        failure: Failure,
        *,
        retry_at: dt.datetime | None = None,
        max_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        """Count a failure of places, which are due again at `retry_at`.

        The default is 30 s, doubled with each failure in a row, at most `max_seconds`.
        """
        self._execute(
            connection,
            "back_off",
            place_ids=[place.place_id for place in places],
            now=self.clock(),
            retry_at=retry_at,
            problem=request_log.shorten(failure),
            max_seconds=max_seconds,
        )

    def _execute(self, connection: Connection, name: str, **parameters: object) -> None:
        """Change `weather.fetch_state` by a statement."""
        statement = text(read_sql("pipelines.sources.weather", name))
        connection.execute(statement, {"kind": self.kind.name, **parameters})


def _unusable(provider: str, place: Place, problem: str) -> TransientFailure:
    where = f"weather.places, place_id {place.place_id}"
    return TransientFailure(provider, problem, place=where, remedy="It is requested again soon.")
