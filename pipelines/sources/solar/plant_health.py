"""Health of each plant and reliability of its sensors, over its last 30 days.

A plant is evaluated again when one of those days was requested, and once a day. Findings are
warnings; they never block a load. `sensor_rules` has the evidence against a sensor.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
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
#: Plants whose readings are in memory at the same time, 36,000 hours.
PLANTS_AT_ONCE = 50
#: Modules that face east or west are up to 41 minutes off against the sun, hours by their other end
#: 45 to 75 if the modules face the equator.
MOST_MINUTES_LATE = 45
TIME = "datetime64[us, UTC]"
PLANT_TYPES = {
    **dict.fromkeys(("latitude", "longitude"), "float64"),
    **dict.fromkeys(("first_at", "week_at", "end_at", "requested_at"), TIME),
}
READING_TYPES = {"plant_id": "int64", "read_at": TIME, **dict.fromkeys(tables.VALUES, "float64")}
#: The evidence against a plant's sensors: by the column that counts its hours, its name and rule.
RULES = {
    "night_hours": ("production at night", sensor_rules.is_on_at_night),
    "flat_hours": ("flat lines", sensor_rules.is_flat),
    "over_limit_hours": ("above the physical limit", sensor_rules.is_over_limit),
}


def refresh(store: Warehouse, *, now: dt.datetime) -> int:
    """Evaluate the plants with changes, write the results, and return how many these are."""
    table, registry = tables.solar_plant_health, tables.plants.c
    retired = select(registry.plant_id).where(registry.retired_at.is_not(None))
    with store.transaction(SOURCE) as connection:
        connection.execute(table.delete().where(table.c.plant_id.in_(retired)))
        query = "plant_health/plants_to_assess"
        plants = execute_file(connection, source, query, {"now": now}).all()
        if plants:
            health = _health_of(connection, plants).assign(computed_at=now)
            health["sensor_issues"] = health.sensor_issues.map(array_literal)
            put_frame(connection, health, table)
    return len(plants)


def evaluate(plants: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Evaluate each plant; return the columns of the table that derive from readings.

    `plants` has the index plant_id and the columns latitude, longitude and, as instants, first_at,
    week_at and end_at, which delimit the 30 days and the last 7. `readings` are those of the 30
    days, ordered by plant and time.
    """
    readings = readings.join(plants, on="plant_id")
    sun = sensor_rules.sun(readings)
    broken = readings[["plant_id"]].assign(
        **{column: rule(readings, sun) for column, (_, rule) in RULES.items()}
    )
    hours = broken.groupby("plant_id").sum().reindex(plants.index, fill_value=0).astype("Int64")
    hours.loc[plants.latitude.isna(), ["night_hours", "over_limit_hours"]] = None
    is_week = readings.read_at >= readings.week_at
    late = sensor_rules.minutes_late(readings[is_week], sun[is_week])
    return hours.assign(
        **_yield(plants, readings, "week_at", 7),
        **_yield(plants, readings, "first_at", 30),
        longest_gap_hours=_longest_gap_hours(plants, readings),
        sensor_issues=hours.assign(minutes_late=late.round().astype("Int64")).apply(
            _words, axis="columns"
        ),
    )


def _health_of(connection: Connection, plants: Sequence[Row[Any]]) -> pd.DataFrame:
    """Return the rows of the table; readings are loaded for some plants at a time."""
    import pandas as pd

    found = []
    for start in range(0, len(plants), PLANTS_AT_ONCE):
        some = pd.DataFrame(plants[start : start + PLANTS_AT_ONCE]).astype(PLANT_TYPES)
        parameters = {name: some[name].to_list() for name in ("plant_id", "first_at", "end_at")}
        rows = execute_file(connection, source, "plant_health/readings_of_plants", parameters)
        readings = pd.DataFrame(rows, columns=list(READING_TYPES)).astype(READING_TYPES)
        some = some.set_index("plant_id")
        found.append(some[["plant_name", "day", "requested_at"]].join(evaluate(some, readings)))
    return pd.concat(found).reset_index()


def _yield(
    plants: pd.DataFrame, readings: pd.DataFrame, since: str, days: int
) -> dict[str, pd.Series[float]]:
    """Return performance ratio and availability of the days since the time in column `since`.

    The ratio is observed by expected energy in the stored hours, also known as the performance
    index. For availability, hours are expected by the calendar, requested or not.
    """
    of_plant = readings[readings.read_at >= readings[since]].groupby("plant_id")
    sums = of_plant[["observed_energy_kwh", "expected_energy_kwh"]].sum().reindex(plants.index)
    counts = of_plant.size().reindex(plants.index, fill_value=0)
    expected = sums.expected_energy_kwh.where(sums.expected_energy_kwh >= MIN_KWH)
    hours = (plants.end_at - plants[since]).dt.total_seconds() / 3600
    return {
        f"performance_ratio_{days}_days": (sums.observed_energy_kwh / expected).round(4),
        f"availability_{days}_days": (counts / hours).round(4),
    }


def _longest_gap_hours(plants: pd.DataFrame, readings: pd.DataFrame) -> pd.Series[int]:
    """Return the longest gap in hours between readings, or to either end of the 30 days."""
    import pandas as pd

    hour = pd.Timedelta(hours=1)
    ends = [(plants.first_at - hour).rename("read_at"), plants.end_at.rename("read_at")]
    times = pd.concat([readings.set_index("plant_id").read_at, *ends]).reset_index()
    steps = times.sort_values(["plant_id", "read_at"]).groupby("plant_id").read_at.diff()
    longest: pd.Series[int] = steps.groupby(times.plant_id).max() // hour - 1
    return longest


def _words(hours: pd.Series[int]) -> list[str]:
    """Return the evidence against a plant's sensors and clock."""
    broken = hours.dropna()
    found = [
        f"{words} in {broken[column]:,} hour{'s' if broken[column] > 1 else ''}"
        for column, (words, _) in RULES.items()
        if broken.get(column, 0) > 0
    ]
    late = int(broken.get("minutes_late", 0))
    if abs(late) >= MOST_MINUTES_LATE:
        found.append(f"hours {abs(late)} minutes {'later' if late > 0 else 'earlier'} than the sun")
    return found
