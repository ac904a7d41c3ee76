"""Flight itineraries with prices, from one JSON document that is published anew every day.

`client` fetches the document, `archive` keeps it as received, `transform` makes rows of it (pure),
`load` brings the tables up to date with one archived snapshot, `jobs` shows it to Dagster. Airports
come from the `airportsdata` package.
"""

from pipelines.source import (
    Check,
    Field,
    Input,
    Ledger,
    Retention,
    Retry,
    Schedule,
    Source,
    SourceSettings,
    deferred,
    url,
)


class Settings(SourceSettings, env_prefix="FLIGHTS_"):
    """Where flights come from, and how their prices are read."""

    url: str | None = url(
        "The flights document. Set by hand it wins over ISOBAR_SOURCES; unset, it is off in live.",
        sandbox="/flights.json",
        example="https://example.org/flights.json",
    )
    country: str | None = Field(
        default=None,
        description="Whose currency a sign means that several countries have, such as kr: an ISO"
        " code like SE. Unset: such prices go to quarantine.",
        examples=["SE"],
    )


DOCUMENT = Input(
    name="flights_document",
    about="The JSON document of itineraries on offer, which is published anew every day.",
    kind="json",
    setting="FLIGHTS_URL",
)
AIRPORTS = Input(
    name="airportsdata",
    about="The Python package airportsdata: airports with their cities, zones and coordinates.",
    kind="python",
)

source = Source(
    name="flights",
    package=__name__,
    about="Itineraries, legs, prices and who sells them, with their history.",
    settings=Settings,
    job="Archive today's flights document, load it, and refresh what is derived from it.",
    schedules=(
        Schedule(
            name="flights_daily",
            about="Fetch the flights of the day. It replaces the Celery task that did so daily.",
            cron="0 5 * * *",
        ),
    ),
    inputs=(DOCUMENT, AIRPORTS),
    retry=Retry(job="flights_rebuild"),
    ledgers=(
        Ledger(on="flights.itineraries", is_snapshot=True),
        Ledger(on="flights.airports", feed="airports", is_snapshot=True),
    ),
    checks=(
        Check(
            name="accepted_snapshots",
            on="flights.snapshots",
            expects="No archived day was rejected as mostly bad.",
            remedy="an archived day was rejected as mostly bad: the row says why. After fixing the"
            " code launch `flights_rebuild`; what the source got wrong stays out",
        ),
        Check(
            name="steady_row_count",
            on="flights.snapshots",
            expects="The last snapshot offers neither half nor twice as many itineraries as the one"
            " before.",
            remedy="the last snapshot offers less than half or more than twice as many itineraries:"
            " ask the source; if it is so, nothing",
        ),
        Check(
            name="dangling_legs",
            on="flights.itineraries",
            expects="No itinerary of the last delivery names a leg that is not there.",
            remedy="itineraries name a leg that is not in the document, or was rejected; they are"
            " in quarantine. Ask the source",
        ),
        Check(
            name="round_trips",
            on="flights.itineraries",
            expects="Itineraries with several legs end in the city where they began, at any airport"
            " of it.",
            remedy="an itinerary ends in another city than it began in: nothing, if that is meant",
        ),
        Check(
            name="known_airports",
            on="flights.legs",
            expects="Every airport of a leg on offer is in flights.airports.",
            remedy="an airport is not in `flights.airports`: its times have no zone. A newer"
            " `airportsdata` may have it",
        ),
        Check(
            name="possible_times",
            on="flights.legs",
            expects="Elapsed times of legs on offer agree with the stated duration, layovers"
            " aside.",
            remedy="elapsed time contradicts the stated duration, or falls where clocks change: the"
            " source's error, the row is kept. Nothing, or ask the source",
        ),
        Check(
            name="steady_prices",
            on="flights.prices",
            expects="No price doubled or halved with the last snapshot.",
            remedy="a price doubled or halved since the snapshot before: look at it, then nothing",
        ),
    ),
    retention=(
        Retention(
            name="remove_flight_documents",
            about="Documents of days before then go, for good: a rebuild of the flights tables then"
            " begins with the first day after them. None is for ever.",
            days=None,
            purge=deferred("pipelines.sources.flights.archive:remove_documents"),
        ),
    ),
    seed_sandbox=deferred("pipelines.sources.flights.archive:seed_sandbox"),
    filled_by={
        "flights.itineraries": "refresh_itineraries",
        "flights.itinerary_legs": "refresh_itineraries",
    },
)
