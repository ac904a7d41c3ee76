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
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import func

from pipelines.warehouse.tables import (
    INSTANT,
    PLACE_KEY,
    WRITTEN_WITH,
    coordinate_checks,
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
    "expected_energy_kwh": "Energy expected by the service, kWh (the unit is assumed)",
    "observed_energy_kwh": "Energy observed, kWh (the unit is assumed)",
    "expected_irradiation_wh_per_m2": "Irradiation expected by the service, Wh/m² (the unit"
    " is assumed)",
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
        "Number of the plant, also its id in the monitoring service.",
        Identity(always=False),
        primary_key=True,
    ),
    required("name", Text, "Name of the plant, 1 to 50 characters.", unique=True),
    optional(
        "latitude",
        Double,
        "Latitude, degrees north; null if not entered: then no weather is joined.",
    ),
    optional("longitude", Double, "Longitude, degrees east; null if not entered."),
    required(
        "time_zone",
        Text,
        "IANA time zone of the plant's days and of the service's times, which have no"
        " offset: UTC, Europe/Madrid. Cannot be changed once the plant has readings.",
        server_default="UTC",
    ),
    required("registered_at", INSTANT, "When the plant was registered.", server_default=func.now()),
    optional(
        "retired_at",
        INSTANT,
        "When the plant was retired; null while in service. A retired plant is no"
        " longer synced; its data stays.",
    ),
    optional(
        "place_key",
        Text,
        "Key of the place in weather.places: the coordinates; null without coordinates.",
        Computed(PLACE_KEY, persisted=True),
    ),
    optional(
        "capacity_kwp",
        Double,
        "Installed capacity of the modules at standard test conditions (DC), kWp; null if not"
        " entered: then there is no specific yield and no IEC performance ratio.",
    ),
    optional(
        "tariff_per_kwh",
        Numeric,
        "What a kWh is worth, in tariff_currency; null if not entered.",
    ),
    optional("tariff_currency", Text, "ISO 4217 code of the tariff's currency: EUR."),
    CheckConstraint("capacity_kwp > 0 AND capacity_kwp < 'Infinity'", name="capacity_kwp"),
    CheckConstraint("tariff_per_kwh >= 0 AND tariff_per_kwh < 'Infinity'", name="tariff_per_kwh"),
    CheckConstraint(
        "(tariff_per_kwh IS NULL) = (tariff_currency IS NULL)", name="tariff_with_currency"
    ),
    CheckConstraint("tariff_currency ~ '^[A-Z]{3}$'", name="tariff_currency"),
    CheckConstraint("name ~ '\\S' AND length(name) <= 50", name="name"),
    *coordinate_checks(),
    CheckConstraint("plant_id > 0", name="plant_id"),
    CheckConstraint(
        "registered_at BETWEEN '1950-01-01' AND '2999-01-01'"
        " AND retired_at BETWEEN '1950-01-01' AND '2999-01-01'",
        name="times",
    ),
    schema=SCHEMA,
    comment="Registry of plants, one row each. A new row is synced within a minute, no"
    " matter who inserts it. Deleting a row deletes the plant's data, and is rejected"
    " during a sync.",
)

readings = Table(
    "readings",
    metadata,
    _plant_id(is_key=True, is_checked=False),
    required("read_at", INSTANT, "Start of the hour.", primary_key=True),
    *_values(".", nullable=False),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Expected and observed energy and irradiation by plant and hour: the latest"
    " values of the monitoring service.",
)

