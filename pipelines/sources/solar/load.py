"""Load one response into the warehouse: readings, days and bookkeeping in one transaction.

Each day of an answered window is recorded as complete, partial or empty. A window that the service
did not answer is recorded as failed. A day never counts as synced unless its data are stored.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, TextClause, func, select, text

from pipelines.failures import PermanentFailure
from pipelines.http.client import JsonResponse
from pipelines.ingest.contract import drift_of
from pipelines.ingest.deliveries import (
    Delivery,
    Outcome,
    close_delivery,
    count_reasons,
    enforce_reject_cap,
    last_delivery,
    open_delivery,
    resolve_quarantined,
    write_rejects,
)
from pipelines.sources.solar import tables
from pipelines.sources.solar.tables import VALUES
from pipelines.sources.solar.windows import Known, Window
from pipelines.warehouse.connection import Warehouse, array_values, copy_rows, stage
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import pandas as pd


SOURCE = "solar"
MAX_ITEMS_AN_HOUR = 4
#: How long to wait for another session that is changing the plant, such as a forgotten psql.
LOCK_WAIT = "60s"
#: Share of bad items from which the whole response is rejected: its format must have changed.
MAX_BAD = 0.9


@dataclass(frozen=True)
class Plant:
    """A plant at the time of its sync."""

    plant_id: int
    name: str
    zone: str

    @property
    def source(self) -> str:
        """The name under which its transactions take turns."""
        return f"{SOURCE} plant {self.plant_id}"

    def __str__(self) -> str:
        return f"plant {self.plant_id} ({self.name})"


class PlantGone(PermanentFailure):
    """The plant was deleted during its sync."""


def known_days(connection: Connection, plant_id: int, oldest: dt.date, now: dt.datetime) -> Known:
    """Return what is known of a plant's days since `oldest`."""
    parameters = {"plant_id": plant_id, "oldest": oldest, "now": now}
    rows = connection.execute(_statement("known_days"), parameters).all()
    last = [row.first_day for row in rows if row.kind == "last"]
    holes = [
        Window(row.first_day, row.last_day + dt.timedelta(days=1))
        for row in rows
        if row.kind == "hole"
    ]
    due = [row.first_day for row in rows if row.kind == "due"]
    return Known(last[0] if last else None, holes, due)


def load_response(
    store: Warehouse,
    plant: Plant,
    window: Window,
    response: JsonResponse,
    *,
    run_id: str | None,
    now: dt.datetime,
) -> Outcome:
    """Write the service's response for a window.

    Raises `PlantGone`, and `PermanentFailure` if the response is not about the window or almost all
    of it is bad; nothing is written then.
    """
    from pipelines.sources.solar.transform import read_response

    most = MAX_ITEMS_AN_HOUR * 24 * ((window.end - window.first).days + 1)
    if len(response.document) > most:
        raise PermanentFailure(
            SOURCE,
            f"the response has {len(response.document):,} items, more than the allowed {most:,}",
            place=f"plant {plant.plant_id}, {window}",
            remedy="See whether the service respects from and to, and sends hours.",
        )
    parsed = read_response(
        response.document, plant_id=plant.plant_id, zone=plant.zone, window=window, now=now
    )
    delivery = Delivery(
        SOURCE,
        f"plant {plant.plant_id}, {window}",
        response.sha256,
        len(response.body),
        response.received_at,
    )
    enforce_reject_cap(
        delivery,
        parsed.read,
        len(parsed.rejects),
        count_reasons(parsed.rejects),
        cap=MAX_BAD,
        rejects=parsed.rejects,
    )
    if parsed.elsewhere == parsed.read > 0:
        raise PermanentFailure(
            SOURCE,
            f"all {parsed.read:,} items of the response are for days that were not requested",
            place=delivery.name,
            remedy="See whether the service respects from and to, and the time zone of its times.",
        )
    with store.transaction(plant.source) as connection:
        keep_plant(connection, plant)
        if _is_known(connection, plant, window, delivery):
            connection.execute(_statement("put_requested"), _about(plant, window) | {"now": now})
            return Outcome(
                0, parsed.read, 0, parsed.read - len(parsed.rejects), len(parsed.rejects)
            )
        delivery_id = open_delivery(connection, delivery, run_id)
        write_rejects(connection, delivery_id, parsed.rejects)
        changed = _put_readings(connection, plant, parsed.readings, delivery_id)
        _resolve_quarantined(connection, plant, window, delivery_id)
        days: dict[str, Any] = {
            "delivery_id": delivery_id,
            "now": now,
            "today": now.astimezone(dt.UTC).date(),
            "spoiled_days": parsed.spoiled_days,
            "changed_days": _days(changed, plant.zone),
        }
        connection.execute(_statement("put_days"), _about(plant, window) | days)
        return close_delivery(
            connection,
            delivery_id,
            read=parsed.read,
            loaded=len(changed),
            stored=parsed.read - len(parsed.rejects),
            rejected=len(parsed.rejects),
            drift=drift_of(delivery.name, parsed.drift, "unknown keys"),
        )


