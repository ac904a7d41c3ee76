"""The tables of the weather: places, observations, hours, fetch state, the log of requests."""

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
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

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
        comment="Its unique name: country and postcode (DE 10115), country and city in lower case"
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
        " ambiguous: several places fit, or none for certain; corrected: set by hand"
        " (weather.correct_place). Set pending to have one looked up again.",
    ),
    Column("geocoded_name", Text, comment="What GeoNames calls it."),
    _instant("geocoded_at", "When it was looked up."),
    Column(
        "geocoding_problem",
        Text,
        comment="Why it was not found; a lookup that failed is in weather.fetch_state.",
    ),
    Column(
        "geocoding_candidates",
        JSONB,
        comment="Places that may be meant, the largest first, for a person to choose from by"
        " weather.correct_place: name, latitude, longitude and population of each. Null where"
        " nothing is ambiguous. From GeoNames (CC BY 4.0) by Open-Meteo.com.",
    ),
    Column(
        "is_observed",
        Boolean,
        nullable=False,
        comment="Whether a source wants its present weather now (weather.weather_requests).",
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
    " plants. Towns are looked up in GeoNames (CC BY 4.0) by Open-Meteo.com.",
)

observations = Table(
    "observations",
    metadata,
    _place_id(),
    Column("provider", Text, nullable=False, comment="Provider that answered: open-meteo, …"),
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
    Column("wmo_code", SmallInteger, comment="WMO code 4677, 0 to 99; null where not reported."),
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
    Column("wmo_code", SmallInteger, comment="WMO code 4677, 0 to 99; null where not reported."),
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

#: When an observation was requested, in seconds, after a number that belongs to its place alone:
#: ranges of two places never overlap. With the place as a column of its own, the constraint below
#: would need the extension btree_gist, which not every server has. A second is all its precision.
_KEPT_FOR_TWO_HOURS = (
    "int8range("
    "place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE 'UTC')::bigint, "
    "place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE 'UTC')::bigint + 7200)"
)

fetch_state = Table(
    "fetch_state",
    metadata,
    _place_id(),
    Column(
        "kind",
        Text,
        primary_key=True,
        comment="observation: the present weather; forecast: recent and coming hours; archive:"
        " older hours; geocoding: coordinates.",
    ),
    _instant(
        "last_success_at",
        "When it was last received. An observation is due again after two hours, hours that are"
        " still missing after three; null: at once.",
    ),
    Column(
        "consecutive_failures",
        Integer,
        nullable=False,
        server_default="0",
        comment="Failures since the last success.",
    ),
    _instant("retry_at", "After a failure: not due before. Null: due as usual."),
    Column("problem", Text, comment="Why the last request failed; null if it succeeded."),
    CheckConstraint("kind IN ('observation', 'forecast', 'archive', 'geocoding')", name="kind"),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="For each place and kind of request: the last success, failures since, and the next"
    " retry. Delete a row to have the place requested again at once; its present weather only if"
    " the last is two hours old.",
)

api_requests = Table(
    "api_requests",
    metadata,
    Column(
        "entry_id",
        BigInteger,
        Identity(always=True),
        primary_key=True,
        comment="Number of the row.",
    ),
    Column(
        "request_id",
        Uuid,
        nullable=False,
        comment="The HTTP request; one for several places has a row for each.",
    ),
    Column(
        "place_id",
        BigInteger,
        ForeignKey("weather.places.place_id"),
        comment="The place requested (weather.places).",
    ),
    Column("provider", Text, nullable=False, comment="The provider or geocoder."),
    Column(
        "key_digest",
        Text,
        nullable=False,
        server_default="",
        comment="Begin of the SHA-256 of the key it was sent with; empty without a key.",
    ),
    Column("kind", Text, nullable=False, comment="observation, forecast, archive or geocoding."),
    _instant("requested_at", "When it was sent.", nullable=False),
    Column(
        "outcome",
        Text,
        nullable=False,
        comment="started: no answer yet, or the run was killed before its answer was kept; success:"
        " the answer was kept; failed; rejected: by the provider, for one of its places; quota: the"
        " quota was used up; superseded: kept once, but the place was corrected since"
        " (weather.correct_place), or a clock was wrong.",
    ),
    Column("cost", Numeric, nullable=False, comment="What it counts against the quota."),
    Column("problem", Text, comment="Why it failed; null if it did not."),
    CheckConstraint(
        "outcome IN ('started', 'success', 'failed', 'rejected', 'quota', 'superseded')",
        name="outcome",
    ),
    CheckConstraint("kind IN ('observation', 'forecast', 'archive', 'geocoding')", name="kind"),
    # At most one kept observation of a place in any two hours, wherever they begin: a unique index
    # on a grid of two-hour windows would allow two answers minutes apart, on both sides of a
    # boundary, and would forbid one due right at the end of a window. That none is older than
    # 2 h 5 min is the other half of the rule: weather.due_places has a place due from the moment on
    # that this constraint allows, and the check fresh_weather watches it.
    ExcludeConstraint(
        (text(_KEPT_FOR_TWO_HOURS), "&&"),
        name="api_requests_one_kept_observation",
        using="gist",
        where=text("kind = 'observation' AND outcome = 'success' AND place_id IS NOT NULL"),
    ),
    Index(None, "provider", "requested_at"),
    Index(None, "place_id", "requested_at"),
    Index(None, "requested_at"),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="The log of requests to weather providers and the geocoder, a row for each place."
    " Written before a request is sent, so that those of a killed run count against the quota too."
    " At most one observation of a place is kept in any two hours.",
)

quota_blocks = Table(
    "quota_blocks",
    metadata,
    Column("provider", Text, primary_key=True, comment="The provider or geocoder."),
    Column(
        "key_digest",
        Text,
        primary_key=True,
        comment="Begin of the SHA-256 of the key that is blocked; empty without a key.",
    ),
    _instant("blocked_until", "When its quota renews: no request before.", nullable=False),
    Column(
        "consecutive_blocks",
        Integer,
        nullable=False,
        comment="Blocks since the last answer. Where the provider does not say how long, each is"
        " twice as long as the one before.",
    ),
    Column("reason", Text, nullable=False, comment="The provider's message."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="Providers whose quota is used up with a key, until it renews; a row goes with the next"
    " answer. Delete one to unblock the key; a new key is not blocked.",
)
