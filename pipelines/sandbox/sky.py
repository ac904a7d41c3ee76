"""The sky of the sandbox over a place: how high the sun stands, and what clouds leave of it.

Whatever sources simulate under it, they see the same one.
"""

import datetime as dt
import math
from functools import lru_cache
from hashlib import sha256

MIN_IRRADIATION = 1.0
"""In Wh/m²; with less than this it is night, and all is zero."""


MIN_CLEARNESS = 0.32


@lru_cache(maxsize=64)
def clear_year(latitude: float, longitude: float) -> tuple[tuple[float, ...], ...]:
    """The irradiation in Wh/m² of each hour (UTC) of each day of a leap year without clouds."""
    return tuple(
        tuple(_clear(latitude, longitude, day, hour) for hour in range(24)) for day in range(1, 367)
    )


@lru_cache(maxsize=4096)
def clearness(latitude: float, longitude: float, ordinal: int) -> tuple[float, ...]:
    """What clouds leave in each hour of a day (UTC), MIN_CLEARNESS to 1; most days are clear."""
    seed = sha256(f"sky {latitude:.2f} {longitude:.2f} {ordinal}".encode()).digest()
    clear = 1 - 0.6 * (seed[24] / 255) ** 3
    return tuple(clear * (1 - 0.2 * seed[hour] / 255) for hour in range(24))


def cloudiness(latitude: float, longitude: float, at: dt.datetime) -> float:
    """How much of the sky is covered in the hour that begins at an instant (UTC): 0 to 1."""
    return (1 - clearness(latitude, longitude, at.toordinal())[at.hour]) / (1 - MIN_CLEARNESS)


def irradiation(latitude: float, longitude: float, at: dt.datetime) -> float:
    """What comes through in the hour that begins at an instant (UTC), in Wh/m²."""
    clear = _clear(latitude, longitude, at.timetuple().tm_yday, at.hour)
    return clear * clearness(latitude, longitude, at.toordinal())[at.hour]


def _clear(latitude: float, longitude: float, day: int, hour: int) -> float:
    """Return the clear sky of Haurwitz (1945) for the sun's elevation in the middle of the hour.

    The declination is Cooper's (1969); the equation of time is left out.
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
