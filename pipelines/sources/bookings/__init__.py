"""Hotel bookings: events from CSV files and from the hotel system's API, each of them once.

`transform` makes rows of what was sent (pure), `client` reads the API, `load` brings the table up
to date with one delivery, `polling` keeps how far the API was read, `counts` counts the events by
day; `jobs` has what Dagster needs beyond the inbox and the API.
"""

import datetime as dt

from pipelines.source import (
    Check,
    Field,
    FileInbox,
    Folder,
    Input,
    Ledger,
    PagedApi,
    SandboxOption,
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
        "The folder into which files of booking events are dropped (.csv, .csv.gz). Unset:"
        " simulated ones when ISOBAR_SOURCES is sandbox; off when it is live.",
        example="/data/bookings",
    )
    events_url: str | None = url(
        "The hotel system's events API. Unset: a simulated one when ISOBAR_SOURCES is sandbox; off"
        " when it is live.",
        sandbox="/events",
        example="https://hotels.example.org/events",
    )
    events_overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=10_080,
        description="How far behind the newest event the API is read each time, in minutes: events"
        " that are entered later than their time by less than this are there within a minute, and"
        " others within a day, when it is read whole.",
        examples=["360"],
    )
    time_zone: TimeZoneName = Field(
        default="UTC", description="The zone of their times that have none."
    )
    most_bad: float = Field(
        default=0.1,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Which share of bad lines of a file is let pass, from 0 to 1: with more of them"
        " nothing of it is loaded. Up to 20 are let pass whatever their share.",
    )


FILES = Input(
    name="bookings_files",
    about="CSV files of booking events, which are dropped into an inbox at any time.",
    kind="csv",
    setting="BOOKINGS_INBOX",
)
API = Input(
    name="bookings_events_api",
    about="The hotel system's API, which serves booking events as they happen.",
    kind="json",
    setting="BOOKINGS_EVENTS_URL",
)
NIGHTS = "enriched.reservation_nights"
#: The job of what takes reading all events.
AUDIT = "bookings_audit"

source = Source(
    name="bookings",
    package=__name__,
    about="Hotel booking events, each exactly once; counts, pickup and pace.",
    settings=Settings,
    job="Load the new and changed files of the inbox and what the events API has new, or one file,"
    " and refresh what is counted from it.",
    other_jobs={
        AUDIT: "Evaluate what takes reading all events: the checks of reservations, whether the"
        " counts are those of all events, and the views of reservations.",
    },
    schedules=(
        Schedule(
            name="bookings_daily",
            about="Look at hotel bookings once a day, so that checks see hotels from which nothing"
            " comes.",
            cron="40 5 * * *",
        ),
        Schedule(
            name="bookings_audit_hourly",
            about="Evaluate what takes reading all events, when there are new ones since the last"
            " audit, and once a day.",
            cron="10 * * * *",
            job=AUDIT,
            skips_for=dt.timedelta(hours=23),
        ),
    ),
    inputs=(FILES, API),
    fetch=(
        FileInbox(
            input=FILES,
            load=deferred("pipelines.sources.bookings.load:load_file"),
            suffixes=(".csv", ".csv.gz"),
            parse_options=lambda settings: f"{settings.time_zone} {settings.most_bad}",
            import_help="Load a CSV file of booking events, packed with gzip or not, as from the"
            " inbox.\n\nIts columns are id, hotel_id, event_timestamp, status (1 booking, 2"
            " cancellation), room_reservation_id and night_of_stay, in any order; the id may be"
            " left out.",
        ),
        PagedApi(
            input=API,
            open=deferred("pipelines.sources.bookings.client:open_client"),
            poll=deferred("pipelines.sources.bookings.polling:poll"),
            has_news=deferred("pipelines.sources.bookings.polling:has_news"),
            last_reading=deferred("pipelines.sources.bookings.polling:last_reading"),
            retry_after=dt.timedelta(minutes=5),
        ),
    ),
    loads=("bookings.events",),
    reprocess=deferred("pipelines.sources.bookings.retry:retry_quarantine"),
    ledgers=(Ledger(on="bookings.events"),),
    checks=(
        Check(
            name="no_conflicts",
            on="bookings.events",
            expects="No event came again with other content. The first stays; what came later is in"
            " quarantine, with its differences.",
            remedy="events came again with other content; the rows show both. Ask the hotel system"
            " which is right",
        ),
        Check(
            name="no_silent_hotel",
            on="bookings.events",
            expects="No hotel that had events on most days of the four weeks before has had none"
            " for three days, counted back from the newest event of all hotels.",
            remedy="a hotel that had events on half of the days of four weeks has none for three"
            " days. Ask the hotel",
        ),
        Check(
            name="booked_before_cancelled",
            on=NIGHTS,
            expects="No night was cancelled that had not been booked before.",
            remedy="a cancellation without a booking; kept and counted as it came. An event is"
            " missing: ask the hotel system",
            job=AUDIT,
        ),
        Check(
            name="no_double_booking",
            on=NIGHTS,
            expects="No night of a reservation was booked while it was booked already.",
            remedy="a night was booked twice; kept and counted as it came. A cancellation is"
            " missing: ask the hotel system",
            job=AUDIT,
        ),
        Check(
            name="event_before_stay",
            on=NIGHTS,
            expects="No event is of a day after the night that it is about (days in UTC).",
            remedy="an event of a day after its night; kept and counted as it came. See"
            " `BOOKINGS_TIME_ZONE`, or ask the hotel system",
            job=AUDIT,
        ),
        Check(
            name="matches_recount",
            on="metrics.hotel_bookings_by_event_day",
            expects="The counts are those of all events, counted anew, on both axes.",
            remedy="counts differ from the events: someone changed either by hand. Launch"
            " `refresh_hotel_bookings` with `rebuild: true`. Grey when events came since",
            job=AUDIT,
        ),
        Check(
            name="axes_reconcile",
            on="metrics.hotel_bookings_by_event_day",
            expects="Both axes have the same sums for each hotel, and metrics.hotel_bookings has"
            " them by day, by month and by year.",
            remedy="the two axes of counts differ: someone changed either by hand. Launch"
            " `refresh_hotel_bookings` with `rebuild: true`",
            job=AUDIT,
        ),
    ),
    views=(
        View(name="enriched.reservation_changes", job=AUDIT),
        View(name=NIGHTS, job=AUDIT),
        View(name="enriched.hotels", job=AUDIT),
    ),
    sandbox_options=(
        SandboxOption(
            name="files", help="Files with new hotel events per minute.", default=0, maximum=6000
        ),
        SandboxOption(
            name="lines",
            help="Lines per file.",
            default=1000,
            minimum=1,
            maximum=100_000,
            is_whole=True,
        ),
        SandboxOption(name="error_rate", help="Share of invalid lines.", default=0.01),
    ),
    seed_sandbox=deferred("pipelines.sources.bookings.hotels:seed_sandbox"),
    filled_by={
        "metrics.hotel_bookings_by_event_day": "counts/count_by_event_day",
        "metrics.hotel_bookings_by_stay_night": "counts/count_by_stay_night",
    },
)