corrections = Table(
    "corrections",
    metadata,
    required(
        "correction_id",
        BigInteger,
        "Number of the correction.",
        Identity(always=True),
        primary_key=True,
    ),
    _plant_id(is_key=False),
    required("read_at", INSTANT, "Start of the hour."),
    *_values(", before the correction.", nullable=False),
    required(
        "delivery_id",
        BigInteger,
        "Delivery with the values before the correction (ops.deliveries).",
    ),
    required("corrected_by", BigInteger, "Delivery with the corrected values (ops.deliveries)."),
    required("corrected_at", INSTANT, "When the correction was stored.", server_default=func.now()),
    Index(None, "plant_id", "read_at"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="Values of readings before the service corrected them, one row per correction."
    " Current values are in solar.readings.",
)

days = Table(
    "days",
    metadata,
    _plant_id(is_key=True),
    required("day", Date, "Day, in the plant's time zone.", primary_key=True),
    required(
        "status",
        Text,
        "complete: every hour is stored; partial: some hours are missing or were"
        " rejected; empty: the service responded that there is no data; failed: no"
        " request has succeeded yet; closed: some hours are missing, and the day is no longer"
        " requested automatically, after ten requests in a month or by hand.",
    ),
    required(
        "hours_expected", SmallInteger, "Hours of the day: 24, or 23 or 25 when clocks change."
    ),
    required("hours_present", SmallInteger, "Number of stored hours."),
    *_values(": sum of the stored hours; null if no hours are stored.", nullable=True),
    required("requested_at", INSTANT, "When the day was last requested."),
    optional(
        "delivery_id",
        BigInteger,
        "Delivery with the last response for the day (ops.deliveries); null if there was none.",
    ),
    required(
        "failures",
        Integer,
        "Consecutive unsuccessful requests that were due, up to 10; a response that changes the"
        " status restarts the count.",
        server_default="0",
    ),
    optional(
        "problem",
        Text,
        "Why the last request failed, or what the response lacked; of a complete day, how many"
        " hours of the night count as zero; null otherwise.",
    ),
    optional(
        "retry_at", INSTANT, "When the day is next requested automatically; null if it is not."
    ),
    CheckConstraint(
        "status IN ('complete', 'partial', 'empty', 'failed', 'closed')", name="status"
    ),
    CheckConstraint("(status = 'complete') = (hours_present = hours_expected)", name="complete"),
    Index("days_retry_at_idx", "retry_at", postgresql_where="retry_at IS NOT NULL"),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="State of each requested day of each plant, one row each, written in the same"
    " transaction as the readings. solar.coverage also has the days not requested"
    " yet.",
)

#: Why the energy of an hour is not what was expected.
CAUSES = {
    "gain": "more was observed than expected; zero or negative",
    "sky": "less sun than expected",
    "outage": "the plant made under 1 % of what the sun allowed",
    "plant": "the plant made under 60 % of what the sun allowed",
    "other": "the plant made 60 % or more of what the sun allowed",
    "sensor": "the sun is unknown: the sensor or the logger failed",
}
#: Those that make an hour low.
LOW_CAUSES = [cause for cause in CAUSES if cause != "gain"]


def _kwh(name: str, about: str) -> Column[float]:
    return required(name, Double, f"{about}, kWh.", server_default="0")


def _count(name: str, about: str) -> Column[int]:
    return required(name, SmallInteger, f"Number of hours {about}.", server_default="0")


day_losses = Table(
    "solar_day_losses",
    metadata,
    _plant_id(is_key=True),
    required("day", Date, "Day, in the plant's time zone.", primary_key=True),
    *(_kwh(f"{cause}_kwh", f"Expected less observed energy: {CAUSES[cause]}") for cause in CAUSES),
    *(_count(f"low_{cause}_hours", f"that are low mostly by {cause}") for cause in LOW_CAUSES),
    optional(
        "not_delivered_kwh",
        Double,
        "Estimate of the energy of the hours that are not stored, kWh: of each, the median of the"
        " same hour of the clock in the 14 days before. Hours unknown there are left out; null if"
        " all are, 0 if none is missing.",
    ),
    optional(
        "allowed_energy_kwh",
        Double,
        "Energy that the sun allowed, in the hours of which that is known, kWh; null if it is known"
        " of none with expected energy.",
    ),
    _kwh("adjusted_energy_kwh", "Energy observed in the hours whose allowed energy is known"),
    _count("usable_hours", "in which the sun allowed more than 1 % of best_energy_kwh"),
    _count("used_hours", "of these with more than 1 % of what the sun allowed"),
    _count("sensor_hours", "in which the irradiation sensor works"),
    _kwh("sensor_energy_kwh", "Energy observed in the hours in which the sensor works"),
    required(
        "sensor_irradiation_wh_per_m2",
        Double,
        "Irradiation in the hours in which the sensor works, Wh/m².",
        server_default="0",
    ),
    _kwh("best_energy_kwh", "Largest expected energy of a stored hour"),
    _count("impossible_hours", "whose energy cannot be (enriched.solar_impossible_hours)"),
    optional(
        "soiling_ratio",
        Double,
        "weather_adjusted_ratio of a day that can show dirt: its outage, plant and sensor losses"
        " are at most 1 % of the expected energy, and no hour is impossible; null of others.",
    ),
    _count("scaled_hours", "whose sun is the weather's, by sensor_weather_ratio"),
    optional(
        "sensor_weather_ratio",
        Double,
        "Median of observed irradiation by that of the weather, over clear hours of the 30 days"
        " that end with this one; null if no hour needs it, or there are fewer than ten.",
    ),
    _count("weather_hours", "of the day with weather at the last computation"),
    optional("weather_fetched_at", INSTANT, "When the newest weather of these was received."),
    Index(
        "solar_day_losses_impossible_idx",
        "plant_id",
        "day",
        postgresql_where="impossible_hours > 0",
    ),
    schema=METRICS,
    comment="Sums of enriched.solar_hour_losses by plant and day, one row for each requested day."
    " Written with the readings, and again when the weather comes later. Select"
    " metrics.solar_losses, metrics.solar_daily and metrics.solar_periods, which show it.",
)

weather_versions = Table(
    "weather_versions",
    metadata,
    _plant_id(is_key=True),
    required(
        "version",
        Text,
        "The plant's place, when it was corrected, and the last request that brought weather of"
        " it: if one of these changes, its days are compared with the weather again.",
    ),
    info={WRITTEN_WITH: "metrics.solar_day_losses"},
    schema=SCHEMA,
    comment="Which weather metrics.solar_day_losses knows, one row per plant.",
)

syncs = Table(
    "syncs",
    metadata,
    _plant_id(is_key=True),
    required("began_at", INSTANT, "When the sync began."),
    optional("ended_at", INSTANT, "When the sync ended; null while it runs, or if it was killed."),
    optional("run_id", Text, "Dagster run of the sync; null if none."),
    required(
        "history_from", Date, "First day of the history to request, in the plant's time zone."
    ),
    required(
        "response_count", Integer, "Number of responses that the sync stored.", server_default="0"
    ),
    optional("problem", Text, "Why the sync was incomplete; null otherwise."),
    info={WRITTEN_WITH: "solar.readings"},
    schema=SCHEMA,
    comment="Last sync of each plant, one row per plant.",
)

solar_plant_health = Table(
    "solar_plant_health",
    metadata,
    _plant_id(is_key=True),
    required(
        "day",
        Date,
        "Last day evaluated, in the plant's time zone. The other columns cover the 7 or"
        " 30 days up to and including this day.",
    ),
    *(
        optional(
            f"performance_ratio_{days}_days",
            Double,
            f"Observed / expected energy of the stored hours of {days} days; null if none was"
            " expected. It moves with the weather: see weather_adjusted_ratio of"
            " metrics.solar_periods.",
        )
        for days in (7, 30)
    ),
    *(
        optional(
            f"availability_{days}_days",
            Double,
            f"Stored hours / calendar hours of {days} days, 0 to 1. A dead plant that reports has"
            " 1: see operational_availability of metrics.solar_periods.",
        )
        for days in (7, 30)
    ),
    required("longest_gap_hours", Integer, "Longest gap in the readings within 30 days, hours."),
    optional(
        "night_hours",
        Integer,
        "Hours within 30 days in which energy or irradiation was observed although the"
        " sun was 6° or more below the horizon throughout; null without coordinates.",
    ),
    required(
        "flat_hours",
        Integer,
        "Hours within 30 days in which an observed value was unchanged by day for four"
        " or more consecutive hours (stale_values_diff of pvanalytics).",
    ),
    optional(
        "over_limit_hours",
        Integer,
        "Hours within 30 days in which the observed irradiation exceeds what is"
        " possible on a horizontal surface (physically possible limit of QCRad, Long and"
        " Shi 2008); null without coordinates.",
    ),
    required(
        "sensor_issues", ARRAY(Text), "Signs of a faulty sensor, in words; empty if there are none."
    ),
    optional(
        "requested_at",
        INSTANT,
        "Latest solar.days.requested_at of the 30 days at the time of the evaluation;"
        " null if none was requested. The plant is evaluated again when it changes.",
    ),
    required("computed_at", INSTANT, "When the plant was evaluated."),
    required(
        "plant_name",
        Text,
        "Name of the plant (solar.plants).",
        ForeignKey("solar.plants.name", onupdate="CASCADE", ondelete="CASCADE"),
    ),
    schema=METRICS,
    comment="Performance and sensor health of each plant over the last 30 days, one row per"
    " plant in service.",
)
