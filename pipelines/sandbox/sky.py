"""The sandbox's sky over a place: clear-sky irradiation, and the share that clouds transmit.

All sources use it, so that their data are consistent.
"""

import datetime as dt
import math
from functools import lru_cache
from hashlib import sha256

#: In Wh/m². Below it, it is night and all values are zero.
MIN_IRRADIATION = 1.0

#: The minimum share of irradiation that clouds transmit.
MIN_CLEARNESS = 0.32


@lru_cache(maxsize=64)
def clear_year(latitude: float, longitude: float) -> tuple[tuple[float, ...], ...]:
    """Return the clear-sky irradiation in Wh/m² by hour (UTC) and day of a leap year."""
    return tuple(
        tuple(_clear(latitude, longitude, day, hour) for hour in range(24)) for day in range(1, 367)
    )


@lru_cache(maxsize=4096)
def clearness(latitude: float, longitude: float, ordinal: int) -> tuple[float, ...]:
    """Return the share that clouds transmit, by hour of a day (UTC), MIN_CLEARNESS to 1."""
    seed = sha256(f"sky {latitude:.2f} {longitude:.2f} {ordinal}".encode()).digest()
    clear = 1 - 0.6 * (seed[24] / 255) ** 3
    return tuple(clear * (1 - 0.2 * seed[hour] / 255) for hour in range(24))


def cloudiness(latitude: float, longitude: float, at: dt.datetime) -> float:
    """Return the cloud cover of the hour that begins at an instant (UTC), 0 to 1."""
    return (1 - clearness(latitude, longitude, at.toordinal())[at.hour]) / (1 - MIN_CLEARNESS)


@lru_cache(maxsize=256)  # some values of an hour are of the hour before
def irradiation(latitude: float, longitude: float, at: dt.datetime) -> float:
    """Return the irradiation in Wh/m² of the hour that begins at an instant (UTC)."""
    clear = _clear(latitude, longitude, at.timetuple().tm_yday, at.hour)
    return clear * clearness(latitude, longitude, at.toordinal())[at.hour]


def _clear(latitude: float, longitude: float, day: int, hour: int) -> float:
    """Return the clear-sky model of Haurwitz (1945) for the sun's elevation at mid-hour.

    The declination is Cooper's (1969); the equation of time is ignored.
    """
    north, declination = math.radians(latitude), _declination(day)
    cosine = math.cos(math.radians(15 * (hour + 0.5 - 12) + longitude))
    sine = (
        math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * cosine
    )
    if sine <= 0:
        return 0.0
    full = 1098 * sine * math.exp(-0.057 / sine)
    return full if full >= MIN_IRRADIATION else 0.0


def _declination(day: int) -> float:
    return math.radians(23.45) * math.sin(2 * math.pi * (284 + day) / 365)
