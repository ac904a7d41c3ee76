"""The checks of `metrics`: that the counts are what they count, which read all events; sensors."""

from pipelines.metrics import tables
from pipelines.metrics.assets import solar_daily
from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import query_check

_BY_EVENT_DAY = asset_key(tables.hotel_bookings_by_event_day)

CHECKS = [
    query_check(
        _BY_EVENT_DAY,
        "pipelines.metrics",
        "as_counted_anew",
        "The counts are those of all events, counted anew, on both axes.",
    ),
    query_check(
        _BY_EVENT_DAY,
        "pipelines.metrics",
        "equal_sums",
        "Both axes have the same sums for each hotel, and metrics.hotel_bookings has them by day,"
        " by month and by year.",
    ),
    query_check(
        solar_daily.key,
        "pipelines.metrics",
        "solar_sums_equal",
        "The days of each plant and month have the hours of their readings, and the same sums to"
        " 1e-9: those that were asked for within two days, ten thousand at most.",
    ),
    query_check(
        asset_key(tables.solar_plant_health),
        "pipelines.metrics",
        "no_suspicious_sensor",
        "Nothing speaks against the sensors of any plant: no production at night, no flat lines, no"
        " more irradiation than there can be.",
    ),
]
