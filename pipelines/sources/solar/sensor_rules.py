"""Rules that the readings of an intact sensor never violate, each with its source.

Pure: readings in, rule violations out. Readings are frames with plant_id, read_at (start of the
hour), the four values as in `solar.readings`, latitude and longitude, ordered by plant and time.
The level of a plant's yield is not evaluated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: The end of civil twilight: below it, there is no light that a module would notice.
NIGHT_BELOW_DEGREES = -6.0
#: The most that a pyranometer may measure in the dark.
NIGHT_WH_PER_M2 = 5.0
#: Energy up to this share of the highest expected energy in an hour is negligible.
FAINT = 0.01
FLAT_HOURS = 4
#: Up to this share of the highest value of a day, light counts as less than a whole hour of it.
DUSK = 0.1
#: Of fewer days, nothing is said of the clock.
CLOCK_DAYS = 5
#: Relative tolerance within which a value counts as unchanged.
STILL = 1e-5


def sun(readings: pd.DataFrame) -> pd.DataFrame:
    """Return the position of the sun in each hour; NaN for plants without coordinates.

    highest_degrees: the highest of its apparent elevations at the start, middle and end of the
    hour. above_air_w_per_m2: the irradiance outside the atmosphere. sine: the mean sine of its
    elevation while it is up.
    """
    import numpy as np
    import pandas as pd

    from pipelines.sources.solar.sun_position import (
        apparent_elevation_degrees,
        extraterrestrial_w_per_m2,
    )

    highest, above_air, sine = np.full((3, len(readings)), np.nan)
    half = pd.Timedelta(minutes=30)
    for places in readings.groupby("plant_id").indices.values():
        of_plant = readings.iloc[places]
        latitude, longitude = of_plant[["latitude", "longitude"]].iloc[0]
        if np.isnan(latitude):
            continue
        first, last = of_plant.read_at.iloc[[0, -1]]
        times = pd.date_range(first, last + 2 * half, freq=half)
        elevation = apparent_elevation_degrees(times, latitude, longitude)
        outside = extraterrestrial_w_per_m2(times)
        begins = ((of_plant.read_at - first) // half).to_numpy()
        highest[places] = np.max([elevation[begins + n] for n in range(3)], axis=0)
        up = np.sin(np.radians(elevation)).clip(min=0)
        sine[places] = np.mean([up[begins + n] for n in range(3)], axis=0)
        above_air[places] = outside[begins]
    values = {"highest_degrees": highest, "above_air_w_per_m2": above_air, "sine": sine}
    return pd.DataFrame(values, index=readings.index)


def is_on_at_night(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[bool]:
    """Return hours with energy or irradiation during which the sun is always below civil twilight.

    QCRad's limit (see `is_over_limit`) is 100 W/m² in the dark. The margin of 6° allows for dusk,
    slightly wrong coordinates and clocks that are off by some minutes.
    """
    is_night = sun.highest_degrees < NIGHT_BELOW_DEGREES
    is_on = (readings.observed_energy_kwh > _negligible_energy(readings)) | (
        readings.observed_irradiation_wh_per_m2 > NIGHT_WH_PER_M2
    )
    return is_night & is_on


def is_flat(readings: pd.DataFrame, _: pd.DataFrame) -> pd.Series[bool]:
    """Return daytime hours in runs of four or more in which an observed value does not change.

    This is the rule of pvanalytics' `quality.gaps.stale_values_diff`, with its tolerance, between
    neighbours. Daytime is when energy is expected. Energy that stays at zero is an outage. Energy
    that is constant together with the expected energy under changing light is an inverter at its
    limit. Neither counts as flat.
    """
    is_day = readings.expected_energy_kwh > _negligible_energy(readings)
    is_at_limit = _is_unchanged(readings, "expected_energy_kwh") & ~_is_unchanged(
        readings, "expected_irradiation_wh_per_m2"
    )
    energy = (
        _is_unchanged(readings, "observed_energy_kwh")
        & (readings.observed_energy_kwh > 0)
        & ~is_at_limit
    )
    irradiation = _is_unchanged(readings, "observed_irradiation_wh_per_m2")
    follows = is_day & is_day.shift(fill_value=False)
    return _in_long_run(energy & follows) | _in_long_run(irradiation & follows)


def is_over_limit(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[bool]:
    """Return hours with more irradiation than possible on a level surface at the sun's highest.

    The limit is 1.5 S µ^1.2 + 100 W/m², where S is the irradiance outside the atmosphere and µ the
    sine of the sun's elevation: QCRad's physically possible limit (Long and Shi 2008; Long and
    Dutton 2002). The mean of an hour in W/m² is its sum in Wh/m². Modules that face a low sun may
    receive more.
    """
    import numpy as np

    sine = np.sin(np.radians(sun.highest_degrees)).clip(lower=0)
    limit = 1.5 * sun.above_air_w_per_m2 * sine**1.2 + 100
    return readings.observed_irradiation_wh_per_m2.gt(limit)


def minutes_late(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[float]:
    """Return by how many minutes the hours of each plant are later than the sun; NaN if unknown.

    The middle of the expected light of a day is compared with that of the sun's elevation. Dawn and
    dusk determine both, as more than a tenth of the highest value counts alike: modules that face
    east or west change it by up to 40 minutes. It is the median of the days, which begin at the
    sun's midnight.
    """
    import pandas as pd

    solar = readings.read_at + pd.to_timedelta(readings.longitude * 4, unit="min")
    day = [readings.plant_id, solar.dt.floor("D")]
    minutes = (solar - solar.dt.floor("D")).dt.total_seconds() / 60

    def middle(light: pd.Series[float]) -> pd.Series[float]:
        dusk = DUSK * light.groupby(day).transform("max")
        has_night = light.groupby(day).transform("min") < dusk
        weight = (light / dusk).where(has_night).clip(upper=1)
        found: pd.Series[float] = (weight * minutes).groupby(day).sum() / weight.groupby(day).sum()
        return found

    late = middle(readings.expected_irradiation_wh_per_m2) - middle(sun.sine)
    of_plant = late.groupby("plant_id")
    return of_plant.median().where(of_plant.count() >= CLOCK_DAYS)


def _negligible_energy(readings: pd.DataFrame) -> pd.Series[float]:
    """Return the negligible energy for the plant of each reading."""
    return FAINT * readings.groupby("plant_id").expected_energy_kwh.transform("max")


def _is_unchanged(readings: pd.DataFrame, value: str) -> pd.Series[bool]:
    """Return whether the value equals that of the same plant an hour earlier."""
    import pandas as pd

    of_plant = readings.groupby("plant_id")
    before = of_plant[value].shift()
    is_next = of_plant.read_at.diff() == pd.Timedelta(hours=1)
    return is_next & ((readings[value] - before).abs() <= STILL * before.abs())


def _in_long_run(follows: pd.Series[bool]) -> pd.Series[bool]:
    """Return which rows are in runs of `FLAT_HOURS` or more, each following the one before."""
    run = (~follows).cumsum()
    return run.groupby(run).transform("size").ge(FLAT_HOURS)
