"""The sandbox's sky over a place: clear-sky irradiation, and the share that clouds transmit.

All sources use it, so that their data are consistent. Hours are arrays of `datetime64[h]` in UTC.
"""

import math
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hours = NDArray[np.datetime64]
#: In Wh/m². Below it, it is night and all values are zero.
MIN_IRRADIATION = 1.0
#: The minimum share of irradiation that clouds transmit.
MIN_CLEARNESS = 0.32


def day_and_hour(hours: Hours) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the day of the year, from 0 on, and the hour of the day."""
    days = hours.astype("M8[D]")
    years = days.astype("M8[Y]").astype("M8[D]")
    return (days - years).astype(int), (hours - days).astype(int)


@lru_cache(maxsize=64)
def clear_year(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Return the clear-sky irradiation in Wh/m² by day of a leap year and hour (UTC).

    It is the model of Haurwitz (1945) for the sun's elevation at mid-hour. The declination is
    Cooper's (1969); the equation of time is ignored.
    """
    days, hours = np.arange(1, 367)[:, None], np.arange(24)
    declination = math.radians(23.45) * np.sin(2 * math.pi * (284 + days) / 365)
    cosine = np.cos(np.radians(15 * (hours + 0.5 - 12) + longitude))
    north = math.radians(latitude)
    sine = math.sin(north) * np.sin(declination) + math.cos(north) * np.cos(declination) * cosine
    up = np.maximum(sine, 1e-9)
    full = 1098 * up * np.exp(-0.057 / up)
    return np.where(full >= MIN_IRRADIATION, full, 0.0)


@lru_cache(maxsize=4096)
def clearness(latitude: float, longitude: float, ordinal: int) -> tuple[float, ...]:
    """Return the share that clouds transmit, by hour of a day (UTC), MIN_CLEARNESS to 1."""
    seed = sha256(f"sky {latitude:.2f} {longitude:.2f} {ordinal}".encode()).digest()
    clear = 1 - 0.6 * (seed[24] / 255) ** 3
    return tuple(clear * (1 - 0.2 * seed[hour] / 255) for hour in range(24))


def clearness_of(latitude: float, longitude: float, hours: Hours) -> NDArray[np.float64]:
    """Return the share that clouds transmit in each hour."""
    days, places = np.unique(hours.astype("M8[D]"), return_inverse=True)
    by_day = np.array([clearness(latitude, longitude, day.toordinal()) for day in days.tolist()])
    return np.asarray(by_day[places, day_and_hour(hours)[1]])


def irradiation(latitude: float, longitude: float, hours: Hours) -> NDArray[np.float64]:
    """Return the irradiation in Wh/m² of the hours that begin at these instants."""
    clear = clear_year(latitude, longitude)[day_and_hour(hours)]
    return np.asarray(clear * clearness_of(latitude, longitude, hours))
