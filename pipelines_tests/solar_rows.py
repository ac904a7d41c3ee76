"""Solar plants, their readings and their days, as a sync leaves them, without a service."""

import datetime as dt
import re
from collections.abc import Sequence

import psycopg

from pipelines.sources.solar.windows import Window
from pipelines.warehouse.sql_files import read_sql

#: Expected and observed energy (kWh), expected and observed irradiation (Wh/m²), of an hour.
Values = tuple[float, float, float, float]
VALUES: Values = (20.0, 15.0, 400.0, 300.0)
#: Days that differ from their readings, to 1e-9: there are none, whatever was loaded.
UNLIKE_READINGS = """
SELECT DISTINCT plant_id, days.day
FROM solar.days
INNER JOIN solar.plants USING (plant_id)
CROSS JOIN LATERAL solar.counted_days(plant_id, time_zone, days.day, days.day + 1) AS counted
CROSS JOIN LATERAL unnest(
    ARRAY[days.hours_present, days.expected_energy_kwh, days.observed_energy_kwh,
        days.expected_irradiation_wh_per_m2, days.observed_irradiation_wh_per_m2],
    ARRAY[counted.hours_present, counted.expected_energy_kwh, counted.observed_energy_kwh,
        counted.expected_irradiation_wh_per_m2, counted.observed_irradiation_wh_per_m2]
) AS sums (of_day, of_readings)
WHERE abs(coalesce(of_day, 0) - coalesce(of_readings, 0)) > 1e-9 * greatest(of_day, of_readings)
ORDER BY plant_id
"""


def add_plant(
    owner: psycopg.Connection,
    plant_id: int,
    zone: str = "UTC",
    coordinates: tuple[float, float] | None = None,
    *,
    name: str | None = None,
) -> int:
    latitude, longitude = coordinates or (None, None)
    owner.execute(
        "INSERT INTO solar.plants (plant_id, name, time_zone, latitude, longitude)"
        " VALUES (%s, %s, %s, %s, %s)",
        [plant_id, name or f"Plant {plant_id}", zone, latitude, longitude],
    )
    return plant_id


def add_readings(
    owner: psycopg.Connection,
    plant_id: int,
    first: str | dt.date,
    end: str | dt.date,
    values: Values = VALUES,
    *,
    vary: float = 0.0,
    without: Sequence[str] = (),
) -> None:
    """Every hour of the days from `first` until before `end` but those `without`, and the days.

    Each hour's values are the given ones, more by up to `vary` of them.
    """
    owner.execute(
        """
        INSERT INTO solar.readings (
            plant_id, read_at, expected_energy_kwh, observed_energy_kwh,
            expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2, delivery_id
        )
        SELECT
            plant_id, read_at,
            more * %(expected_energy)s, more * more * %(observed_energy)s,
            more * %(expected_irradiation)s, more * more * %(observed_irradiation)s, 1
        FROM solar.plants
        CROSS JOIN LATERAL generate_series(
            %(first)s::date::timestamp, %(end)s::date - interval '1 day', interval '1 day'
        ) AS day
        CROSS JOIN LATERAL generate_series(
            solar.day_begins(day::date, time_zone),
            solar.day_begins(day::date + 1, time_zone) - interval '1 minute',
            interval '30 minutes'
        ) AS read_at
        CROSS JOIN LATERAL (
            SELECT 1 + %(vary)s * (extract(epoch FROM read_at) / 3600 * 0.618 %% 1) AS more
        ) AS factor
        WHERE
            plant_id = %(plant_id)s
            AND extract(minute FROM read_at AT TIME ZONE time_zone) = 0
            AND read_at <> ALL(%(without)s::timestamptz [])
        """,
        {
            "plant_id": plant_id,
            "first": first,
            "end": end,
            "vary": vary,
            "without": list(without),
            "expected_energy": values[0],
            "observed_energy": values[1],
            "expected_irradiation": values[2],
            "observed_irradiation": values[3],
        },
    )
    count_days(owner, plant_id, first, end)


def count_days(
    owner: psycopg.Connection,
    plant_id: int,
    first: str | dt.date,
    end: str | dt.date,
    requested_at: dt.datetime | None = None,
) -> None:
    """Say of each day from `first` until before `end` what is stored of it."""
    zone = owner.execute(
        "SELECT time_zone FROM solar.plants WHERE plant_id = %s", [plant_id]
    ).fetchone()
    assert zone is not None
    window = Window(dt.date.fromisoformat(str(first)), dt.date.fromisoformat(str(end)))
    owner.execute(
        "DELETE FROM solar.days WHERE plant_id = %s AND day >= %s AND day < %s",
        [plant_id, window.first, window.end],
    )
    owner.execute(
        "DELETE FROM metrics.solar_day_losses WHERE plant_id = %s AND day >= %s AND day < %s",
        [plant_id, window.first, window.end],
    )
    for file in ("put_days", "put_losses"):
        statement = read_sql("pipelines.sources.solar", file)
        values = {
            "plant_id": plant_id,
            "zone": zone[0],
            "first": window.first,
            "end": window.end,
            "spoiled_days": [],
            "night_days": [],
            "now": requested_at or dt.datetime.now(dt.UTC),
            "delivery_id": 1,
        }
        owner.execute(re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement).encode(), values)
