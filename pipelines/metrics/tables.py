"""The tables of `metrics`: counts that are kept up to date with what is counted."""

from sqlalchemy import BigInteger, Column, Computed, Date, Integer, Table

from pipelines.core.tables import metadata

SCHEMA = "metrics"


def _counts(name: str, day: str, comment: str) -> Table:
    return Table(
        name,
        metadata,
        Column(
            "hotel_id",
            BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="The hotel, as its system numbers it.",
        ),
        Column("day", Date, primary_key=True, comment=day),
        Column("bookings", Integer, nullable=False, comment="Nights that were booked."),
        Column("cancellations", Integer, nullable=False, comment="Nights that were cancelled."),
        Column(
            "net_bookings",
            Integer,
            Computed("bookings - cancellations", persisted=True),
            comment="bookings less cancellations; may be negative.",
        ),
        schema=SCHEMA,
        comment=comment,
    )


hotel_bookings_by_event_day = _counts(
    "hotel_bookings_by_event_day",
    "Day of the event (UTC).",
    "Bookings and cancellations of each hotel by the day on which they were made. Days without"
    " any have no row.",
)
hotel_bookings_by_stay_night = _counts(
    "hotel_bookings_by_stay_night",
    "The night of stay.",
    "Bookings and cancellations of each hotel by the night that they are about. Nights without"
    " any have no row.",
)
HOTEL_BOOKINGS = (hotel_bookings_by_event_day, hotel_bookings_by_stay_night)
"""What `hotel_bookings` keeps up to date."""
