"""The sandbox's initial data: its plants, a day that was corrected since, and one with a gap."""

import datetime as dt
import json
from decimal import Decimal

from sqlalchemy import insert

from pipelines.http.client import JsonResponse
from pipelines.ingest.statements import execute_file
from pipelines.sources.solar import source
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.registry import SOURCE
from pipelines.sources.solar.tables import plants
from pipelines.sources.solar.windows import DAY, Window
from pipelines.warehouse.connection import Warehouse

TARIFF_PER_KWH = Decimal("0.075")
#: Responses from before the first sync: plant, days ago, hours without observations yet, missing
#: hours, and how old each response is. The first sync requests an old one again, which yields
#: corrections. One that was received whenever it was due, last now, leaves a gap for hours.
EARLIER = (
    (1, 3, range(9, 13), range(13, 17), (dt.timedelta(days=2),)),
    (3, 2, range(0), range(10, 14), [dt.timedelta(minutes=ago) for ago in (210, 200, 160, 0)]),
)


def seed_sandbox(store: Warehouse) -> str | None:
    """Register the sandbox's plants if no plant was ever registered; return a message."""
    from pipelines.sources.solar.sandbox import DEMO_PLANTS, as_item, plant, readings

    columns = ("name", "latitude", "longitude", "time_zone", "capacity_kwp")
    with store.transaction(SOURCE) as connection:
        if execute_file(connection, source, "has_had_plants", {}).scalar_one():
            return None
        tariff = {"tariff_per_kwh": TARIFF_PER_KWH, "tariff_currency": "EUR"}
        rows = [dict(zip(columns, plant[1:6], strict=True)) | tariff for plant in DEMO_PLANTS]
        connection.execute(insert(plants), rows)  # numbered from 1, as theirs are
    now = dt.datetime.now(dt.UTC)
    for plant_id, ago, unobserved, missing, ages in EARLIER:
        day = now.date() - ago * DAY
        items = {one.at.hour: as_item(one) for one in readings(1, plant_id, day, day)}
        for hour in unobserved:
            items[hour]["observed"]["energy"] = 0.0
        sent = [item for hour, item in items.items() if hour not in missing]
        here = plant(plant_id)
        known = Plant(here.id, here.name, here.zone)
        for age in ages:
            response = JsonResponse("sandbox", json.dumps(sent).encode(), sent, now - age)
            window = Window(day, day + DAY)
            load_response(store, known, window, response, run_id=None, now=now - age)
    return "Registered the sandbox's solar plants."
