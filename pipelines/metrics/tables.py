"""The tables of `metrics`: counts that are kept up to date with what is counted."""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from pipelines.warehouse.tables import metadata

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

solar_plant_health = Table(
    "solar_plant_health",
    metadata,
    Column(
        "plant_id",
        Integer,
        ForeignKey("solar.plants.plant_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        comment="The plant (solar.plants).",
    ),
    Column(
        "day",
        Date,
        nullable=False,
        comment="The last day looked at, in the plant's zone: of 7 and 30 days up to it is said"
        " what follows.",
    ),
    Column(
        "performance_ratio_7_days",
        Double,
        comment="Observed by expected energy of the hours held of 7 days; null where none was"
        " expected.",
    ),
    Column("performance_ratio_30_days", Double, comment="The same of 30 days."),
    Column("availability_7_days", Double, comment="Hours held by hours expected of 7 days."),
    Column("availability_30_days", Double, comment="The same of 30 days."),
    Column(
        "longest_gap_hours",
        Integer,
        nullable=False,
        comment="The longest time without readings in 30 days, hours.",
    ),
    Column(
        "night_hours",
        Integer,
        comment="Hours of 30 days with energy or irradiation observed while the sun was 6° or more"
        " below the horizon all the time; null without coordinates.",
    ),
    Column(
        "flat_hours",
        Integer,
        nullable=False,
        comment="Hours of 30 days in which an observed value stood still by day, four or more in a"
        " row (as pvanalytics' stale_values_diff tells).",
    ),
    Column(
        "over_limit_hours",
        Integer,
        comment="Hours of 30 days with more irradiation observed than can fall on the level"
        " (QCRad's physically possible limit, Long and Shi 2008); null without coordinates.",
    ),
    Column(
        "suspicions",
        ARRAY(Text),
        nullable=False,
        comment="What speaks against its sensors, in words; empty when nothing does.",
    ),
    Column(
        "asked_at",
        DateTime(timezone=True),
        comment="When the service had last been asked for one of the 30 days, as solar.days told it"
        " then; null: never. The plant is looked at again when that changes.",
    ),
    Column(
        "computed_at", DateTime(timezone=True), nullable=False, comment="When it was looked at."
    ),
    schema=SCHEMA,
    comment="How each plant does, and whether its sensors can be trusted, over the last 30 days"
    " that were to be synced.",
)
