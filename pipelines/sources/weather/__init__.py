"""One store of the weather for all sources: where places are, how it is there, each request.

`geocode_places` keeps places and finds them by `geocoding`; `providers` fetch the weather (one file
each), `observation` says what they have in common (pure); `refresh` and `hours` fetch what is due
and write it; `request_log` keeps the requests. Which places are in use is read from
`weather.weather_requests`, the union of what the other sources want.
"""

from pipelines.source import (
    Check,
    Collection,
    Field,
    Input,
    Retention,
    Schedule,
    Source,
    SourceSettings,
    secret_text,
    url,
)
from pipelines.sources.weather import request_log

OPEN_METEO = "open-meteo"


class Settings(SourceSettings):
    """Which provider is asked for the weather, and where it and the geocoder are."""

    weather_provider: str = Field(
        default=OPEN_METEO,
        description="Who is asked for the weather: open-meteo (no key; free for non-commercial use,"
        " CC BY 4.0), weatherapi or openweathermap, which want a key.",
    )
    weather_api_key: str | None = secret_text("The provider's key, where it wants one.")
    weather_base_url: str | None = url(
        "Another host than the provider's own (forecast, archive and all); the paths stay its own."
        " Unset: its public one.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )
    geocoding_base_url: str | None = url(
        "Another host than the geocoder's own. Unset: its public one.",
        example="http://127.0.0.1:8080",
        is_optional=True,
    )


PROVIDER = Input(
    name="weather_provider",
    about="The weather service, past, present and forecast: Open-Meteo unless said otherwise.",
    kind="json",
    setting="WEATHER_PROVIDER",
)
GEOCODER = Input(
    name="geocoder",
    about="The service that knows where places are: Open-Meteo's search by name and country.",
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
            about="Look at the weather every three hours, so that its checks are evaluated where"
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
            remedy="a place in use has no coordinates: correct it by `weather.correct_place`",
        ),
        Check(
            name="fresh_weather",
            on="weather.observations",
            expects="The weather of every place in use was received within the last 2 h 5 min.",
            remedy="a place's weather is missing or older than 2 h 5 min; the row says why. See"
            " `weather.pauses` and the last `weather.calls`",
        ),
        Check(
            name="request_rate",
            on="weather.observations",
            expects="No place was requested with success twice within two hours.",
            remedy="a place was requested with success twice within two hours: a fault of Isobar,"
            " report it",
        ),
        Check(
            name="filled_hours",
            on="weather.hourly",
            expects="Every hour that a source wants, and forecast or archive have, is there.",
            remedy="an hour at which a leg departs or arrives, or a plant was read, has no weather"
            " yet; the row says why. It is requested again of itself",
        ),
    ),
    retention=(
        Retention(
            name="delete_weather_requests",
            about="Requests to the weather's providers before then go.",
            days=92,
            min_days=32,  # allowances of providers are counted by month
            purge=request_log.delete_old,
        ),
    ),
    collects=Collection(
        view="weather_requests",
        about="The places and hours at which sources want the weather. hour_at is null where the"
        " present weather is wanted.",
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
    ),
)
