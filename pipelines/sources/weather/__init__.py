"""Weather shared by all sources: places, present weather, hourly weather, and the request log.

The view `weather.weather_requests`, the union of what the other sources request, defines which
places and hours are fetched. `fetch` is the only request loop; `kinds` and `geocode_places` define
what it requests, `providers` and `geocoding` are the clients, `request_log` stores requests.
"""

from typing import Any

from pipelines.config import Settings as Platform
from pipelines.source import (
    Check,
    Field,
    Input,
    Retention,
    Schedule,
    SecretStr,
    Source,
    SourceSettings,
    deferred,
    secret_text,
    url,
)

OPEN_METEO = "open-meteo"
OPEN_METEO_URLS = ("open_meteo_forecast_url", "open_meteo_archive_url")


def _host(description: str) -> Any:
    return url(description, example="http://127.0.0.1:8080", is_optional=True)


class Settings(SourceSettings):
    """The weather provider, and where it and the geocoder are."""

    weather_provider: str = Field(
        default=OPEN_METEO,
        description="Weather provider: open-meteo (CC BY 4.0; free for non-commercial use,"
        " commercial use needs a key), weatherapi or openweathermap (both need a key).",
    )
    weather_api_key: SecretStr | None = secret_text("API key of the provider, if it needs one.")
    open_meteo_api_key: SecretStr | None = secret_text(
        "API key of a paid plan of Open-Meteo, for commercial use. Forecast, archive and geocoding"
        " then use the hosts for customers. Unset: the free service."
    )
    weather_base_url: str | None = _host(
        "Host to use instead of the provider's own, with the same paths. It applies to"
        " Open-Meteo's hourly data only if Open-Meteo is the provider. Unset: the provider's own"
        " host."
    )
    open_meteo_forecast_url: str | None = _host(
        "Host for Open-Meteo's forecast (present weather and coming hours). Unset:"
        " WEATHER_BASE_URL if Open-Meteo is the provider, otherwise Open-Meteo's own host."
    )
    open_meteo_archive_url: str | None = _host(
        "Host for Open-Meteo's archive of past hours. Unset: WEATHER_BASE_URL if Open-Meteo is the"
        " provider, otherwise Open-Meteo's own host."
    )
    geocoding_base_url: str | None = _host(
        "Host to use instead of the geocoder's own. Unset: its own host."
    )
    weather_requests_per_day: int | None = Field(
        default=None,
        ge=1,
        description="Requests per day that your plan at WEATHER_PROVIDER allows. For Open-Meteo,"
        " the limit includes its archive; its geocoding has the same one for itself. Unset: the"
        " limit of the provider's free plan.",
    )

    @classmethod
    def _value(cls, platform: Platform, source: str, field: str) -> object:
        """Return a field's value; if Open-Meteo is the provider, its hosts are WEATHER_BASE_URL.

        Otherwise the URL of the sandbox would override the one that the operator has set.
        """
        own = platform.environment.get(cls.variable(field), "").strip()
        if field in OPEN_METEO_URLS and not own:
            provider = cls._value(platform, source, "weather_provider")
            if provider in (None, OPEN_METEO):
                return None
        return super()._value(platform, source, field)


PROVIDER = Input(
    name="weather_provider",
    about="The weather provider: past, present and forecast. Open-Meteo unless configured"
    " otherwise.",
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
    about="Present and hourly weather at the places that other sources request.",
    settings=Settings,
    job="Look up new places, fetch the weather that is due, and refresh the derived assets.",
    schedules=(
        Schedule(
            name="weather_rounds",
            about="Run the weather job every three hours, so that its checks are evaluated even if"
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
            remedy="a place in use has no coordinates. Correct it with the function"
            " `weather.correct_place`; the row may list candidates. If its country is unknown, its"
            " sender has to correct the address",
        ),
        Check(
            name="fresh_weather",
            on="weather.observations",
            expects="The weather of every place in use was received within the last 2 h 5 min.",
            remedy="the weather of a place is missing or older than 2 h 5 min; the row shows why."
            " See `weather.quota_blocks` and the latest rows of `weather.api_requests`",
        ),
        Check(
            name="filled_hours",
            on="weather.hourly",
            expects="Every requested hour of a located place that the forecast or archive covers"
            " has weather.",
            remedy="a requested hour has no weather yet; the row shows why. It is requested again"
            " automatically",
        ),
    ),
    retention=(
        Retention(
            name="delete_weather_requests",
            about="Deletes older entries of the request log, `weather.api_requests`.",
            days=92,
            purge=deferred("pipelines.sources.weather.request_log:delete_old"),
        ),
    ),
    collects=True,
)
