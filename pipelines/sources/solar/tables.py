"""The tables of solar plants: registry, readings, corrections, and what is known of each day."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import func

from pipelines.warehouse.tables import WRITTEN_WITH, delivery_id_column, source_metadata

SCHEMA, METRICS = "solar", "metrics"
metadata = source_metadata()
MAX_PLANT_ID = 2**31 - 1
VALUES = {
    "expected_energy_kwh": "Energy that the service expected, kWh (the unit is assumed)",
    "observed_energy_kwh": "Energy that was observed, kWh (the unit is assumed)",
    "expected_irradiation_wh_per_m2": "Irradiation expected, Wh/m² (the unit is assumed)",
    "observed_irradiation_wh_per_m2": "Irradiation observed, Wh/m² (the unit is assumed)",
}
"""The four values of an hour, and what each is."""


def _plant_id(*, is_key: bool, is_checked: bool = True) -> Column[int]:
    """The plant; unchecked where a check for each row would cost a load too much."""
    plant = [ForeignKey("solar.plants.plant_id", ondelete="CASCADE")] if is_checked else []
    return Column(
        "plant_id",
        Integer,
        *plant,
        primary_key=is_key,
        autoincrement=False,
        nullable=False,
        comment="The plant (solar.plants).",
    )


def _instant(name: str, comment: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


def _values(suffix: str, *, nullable: bool) -> list[Column[float]]:
    return [
        Column(name, Double, nullable=nullable, comment=f"{comment}{suffix}")
        for name, comment in VALUES.items()
    ]


plants = Table(
    "plants",
    metadata,
    Column(
        "plant_id",
        Integer,
        Identity(always=False),
        primary_key=True,
        comment="Its number, by which the monitoring service knows it too.",
    ),
    Column(
        "name",
        Text,
        nullable=False,
        unique=True,
        comment="What people call it: not empty, 50 characters at most.",
    ),
    Column("latitude", Double, comment="Degrees north; without it the weather is not joined."),
    Column("longitude", Double, comment="Degrees east."),
    Column(
        "time_zone",
        Text,
        nullable=False,
        server_default="UTC",
        comment="Zone of the service's times, which have none, and of its days: UTC,"
        " Europe/Madrid. It stays once the plant has readings.",
    ),
    Column(
        "registered_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it was registered.",
    ),
    _instant("retired_at", "Since when it is not synced any more; its data stay."),
    Column(
        "place_key",
        Text,
        Computed(
            "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text",
            persisted=True,
        ),
        comment="What weather.places calls it: its coordinates.",
    ),
    CheckConstraint("name ~ '\\S' AND length(name) <= 50", name="name"),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    CheckConstraint("plant_id > 0", name="plant_id"),
    CheckConstraint(
        "registered_at BETWEEN '1950-01-01' AND '2999-01-01'"
        " AND retired_at BETWEEN '1950-01-01' AND '2999-01-01'",
        name="times",
    ),
    schema=SCHEMA,
    comment="The registry of plants. A row that is inserted, by whom ever, is synced within a"
    " minute; deleting one deletes its data, and is refused while it is being synced.",
)

readings = Table(
    "readings",
    metadata,
    _plant_id(is_key=True, is_checked=False),
    Column(
        "read_at",
        DateTime(timezone=True),
        primary_key=True,
        comment="The beginning of the hour.",
    ),
    *_values(".", nullable=False),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Expected and observed energy and irradiation of each plant, hour by hour: the"
    " monitoring service's latest word.",
)

corrections = Table(
    "corrections",
    metadata,
    Column(
        "correction_id", BigInteger, Identity(always=True), primary_key=True, comment="Its number."
    ),
    _plant_id(is_key=False),
    _instant("read_at", "The beginning of the hour.", nullable=False),
    *_values(", before.", nullable=False),
    Column(
        "delivery_id",
        BigInteger,
        nullable=False,
        comment="The delivery that had brought these values (ops.deliveries).",
    ),
    Column(
        "corrected_by",
        BigInteger,
        nullable=False,
        comment="The delivery that said otherwise (ops.deliveries).",
    ),
    Column(
        "corrected_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it was written.",
    ),
    Index(None, "plant_id", "read_at"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="What readings were before the service said otherwise: the present ones are in"
    " solar.readings.",
)

days = Table(
    "days",
    metadata,
    _plant_id(is_key=True),
    Column("day", Date, primary_key=True, comment="The day, in the plant's zone."),
    Column(
        "status",
        Text,
        nullable=False,
        comment="held: every hour; partial: some hours are missing or were refused; empty: the"
        " service said that there is nothing; failed: it never answered.",
    ),
    Column(
        "hours_expected",
        SmallInteger,
        nullable=False,
        comment="Hours of the day: 24, or 23 and 25 when clocks change.",
    ),
    Column("hours_present", SmallInteger, nullable=False, comment="Hours that are held."),
    *_values(", sum of the hours that are held; null without any.", nullable=True),
    _instant("asked_at", "When the service was last asked.", nullable=False),
    Column(
        "delivery_id",
        BigInteger,
        comment="The answer that last told of it (ops.deliveries); null when none ever did.",
    ),
    Column(
        "failures",
        Integer,
        nullable=False,
        server_default="0",
        comment="How often in a row it was asked and not all of it came.",
    ),
    Column("problem", Text, comment="Why the last answer did not come, or what it lacked."),
    _instant("retry_at", "When it is asked again; null: not of itself."),
    CheckConstraint("status IN ('held', 'partial', 'empty', 'failed')", name="status"),
    CheckConstraint("(status = 'held') = (hours_present = hours_expected)", name="held"),
    Index("days_retry_at_idx", "retry_at", postgresql_where="retry_at IS NOT NULL"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="Each day of each plant that the service was asked for: what is held of it. Written in"
    " one transaction with the readings. solar.coverage has the days not asked for too.",
)

syncs = Table(
    "syncs",
    metadata,
    _plant_id(is_key=True),
    _instant("began_at", "When it began.", nullable=False),
    _instant("ended_at", "When it ended; null while it lasts, or when it was killed."),
    Column("run_id", Text, comment="The Dagster run."),
    Column("history_from", Date, nullable=False, comment="How far back history is to go."),
    Column("answers", Integer, nullable=False, server_default="0", comment="Answers taken in."),
    Column("problem", Text, comment="Why it was not whole; null when it was."),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="The last sync of each plant.",
)

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
    schema=METRICS,
    comment="How each plant does, and whether its sensors can be trusted, over the last 30 days"
    " that were to be synced.",
)
