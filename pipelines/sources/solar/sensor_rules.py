"""The position of the sun, and rules that the readings of an intact sensor never violate.

Pure; the sun's formulae are compared with pvlib in a test. Readings are a frame of a plant with
read_at (start of the hour) and the four values as in `solar.readings`, in order of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

#: W/m² outside the atmosphere at the mean distance of the sun (ASTM E-490).
SOLAR_CONSTANT_W_PER_M2 = 1366.1
#: Elevation of the sun's centre at sunset of its upper rim. Refraction applies only above it.
SUNSET_DEGREES = -0.8333
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


def apparent_elevation_degrees(
    times: pd.DatetimeIndex, latitude: float, longitude: float
) -> npt.NDArray[np.float64]:
    """Return the elevation of the sun's centre above the horizon, with refraction.

    `times` are aware. The position is Meeus' of low accuracy (Astronomical Algorithms, 2nd edition,
    chapters 12 and 25), the refraction Sæmundsson's (chapter 16) at 1010 hPa and 10 °C: within
    0.02° of NREL's SPA from 1990 to 2060.
    """
    import numpy as np
    import pandas as pd

    days = np.asarray((times - pd.Timestamp("2000-01-01T12:00Z")) / pd.Timedelta(days=1))
    centuries = days / 36525
    anomaly = np.radians(357.52911 + 35999.05029 * centuries)
    centre = (
        (1.914602 - 0.004817 * centuries) * np.sin(anomaly)
        + 0.019993 * np.sin(2 * anomaly)
        + 0.000289 * np.sin(3 * anomaly)
    )
    node = np.radians(125.04 - 1934.136 * centuries)
    ecliptic = np.radians(
        280.46646 + 36000.76983 * centuries + centre - 0.00569 - 0.00478 * np.sin(node)
    )
    obliquity = np.radians(23.439291 - 0.0130042 * centuries + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(ecliptic))
    ascension = np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic))
    sidereal = np.radians(280.46061837 + 360.98564736629 * days + longitude)
    north = np.radians(latitude)
    elevation: npt.NDArray[np.float64] = np.degrees(
        np.arcsin(
            np.sin(north) * np.sin(declination)
            + np.cos(north) * np.cos(declination) * np.cos(sidereal - ascension)
        )
    )
    above = np.maximum(elevation, SUNSET_DEGREES)
    refraction = 1.02 / np.tan(np.radians(above + 10.3 / (above + 5.11))) / 60
    elevation[elevation >= SUNSET_DEGREES] += refraction[elevation >= SUNSET_DEGREES]
    return elevation


def extraterrestrial_w_per_m2(times: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return the irradiance outside the atmosphere, facing the sun (Spencer 1971)."""
    import numpy as np

    angle: npt.NDArray[np.float64] = 2 * np.pi * (times.day_of_year.to_numpy() - 1) / 365
    distance = (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle)
        + 0.000077 * np.sin(2 * angle)
    )
    return SOLAR_CONSTANT_W_PER_M2 * distance


def sun(hours: pd.DatetimeIndex, latitude: float, longitude: float) -> pd.DataFrame:
    """Return the position of the sun in each hour, in order; NaN degrees without coordinates.

    highest_degrees: the highest of its apparent elevations at start, middle and end.
    above_air_w_per_m2: the irradiance outside the atmosphere. sine: the mean sine while it is up.
    """
    import numpy as np
    import pandas as pd

    half = pd.Timedelta(minutes=30)
    elevation = np.array(
        [apparent_elevation_degrees(hours + n * half, latitude, longitude) for n in range(3)]
    )
    values = {
        "highest_degrees": elevation.max(axis=0),
        "above_air_w_per_m2": extraterrestrial_w_per_m2(hours),
        "sine": np.sin(np.radians(elevation)).clip(min=0).mean(axis=0),
    }
    return pd.DataFrame(values)


def is_on_at_night(readings: pd.DataFrame, sun: pd.DataFrame) -> pd.Series[bool]:
    """Return hours with energy or irradiation during which the sun is always below civil twilight.

    The margin of 6° allows for dusk, and for coordinates and clocks that are slightly wrong.
    """
    is_night = sun.highest_degrees < NIGHT_BELOW_DEGREES
    is_on = (readings.observed_energy_kwh > _negligible_energy(readings)) | (
        readings.observed_irradiation_wh_per_m2 > NIGHT_WH_PER_M2
    )
    return is_night & is_on


def is_flat(readings: pd.DataFrame, _: pd.DataFrame) -> pd.Series[bool]:
    """Return daytime hours in runs of four or more in which an observed value does not change.

    This is the rule of pvanalytics' `quality.gaps.stale_values_diff`, with its tolerance, between
    neighbours. Energy that stays at zero is an outage, and energy that is constant with what is
    expected under changing light an inverter at its limit: neither counts as flat.
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
    sine of the sun's elevation: QCRad's physically possible limit (Long and Shi 2008). Modules that
    face a low sun may receive more.
    """
    import numpy as np

    sine = np.sin(np.radians(sun.highest_degrees)).clip(lower=0)
    limit = 1.5 * sun.above_air_w_per_m2 * sine**1.2 + 100
    return readings.observed_irradiation_wh_per_m2.gt(limit)


def minutes_late(readings: pd.DataFrame, sun: pd.DataFrame, longitude: float) -> float:
    """Return by how many minutes the hours are later than the sun; NaN if unknown.

    The middle of the expected light of a day is compared with that of the sun's elevation; more
    than a tenth of the highest value counts alike, so that dawn and dusk determine both. It is the
    median of the days, which begin at the sun's midnight.
    """
    import pandas as pd

    solar = readings.read_at + pd.Timedelta(minutes=1) * (longitude * 4)
    day = solar.dt.floor("D")
    minutes = (solar - day).dt.total_seconds() / 60

    def middle(light: pd.Series[float]) -> pd.Series[float]:
        dusk = DUSK * light.groupby(day).transform("max")
        has_night = light.groupby(day).transform("min") < dusk
        weight = (light / dusk).where(has_night).clip(upper=1)
        found: pd.Series[float] = (weight * minutes).groupby(day).sum() / weight.groupby(day).sum()
        return found

    late = middle(readings.expected_irradiation_wh_per_m2) - middle(sun.sine)
    return float(late.median()) if late.count() >= CLOCK_DAYS else float("nan")


def _negligible_energy(readings: pd.DataFrame) -> float:
    return FAINT * float(readings.expected_energy_kwh.max())


def _is_unchanged(readings: pd.DataFrame, value: str) -> pd.Series[bool]:
    """Return whether the value equals that of an hour earlier."""
    import pandas as pd

    before = readings[value].shift()
    is_next = readings.read_at.diff() == pd.Timedelta(hours=1)
    return is_next & ((readings[value] - before).abs() <= STILL * before.abs())


def _in_long_run(follows: pd.Series[bool]) -> pd.Series[bool]:
    """Return which rows are in runs of `FLAT_HOURS` or more, each following the one before."""
    run = (~follows).cumsum()
    return run.groupby(run).transform("size").ge(FLAT_HOURS)
