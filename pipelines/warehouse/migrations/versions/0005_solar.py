"""Solar plants: registry, readings and what is known of each day; how each plant does."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHECK_PLANT = """
CREATE FUNCTION solar.check_plant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.plant_id <> old.plant_id THEN
        RAISE EXCEPTION 'the number of plant % stays as it is: the monitoring service knows it by that', old.plant_id
        USING ERRCODE = 'check_violation', HINT = 'Register another plant.';
    END IF;
    IF new.time_zone <> 'UTC' AND NOT EXISTS (
        SELECT FROM pg_timezone_names
        WHERE name = new.time_zone AND name ~ '^[A-Z][^/]*/' AND name !~ '^SystemV/'
    ) THEN  -- not CET and the like: as an abbreviation it has no summer time
        RAISE EXCEPTION 'time_zone is %: it must be UTC or the name of the zone of a place', quote_nullable(new.time_zone)
        USING ERRCODE = 'check_violation', HINT = 'UTC, Europe/Madrid: SELECT name FROM pg_timezone_names';
    END IF;
    IF new.time_zone <> old.time_zone AND EXISTS (SELECT FROM solar.days WHERE plant_id = old.plant_id) THEN
        RAISE EXCEPTION 'the time_zone of plant % stays as it is: its readings were read in it', old.plant_id
        USING ERRCODE = 'check_violation', HINT = 'Delete the plant and register it again.';
    END IF;
    RETURN new;
END
$$;

COMMENT ON FUNCTION solar.check_plant() IS
'Refuses time zones that there are not, another one for a plant that has readings, and another number.';

CREATE TRIGGER check_new_plant BEFORE INSERT ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> 'UTC') EXECUTE FUNCTION solar.check_plant();

CREATE TRIGGER check_changed_plant BEFORE UPDATE ON solar.plants
FOR EACH ROW WHEN (new.time_zone <> old.time_zone OR new.plant_id <> old.plant_id) EXECUTE FUNCTION solar.check_plant();
"""
DELETE_PLANT = """
CREATE FUNCTION solar.delete_plant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('isobar sync of plant ' || old.plant_id, 0)) THEN
        RAISE EXCEPTION 'Data sync of plant % is running. Please try again later!', old.plant_id
        USING ERRCODE = 'object_in_use';
    END IF;
    DELETE FROM solar.readings WHERE plant_id = old.plant_id;
    WITH gone AS (
        DELETE FROM ops.quarantine USING ops.deliveries
        WHERE deliveries.delivery_id = quarantine.delivery_id
            AND deliveries.source = 'solar'
            AND quarantine.record_key[1] = old.plant_id::text
        RETURNING quarantine.delivery_id
    ), counted AS (
        SELECT delivery_id, count(*) AS records FROM gone GROUP BY delivery_id
    )
    UPDATE ops.deliveries
    SET rejected_count = rejected_count - records, unchanged_count = unchanged_count + records
    FROM counted
    WHERE deliveries.delivery_id = counted.delivery_id;
    RETURN old;
END
$$;

COMMENT ON FUNCTION solar.delete_plant() IS
'Deletes a plant''s readings and refused items with it, unless it is being synced.';

