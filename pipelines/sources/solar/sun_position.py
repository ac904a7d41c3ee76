"""Position and irradiance of the sun: two formulae, compared with pvlib in a test.

Works on NumPy arrays of instants; uses no clock and no plant data.
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


def apparent_elevation_degrees(
    times: pd.DatetimeIndex, latitude: float, longitude: float
) -> npt.NDArray[np.float64]:
    """Return the elevation of the sun's centre above the horizon, with refraction.

    `times` are aware; `latitude` and `longitude` are in degrees, north and east positive. The
    position is Meeus' of low accuracy (Astronomical Algorithms, 2nd edition, chapters 12 and 25),
    the refraction Sæmundsson's (chapter 16) at 1010 hPa and 10 °C. Within 0.02° of NREL's SPA
    from 1990 to 2060.
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
