"""The present weather of every place that is due: claimed, asked for, written, never twice.

A place is due when its last success is two hours old or more. It is claimed for some minutes in
one transaction, with its call entered as started; asked for without any transaction open; and
written in a second one, if it is still claimed. So two runs never ask for the same place at once,
and a run that is killed leaves a claim that ends by itself.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from pipelines.failures import Failure, NotReady, PermanentFailure, TransientFailure
from pipelines.sources.weather import tables
from pipelines.sources.weather.claims import (
    MAX_WAIT_FOR_A_PLACE,
    REFUSED_FOR,
    put_statement,
    release,
    renew,
)
from pipelines.sources.weather.observation import Observation, implausible
from pipelines.sources.weather.providers import Place, Provider, QuotaExhausted, RequestRefused
from pipelines.sources.weather.request_log import (
    LEASE,
    SOURCE,
    note_outcome,
    note_started,
    open_book,
    pause,
    told,
)
from pipelines.warehouse.connection import Warehouse, stage
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import pandas as pd

KIND = "observation"
WAITS_SECONDS = (0.5, 1.0, 2.0)
"""Between the attempts for one batch."""
MAX_FAILED_BATCHES = 3
Clock = Callable[[], dt.datetime]


@dataclass
class Refresh:
    """What came of one refresh: places with new weather, others, requests, and the last failure."""

    succeeded: int = 0
    failed: int = 0
    requests: int = 0
    failure: Failure | None = None
    failed_batches: int = field(default=0, repr=False)


def refresh(
    store: Warehouse,
    provider: Provider,
    *,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
) -> Refresh:
    """Ask for every due place in batches until none is left, the allowance is used up, or it fails.

    Raises `PermanentFailure` for what needs a person, such as a wrong key. Other failures are in
    the result: places that failed are due again soon, and keep what was known of them.
    """
    done = Refresh()
    while done.failed_batches < MAX_FAILED_BATCHES:
        claim = Claim(store, provider, clock, sleep, done)
        if not claim.take():
            break
        try:
            claim.ask(claim.places, claim.request_id)
        except QuotaExhausted as exhausted:
            done.failure = exhausted
            break
    return done


def count_due(connection: Connection, now: dt.datetime, *, by_postcode: bool) -> tuple[int, int]:
    """How many places are to be looked up, and how many to be asked for, now."""
    query = text(read_sql("pipelines.sources.weather", "count_due"))
    row = connection.execute(query, {"now": now, "by_postcode": by_postcode}).one()
    return row.pending, row.due


class Claim:
    """The places of one batch, claimed, and what becomes of them."""

    def __init__(
        self,
        store: Warehouse,
        provider: Provider,
        clock: Clock,
        sleep: Callable[[float], None],
        done: Refresh,
    ) -> None:
        self.store, self.provider, self.clock, self.sleep = store, provider, clock, sleep
        self.done = done
        self.claim = uuid.uuid4()
        self.request_id = uuid.uuid4()
        self.places: list[Place] = []

    def take(self) -> bool:
        """Claim as many due places as fit into one request and the allowance; False if none do."""
        now, provider = self.clock(), self.provider
        with self.store.transaction(SOURCE) as connection:
            left = open_book(connection, provider.name, provider.quotas, now)
            most = min(float(provider.most_places), left // provider.cost_of_place)
            rows = connection.execute(
                text(read_sql("pipelines.sources.weather", "claim_due")),
                {
                    "now": now,
                    "claimed_until": now + LEASE,
                    "claim": self.claim,
                    "most": int(most),
                    "by_postcode": asks_by_postcode(provider),
                },
            )
            self.places = [Place(*row) for row in rows]
            if self.places:
                self.request_id = self._note(connection, self.places)
        return bool(self.places)

    def ask(self, batch: Sequence[Place], request_id: uuid.UUID) -> None:
        """Ask for places in one request, several times if need be, and write what comes of it."""
        for wait in (*WAITS_SECONDS, None):
            self.done.requests += 1
            try:
                answers = self.provider.observe(batch)
            except (TransientFailure, NotReady) as failure:
                self.done.failure = failure
                with self.store.transaction(SOURCE) as connection:
                    note_outcome(connection, request_id, "failed", told(failure))
                    if wait is None:
                        self._release(connection, batch, failure)
                if wait is not None:
                    self.sleep(wait)
                    batch, request_id = self._again(batch)
                    if not batch:
                        return
            except RequestRefused as refused:
                self._split(batch, request_id, refused)
                return
            except (QuotaExhausted, PermanentFailure) as failure:
                self._stop(request_id, failure)
                raise
            else:
                self._write(batch, answers, request_id)
                return
        self.done.failed += len(batch)
        self.done.failed_batches += 1

    def _split(
        self, batch: Sequence[Place], request_id: uuid.UUID, refused: RequestRefused
    ) -> None:
        """Find the place for which a request was refused, by halves: the others are done."""
        self.done.failure = refused
        with self.store.transaction(SOURCE) as connection:
            note_outcome(connection, request_id, "refused", told(refused))
            if len(batch) == 1:
                self._release(connection, batch, refused, retry_at=self.clock() + REFUSED_FOR)
        if len(batch) == 1:
            self.done.failed += 1
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            held, request_id = self._again(half)
            if held:
                self.ask(held, request_id)

    def _again(self, batch: Sequence[Place]) -> tuple[list[Place], uuid.UUID]:
        """Renew the claim before another request; another run may have taken places over."""
        with self.store.transaction(SOURCE) as connection:
            still = renew(connection, self.claim, batch, self.clock())
            return still, self._note(connection, still) if still else self.request_id

    def _stop(self, request_id: uuid.UUID, failure: Failure) -> None:
        """Give all places back: it is not for them that nobody may ask."""
        with self.store.transaction(SOURCE) as connection:
            is_quota = isinstance(failure, QuotaExhausted)
            note_outcome(connection, request_id, "quota" if is_quota else "failed", told(failure))
            self._release(connection, self.places, failure, retry_at=self.clock(), failed=0)
            if isinstance(failure, QuotaExhausted):
                pause(connection, self.provider.name, failure)

    def _write(
        self, batch: Sequence[Place], answers: Sequence[Observation | str], request_id: uuid.UUID
    ) -> None:
        """Write what is good of the answers, note why the rest is not, give the claims back."""
        now = self.clock()
        good: dict[int, Observation] = {}
        bad: list[tuple[Place, TransientFailure]] = []
        for place, answer in zip(batch, answers, strict=True):
            problem = answer if isinstance(answer, str) else implausible(answer, now)
            if isinstance(answer, Observation) and problem is None:
                good[place.place_id] = answer
            else:
                bad.append((place, _useless(self.provider.name, place, problem or "no answer")))
        with self.store.transaction(SOURCE) as connection:
            written = self._put(connection, good, now) if good else []
            note_outcome(connection, request_id, "success", None, written)
            lost = [place_id for place_id in good if place_id not in written]
            note_outcome(connection, request_id, "discarded", "the claim had ended", lost)
            for place, failure in bad:
                note_outcome(connection, request_id, "failed", told(failure), [place.place_id])
                self._release(connection, [place], failure, most_seconds=MAX_WAIT_FOR_A_PLACE)
                self.done.failure = failure
        self.done.succeeded += len(written)
        self.done.failed += len(bad)
        self.done.failed_batches = 0 if written else self.done.failed_batches + 1

    def _put(
        self, connection: Connection, good: Mapping[int, Observation], now: dt.datetime
    ) -> list[int]:
        """Write observations of places that are still claimed; return which those are."""
        table = tables.observations
        stage(connection, _frame(good, self.provider.name, now), table)
        put = put_statement("put_observations", table)
        return list(connection.execute(put, {"claim": self.claim}).scalars())

    def _release(
        self,
        connection: Connection,
        batch: Sequence[Place],
        failure: Failure,
        **how: Any,
    ) -> None:
        release(connection, self.claim, batch, failure, self.clock(), **how)

    def _note(self, connection: Connection, batch: Sequence[Place]) -> uuid.UUID:
        return note_started(
            connection,
            [place.place_id for place in batch],
            provider=self.provider.name,
            kind=KIND,
            cost=self.provider.cost_of_place,
            now=self.clock(),
        )


def asks_by_postcode(provider: Provider) -> bool:
    """Whether a provider can do without coordinates."""
    return provider.can_ask(Place(0, None, None, "DE", "10115"))


def _useless(provider: str, place: Place, problem: str) -> TransientFailure:
    where = f"weather.places, place_id {place.place_id}"
    return TransientFailure(provider, problem, place=where, remedy="It is asked for again soon.")


def _frame(good: Mapping[int, Observation], provider: str, now: dt.datetime) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"place_id": place_id, "provider": provider, "fetched_at": now}
        | asdict(observation)
        | {"delay_risk": observation.delay_risk}
        for place_id, observation in good.items()
    ]
    frame = pd.DataFrame(rows)[[column.name for column in tables.observations.columns]]
    return frame.astype({"wmo_code": "Int64", "is_day": "boolean"})
