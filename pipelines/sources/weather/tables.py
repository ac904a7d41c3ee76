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
    required(
        "place_id", BigInteger, "Number of the place.", Identity(always=True), primary_key=True
    ),
    required(
        "place_key",
        Text,
        "Unique key: country and postcode (DE 10115), country and city in lower case if there is"
        " no postcode (IR mashhad), or coordinates (47.4369,19.2556).",
        unique=True,
    ),
    optional(
        "country_code",
        Text,
        "ISO 3166-1 alpha-2 code of the country; null if the key is coordinates.",
    ),
    optional("postcode", Text, "Postcode; null if the place has none."),
    optional("city", Text, "City or name of the place, as first requested; null if unknown."),
    optional("latitude", Double, "Latitude, degrees north; null until the place is found."),
    optional("longitude", Double, "Longitude, degrees east; null until the place is found."),
    required(
        "geocoding_status",
        Text,
        "pending: not looked up yet; found: coordinates from GeoNames; given: the request has"
        " coordinates; not_found; ambiguous: several places match, or none with certainty;"
        " corrected: set by weather.correct_place. To have a place looked up again, set pending.",
    ),
    optional(
        "geocoded_name",
        Text,
        "Name of the place in GeoNames; null if not looked up, not found or corrected.",
    ),
    optional("geocoded_at", INSTANT, "When the place was looked up or corrected; null if neither."),
    optional(
        "geocoding_problem",
        Text,
        "Why the place was not found; null otherwise. A failed lookup is in weather.fetch_state"
        " instead.",
    ),
    optional(
        "geocoding_candidates",
        JSONB,
        "Candidates for an ambiguous place, the largest first, each with name, latitude, longitude"
        " and population. Choose one with weather.correct_place. Null if not ambiguous. From"
        " GeoNames (CC BY 4.0) by Open-Meteo.com.",
    ),
    required(
        "is_observed",
        Boolean,
        "True if a source requests the current weather of the place (weather.weather_requests).",
    ),
    CheckConstraint(
        "geocoding_status IN ('pending', 'found', 'given', 'not_found', 'ambiguous', 'corrected')",
        name="geocoding_status",
    ),
    CheckConstraint(
        "geocoding_status NOT IN ('found', 'given', 'corrected') OR (latitude IS NOT NULL AND"
        " longitude IS NOT NULL)",
        name="has_coordinates",
    ),
    CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    Index("places_pending_idx", "place_id", postgresql_where="geocoding_status = 'pending'"),
    schema=SCHEMA,
    comment="Places for which sources request weather, one row each: airports, places of"
    " addresses, solar plants. Addresses are looked up in GeoNames (CC BY 4.0) by Open-Meteo.com.",
)

observations = Table(
    "observations",
    metadata,
    _place_id(),
    required("provider", Text, "Weather provider: open-meteo, …"),
    required("observed_at", INSTANT, "Time of the observation, as stated by the provider."),
    required("fetched_at", INSTANT, "When the response was received."),
    optional("temperature_celsius", Double, "Air temperature, °C; null if unknown."),
    optional("feels_like_celsius", Double, "Apparent temperature, °C; null if unknown."),
    optional("humidity_pct", Double, "Relative humidity, %; null if unknown."),
    optional("wind_kmh", Double, "Wind speed at 10 m, km/h; null if unknown."),
    optional(
        "wind_direction_degrees",
        Double,
        "Wind direction, degrees: where the wind comes from; null if unknown.",
    ),
    optional(
        "precipitation_mm",
        Double,
        "Precipitation of the last hour or less, mm (snow as water); null if unknown.",
    ),
    optional("cloud_cover_pct", Double, "Cloud cover, %; null if unknown."),
    optional("pressure_hpa", Double, "Air pressure at sea level, hPa; null if unknown."),
    optional("conditions", Text, "Weather conditions, in words; null if unknown."),
    optional("provider_code", Text, "Provider's own code of the conditions; null if unknown."),
    optional(
        "wmo_code",
        SmallInteger,
        "WMO code of the conditions (table 4677), 0 to 99; null if unknown.",
    ),
    optional("is_day", Boolean, "True if the sun is above the horizon; null if unknown."),
    optional(
        "delay_risk",
        Text,
        "Weather that may delay a parcel at observed_at: storm, freezing_rain, snow, heat or none."
        " A rule of thumb (weather.delay_risk). Null if unknown. It is a risk of now if"
        " weather.is_current(observed_at), as in enriched.weather_places.",
    ),
    schema=SCHEMA,
    comment="Last known weather of each place, one row per place. Model data, not"
    " measurements. A value is null if the provider did not report it or if it is implausible."
    " Weather data by Open-Meteo.com (CC BY 4.0) unless provider is another.",
)

hourly = Table(
    "hourly",
    metadata,
    _place_id(),
    required("hour_at", INSTANT, "Start of the hour.", primary_key=True),
    optional("temperature_celsius", Double, "Air temperature at hour_at, °C; null if unknown."),
    optional("wind_kmh", Double, "Wind speed at 10 m, km/h; null if unknown."),
    optional(
        "precipitation_mm",
        Double,
        "Precipitation of the hour before hour_at, mm (snow as water); null if unknown.",
    ),
    optional("cloud_cover_pct", Double, "Cloud cover, %; null if unknown."),
    optional(
        "shortwave_radiation_w_per_m2",
        Double,
        "Solar radiation on a horizontal surface, mean of the hour before hour_at, W/m²; null if"
        " unknown.",
    ),
    optional("conditions", Text, "Weather conditions, in words; null if unknown."),
    optional(
        "wmo_code",
        SmallInteger,
        "WMO code of the conditions (table 4677), 0 to 99; null if unknown.",
    ),
    required(
        "weather_source",
        Text,
        "forecast: the forecast API, for future and recent hours; archive: reanalysis, for older"
        " hours.",
    ),
    required("fetched_at", INSTANT, "When the response was received."),
    schema=SCHEMA,
    comment="Hourly weather of the places and hours that sources request, one row per place and"
    " hour. Weather data by Open-Meteo.com (CC BY 4.0).",
)

