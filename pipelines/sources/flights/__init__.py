"""Flight itineraries with prices, from one JSON document that is published daily.

`client` fetches the document, `archive` stores it as received, `transform` converts it to rows
(pure), `load` archives today's document and loads what is archived, and `jobs` has the Dagster
definitions. Airports come from the `airportsdata` package.
"""

from pipelines.ingest.feeds import PolledApi
from pipelines.source import (
    Cap,
    Check,
    Feed,
    Field,
    Input,
    Ledger,
    ReasonCode,
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
        "URL of the flights document. It takes precedence over ISOBAR_SOURCES. Unset: a simulated"
        " one if ISOBAR_SOURCES is sandbox, off if it is live.",
        sandbox="/flights.json",
        example="https://example.org/flights.json",
    )
    country: str | None = Field(
        default=None,
        description="Country whose currency an ambiguous sign such as kr stands for: an ISO code"
        " such as SE. Unset: such prices go to quarantine.",
        examples=["SE"],
    )


DOCUMENT = Input(
    name="flights_document",
    about="The JSON document of itineraries on offer, published every day.",
    kind="json",
    setting="FLIGHTS_URL",
)
AIRPORTS = Input(
    name="airportsdata",
    about="The Python package airportsdata: airports with cities, time zones and coordinates.",
    kind="python",
)

#: Tables with history, to which each snapshot is applied.
PERIODS = ("airlines", "agents", "legs", "prices")

airports_feed = Feed(
    name="airports",
    fetch=PolledApi(input=AIRPORTS, poll=deferred("pipelines.sources.flights.load:poll_airports")),
    parse=deferred("pipelines.sources.flights.client:parse_airports"),
    analyze=("flights.airports",),
)
feed = Feed(
    name="flights",
    fetch=PolledApi(input=DOCUMENT, poll=deferred("pipelines.sources.flights.load:poll")),
    parse=deferred("pipelines.sources.flights.transform:parse"),
    stages={
        **{f"stage_{name}": f"flights.{name}" for name in PERIODS},
        **{f"stage_rejected_{name}": f"flights.{name}" for name in PERIODS},
        "stage_rejected_offers": "flights.rejected_offers",
    },
    load=(
        deferred("pipelines.sources.flights.load:apply_snapshot"),
        "put_rejected_offers",
        deferred("pipelines.sources.flights.load:refresh_itineraries"),
        "keep_lowest_prices",
        "summarise_snapshot",
        "count_records",
    ),
    cap=Cap(few=0),
)

source = Source(
    name="flights",
    package=__name__,
    about="Itineraries, legs, prices and agents, with their history.",
    settings=Settings,
    job="Archive today's flights document, load it, and refresh the derived assets.",
    schedules=(
        Schedule(name="flights_daily", about="Fetch the flights of the day.", cron="0 5 * * *"),
    ),
    feeds=(airports_feed, feed),
    loads=(
        "flights.itineraries",
        *("flights.snapshots", "flights.airports", "flights.itinerary_legs"),
        *(f"flights.{name}" for name in PERIODS),
    ),
    retry=Retry(job="flights_rebuild"),
    ledgers=(
        Ledger(
            on="flights.itineraries",
            is_snapshot=True,
            tables=("flights.legs", "flights.prices", "flights.airlines", "flights.agents"),
        ),
        Ledger(on="flights.airports", feed="airports", is_snapshot=True),
    ),
    reason_codes=(
        ReasonCode(
            "leg_unknown",
            "A leg of the itinerary is not in the document, or was rejected.",
            "Correct the leg if it is in quarantine; else ask the source.",
        ),
        ReasonCode(
            "same_airport",
            "The leg departs from the airport at which it arrives.",
            "Ask the source.",
        ),
    ),
    checks=(
        Check(
            name="accepted_snapshots",
            on="flights.snapshots",
            expects="No archived document was rejected as a whole.",
            remedy="an archived document was rejected as a whole; the row shows why. If the code"
            " is wrong, fix it and launch `flights_rebuild`; if the source is, ask the source",
        ),
        Check(
            name="steady_row_count",
            on="flights.snapshots",
            expects="The last snapshot has between half and twice as many itineraries as the one"
            " before.",
            remedy="the last snapshot has less than half or more than twice as many itineraries."
            " Ask the source whether that is right",
        ),
        Check(
            name="dangling_legs",
            on="flights.itineraries",
            expects="No itinerary of the last document refers to a leg that is not in it.",
            remedy="itineraries refer to a leg that is missing from the document or was rejected."
            " They are in quarantine. Ask the source",
        ),
        Check(
            name="round_trips",
            on="flights.itineraries",
            expects="Itineraries with several legs end in the city where they begin, at any of its"
            " airports.",
            remedy="an itinerary ends in another city than it began. No action is needed if that"
            " is intended",
        ),
        Check(
            name="known_airports",
            on="flights.legs",
            expects="Every airport of a leg on offer is in flights.airports.",
            remedy="an airport is not in `flights.airports`, so its times have no time zone."
            " Update the package `airportsdata`",
        ),
        Check(
            name="possible_times",
            on="flights.legs",
            expects="Departure, arrival and stated duration of each leg on offer agree, except for"
            " layovers.",
            remedy="departure and arrival contradict the stated duration, or lie in an hour in"
            " which clocks change. The row is kept as sent. Ask the source if it matters",
        ),
        Check(
            name="same_time_zones",
            on="flights.legs",
            expects="PostgreSQL and Python convert the times of legs on offer alike.",
            remedy="one of the two has outdated rules of a time zone, or does not know it, so"
            " instants or local times are wrong. Python uses those of the system (package"
            " `tzdata`), and the server its own: update both, then launch `flights_rebuild`",
        ),
        Check(
            name="same_routes",
            on="flights.prices",
            expects="Every itinerary id of the last snapshot flies the route that it flew before.",
            remedy="an id now stands for another journey. It counts as another offer: prices are"
            " compared on the same route only. Ask the source for ids that are never used again",
        ),
        Check(
            name="steady_prices",
            on="flights.prices",
            expects="No price doubled or halved with the last snapshot.",
            remedy="a price doubled or halved since the snapshot before. See whether it is"
            " plausible",
        ),
    ),
    retention=(
        Retention(
            name="remove_flight_documents",
            about="Deletes archived documents that are older. A rebuild of the flights tables can"
            " then only begin after them. None keeps them forever.",
            days=None,
            purge=deferred("pipelines.sources.flights.archive:remove_documents"),
        ),
    ),
    seed_sandbox=deferred("pipelines.sources.flights.archive:seed_sandbox"),
)
