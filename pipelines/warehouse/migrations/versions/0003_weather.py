"""The weather."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA weather")
    op.execute(
        "COMMENT ON SCHEMA weather IS"
        " 'One store of the weather for all domains: places, observations, hours, calls.'"
    )
    op.create_table(
        "pauses",
        sa.Column("provider", sa.Text(), nullable=False, comment="Who is not to be asked."),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False, comment="Until then."),
        sa.Column("reason", sa.Text(), nullable=False, comment="What it said."),
        sa.PrimaryKeyConstraint("provider", name=op.f("pauses_pkey")),
        schema="weather",
        comment="Providers whose allowance is used up, until it renews.",
    )
    op.create_table(
        "places",
        sa.Column(
            "place_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Its number.",
        ),
        sa.Column(
            "place_key",
            sa.Text(),
            nullable=False,
            comment="What names it: country and postcode (DE 10115), country and city in lower case where there is no postcode (IR mashhad), or coordinates (47.4369,19.2556).",
        ),
        sa.Column(
            "country_code",
            sa.Text(),
            nullable=True,
            comment="ISO 3166-1 alpha-2; null for bare coordinates.",
        ),
        sa.Column(
            "postcode", sa.Text(), nullable=True, comment="Postcode; null where the place has none."
        ),
        sa.Column("city", sa.Text(), nullable=True, comment="Name of the city, as first seen."),
        sa.Column(
            "latitude", sa.Double(), nullable=True, comment="Degrees north; null until found."
        ),
        sa.Column(
            "longitude", sa.Double(), nullable=True, comment="Degrees east; null until found."
        ),
        sa.Column(
            "geocoding_status",
            sa.Text(),
            nullable=False,
            comment="pending: to be looked up; found; given: coordinates came with it; not_found; ambiguous: several places fit; corrected: set by hand (weather.correct_place). Set pending to have one looked up again.",
        ),
        sa.Column("geocoded_name", sa.Text(), nullable=True, comment="What the geocoder calls it."),
        sa.Column(
            "geocoded_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it was looked up.",
        ),
        sa.Column(
            "geocoding_retry_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Not to be looked up before; null: at once.",
        ),
        sa.Column(
            "geocoding_failures",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Lookups in a row that failed.",
        ),
        sa.Column(
            "geocoding_problem",
            sa.Text(),
            nullable=True,
            comment="Why the last lookup gave no coordinates.",
        ),
        sa.Column(
            "is_observed",
            sa.Boolean(),
            nullable=False,
            comment="Whether anything in use now wants its present weather.",
        ),
        sa.CheckConstraint(
            "geocoding_status IN ('pending', 'found', 'given', 'not_found', 'ambiguous', 'corrected')",
            name=op.f("places_geocoding_status_check"),
        ),
        sa.CheckConstraint(
            "geocoding_status NOT IN ('found', 'given', 'corrected') OR (latitude IS NOT NULL AND longitude IS NOT NULL)",
            name=op.f("places_has_coordinates_check"),
        ),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("places_latitude_check")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("places_longitude_check")),
        sa.PrimaryKeyConstraint("place_id", name=op.f("places_pkey")),
        sa.UniqueConstraint("place_key", name=op.f("places_place_key_key")),
        schema="weather",
        comment="Every place whose weather some domain wants, each once.",
    )
    op.create_index(
        "places_pending_idx",
        "places",
        ["place_id"],
        unique=False,
        schema="weather",
        postgresql_where="geocoding_status = 'pending'",
    )
    op.create_table(
        "calls",
        sa.Column(
            "call_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Its number.",
        ),
        sa.Column(
            "request_id",
            sa.Uuid(),
            nullable=False,
            comment="The HTTP request: one may ask for many places, a row each.",
        ),
        sa.Column("place_id", sa.BigInteger(), nullable=True, comment="The place asked for."),
        sa.Column("provider", sa.Text(), nullable=False, comment="Who was asked."),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="observation, geocoding, forecast or archive.",
        ),
        sa.Column(
            "called_at", sa.DateTime(timezone=True), nullable=False, comment="When it was asked."
        ),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=False,
            comment="started: no answer yet; success; failed; refused: by the provider, for this place; quota: the allowance is used up; abandoned: whoever asked was killed; discarded: answered when another run had asked already.",
        ),
        sa.Column(
            "cost",
            sa.Numeric(),
            nullable=False,
            comment="What it takes from the provider's allowance.",
        ),
        sa.Column(
            "problem", sa.Text(), nullable=True, comment="Why it failed; null when it did not."
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["weather.places.place_id"], name=op.f("calls_place_id_fkey")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("calls_pkey")),
        schema="weather",
        comment="Every call of a provider, for each place it was for.",
    )
    op.create_index(
        op.f("calls_called_at_idx"), "calls", ["called_at"], unique=False, schema="weather"
    )
    op.create_index(
        op.f("calls_place_id_called_at_idx"),
        "calls",
        ["place_id", "called_at"],
        unique=False,
        schema="weather",
    )
    op.create_index(
        op.f("calls_provider_called_at_idx"),
        "calls",
        ["provider", "called_at"],
        unique=False,
        schema="weather",
    )
    op.create_index(
        "calls_started_idx",
        "calls",
        ["request_id"],
        unique=False,
        schema="weather",
        postgresql_where="outcome = 'started'",
    )
    op.create_table(
        "hourly",
        sa.Column(
            "place_id", sa.BigInteger(), nullable=False, comment="The place (weather.places)."
        ),
        sa.Column(
            "hour_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The hour, by its beginning.",
        ),
        sa.Column(
            "temperature_celsius", sa.Double(), nullable=True, comment="Air temperature then, °C."
        ),
        sa.Column("wind_kmh", sa.Double(), nullable=True, comment="Wind at 10 m, km/h."),
        sa.Column(
            "precipitation_mm",
            sa.Double(),
            nullable=True,
            comment="Rain and melted snow of the hour before, mm.",
        ),
        sa.Column("cloud_cover_pct", sa.Double(), nullable=True, comment="Sky covered, %."),
        sa.Column(
            "shortwave_radiation_w_per_m2",
            sa.Double(),
            nullable=True,
            comment="Sunlight on level ground, mean of the hour before, W/m².",
        ),
        sa.Column("conditions", sa.Text(), nullable=True, comment="In words."),
        sa.Column(
            "wmo_code",
            sa.SmallInteger(),
            nullable=True,
            comment="WMO code 4677 as far as it is told, 0 to 99.",
        ),
        sa.Column(
            "weather_source",
            sa.Text(),
            nullable=False,
            comment="forecast: for hours to come and recent ones; archive: reanalysis of older ones.",
        ),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was received.",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["weather.places.place_id"], name=op.f("hourly_place_id_fkey")
        ),
        sa.PrimaryKeyConstraint("place_id", "hour_at", name=op.f("hourly_pkey")),
        schema="weather",
        comment="The weather of places at the hours that domains ask for. Weather data by Open-Meteo.com (CC BY 4.0).",
    )
    op.create_table(
        "observations",
        sa.Column(
            "place_id", sa.BigInteger(), nullable=False, comment="The place (weather.places)."
        ),
        sa.Column("provider", sa.Text(), nullable=False, comment="Who said so: open-meteo, …"),
        sa.Column(
            "observed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The time for which it holds, by the provider.",
        ),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was received.",
        ),
        sa.Column(
            "temperature_celsius", sa.Double(), nullable=True, comment="Air temperature, °C."
        ),
        sa.Column(
            "feels_like_celsius", sa.Double(), nullable=True, comment="Felt temperature, °C."
        ),
        sa.Column("humidity_pct", sa.Double(), nullable=True, comment="Relative humidity, %."),
        sa.Column("wind_kmh", sa.Double(), nullable=True, comment="Wind at 10 m, km/h."),
        sa.Column(
            "wind_direction_degrees",
            sa.Double(),
            nullable=True,
            comment="From where it blows, degrees.",
        ),
        sa.Column(
            "precipitation_mm",
            sa.Double(),
            nullable=True,
            comment="Rain and melted snow of the last hour or less, mm.",
        ),
        sa.Column("cloud_cover_pct", sa.Double(), nullable=True, comment="Sky covered, %."),
        sa.Column(
            "pressure_hpa", sa.Double(), nullable=True, comment="Pressure at sea level, hPa."
        ),
        sa.Column("conditions", sa.Text(), nullable=True, comment="In words."),
        sa.Column(
            "provider_code",
            sa.Text(),
            nullable=True,
            comment="The provider's own code for the conditions.",
        ),
        sa.Column(
            "wmo_code",
            sa.SmallInteger(),
            nullable=True,
            comment="WMO code 4677 as far as it is told, 0 to 99.",
        ),
        sa.Column("is_day", sa.Boolean(), nullable=True, comment="Whether the sun is up."),
        sa.Column(
            "delay_risk",
            sa.Text(),
            nullable=True,
            comment="storm, freezing_rain, snow, heat or none: what may delay a parcel there, by a rule of thumb (pipelines/sources/weather/observation.py).",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["weather.places.place_id"], name=op.f("observations_place_id_fkey")
        ),
        sa.PrimaryKeyConstraint("place_id", name=op.f("observations_pkey")),
        schema="weather",
        comment="The last known weather of each place. Weather data by Open-Meteo.com (CC BY 4.0) unless provider says otherwise; model data rather than measured.",
    )
    op.create_table(
        "refreshes",
        sa.Column(
            "place_id", sa.BigInteger(), nullable=False, comment="The place (weather.places)."
        ),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="observation: the present weather; hourly: that of hours asked for; archive: that of old ones.",
        ),
        sa.Column(
            "last_success_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its weather was last received; due again two hours later, hours after three.",
        ),
        sa.Column(
            "claimed_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="A run is asking; if it died, another may from then on.",
        ),
        sa.Column(
            "claim", sa.Uuid(), nullable=True, comment="Which run is asking; null when none is."
        ),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Calls in a row that failed.",
        ),
        sa.Column(
            "retry_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="After a failure: not to be asked before.",
        ),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="Why the last call failed; null when it did not.",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["weather.places.place_id"], name=op.f("refreshes_place_id_fkey")
        ),
        sa.PrimaryKeyConstraint("place_id", "kind", name=op.f("refreshes_pkey")),
        schema="weather",
        comment="When each place was last asked for, and when it may be again.",
    )
    op.add_column(
        "airports",
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
        schema="flights",
    )
    op.add_column(
        "addresses",
        sa.Column(
            "place_key",
            sa.Text(),
            sa.Computed(
                "CASE WHEN postcode IS NOT NULL OR city IS NOT NULL THEN country_code || ' ' || coalesce(replace(postcode, ' ', ''), lower(city)) END",
                persisted=True,
            ),
            nullable=True,
            comment="What weather.places calls the place; null where country or place is not known.",
        ),
        schema="shipments",
    )
    op.create_index(
        op.f("addresses_place_key_idx"),
        "addresses",
        ["place_key"],
        unique=False,
        schema="shipments",
    )