def note_failed(
    connection: Connection, plant: Plant, window: Window, problem: str, *, now: dt.datetime
) -> None:
    """Record that the service did not answer for a window, and when to request it again."""
    parameters = _about(plant, window) | {"now": now, "problem": problem}
    connection.execute(_statement("put_failed_days"), parameters)


def keep_plant(connection: Connection, plant: Plant) -> None:
    """Lock the plant against deletion until the transaction ends. Raises `PlantGone`."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    mine = tables.plants.c.plant_id == plant.plant_id
    query = select(tables.plants.c.time_zone).where(mine).with_for_update(key_share=True, read=True)
    if connection.execute(query).scalar_one_or_none() != plant.zone:
        raise PlantGone(
            SOURCE,
            f"{plant} was deleted, or its time zone changed, while it was being synced",
            place="solar.plants",
            remedy="Nothing, if that was meant.",
        )


def _is_known(connection: Connection, plant: Plant, window: Window, delivery: Delivery) -> bool:
    """Return whether the same response was the last one for every day of the window."""
    last = last_delivery(connection, SOURCE, delivery.name)
    if last is None or last.sha256 != delivery.sha256:
        return False
    days = tables.days.c
    query = select(func.count()).where(
        days.plant_id == plant.plant_id,
        days.day >= window.first,
        days.day < window.end,
        days.status.in_(("complete", "empty")),
        days.retry_at.is_(None),
        days.delivery_id == last.delivery_id,
    )
    return connection.execute(query).scalar_one() == (window.end - window.first).days


def _put_readings(
    connection: Connection, plant: Plant, readings: pd.DataFrame, delivery_id: int
) -> pd.DataFrame:
    """Write the readings that are new or differ from the stored ones; return these."""
    if readings.empty:
        return readings
    times = {"plant_id": plant.plant_id, "first": readings.read_at.min()}
    stored = _stored(connection, times | {"last": readings.read_at.max()})
    if stored is None:
        whole = readings.assign(plant_id=plant.plant_id, delivery_id=delivery_id)
        copy_rows(connection, f"solar.readings ({', '.join(whole.columns)})", whole)
        return readings
    stored = stored.reindex(readings.read_at.astype("datetime64[s, UTC]").astype("int64"))
    is_stored = (readings[[*VALUES]].to_numpy() == stored.to_numpy()).all(axis=1)
    changed: pd.DataFrame = readings[~is_stored]
    if not changed.empty:
        stage(connection, changed, tables.readings)
        parameters = {"plant_id": plant.plant_id, "delivery_id": delivery_id}
        connection.execute(_statement("put_readings"), parameters)
    return changed


def _stored(connection: Connection, times: dict[str, Any]) -> pd.DataFrame | None:
    """Return what is stored between two times, one row per second; None if there is nothing."""
    import pandas as pd

    sent = connection.execute(_statement("stored_readings"), times).one()
    if sent.seconds is None:
        return None
    columns = [array_values(one, ">f8").astype("f8") for one in sent]
    return pd.DataFrame(dict(zip(VALUES, columns[1:], strict=True)), index=columns[0])


def _resolve_quarantined(
    connection: Connection, plant: Plant, window: Window, delivery_id: int
) -> None:
    """Resolve the quarantined items of earlier responses for the window's hours."""
    keys = [
        [str(plant.plant_id), f"{_midnight(day, plant.zone):%Y-%m-%dT%H:%M:%S}Z"] for day in window
    ]
    resolved = connection.execute(
        _statement("resolved_records"),
        {"source": SOURCE, "delivery_id": delivery_id, "from_key": keys[0], "to_key": keys[1]},
    )
    resolve_quarantined(connection, resolved.scalars().all())


def _days(readings: pd.DataFrame, zone: str) -> list[dt.date]:
    """Return the dates of readings in a zone."""
    local = readings.read_at.dt.tz_convert(zone).dt.tz_localize(None)
    days: list[dt.date] = local.astype("datetime64[s]").to_numpy().astype("datetime64[D]").tolist()
    return sorted({*days})


def _midnight(day: dt.date, zone: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)


def _about(plant: Plant, window: Window) -> dict[str, Any]:
    return {
        "plant_id": plant.plant_id,
        "zone": plant.zone,
        "first": window.first,
        "end": window.end,
    }


def _statement(name: str) -> TextClause:
    return text(read_sql("pipelines.sources.solar", name))
