"""Health of each plant and reliability of its sensors, over its last 30 days.

A plant is evaluated again when one of those days was requested, and once a day.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from pipelines.ingest.statements import execute_file
from pipelines.sources.solar import sensor_rules, source, tables
from pipelines.warehouse.connection import Warehouse, array_literal, put_frame

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "metrics.solar_plant_health"
#: Less than this counts as none, as for `solar.ratio`.
MIN_KWH = 1e-6
#: Modules that face east or west are up to 41 minutes off against the sun.
MOST_MINUTES_LATE = 45
HOUR = dt.timedelta(hours=1)
PLACE = ("latitude", "longitude")
#: What is unknown without a place.
OF_SUN = ("night_hours", "over_limit_hours")
READING_TYPES = {"read_at": "datetime64[us, UTC]", **dict.fromkeys(tables.VALUES, "float64")}
TYPES = {"requested_at": "datetime64[us, UTC]", **dict.fromkeys(OF_SUN, "Int64")}
#: The evidence against a plant's sensors: by the column that counts its hours, its name and rule.
RULES = {
    "night_hours": ("production at night", sensor_rules.is_on_at_night),
    "flat_hours": ("flat lines", sensor_rules.is_flat),
    "over_limit_hours": ("above the physical limit", sensor_rules.is_over_limit),
}


def refresh(store: Warehouse, *, now: dt.datetime) -> int:
    """Evaluate the plants with changes, write the results, and return how many these are."""
    import pandas as pd

    table, registry = tables.solar_plant_health, tables.plants.c
    retired = select(registry.plant_id).where(registry.retired_at.is_not(None))
    with store.transaction(SOURCE) as connection:
        connection.execute(table.delete().where(table.c.plant_id.in_(retired)))
        plants = execute_file(connection, source, "plants_to_assess", {"now": now}).all()
        if plants:
            health = pd.DataFrame([_health_of(connection, plant) for plant in plants])
            health = health.astype(TYPES).assign(computed_at=now)
            put_frame(connection, health, table)
    return len(plants)


def _health_of(connection: Connection, plant: Row[Any]) -> dict[str, Any]:
    """Return a row of the table but its time."""
    import pandas as pd

    values, of = plant._asdict(), tables.readings.c
    is_within = (of.read_at >= plant.first_at) & (of.read_at < plant.end_at)
    query = select(*(of[name] for name in READING_TYPES)).order_by(of.read_at)
    rows = connection.execute(query.where(of.plant_id == plant.plant_id, is_within))
    readings = pd.DataFrame(rows, columns=list(READING_TYPES)).astype(READING_TYPES)
    first, week, end = (pd.Timestamp(values.pop(f"{name}_at")) for name in ("first", "week", "end"))
    place = [math.nan if (one := values.pop(name)) is None else one for name in PLACE]
    sun = sensor_rules.sun(pd.DatetimeIndex(readings.read_at), *place)
    hours = {column: int(rule(readings, sun).sum()) for column, (_, rule) in RULES.items()}
    is_week = readings.read_at >= week
    late = sensor_rules.minutes_late(readings[is_week], sun[is_week], place[1])
    unknown = dict.fromkeys(OF_SUN if plant.latitude is None else ())
    times = [first - HOUR, *readings.read_at, end]
    return {
        **values,
        **hours,
        **unknown,
        **_yield(readings[is_week], end - week, 7),
        **_yield(readings, end - first, 30),
        "longest_gap_hours": pd.Series(times).diff().max() // HOUR - 1,
        "sensor_issues": array_literal(_words(hours, late)),
    }


def _yield(readings: pd.DataFrame, length: dt.timedelta, days: int) -> dict[str, float]:
    """Return performance ratio (of stored hours) and availability (of the calendar's) of days."""
    observed, expected = readings.observed_energy_kwh.sum(), readings.expected_energy_kwh.sum()
    ratio = observed / expected if expected >= MIN_KWH else math.nan
    return {
        f"performance_ratio_{days}_days": round(ratio, 4),
        f"availability_{days}_days": round(len(readings) / (length / HOUR), 4),
    }


def _words(hours: Mapping[str, int], late: float) -> list[str]:
    """Return the evidence against a plant's sensors and clock."""
    found = [
        f"{words} in {count:,} hour{'s' if count > 1 else ''}"
        for column, (words, _) in RULES.items()
        if (count := hours[column]) > 0
    ]
    if abs(late) >= MOST_MINUTES_LATE:
        side = "later" if late > 0 else "earlier"
        found.append(f"hours {abs(round(late))} minutes {side} than the sun")
    return found