CREATE TRIGGER delete_plant BEFORE DELETE ON solar.plants
FOR EACH ROW EXECUTE FUNCTION solar.delete_plant();
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA solar")
    op.execute(
        "COMMENT ON SCHEMA solar IS"
        " 'Solar plants: the registry, what the monitoring service says hour by hour, and what is known of each day.'"
    )
    op.create_table(
        "plants",
        sa.Column(
            "plant_id",
            sa.Integer(),
            sa.Identity(always=False),
            nullable=False,
            comment="Its number, by which the monitoring service knows it too.",
        ),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="What people call it: not empty, 50 characters at most.",
        ),
        sa.Column(
            "latitude",
            sa.Double(),
            nullable=True,
            comment="Degrees north; without it the weather is not joined.",
        ),
        sa.Column("longitude", sa.Double(), nullable=True, comment="Degrees east."),
        sa.Column(
            "time_zone",
            sa.Text(),
            server_default="UTC",
            nullable=False,
            comment="Zone of the service's times, which have none, and of its days: UTC, Europe/Madrid. It stays once the plant has readings.",
        ),
        sa.Column(
            "registered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was registered.",
        ),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Since when it is not synced any more; its data stay.",
        ),
        sa.Column(
            "place_key",
            sa.Text(),
            sa.Computed(
                "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text",
                persisted=True,
            ),
            nullable=True,
            comment="What weather.places calls it: its coordinates.",
        ),
        sa.CheckConstraint("name ~ '\\S' AND length(name) <= 50", name=op.f("plants_name_check")),
        sa.CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL)", name=op.f("plants_coordinates_check")
        ),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("plants_latitude_check")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("plants_longitude_check")),
        sa.CheckConstraint("plant_id > 0", name=op.f("plants_plant_id_check")),
        sa.CheckConstraint(
            "registered_at BETWEEN '1950-01-01' AND '2999-01-01'"
            " AND retired_at BETWEEN '1950-01-01' AND '2999-01-01'",
            name=op.f("plants_times_check"),
        ),
        sa.PrimaryKeyConstraint("plant_id", name=op.f("plants_pkey")),
        sa.UniqueConstraint("name", name=op.f("plants_name_key")),
        schema="solar",
        comment="The registry of plants. A row that is inserted, by whom ever, is synced within a minute; deleting one deletes its data, and is refused while it is being synced.",
    )
    op.create_table(
        "readings",
        sa.Column(
            "plant_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The plant (solar.plants).",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The beginning of the hour.",
        ),
        sa.Column(
            "expected_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="Energy that the service expected, kWh (the unit is assumed).",
        ),
        sa.Column(
            "observed_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="Energy that was observed, kWh (the unit is assumed).",
        ),
        sa.Column(
            "expected_irradiation_wh_per_m2",
            sa.Double(),
            nullable=False,
            comment="Irradiation expected, Wh/m² (the unit is assumed).",
        ),
        sa.Column(
            "observed_irradiation_wh_per_m2",
            sa.Double(),
            nullable=False,
            comment="Irradiation observed, Wh/m² (the unit is assumed).",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("plant_id", "read_at", name=op.f("readings_pkey")),
        schema="solar",
        comment="What the monitoring service says of each plant and hour, the latest word.",
    )
    op.create_table(
        "solar_plant_health",
        sa.Column(
            "plant_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The plant (solar.plants).",
        ),
        sa.Column(
            "day",
            sa.Date(),
            nullable=False,
            comment="The last day looked at, in the plant's zone: of 7 and 30 days up to it is said what follows.",
        ),
        sa.Column(
            "performance_ratio_7_days",
            sa.Double(),
            nullable=True,
            comment="Observed by expected energy of the hours held of 7 days; null where none was expected.",
        ),
        sa.Column(
            "performance_ratio_30_days", sa.Double(), nullable=True, comment="The same of 30 days."
        ),
        sa.Column(
            "availability_7_days",
            sa.Double(),
            nullable=True,
            comment="Hours held by hours expected of 7 days.",
        ),
        sa.Column(
            "availability_30_days", sa.Double(), nullable=True, comment="The same of 30 days."
        ),
        sa.Column(
            "longest_gap_hours",
            sa.Integer(),
            nullable=False,
            comment="The longest time without readings in 30 days, hours.",
        ),
        sa.Column(
            "night_hours",
            sa.Integer(),
            nullable=True,
            comment="Hours of 30 days with energy or irradiation observed while the sun was 6° or more below the horizon all the time; null without coordinates.",
        ),
        sa.Column(
            "flat_hours",
            sa.Integer(),
            nullable=False,
            comment="Hours of 30 days in which an observed value stood still by day, four or more in a row (as pvanalytics' stale_values_diff tells).",
        ),
        sa.Column(
            "over_limit_hours",
            sa.Integer(),
            nullable=True,
            comment="Hours of 30 days with more irradiation observed than can fall on the level (QCRad's physically possible limit, Long and Shi 2008); null without coordinates.",
        ),
        sa.Column(
            "suspicions",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="What speaks against its sensors, in words; empty when nothing does.",
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the service had last been asked for one of the 30 days, as solar.days told it then; null: never. The plant is looked at again when that changes.",
        ),
        sa.Column(
            "computed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was looked at.",
        ),
        sa.ForeignKeyConstraint(
            ["plant_id"],
            ["solar.plants.plant_id"],
            name=op.f("solar_plant_health_plant_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plant_id", name=op.f("solar_plant_health_pkey")),
        schema="metrics",
        comment="How each plant does, and whether its sensors can be trusted, over the last 30 days that were to be synced.",
    )
    op.create_table(
        "corrections",
        sa.Column(
            "correction_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Its number.",
        ),
        sa.Column(
            "plant_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The plant (solar.plants).",
        ),
        sa.Column(
            "read_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The beginning of the hour.",
        ),
        sa.Column(
            "expected_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="Energy that the service expected, kWh (the unit is assumed), before.",
        ),
        sa.Column(
            "observed_energy_kwh",
            sa.Double(),
            nullable=False,
            comment="Energy that was observed, kWh (the unit is assumed), before.",
        ),
        sa.Column(
            "expected_irradiation_wh_per_m2",
            sa.Double(),
            nullable=False,
            comment="Irradiation expected, Wh/m² (the unit is assumed), before.",
        ),
        sa.Column(
            "observed_irradiation_wh_per_m2",
            sa.Double(),
            nullable=False,
            comment="Irradiation observed, Wh/m² (the unit is assumed), before.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that had brought these values (ops.deliveries).",
        ),
        sa.Column(
            "corrected_by",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that said otherwise (ops.deliveries).",
        ),
        sa.Column(
            "corrected_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was written.",
        ),
        sa.ForeignKeyConstraint(
            ["plant_id"],
            ["solar.plants.plant_id"],
            name=op.f("corrections_plant_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("corrections_pkey")),
        schema="solar",
        comment="What readings were before the service said otherwise: the present ones are in solar.readings.",
    )
    op.create_index(
        op.f("corrections_plant_id_read_at_idx"),
        "corrections",
        ["plant_id", "read_at"],
        unique=False,
        schema="solar",
    )
    op.create_table(
        "days",
        sa.Column(
            "plant_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The plant (solar.plants).",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="The day, in the plant's zone."),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="held: every hour; partial: some hours are missing or were refused; empty: the service said that there is nothing; failed: it never answered.",
        ),
        sa.Column(
            "hours_expected",
            sa.SmallInteger(),
            nullable=False,
            comment="Hours of the day: 24, or 23 and 25 when clocks change.",
        ),
        sa.Column(
            "hours_present", sa.SmallInteger(), nullable=False, comment="Hours that are held."
        ),
        sa.Column(
            "expected_energy_kwh",
            sa.Double(),
            nullable=True,
            comment="Energy that the service expected, kWh (the unit is assumed), sum of the hours that are held; null without any.",
        ),
        sa.Column(
            "observed_energy_kwh",
            sa.Double(),
            nullable=True,
            comment="Energy that was observed, kWh (the unit is assumed), sum of the hours that are held; null without any.",
        ),
        sa.Column(
            "expected_irradiation_wh_per_m2",
            sa.Double(),
            nullable=True,
            comment="Irradiation expected, Wh/m² (the unit is assumed), sum of the hours that are held; null without any.",
        ),
        sa.Column(
            "observed_irradiation_wh_per_m2",
            sa.Double(),
            nullable=True,
            comment="Irradiation observed, Wh/m² (the unit is assumed), sum of the hours that are held; null without any.",
        ),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the service was last asked.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=True,
            comment="The answer that last told of it (ops.deliveries); null when none ever did.",
        ),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="How often in a row it was asked and not all of it came.",
        ),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="Why the last answer did not come; null when it came.",
        ),
        sa.Column(
            "retry_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it is asked again; null: not of itself.",
        ),
        sa.CheckConstraint(
            "(status = 'held') = (hours_present = hours_expected)", name=op.f("days_held_check")
        ),
        sa.CheckConstraint(
            "status IN ('held', 'partial', 'empty', 'failed')", name=op.f("days_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["plant_id"],
            ["solar.plants.plant_id"],
            name=op.f("days_plant_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plant_id", "day", name=op.f("days_pkey")),
        schema="solar",
        comment="Each day of each plant that the service was asked for: what is held of it. Written in one transaction with the readings. solar.coverage has the days not asked for too.",
    )
    op.create_index(
        "days_retry_at_idx",
        "days",
        ["retry_at"],
        unique=False,
        schema="solar",
        postgresql_where="retry_at IS NOT NULL",
    )
    op.create_table(
        "syncs",
        sa.Column(
            "plant_id",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="The plant (solar.plants).",
        ),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False, comment="When it began."),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it ended; null while it lasts, or when it was killed.",
        ),
        sa.Column("run_id", sa.Text(), nullable=True, comment="The Dagster run."),
        sa.Column(
            "history_from", sa.Date(), nullable=False, comment="How far back history is to go."
        ),
        sa.Column(
            "answers", sa.Integer(), server_default="0", nullable=False, comment="Answers taken in."
        ),
        sa.Column(
            "problem", sa.Text(), nullable=True, comment="Why it was not whole; null when it was."
        ),
        sa.ForeignKeyConstraint(
            ["plant_id"],
            ["solar.plants.plant_id"],
            name=op.f("syncs_plant_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plant_id", name=op.f("syncs_pkey")),
        schema="solar",
        comment="The last sync of each plant.",
    )
    op.execute(CHECK_PLANT)
    op.execute(DELETE_PLANT)