#: Seconds of an observation's request, plus an offset unique to its place: with the place as a
#: column, the constraint below would need the extension btree_gist, which not every server has.
_KEPT_FOR_TWO_HOURS = (
    "int8range(place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE"
    " 'UTC')::bigint, place_id * 8589934592 + extract(epoch FROM requested_at AT TIME ZONE"
    " 'UTC')::bigint + 7200)"
)

fetch_state = Table(
    "fetch_state",
    metadata,
    _place_id(),
    required(
        "kind",
        Text,
        "observation: current weather; forecast: recent and future hours; archive: older hours;"
        " geocoding: coordinates.",
        primary_key=True,
    ),
    optional(
        "last_success_at",
        INSTANT,
        "When the data was last received; null: due at once. An observation is due again after two"
        " hours, missing hours after three.",
    ),
    required(
        "consecutive_failures",
        Integer,
        "Number of failures since the last success.",
        server_default="0",
    ),
    optional("retry_at", INSTANT, "Not due before this time, after a failure; null: due as usual."),
    optional("problem", Text, "Why the last request failed; null if it succeeded."),
    CheckConstraint("kind IN ('observation', 'forecast', 'archive', 'geocoding')", name="kind"),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="State of requests, one row per place and kind: last success, failures since,"
    " next retry. Delete a row to request the place again at once; current weather is requested"
    " again only if the last is two hours old.",
)

api_requests = Table(
    "api_requests",
    metadata,
    required("entry_id", BigInteger, "Number of the row.", Identity(always=True), primary_key=True),
    required(
        "request_id",
        Uuid,
        "Id of the HTTP request; a request for several places has a row for each.",
    ),
    optional(
        "place_id",
        BigInteger,
        "Place requested (weather.places); null if none.",
        ForeignKey("weather.places.place_id"),
    ),
    required("provider", Text, "Name of the weather provider or geocoder."),
    required(
        "key_digest",
        Text,
        "First characters of the SHA-256 digest of the API key; empty without a key.",
        server_default="",
    ),
    required(
        "kind", Text, "observation, forecast, archive or geocoding, as in weather.fetch_state."
    ),
    required("requested_at", INSTANT, "When the request was sent."),
    required(
        "outcome",
        Text,
        "started: no response yet, or the run was killed before it stored the response; success:"
        " the response was stored; failed; rejected: by the provider, because of one of the"
        " places; quota: the quota was used up; superseded: the response was stored, but the place"
        " was corrected since (weather.correct_place).",
    ),
    required("cost", Numeric, "Cost of the request in the provider's quota."),
    optional("problem", Text, "Why the request failed; null if it did not."),
    CheckConstraint(
        "outcome IN ('started', 'success', 'failed', 'rejected', 'quota', 'superseded')",
        name="outcome",
    ),
    CheckConstraint("kind IN ('observation', 'forecast', 'archive', 'geocoding')", name="kind"),
    # At most one stored observation per place in any two hours; of fixed windows, two could be
    # minutes apart on both sides of a boundary. That none is older than 2 h 5 min is the other half
    # of the rule, which the check fresh_weather monitors.
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
    comment="Log of requests to weather providers and the geocoder, one row per request and"
    " place. Written before a request is sent, so that requests of killed runs count against the"
    " quota. At most one observation of a place is stored in any two hours.",
)

quota_blocks = Table(
    "quota_blocks",
    metadata,
    required("provider", Text, "Name of the weather provider or geocoder.", primary_key=True),
    required(
        "key_digest",
        Text,
        "First characters of the SHA-256 digest of the blocked API key; empty without a key.",
        primary_key=True,
    ),
    required("blocked_until", INSTANT, "When the quota renews; no requests are sent before."),
    required(
        "consecutive_blocks",
        Integer,
        "Number of blocks since the last response. If the provider does not state a wait, each"
        " block lasts twice as long as the previous one.",
    ),
    required("reason", Text, "Message of the provider."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="Providers whose quota for an API key is used up, one row each. The next"
    " response removes the row. Delete a row to unblock the key; a new key is not blocked.",
)

quotas = Table(
    "quotas",
    metadata,
    required("provider", Text, "Name of the weather provider or geocoder.", primary_key=True),
    required(
        "key_digest",
        Text,
        "First characters of the SHA-256 digest of the API key; empty without a key.",
        primary_key=True,
    ),
    required(
        "requests_per_day",
        BigInteger,
        "Requests that the plan allows in a day (UTC): WEATHER_REQUESTS_PER_DAY, or the limit of"
        " the provider's free plan if it is not set or is for another provider.",
    ),
    required("used_at", INSTANT, "When a run of the job weather last went by it."),
    info={WRITTEN_WITH: "weather.observations"},
    schema=SCHEMA,
    comment="The daily limit by which the job weather sends requests, one row per provider and API"
    " key. metrics.weather_quotas has how much of it is used.",
)
