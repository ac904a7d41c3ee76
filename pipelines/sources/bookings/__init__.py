"""Hotel bookings: events from CSV files and from the hotel system's API, each stored once.

`transform` converts events to rows (pure), `client` reads the API from its watermark on, `load`
stores events, and `counts` counts them by day. `jobs` has the Dagster definitions beyond the inbox
and the API.
"""

from pipelines.ingest.feeds import PolledApi
from pipelines.source import (
    Cap,
    Check,
    Feed,
    Field,
    FileInbox,
    Folder,
    Input,
    Ledger,
    Schedule,
    Source,
    SourceSettings,
    TimeZoneName,
    View,
    deferred,
    folder,
    url,
)


class Settings(SourceSettings, env_prefix="BOOKINGS_"):
    """Where events of hotels come from, and how they are read."""

    inbox: Folder = folder(
        "Folder for CSV files of booking events (.csv, .csv.gz). Unset: simulated files if"
        " ISOBAR_SOURCES is sandbox, off if it is live.",
        example="/data/bookings",
    )
    events_url: str | None = url(
        "URL of the hotel system's events API. Unset: a simulated one if ISOBAR_SOURCES is"
        " sandbox, off if it is live.",
        sandbox="/events",
        example="https://hotels.example.org/events",
    )
    events_overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=10_080,
        description="Overlap of successive requests to the API, in minutes. Events that the hotel"
        " system enters with less delay than this arrive within a minute; later ones within a day,"
        " when the whole API is read.",
        examples=["360"],
    )
    time_zone: TimeZoneName = Field(default="UTC", description="Time zone of times without a zone.")
    most_bad: float = Field(
        default=0.1,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Largest accepted share of invalid lines in a file, from 0 to 1. A file with"
        " more is rejected as a whole. Up to 20 invalid lines are always accepted.",
    )


FILES = Input(
    name="bookings_files",
    about="CSV files of booking events, which arrive in an inbox folder at any time.",
    kind="csv",
    setting="BOOKINGS_INBOX",
)
API = Input(
    name="bookings_events_api",
    about="The hotel system's API, which serves booking events as they happen.",
    kind="json",
    setting="BOOKINGS_EVENTS_URL",
)
#: The job that reads all events.
AUDIT = "bookings_audit"

feed = Feed(
    name="bookings",
    fetch=(
        FileInbox(
            input=FILES,
            suffixes=(".csv", ".csv.gz"),
            parse_options=lambda settings: f"{settings.time_zone} {settings.most_bad}",
            import_help="Load a CSV file of booking events as if from the inbox; it can be"
            " compressed with gzip.\n\nThe columns are id, hotel_id, event_timestamp, status (1"
            " booking, 2 cancellation), room_reservation_id and night_of_stay, in any order. The"
            " id is optional.",
        ),
        PolledApi(input=API, poll=deferred("pipelines.sources.bookings.client:poll_configured")),
    ),
    parse=deferred("pipelines.sources.bookings.transform:parse"),
    load=deferred("pipelines.sources.bookings.load:EventsWriter"),
    cap=Cap(setting="most_bad"),
)

source = Source(
    name="bookings",
    package=__name__,
    about="Hotel booking events, each exactly once; counts, pickup and pace.",
    settings=Settings,
    job="Load new and changed files from the inbox and new events from the API, or one given file,"
    " and refresh the counts.",
    schedules=(
        Schedule(
            name="bookings_daily",
            about="Run once a day even if nothing arrives, so that checks notice silent hotels.",
            cron="40 5 * * *",
        ),
        Schedule(
            name="bookings_audit_weekly",
            about="Compare the counts and the ledger with all stored events.",
            cron="20 3 * * 0",
            job=AUDIT,
        ),
    ),
    feeds=(feed,),
    loads=("bookings.events",),
    ledgers=(Ledger(on="bookings.events", audit_job=AUDIT),),
    checks=(
        Check(
            name="no_conflicts",
            on="bookings.events",
            expects="No event arrived again with different content. The first version is kept;"
            " later ones are in quarantine with the differences.",
            remedy="events arrived again with different content; the rows show both versions. Ask"
            " the hotel system which one is right; docs/operations.md says how the later one loads",
        ),
        Check(
            name="no_future_events",
            on="bookings.events",
            expects="No event is dated more than a day after now.",
            remedy="an event is dated in the future. It is loaded and counted as sent, in the month"
            " and year of its date. Ask the hotel system",
        ),
        Check(
            name="no_silent_hotel",
            on="metrics.hotel_bookings_by_event_day",
            expects="No hotel that had events on at least half of the days of four weeks has had"
            " none for three days, counted back from the newest event of all hotels.",
            remedy="a hotel that usually has events has had none for three days. Ask the hotel",
        ),
        Check(
            name="no_findings",
            on="bookings.findings",
            expects="Every cancelled night was booked before, none was booked or cancelled twice,"
            " no event is of a day after its night (by the days of the hotel), and counts and"
            " books of the last week's end equal a recount.",
            remedy="events contradict each other; the row names the rule. They are loaded and"
            " counted as sent; the book counts a night once. cancelled_before_booked: an event is"
            " missing, double_booking: a cancellation is missing, double_cancellation: a booking is"
            " missing; ask the hotel system. event_after_night: enter the hotel's `time_zone` in"
            " `bookings.hotels`, or check `BOOKINGS_TIME_ZONE`. matches_recount: counts, book or"
            " events were changed by hand; launch `refresh_hotel_bookings` with `rebuild: true`",
        ),
    ),
    views=(
        View(name="enriched.hotel_events", is_counted=False),
        View(name="enriched.reservation_changes", is_counted=False),
        View(name="enriched.reservation_nights", is_counted=False),
        View(name="metrics.hotel_stays", is_counted=False),
    ),
    seed_sandbox=deferred("pipelines.sources.bookings.demo:seed_sandbox"),
)
