"""The tables of solar plants: registry, readings, corrections, and the state of each day."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
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

from pipelines.warehouse.tables import (
    INSTANT,
    WRITTEN_WITH,
    delivery_id_column,
    optional,
    required,
    source_metadata,
)

SCHEMA, METRICS = "solar", "metrics"
metadata = source_metadata()
MAX_PLANT_ID = 2**31 - 1
#: The four values of an hour, with their descriptions.
VALUES = {
    "expected_energy_kwh": "Energy that the service expected, kWh (the unit is assumed)",
    "observed_energy_kwh": "Energy that was observed, kWh (the unit is assumed)",
    "expected_irradiation_wh_per_m2": "Irradiation expected, Wh/m² (the unit is assumed)",
    "observed_irradiation_wh_per_m2": "Irradiation observed, Wh/m² (the unit is assumed)",
}


def _plant_id(*, is_key: bool, is_checked: bool = True) -> Column[int]:
    """Return the plant's column, without a foreign key if checking each row would be too slow."""
    plant = [ForeignKey("solar.plants.plant_id", ondelete="CASCADE")] if is_checked else []
    return required(
        "plant_id",
        Integer,
        "The plant (solar.plants).",
        *plant,
        primary_key=is_key,
        autoincrement=False,
    )


def _values(suffix: str, *, nullable: bool) -> list[Column[float]]:
    return [
        Column(name, Double, nullable=nullable, comment=f"{comment}{suffix}")
        for name, comment in VALUES.items()
    ]


plants = Table(
    "plants",
    metadata,
    required(
        "plant_id",
        Integer,
        "Its number, by which the monitoring service knows it too.",
        Identity(always=False),
        primary_key=True,
    ),
    required("name", Text, "What people call it: not empty, 50 characters at most.", unique=True),
    optional("latitude", Double, "Degrees north. Without it, no weather is joined."),
    optional("longitude", Double, "Degrees east."),
    required(
        "time_zone",
        Text,
        "Zone of the service's times, which have none, and of its days: UTC,"
        " Europe/Madrid. It stays once the plant has readings.",
        server_default="UTC",
    ),
    required("registered_at", INSTANT, "When it was registered.", server_default=func.now()),
    optional("retired_at", INSTANT, "Since when it is not synced any more; its data stay."),
    optional(
        "place_key",
        Text,
        "What weather.places calls it: its coordinates.",
        Computed(
            "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text",
            persisted=True,
        ),
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
    " minute; deleting one deletes its data, and is rejected while it is being synced.",
)

readings = Table(
    "readings",
    metadata,
    _plant_id(is_key=True, is_checked=False),
    required("read_at", INSTANT, "The beginning of the hour.", primary_key=True),
    *_values(".", nullable=False),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Expected and observed energy and irradiation of each plant, hour by hour: the"
    " monitoring service's latest word.",
)

corrections = Table(
    "corrections",
    metadata,
    required("correction_id", BigInteger, "Its number.", Identity(always=True), primary_key=True),
    _plant_id(is_key=False),
    required("read_at", INSTANT, "The beginning of the hour."),
    *_values(", before.", nullable=False),
    required(
        "delivery_id", BigInteger, "The delivery that had brought these values (ops.deliveries)."
    ),
    required("corrected_by", BigInteger, "The delivery with other values (ops.deliveries)."),
    required("corrected_at", INSTANT, "When it was written.", server_default=func.now()),
    Index(None, "plant_id", "read_at"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="What readings were before the service corrected them: the present ones are in"
    " solar.readings.",
)

days = Table(
    "days",
    metadata,
    _plant_id(is_key=True),
    required("day", Date, "The day, in the plant's zone.", primary_key=True),
    required(
        "status",
        Text,
        "complete: every hour; partial: some hours are missing or were rejected; empty: the"
        " service answered that there is nothing; failed: it never answered.",
    ),
    required(
        "hours_expected", SmallInteger, "Hours of the day: 24, or 23 and 25 when clocks change."
    ),
    required("hours_present", SmallInteger, "Hours that are stored."),
    *_values(", sum of the hours that are stored; null without any.", nullable=True),
    required("requested_at", INSTANT, "When it was last requested."),
    optional(
        "delivery_id",
        BigInteger,
        "The last answer for it (ops.deliveries); null when there was none.",
    ),
    required(
        "failures",
        Integer,
        "How often in a row it was requested and not all of it came.",
        server_default="0",
    ),
    optional("problem", Text, "Why the last answer did not come, or what it lacked."),
    optional("retry_at", INSTANT, "When it is requested again; null: not automatically."),
    CheckConstraint("status IN ('complete', 'partial', 'empty', 'failed')", name="status"),
    CheckConstraint("(status = 'complete') = (hours_present = hours_expected)", name="complete"),
    Index("days_retry_at_idx", "retry_at", postgresql_where="retry_at IS NOT NULL"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="Each day of each plant that was requested, and its state. Written in"
    " one transaction with the readings. solar.coverage has the days not requested too.",
)

syncs = Table(
    "syncs",
    metadata,
    _plant_id(is_key=True),
    required("began_at", INSTANT, "When it began."),
    optional("ended_at", INSTANT, "When it ended; null while it lasts, or when it was killed."),
    optional("run_id", Text, "The Dagster run."),
    required("history_from", Date, "How far back history is to go."),
    required("response_count", Integer, "Responses that were stored.", server_default="0"),
    optional("problem", Text, "Why it was not whole; null when it was."),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="The last sync of each plant.",
)

solar_plant_health = Table(
    "solar_plant_health",
    metadata,
    required(
        "plant_id",
        Integer,
        "The plant (solar.plants).",
        ForeignKey("solar.plants.plant_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    required(
        "day",
        Date,
        "The last day evaluated, in the plant's zone: the other columns are of 7 and 30 days up"
        " to it.",
    ),
    optional(
        "performance_ratio_7_days",
        Double,
        "Observed by expected energy of the stored hours of 7 days; null where none was expected.",
    ),
    optional("performance_ratio_30_days", Double, "The same of 30 days."),
    optional("availability_7_days", Double, "Stored hours by hours expected of 7 days."),
    optional("availability_30_days", Double, "The same of 30 days."),
    required("longest_gap_hours", Integer, "The longest time without readings in 30 days, hours."),
    optional(
        "night_hours",
        Integer,
        "Hours of 30 days with energy or irradiation observed while the sun was 6° or more"
        " below the horizon all the time; null without coordinates.",
    ),
    required(
        "flat_hours",
        Integer,
        "Hours of 30 days in which an observed value stood still by day, four or more in a"
        " row (as by pvanalytics' stale_values_diff).",
    ),
    optional(
        "over_limit_hours",
        Integer,
        "Hours of 30 days with more irradiation observed than can fall on the level"
        " (QCRad's physically possible limit, Long and Shi 2008); null without coordinates.",
    ),
    required(
        "sensor_issues",
        ARRAY(Text),
        "What speaks against its sensors, in words; empty when nothing does.",
    ),
    optional(
        "requested_at",
        INSTANT,
        "When one of the 30 days had last been requested, as solar.days had it"
        " then; null: never. The plant is looked at again when that changes.",
    ),
    required("computed_at", INSTANT, "When it was looked at."),
    required(
        "plant_name",
        Text,
        "Its name, as in solar.plants.",
        ForeignKey("solar.plants.name", onupdate="CASCADE", ondelete="CASCADE"),
    ),
    schema=METRICS,
    comment="How each plant does, and whether its sensors can be trusted, over the last 30 days"
    " that were to be synced.",
)
