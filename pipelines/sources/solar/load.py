"""Load one response into the warehouse: readings, days and bookkeeping in one transaction.

A window that the service did not answer is recorded as failed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from pipelines.failures import SubjectGone
from pipelines.http.client import JsonResponse
from pipelines.ingest.deliveries import Delivery, Outcome, rejection_noted
from pipelines.ingest.feeds import Content
from pipelines.ingest.statements import execute_file
from pipelines.sources.solar import feed, source
from pipelines.sources.solar.tables import plants
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse

SOURCE = "solar"


@dataclass(frozen=True)
class Plant:
    """A plant at the time of its sync."""

    plant_id: int
    name: str
    zone: str

    @property
    def source(self) -> str:
        """The name under which its transactions take turns."""
        return source_of(self.plant_id)

    def __str__(self) -> str:
        return f"plant {self.plant_id} ({self.name})"


def source_of(plant_id: int) -> str:
    """Return the name under which transactions of a plant take turns."""
    return f"{SOURCE} plant {plant_id}"


def load_response(
    store: Warehouse,
    plant: Plant,
    window: Window,
    response: JsonResponse,
    *,
    run_id: str | None,
    now: dt.datetime,
    names_end: bool = False,
) -> Outcome:
    """Write the service's response for a window; its times may name the end of their hour.

    Raises `SubjectGone`, and `PermanentFailure` if it is about other days or almost all bad.
    """
    name, size = f"plant {plant.plant_id}, {window}", len(response.body)
    delivery = Delivery(SOURCE, name, response.sha256, size, response.received_at)
    midnights = (dt.datetime.combine(day, dt.time(), ZoneInfo(plant.zone)) for day in window)
    utc = [f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z" for at in midnights]
    # Items in quarantine that are about these days have keys between the two.
    from_key, to_key = ([str(plant.plant_id), at] for at in utc)
    said = _about(plant, window) | {"window": window, "now": now, "names_end": names_end}
    said |= {"from_key": from_key, "to_key": to_key}
    with (
        rejection_noted(store, SOURCE, delivery, run_id),
        store.transaction(plant.source) as connection,
    ):
        keep_plant(connection, plant)
        where = execute_file(connection, source, "place", said).mappings().one()
        content = Content(delivery=delivery, document=response.document, said={**said, **where})
        return source.runner(feed, store, None, run_id).write(connection, content)


def note_failed(
    connection: Connection, plant: Plant, window: Window, problem: str, *, now: dt.datetime
) -> None:
    """Record that the service did not answer for a window, and when to request it again."""
    parameters = _about(plant, window) | {"now": now, "problem": problem, "delivery_id": None}
    execute_file(connection, source, "put_failed_days", parameters)
    execute_file(connection, source, "put_losses", parameters)


def keep_plant(connection: Connection, plant: Plant) -> None:
    """Lock the plant against deletion until the transaction ends. Raises `SubjectGone`."""
    query = select(plants.c.time_zone).where(plants.c.plant_id == plant.plant_id)
    zone = connection.execute(query.with_for_update(read=True, key_share=True)).scalar()
    if zone != plant.zone:
        raise SubjectGone(
            SOURCE,
            f"{plant} was deleted, or its time zone changed, while it was being synced",
            place="solar.plants",
            remedy="Nothing, if that was meant.",
        )


def _about(plant: Plant, window: Window) -> dict[str, Any]:
    return {"plant_id": plant.plant_id, "zone": plant.zone, **window._asdict()}
