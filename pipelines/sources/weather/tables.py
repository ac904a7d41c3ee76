"""The tables of the weather: places, their last observations, when to ask again, every call."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from pipelines.warehouse.tables import WRITTEN_WITH, source_metadata

SCHEMA = "weather"
metadata = source_metadata()


def _place_id() -> Column[int]:
    return Column(
        "place_id",
        BigInteger,
        ForeignKey("weather.places.place_id"),
        primary_key=True,
        comment="The place (weather.places).",
    )


def _instant(name: str, comment: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=comment)


places = Table(
    "places",
    metadata,
    Column("place_id", BigInteger, Identity(always=True), primary_key=True, comment="Its number."),
    Column(
        "place_key",
        Text,
        nullable=False,
        unique=True,
        comment="What names it: country and postcode (DE 10115), country and city in lower case"
        " where there is no postcode (IR mashhad), or coordinates (47.4369,19.2556).",
    ),
    Column("country_code", Text, comment="ISO 3166-1 alpha-2; null for bare coordinates."),
    Column("postcode", Text, comment="Postcode; null where the place has none."),
    Column("city", Text, comment="Name of the city, as first seen."),
    Column("latitude", Double, comment="Degrees north; null until found."),
    Column("longitude", Double, comment="Degrees east; null until found."),
    Column(
        "geocoding_status",
        Text,
        nullable=False,
        comment="pending: to be looked up; found; given: coordinates came with it; not_found;"
        " ambiguous: several places fit; corrected: set by hand (weather.correct_place). Set"
        " pending to have one looked up again.",
    ),
    Column("geocoded_name", Text, comment="What the geocoder calls it."),
    _instant("geocoded_at", "When it was looked up."),
    _instant("geocoding_retry_at", "Not to be looked up before; null: at once."),
    Column(
        "geocoding_failures",
        Integer,
        nullable=False,
        server_default="0",
        comment="Lookups in a row that failed.",
    ),
    Column("geocoding_problem", Text, comment="Why the last lookup gave no coordinates."),
    Column(
        "is_observed",
        Boolean,
        nullable=False,
        comment="Whether anything in use now wants its present weather.",
    ),
    CheckConstraint(
        "geocoding_status IN ('pending', 'found', 'given', 'not_found', 'ambiguous', 'corrected')",
        name="geocoding_status",
    ),
    CheckConstraint(
        "geocoding_status NOT IN ('found', 'given', 'corrected')"
        " OR (latitude IS NOT NULL AND longitude IS NOT NULL)",
        name="has_coordinates",
    ),
    CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    Index("places_pending_idx", "place_id", postgresql_where="geocoding_status = 'pending'"),
    schema=SCHEMA,
    comment="Every place whose weather is wanted, each once: airports, towns of addresses, solar"
    " plants.",
)

observations = Table(
    "observations",
    metadata,
    _place_id(),
    Column("provider", Text, nullable=False, comment="Who said so: open-meteo, …"),
    _instant("observed_at", "The time for which it holds, by the provider.", nullable=False),
    _instant("fetched_at", "When it was received.", nullable=False),
    Column("temperature_celsius", Double, comment="Air temperature, °C."),
    Column("feels_like_celsius", Double, comment="Felt temperature, °C."),
    Column("humidity_pct", Double, comment="Relative humidity, %."),
    Column("wind_kmh", Double, comment="Wind at 10 m, km/h."),
    Column("wind_direction_degrees", Double, comment="From where it blows, degrees."),
    Column(
        "precipitation_mm", Double, comment="Rain and melted snow of the last hour or less, mm."
    ),
    Column("cloud_cover_pct", Double, comment="Sky covered, %."),
    Column("pressure_hpa", Double, comment="Pressure at sea level, hPa."),
    Column("conditions", Text, comment="In words."),
    Column("provider_code", Text, comment="The provider's own code for the conditions."),
    Column("wmo_code", SmallInteger, comment="WMO code 4677 as far as it is told, 0 to 99."),
    Column("is_day", Boolean, comment="Whether the sun is up."),
    Column(
        "delay_risk",
        Text,
        comment="storm, freezing_rain, snow, heat or none: what may delay a parcel there, by a rule"
        " of thumb (pipelines/sources/weather/observation.py).",
    ),
    schema=SCHEMA,
    comment="The last known weather of each place. Weather data by Open-Meteo.com (CC BY 4.0)"
    " unless provider says otherwise; model data rather than measured.",
)

hourly = Table(
    "hourly",
    metadata,
    _place_id(),
    Column(
        "hour_at",
        DateTime(timezone=True),
        primary_key=True,
        comment="The hour, by its beginning.",
    ),
    Column("temperature_celsius", Double, comment="Air temperature then, °C."),
    Column("wind_kmh", Double, comment="Wind at 10 m, km/h."),
    Column("precipitation_mm", Double, comment="Rain and melted snow of the hour before, mm."),
    Column("cloud_cover_pct", Double, comment="Sky covered, %."),
    Column(
        "shortwave_radiation_w_per_m2",
        Double,
        comment="Sunlight on level ground, mean of the hour before, W/m².",
    ),
    Column("conditions", Text, comment="In words."),
    Column("wmo_code", SmallInteger, comment="WMO code 4677 as far as it is told, 0 to 99."),
    Column(
        "weather_source",
        Text,
        nullable=False,
        comment="forecast: for hours to come and recent ones; archive: reanalysis of older ones.",
    ),
    _instant("fetched_at", "When it was received.", nullable=False),
    schema=SCHEMA,
    comment="The weather of places hour by hour, where flights depart or arrive or a plant was"
    " read. Weather data by Open-Meteo.com (CC BY 4.0).",
)

refreshes = Table(
    "refreshes",
    metadata,
    _place_id(),
    Column(
        "kind",
        Text,
        primary_key=True,
        comment="observation: the present weather; hourly: that of hours asked for; archive: that"
        " of old ones.",
    ),
    _instant(
        "last_success_at",
        "When its weather was last received: what is old is due again, an observation after two"
        " hours, hours after three.",
    ),
    _instant("claimed_until", "A run is asking; if it died, another may from then on."),
    Column("claim", Uuid, comment="Which run is asking; null when none is."),
    Column(
        "failures",
        Integer,
        nullable=False,
        server_default="0",
        comment="Calls in a row that failed.",
    ),
    _instant("retry_at", "After a failure: not to be asked before."),
    Column("problem", Text, comment="Why the last call failed; null when it did not."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="When each place was last asked for, and when it may be again.",
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", BigInteger, Identity(always=True), primary_key=True, comment="Its number."),
    Column(
        "request_id",
        Uuid,
        nullable=False,
        comment="The HTTP request: one may ask for many places, a row each.",
    ),
    Column(
        "place_id",
        BigInteger,
        ForeignKey("weather.places.place_id"),
        comment="The place asked for.",
    ),
    Column("provider", Text, nullable=False, comment="Who was asked."),
    Column("kind", Text, nullable=False, comment="observation, geocoding, forecast or archive."),
    _instant("called_at", "When it was asked.", nullable=False),
    Column(
        "outcome",
        Text,
        nullable=False,
        comment="started: no answer yet; success; failed; refused: by the provider, for this place;"
        " quota: the allowance is used up; abandoned: whoever asked was killed; discarded: answered"
        " when another run had asked already.",
    ),
    Column("cost", Numeric, nullable=False, comment="What it takes from the provider's allowance."),
    Column("problem", Text, comment="Why it failed; null when it did not."),
    Index(None, "provider", "called_at"),
    Index(None, "place_id", "called_at"),
    Index(None, "called_at"),
    Index("calls_started_idx", "request_id", postgresql_where="outcome = 'started'"),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="Every call of a provider, for each place it was for.",
)

pauses = Table(
    "pauses",
    metadata,
    Column("provider", Text, primary_key=True, comment="Who is not to be asked."),
    _instant("until_at", "Until then.", nullable=False),
    Column("reason", Text, nullable=False, comment="What it said."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="Providers whose allowance is used up, until it renews.",
)
