"""Rules that the readings of an intact sensor never break, each with its source.

Pure: readings in, which of them break a rule out. Readings are frames with plant_id, read_at (the
beginning of the hour), the four values as in `solar.readings`, latitude and longitude, in order of
plant and time. What a plant is to yield, and whether that is much or little, is not looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NIGHT_BELOW_DEGREES = -6.0
"""The end of civil twilight: with the sun below, there is no light that a module would notice."""
NIGHT_WH_PER_M2 = 5.0
"""What a pyranometer may measure in the dark."""
FAINT = 0.01
"""Share of the most energy expected in an hour, up to which energy is as good as none."""
FLAT_HOURS = 4
STILL = 1e-5
"""Share by which a value that stands still may differ from the one before."""


def sun(readings: pd.DataFrame) -> pd.DataFrame:
    """Return where the sun is in each hour; NaN for plants without coordinates.

    highest_degrees: its apparent elevation when it is highest of the hour's beginning, middle and
    end. above_air_w_per_m2: the irradiance outside the atmosphere.
    """
    import numpy as np
    import pandas as pd

    from pipelines.sources.solar.sun_position import (
        apparent_elevation_degrees,
        extraterrestrial_w_per_m2,
    )

    highest, above_air = np.full((2, len(readings)), np.nan)
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
        above_air[places] = outside[begins]
    values = {"highest_degrees": highest, "above_air_w_per_m2": above_air}
    return pd.DataFrame(values, index=readings.index)


def is_on_at_night(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[bool]:
    """Hours with energy or irradiation although the sun is below civil twilight all the time.

    QCRad's limit (see `is_over_limit`) is 100 W/m² in the dark. The margin of 6° allows for dusk,
    for coordinates that are nearly right and for clocks that are some minutes wrong.
    """
    is_night = sun.highest_degrees < NIGHT_BELOW_DEGREES
    is_on = (readings.observed_energy_kwh > _faint(readings)) | (
        readings.observed_irradiation_wh_per_m2 > NIGHT_WH_PER_M2
    )
    return is_night & is_on


def is_flat(readings: pd.DataFrame) -> pd.Series[bool]:
    """Hours of runs of four or more, by day, in which an observed value stands still.

    The rule of pvanalytics' `quality.gaps.stale_values_diff`, by its tolerance, between neighbours.
    Day is when energy is expected. Energy that stays at zero is an outage, and energy that stands
    still with what is expected, under changing light, is an inverter at its limit: neither is flat.
    """
    is_day = readings.expected_energy_kwh > _faint(readings)
    is_at_limit = _stands_still(readings, "expected_energy_kwh") & ~_stands_still(
        readings, "expected_irradiation_wh_per_m2"
    )
    energy = (
        _stands_still(readings, "observed_energy_kwh")
        & (readings.observed_energy_kwh > 0)
        & ~is_at_limit
    )
    irradiation = _stands_still(readings, "observed_irradiation_wh_per_m2")
    follows = is_day & is_day.shift(fill_value=False)
    return _in_long_run(energy & follows) | _in_long_run(irradiation & follows)


def is_over_limit(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[bool]:
    """Hours with more irradiation than can fall on the level, with the sun where it is highest.

    1.5 S µ^1.2 + 100 W/m², where S arrives outside the atmosphere and µ is the sine of the sun's
    elevation: QCRad's physically possible limit (Long and Shi 2008; Long and Dutton 2002). The mean
    of an hour in W/m² is its sum in Wh/m². Modules that face a low sun may receive more.
    """
    import numpy as np

    sine = np.sin(np.radians(sun.highest_degrees)).clip(lower=0)
    limit = 1.5 * sun.above_air_w_per_m2 * sine**1.2 + 100
    return readings.observed_irradiation_wh_per_m2.gt(limit)


def _faint(readings: pd.DataFrame) -> pd.Series[float]:
    """Energy that is as good as none to the plant of each reading."""
    return FAINT * readings.groupby("plant_id").expected_energy_kwh.transform("max")


def _stands_still(readings: pd.DataFrame, value: str) -> pd.Series[bool]:
    """Whether the value is that of the same plant an hour before."""
    import pandas as pd

    of_plant = readings.groupby("plant_id")
    before = of_plant[value].shift()
    is_next = of_plant.read_at.diff() == pd.Timedelta(hours=1)
    return is_next & ((readings[value] - before).abs() <= STILL * before.abs())


def _in_long_run(follows: pd.Series[bool]) -> pd.Series[bool]:
    """Which rows are in runs of `FLAT_HOURS` or more, each of which follows the one before."""
    run = (~follows).cumsum()
    return run.groupby(run).transform("size").ge(FLAT_HOURS)
