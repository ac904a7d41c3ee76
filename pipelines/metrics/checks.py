"""The checks of `metrics`: that the counts are what they count. They read all events."""

from pipelines.asset_pages import asset_key, query_check
from pipelines.metrics import tables

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
]
