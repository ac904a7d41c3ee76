"""Distances on the Earth."""

from math import asin, cos, radians, sin, sqrt

EARTH_KM = 6371


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance of two (latitude, longitude) pairs (haversine formula)."""
    north, east = radians(other[0] - one[0]), radians(other[1] - one[1])
    shrunk = cos(radians(one[0])) * cos(radians(other[0]))
    half = sin(north / 2) ** 2 + shrunk * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))
