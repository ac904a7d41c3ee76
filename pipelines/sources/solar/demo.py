"""The sandbox's initial data: its plants, a day that was corrected since, and one with a gap."""

import datetime as dt
import json
from typing import Any

from pipelines.http.client import JsonResponse
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.registry import register_demo
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse

#: Responses from before the first sync: plant, days ago, hours without observations yet, missing
#: hours, and how old each response is. The first sync requests an old one again, which yields
#: corrections. One that was received whenever it was due, last now, leaves a gap for hours.
EARLIER = (
    (1, 3, range(9, 13), range(13, 17), (dt.timedelta(days=2),)),
    (3, 2, range(0), range(10, 14), [dt.timedelta(minutes=ago) for ago in (210, 200, 160, 0)]),
)


def seed_sandbox(store: Warehouse) -> str | None:
    """Register the sandbox's plants if no plant was ever registered; return a message."""
    from pipelines.sources.solar.sandbox.sun import DEMO_PLANTS

    columns = ("plant_id", "name", "latitude", "longitude", "time_zone")
    demo = [dict(zip(columns, plant, strict=False)) for plant in DEMO_PLANTS]
    if not register_demo(store, demo):
        return None
    now = dt.datetime.now(dt.UTC)
    plants = {one.id: Plant(one.id, one.name, one.zone) for one in DEMO_PLANTS}
    for plant_id, ago, unobserved, missing, ages in EARLIER:
        day = now.date() - dt.timedelta(days=ago)
        items = _items(plant_id, day, unobserved, missing)
        window = Window(day, day + dt.timedelta(days=1))
        for age in ages:
            response = JsonResponse("sandbox", json.dumps(items).encode(), items, now - age)
            load_response(store, plants[plant_id], window, response, run_id=None, now=now - age)
    return "Registered the sandbox's solar plants."


def _items(plant_id: int, day: dt.date, unobserved: range, missing: range) -> list[dict[str, Any]]:
    """Return an earlier response of the service for a day, which lacks some of today's values."""
    from pipelines.sources.solar.sandbox import as_item
    from pipelines.sources.solar.sandbox.sun import readings

    items = {one.at.hour: as_item(one) for one in readings(1, plant_id, day, day)}
    for hour in unobserved:
        items[hour]["observed"]["energy"] = 0.0
    return [item for hour, item in items.items() if hour not in missing]
