"""One store of the weather for all sources: places, present weather, hours, the log of requests.

Which places and hours are wanted comes from `weather.weather_requests`, the union of what the other
sources request. `fetch` is the one request loop, which holds a lock (`fetch_lock`); `refresh`,
`hours` and `geocode_places` say what it requests. `providers` and `geocoding` are the clients,
`observation` is what providers have in common (pure), `request_log` keeps requests and quotas,
`fetch_state` the next retries, `due` the queries of the sensor. `place_names` makes the
lookups for the geocoder and compares names (pure).
"""

from typing import Any

from pipelines.config import Settings as Platform
from pipelines.source import (
    Check,
    Collection,
    Field,
    Input,
    Retention,
    Schedule,
    Source,
    SourceSettings,
    deferred,
    secret_text,
    url,
)

OPEN_METEO = "open-meteo"
OPEN_METEO_URLS = ("open_meteo_forecast_url", "open_meteo_archive_url")


def _limit(window: str) -> Any:
    """A field with how many requests a plan allows in a window."""
    return Field(
        default=None,
        ge=1,
        description=f"Requests per {window} that the plan at WEATHER_PROVIDER allows; where that is"
        " Open-Meteo, the limit includes its archive and geocoding. Unset: what the provider allows"
        " without payment, if anything.",
    )


class Settings(SourceSettings):
    """The weather provider, and where it and the geocoder are."""

    weather_provider: str = Field(
        default=OPEN_METEO,
        description="The weather provider: open-meteo (CC BY 4.0; free for non-commercial use, with"
        " a key for any), or weatherapi or openweathermap, which need a key.",
    )
    weather_api_key: str | None = secret_text("The provider's API key, where it needs one.")
    open_meteo_api_key: str | None = secret_text(
        "The key of a paid plan of Open-Meteo, for commercial use: forecast, archive and geocoding"
        " then use the customers' hosts. Unset: the free service."
    )
    weather_base_url: str | None = url(
        "Another host than the provider's own; the paths stay its own. Open-Meteo's hours follow it"
        " only where Open-Meteo is the provider. Unset: its public one.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )
    open_meteo_forecast_url: str | None = url(
        "Another host for Open-Meteo's forecast, present weather and coming hours. Unset:"
        " WEATHER_BASE_URL where Open-Meteo is the provider, else its own.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )
    open_meteo_archive_url: str | None = url(
        "Another host for Open-Meteo's archive of older hours. Unset: WEATHER_BASE_URL where"
        " Open-Meteo is the provider, else its own.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )
    geocoding_base_url: str | None = url(
        "Another host than the geocoder's own. Unset: its public one.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )
    weather_requests_per_minute: int | None = _limit("minute")
    weather_requests_per_hour: int | None = _limit("hour")
    weather_requests_per_day: int | None = _limit("day")
    weather_requests_per_month: int | None = _limit("month")

    @classmethod
    def _value(cls, platform: Platform, source: str, field: str) -> object:
        """As of any variable; but where Open-Meteo is the provider, its hosts are WEATHER_BASE_URL.

        Else what a person has set there would be overridden by the address of the sandbox.
        """
        own = platform.environment.get(cls.variable(field), "").strip()
        if field in OPEN_METEO_URLS and not own:
            provider = cls._value(platform, source, "weather_provider")
            if provider in (None, OPEN_METEO):
                return None
        return super()._value(platform, source, field)


PROVIDER = Input(
    name="weather_provider",
    about="The weather service: past, present, forecast. Open-Meteo unless configured otherwise.",
    kind="json",
    setting="WEATHER_PROVIDER",
)
GEOCODER = Input(
    name="geocoder",
    about="The geocoding service: Open-Meteo's search of GeoNames (CC BY 4.0) by name and country.",
    kind="json",
    setting="GEOCODING_BASE_URL",
)

source = Source(
    name="weather",
    package=__name__,
    about="The weather at the places that other sources name, now and by the hour.",
    settings=Settings,
    job="Find new places, fetch the weather of those that are due, and refresh what shows it.",
    schedules=(
        Schedule(
            name="weather_rounds",
            about="Run the weather job every three hours, so that its checks are evaluated where"
            " nothing is due.",
            cron="50 */3 * * *",
        ),
    ),
    inputs=(PROVIDER, GEOCODER),
    checks=(
        Check(
            name="located_places",
            on="weather.places",
            expects="Every place in use has coordinates.",
            remedy="a place in use has no coordinates: correct it by `weather.correct_place`, from"
            " the candidates in the row where there are some",
        ),
        Check(
            name="fresh_weather",
            on="weather.observations",
            expects="The weather of every place in use was received within the last 2 h 5 min.",
            remedy="a place's weather is missing or older than 2 h 5 min; the row says why. See"
            " `weather.quota_blocks` and the last `weather.api_requests`",
        ),
        Check(
            name="request_rate",
            on="weather.observations",
            expects="At most one observation of a place is kept in two hours.",
            remedy="two observations of a place were kept within two hours: a fault of Isobar,"
            " report it",
        ),
        Check(
            name="filled_hours",
            on="weather.hourly",
            expects="Every hour that a source requests, and forecast or archive have, is there.",
            remedy="an hour at which a leg departs or arrives, or a plant was read, has no weather"
            " yet; the row says why. It is requested again automatically",
        ),
    ),
    retention=(
        Retention(
            name="delete_weather_requests",
            about="Delete older entries of the log of requests, `weather.api_requests`.",
            days=92,
            min_days=32,  # some quotas are by the month
            purge=deferred("pipelines.sources.weather.request_log:delete_old"),
        ),
    ),
    collects=Collection(
        view="weather_requests",
        about="The places and hours at which sources want the weather: the union of the views"
        " weather_requests of all sources. A row with coordinates, or with a country and a postcode"
        " or city, describes its place and makes it known (weather.places); one with neither wants"
        " hours of a place that other rows describe.",
        columns={
            "place_key": "text",
            "country_code": "text",
            "postcode": "text",
            "city": "text",
            "latitude": "double precision",
            "longitude": "double precision",
            "hour_at": "timestamp with time zone",
            "day": "date",
        },
        comments={
            "place_key": "Unique name of the place, as in weather.places.",
            "country_code": "ISO 3166-1 alpha-2; null where coordinates are given.",
            "postcode": "Postcode; null where there is none.",
            "city": "Name of the city; null where there is none.",
            "latitude": "Degrees north; null where the place is to be looked up by its address.",
            "longitude": "Degrees east; null where the place is to be looked up by its address.",
            "hour_at": "The hour whose weather is wanted, by its beginning; null: the present"
            " weather, kept fresh. An hour before 1940, of which there is no weather, only makes"
            " the place known.",
            "day": "The day for which the hour is wanted, a plain date at most a day from that"
            " of hour_at, for queries to filter by. Null for the present weather.",
        },
    ),
)
