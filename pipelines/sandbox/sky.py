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
#: The sky is drawn at points that are so far apart, and interpolated between them.
CELL_DEGREES = 5
#: In Wh/m². Below it, it is night and all values are zero.
MIN_IRRADIATION = 1.0


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


def cloudiness(latitude: float, longitude: float, hours: Hours) -> NDArray[np.float64]:
    """Return the share of the sky that clouds cover in each hour, 0 to 1."""
    return field("clouds", latitude, longitude, hours, step_hours=24)


def clearness(latitude: float, longitude: float, hours: Hours) -> NDArray[np.float64]:
    """Return the share that clouds transmit in each hour, 0.32 to 1.

    Thin and scattered clouds take little, as in the formula of Kasten and Czeplak (1980).
    """
    haze = field("haze", latitude, longitude, hours, step_hours=1)
    return (1 - 0.6 * cloudiness(latitude, longitude, hours) ** 3) * (1 - 0.2 * haze)


def field(
    name: str, latitude: float, longitude: float, hours: Hours, *, step_hours: int
) -> NDArray[np.float64]:
    """Return a value from 0 to 1 for each hour, evenly distributed, which neighbours share.

    It is drawn every `CELL_DEGREES` and `step_hours`, and interpolated between them: a few
    kilometres change little, and a thousand everything. The hours follow one another.
    """
    steps = hours.astype("M8[h]").astype(np.int64) / step_hours
    before = np.floor(steps).astype(np.int64)
    drawn_at = np.arange(before.min(), before.max() + 2)
    (row, north), (column, east) = (
        divmod((degrees + offset) / CELL_DEGREES, 1)
        for degrees, offset in ((latitude, 90), (longitude, 180))
    )
    drawn, length = np.zeros(len(drawn_at)), 0.0
    for up, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = abs(1 - up - north) * abs(1 - right - east)
        cell = f"{name} {int(row) + up} {(int(column) + right) % int(360 / CELL_DEGREES)}"
        drawn += weight * _normal(_seed(cell), drawn_at)
        length += weight**2
    position, later = before - before.min(), steps - before
    value = (1 - later) * drawn[position] + later * drawn[position + 1]
    # Means vary less than what they are of: between cells, the sky would never be clear.
    value /= np.sqrt(length * ((1 - later) ** 2 + later**2))
    return np.asarray(1 / (1 + np.exp(-1.702 * value)))


@lru_cache(maxsize=4096)
def _seed(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8])


def _normal(seed: int, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a normally distributed value for each number: sums of eight bytes.

    The bytes are from Steele's SplitMix64 (2014) of seed and number.
    """
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(seed)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    total = mixed.view(np.uint8).reshape(-1, 8).sum(axis=1, dtype=np.int64)
    return np.asarray((total - 8 * 127.5) / math.sqrt(8 * (256**2 - 1) / 12))


def irradiation(latitude: float, longitude: float, hours: Hours) -> NDArray[np.float64]:
    """Return the irradiation in Wh/m² of the hours that begin at these instants."""
    clear = clear_year(latitude, longitude)[day_and_hour(hours)]
    return np.asarray(clear * clearness(latitude, longitude, hours))
