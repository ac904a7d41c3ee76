"""Tables of the weather: places, observations, hours, fetch state, request log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

from pipelines.warehouse.tables import INSTANT, WRITTEN_WITH, optional, required, source_metadata

SCHEMA = "weather"
metadata = source_metadata()


def _place_id() -> Column[int]:
    return required(
        "place_id",
        BigInteger,
        "The place (weather.places).",
        ForeignKey("weather.places.place_id"),
        primary_key=True,
    )


places = Table(
    "places",
    metadata,
    required("place_id", BigInteger, "Its number.", Identity(always=True), primary_key=True),
    required(
        "place_key",
        Text,
        "Its unique name: country and postcode (DE 10115), country and city in lower case"
        " where there is no postcode (IR mashhad), or coordinates (47.4369,19.2556).",
        unique=True,
    ),
    optional("country_code", Text, "ISO 3166-1 alpha-2; null for bare coordinates."),
    optional("postcode", Text, "Postcode; null where the place has none."),
    optional("city", Text, "Name of the city, as first seen."),
    optional("latitude", Double, "Degrees north; null until found."),
    optional("longitude", Double, "Degrees east; null until found."),
    required(
        "geocoding_status",
        Text,
        "pending: to be looked up; found; given: coordinates came with it; not_found;"
        " ambiguous: several places fit, or none for certain; corrected: set by hand"
        " (weather.correct_place). Set pending to have one looked up again.",
    ),
    optional("geocoded_name", Text, "What GeoNames calls it."),
    optional("geocoded_at", INSTANT, "When it was looked up."),
    optional(
        "geocoding_problem",
        Text,
        "Why it was not found; a lookup that failed is in weather.fetch_state.",
    ),
    optional(
        "geocoding_candidates",
        JSONB,
        "Places that may be meant, the largest first, for a person to choose from by"
        " weather.correct_place: name, latitude, longitude and population of each. Null where"
        " nothing is ambiguous. From GeoNames (CC BY 4.0) by Open-Meteo.com.",
    ),
    required(
        "is_observed",
        Boolean,
        "Whether a source wants its present weather now (weather.weather_requests).",
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
    required("provider", Text, "Provider that answered: open-meteo, …"),
    required("observed_at", INSTANT, "The time for which it holds, by the provider."),
    required("fetched_at", INSTANT, "When it was received."),
    optional("temperature_celsius", Double, "Air temperature, °C."),
    optional("feels_like_celsius", Double, "Felt temperature, °C."),
    optional("humidity_pct", Double, "Relative humidity, %."),
    optional("wind_kmh", Double, "Wind at 10 m, km/h."),
    optional("wind_direction_degrees", Double, "From where it blows, degrees."),
    optional("precipitation_mm", Double, "Rain and melted snow of the last hour or less, mm."),
    optional("cloud_cover_pct", Double, "Sky covered, %."),
    optional("pressure_hpa", Double, "Pressure at sea level, hPa."),
    optional("conditions", Text, "In words."),
    optional("provider_code", Text, "The provider's own code for the conditions."),
    optional("wmo_code", SmallInteger, "WMO code 4677, 0 to 99; null where not reported."),
    optional("is_day", Boolean, "Whether the sun is up."),
    optional(
        "delay_risk",
        Text,
        "storm, freezing_rain, snow, heat or none: what may delay a parcel there, by a rule"
        " of thumb (pipelines/sources/weather/observation.py).",
    ),
    schema=SCHEMA,
    comment="The last known weather of each place. Weather data by Open-Meteo.com (CC BY 4.0)"
    " unless provider is another; model data rather than measured.",
)

hourly = Table(
    "hourly",
    metadata,
    _place_id(),
    required("hour_at", INSTANT, "The hour, by its beginning.", primary_key=True),
    optional("temperature_celsius", Double, "Air temperature then, °C."),
    optional("wind_kmh", Double, "Wind at 10 m, km/h."),
    optional("precipitation_mm", Double, "Rain and melted snow of the hour before, mm."),
    optional("cloud_cover_pct", Double, "Sky covered, %."),
    optional(
        "shortwave_radiation_w_per_m2",
        Double,
        "Sunlight on level ground, mean of the hour before, W/m².",
    ),
    optional("conditions", Text, "In words."),
    optional("wmo_code", SmallInteger, "WMO code 4677, 0 to 99; null where not reported."),
    required(
        "weather_source",
        Text,
        "forecast: for hours to come and recent ones; archive: reanalysis of older ones.",
    ),
    required("fetched_at", INSTANT, "When it was received."),
    schema=SCHEMA,
    comment="The weather of places hour by hour, where flights depart or arrive or a plant was"
    " read. Weather data by Open-Meteo.com (CC BY 4.0).",
)

#: Time of an observation's request in seconds, plus an offset unique to its place, so that ranges
#: of two places never overlap. With the place as a separate column, the constraint below would need
#: the extension btree_gist, which not every server has. The precision is one second.
_KEPT_FOR_TWO_HOURS = (
    "int8range("
    "place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE 'UTC')::bigint, "
    "place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE 'UTC')::bigint + 7200)"
)

fetch_state = Table(
    "fetch_state",
    metadata,
    _place_id(),
    required(
        "kind",
        Text,
        "observation: the present weather; forecast: recent and coming hours; archive:"
        " older hours; geocoding: coordinates.",
        primary_key=True,
    ),
    optional(
        "last_success_at",
        INSTANT,
        "When it was last received. An observation is due again after two hours, hours that are"
        " still missing after three; null: at once.",
    ),
    required(
        "consecutive_failures", Integer, "Failures since the last success.", server_default="0"
    ),
    optional("retry_at", INSTANT, "After a failure: not due before. Null: due as usual."),
    optional("problem", Text, "Why the last request failed; null if it succeeded."),
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
    required("entry_id", BigInteger, "Number of the row.", Identity(always=True), primary_key=True),
    required("request_id", Uuid, "The HTTP request; one for several places has a row for each."),
    optional(
        "place_id",
        BigInteger,
        "The place requested (weather.places).",
        ForeignKey("weather.places.place_id"),
    ),
    required("provider", Text, "The provider or geocoder."),
    required(
        "key_digest",
        Text,
        "Begin of the SHA-256 of the key it was sent with; empty without a key.",
        server_default="",
    ),
    required("kind", Text, "observation, forecast, archive or geocoding."),
    required("requested_at", INSTANT, "When it was sent."),
    required(
        "outcome",
        Text,
        "started: no answer yet, or the run was killed before its answer was kept; success:"
        " the answer was kept; failed; rejected: by the provider, for one of its places; quota: the"
        " quota was used up; superseded: kept once, but the place was corrected since"
        " (weather.correct_place), or a clock was wrong.",
    ),
    required("cost", Numeric, "What it counts against the quota."),
    optional("problem", Text, "Why it failed; null if it did not."),
    CheckConstraint(
        "outcome IN ('started', 'success', 'failed', 'rejected', 'quota', 'superseded')",
        name="outcome",
    ),
    CheckConstraint("kind IN ('observation', 'forecast', 'archive', 'geocoding')", name="kind"),
    # At most one stored observation per place in any two hours. A unique index on fixed two-hour
    # windows would allow two answers minutes apart on both sides of a boundary, and would forbid
    # one that is due right at the end of a window. The other half of the rule is that none is older
    # than 2 h 5 min: weather.due_places makes a place due as soon as this constraint allows it, and
    # the check fresh_weather monitors that.
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
    required("provider", Text, "The provider or geocoder.", primary_key=True),
    required(
        "key_digest",
        Text,
        "Begin of the SHA-256 of the key that is blocked; empty without a key.",
        primary_key=True,
    ),
    required("blocked_until", INSTANT, "When its quota renews: no request before."),
    required(
        "consecutive_blocks",
        Integer,
        "Blocks since the last answer. Where the provider does not say how long, each is"
        " twice as long as the one before.",
    ),
    required("reason", Text, "The provider's message."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="Providers whose quota is used up with a key, until it renews; a row goes with the next"
    " answer. Delete one to unblock the key; a new key is not blocked.",
)
