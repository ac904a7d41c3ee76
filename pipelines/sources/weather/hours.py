"""The weather at the hours that domains ask for: claimed, asked for, written, like the present one.

Recent and coming hours are asked for together, many places a request; older ones come from the
archive, a range of days for each place, the last one first. What is missing is known by comparing
`weather.wanted_hours` with `weather.hourly`; a forecast is asked for again when six hours old.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from pipelines.failures import Failure, TransientFailure
from pipelines.sources.weather import tables
from pipelines.sources.weather.claims import (
    MAX_WAIT_FOR_A_PLACE,
    REFUSED_FOR,
    put_statement,
    release,
    renew,
)
from pipelines.sources.weather.observation import Hour
from pipelines.sources.weather.providers import Place, QuotaExhausted, RequestRefused
from pipelines.sources.weather.providers.open_meteo_hours import (
    FORECAST_DAYS,
    MAX_PAST_DAYS,
    MAX_PLACES,
    OpenMeteoHours,
    weight,
)
from pipelines.sources.weather.refresh import WAITS_SECONDS, Refresh
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

FORECAST, ARCHIVE = "forecast", "archive"
KINDS = {FORECAST: "hourly", ARCHIVE: "archive"}
"""What each is called in `weather.refreshes`."""
MAX_ARCHIVE_DAYS = 366
ARCHIVE_BEGINS_AT = dt.datetime(1940, 1, 1, tzinfo=dt.UTC)
MAX_FAILURES = 3


def fill_hours(
    store: Warehouse,
    provider: OpenMeteoHours,
    clock: Callable[[], dt.datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> Refresh:
    """Ask for what is missing or old until nothing is, the allowance is used up, or it fails."""
    done = Refresh()
    for source in (FORECAST, ARCHIVE):
        most = MAX_PLACES if source == FORECAST else 1
        while done.failed_batches < MAX_FAILURES:
            asking = _Asking(store, provider, source, clock, sleep, done)
            if not asking.claim(most):
                break
            try:
                asking.ask()
            except RequestRefused:  # for one of several places: they are asked for one by one
                most = 1
            except QuotaExhausted as exhausted:
                done.failure = exhausted
                return done
    return done


class _Asking:
    """One request for hours, and what becomes of it."""

    def __init__(
        self,
        store: Warehouse,
        provider: OpenMeteoHours,
        source: str,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None],
        done: Refresh,
    ) -> None:
        self.store, self.provider, self.source, self.clock = store, provider, source, clock
        self.sleep, self.done = sleep, done
        self.id = uuid.uuid4()
        self.request_id = uuid.uuid4()
        self.places: list[Place] = []
        self.first_on = self.last_on = dt.date.min

    def claim(self, most: int) -> bool:
        """Claim places for which something is missing; False when there are none."""
        now = self.clock()
        with self.store.transaction(SOURCE) as connection:
            left = open_book(connection, self.provider.name, self.provider.quotas, now)
            is_recent = self.source == FORECAST
            costly = weight(FORECAST_DAYS + MAX_PAST_DAYS if is_recent else MAX_ARCHIVE_DAYS)
            most = int(min(most, left // costly))
            rows = connection.execute(
                text(read_sql("pipelines.sources.weather", "claim_hours")),
                {
                    **_bounds(now, self.source),
                    "claimed_until": now + LEASE,
                    "claim": self.id,
                    "most": most,
                },
            ).all()
            if not rows:
                return False
            self.places = [Place(row.place_id, row.latitude, row.longitude) for row in rows]
            self.last_on = max(row.last_at for row in rows).date()
            self.first_on = max(
                min(row.first_at for row in rows).date(),
                self.last_on - dt.timedelta(days=MAX_ARCHIVE_DAYS - 1),
            )
            self.request_id = self._note(connection, now)
        return True

    def ask(self) -> None:
        """Make the request, several times if need be, and write what comes of it."""
        for wait in (*WAITS_SECONDS, None):
            self.done.requests += 1
            try:
                answers = self._answers()
            except RequestRefused as refused:
                if len(self.places) == 1:
                    self._give_back(refused, retry_at=self.clock() + REFUSED_FOR)
                    return
                self._give_back(refused, retry_at=self.clock(), failed=0)
                raise
            except TransientFailure as failure:
                if wait is None:
                    self._give_back(failure)
                    return
                self.sleep(wait)
                if not self._again(failure):
                    return
            except Failure as failure:
                self._give_back(failure)
                if isinstance(failure, QuotaExhausted):
                    raise
                return
            else:
                self._write(answers)
                return

    def _answers(self) -> Sequence[list[Hour] | str]:
        if self.source == FORECAST:
            return self.provider.forecast(self.places, self._past_days())
        return [self.provider.archive(self.places[0], self.first_on, self.last_on)]

    def _again(self, failure: Failure) -> bool:
        """Book a failed request, and renew the claim for another; False when nothing is left."""
        now = self.clock()
        with self.store.transaction(SOURCE) as connection:
            note_outcome(connection, self.request_id, "failed", told(failure))
            self.places = renew(connection, self.id, self.places, now)
            if self.places:
                self.request_id = self._note(connection, now)
        return bool(self.places)

    def _note(self, connection: Connection, now: dt.datetime) -> uuid.UUID:
        return note_started(
            connection,
            [place.place_id for place in self.places],
            provider=self.provider.name,
            kind=self.source,
            cost=weight(self._days()),
            now=now,
        )

    def _past_days(self) -> int:
        back = (self.clock().date() - self.first_on).days
        return min(max(back, 0), MAX_PAST_DAYS)

    def _days(self) -> int:
        if self.source == FORECAST:
            return self._past_days() + FORECAST_DAYS
        return (self.last_on - self.first_on).days + 1

    def _give_back(
        self, failure: Failure, *, retry_at: dt.datetime | None = None, failed: int = 1
    ) -> None:
        """Book a failed request; `failed` is 0 where its places are asked for again at once."""
        outcome = {RequestRefused: "refused", QuotaExhausted: "quota"}.get(type(failure), "failed")
        now = self.clock()
        with self.store.transaction(SOURCE) as connection:
            note_outcome(connection, self.request_id, outcome, told(failure))
            release(
                connection, self.id, self.places, failure, now, retry_at=retry_at, failed=failed
            )
            if isinstance(failure, QuotaExhausted):
                pause(connection, self.provider.name, failure)
        self.done.failure = failure
        self.done.failed += failed * len(self.places)
        self.done.failed_batches += failed

    def _write(self, answers: Sequence[list[Hour] | str]) -> None:
        now = self.clock()
        told_by = dict(zip([place.place_id for place in self.places], answers, strict=True))
        good = {id_: hours for id_, hours in told_by.items() if not isinstance(hours, str)}
        with self.store.transaction(SOURCE) as connection:
            written = self._put(connection, good, now) if good else []
            note_outcome(connection, self.request_id, "success", None, written)
            for place in self.places:
                if place.place_id in written:
                    continue
                problem = told_by[place.place_id]
                words = problem if isinstance(problem, str) else "the claim had ended"
                failure = TransientFailure(
                    self.provider.name, words, place=f"place {place.place_id}", remedy="Wait."
                )
                outcome = "failed" if isinstance(problem, str) else "discarded"
                note_outcome(connection, self.request_id, outcome, words, [place.place_id])
                wait = MAX_WAIT_FOR_A_PLACE
                release(connection, self.id, [place], failure, now, most_seconds=wait)
                self.done.failure = failure
                self.done.failed += 1
        self.done.succeeded += len(written)
        self.done.failed_batches = 0 if written else self.done.failed_batches + 1

    def _put(
        self, connection: Connection, good: Mapping[int, Sequence[Hour]], now: dt.datetime
    ) -> list[int]:
        stage(connection, _frame(good, self.source, now), tables.hourly)
        put = put_statement("put_hours", tables.hourly)
        is_whole = all(len(hours) >= 24 * self._days() for hours in good.values())
        may_go_on = self.source == ARCHIVE and is_whole  # of these days nothing is left to ask for
        parameters: dict[str, Any] = {
            "claim": self.id,
            "place_ids": list(good),
            "succeeded_at": None if may_go_on else now,
        }
        return list(connection.execute(put, parameters).scalars())


def count_hours_due(connection: Connection, now: dt.datetime) -> int:
    """How many places lack an hour that could be had now."""
    query = text("SELECT count(*) FROM weather.due_hours(:now, :from_at, :to_at, :kind)")
    return sum(
        int(connection.execute(query, _bounds(now, source)).scalar_one()) for source in KINDS
    )


def _bounds(now: dt.datetime, source: str) -> dict[str, Any]:
    """Which hours a source has."""
    today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    change_at = today - dt.timedelta(days=MAX_PAST_DAYS - 2)
    end_at = today + dt.timedelta(days=FORECAST_DAYS)
    from_at, to_at = (change_at, end_at) if source == FORECAST else (ARCHIVE_BEGINS_AT, change_at)
    return {"now": now, "from_at": from_at, "to_at": to_at, "kind": KINDS[source]}


def _frame(good: Mapping[int, Sequence[Hour]], source: str, now: dt.datetime) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"place_id": place_id, "weather_source": source, "fetched_at": now} | asdict(hour)
        for place_id, hours in good.items()
        for hour in hours
    ]
    frame = pd.DataFrame(rows)[[column.name for column in tables.hourly.columns]]
    return frame.astype({"wmo_code": "Int64"})
