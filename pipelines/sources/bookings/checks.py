"""The checks of the bookings domain. All but the ledger's are warnings that show the rows."""

from collections.abc import Iterator

import dagster as dg

from pipelines.orchestration.asset_metadata import asset_key
from pipelines.orchestration.checks import ledger_checks, query_check, verdict
from pipelines.orchestration.inboxes import readable_files
from pipelines.orchestration.remedies import with_remedy
from pipelines.orchestration.resources import BookingsResource, WarehouseResource
from pipelines.sources.bookings import tables
from pipelines.sources.bookings.load import SOURCE
from pipelines.sources.bookings.polling import last_reading

EVENTS = asset_key(tables.events)


NIGHTS = dg.AssetKey(["enriched", "reservation_nights"])
"""What the audit looks at: on the page of the events its verdicts would be out of date at once."""


def _check(name: str, description: str, key: dg.AssetKey = EVENTS) -> dg.AssetChecksDefinition:
    return query_check(key, "pipelines.sources.bookings", name, description)


@dg.asset_check(  # type: ignore[arg-type]  # it takes generators too
    asset=EVENTS,
    name="readable_api",
    description=with_remedy(
        "readable_api",
        "The events API was read to its end when it was last read. The run that could not fails"
        " here; what files brought is not touched by it.",
    ),
)
def readable_api(
    context: dg.AssetCheckExecutionContext,
    bookings: BookingsResource,
    warehouse: WarehouseResource,
) -> Iterator[dg.AssetCheckResult]:
    """Show why the API could not be read; fail the run that could not."""
    api = bookings.open_api()
    last = None
    if api is not None:
        with warehouse.open() as store, store.engine.connect() as connection:
            last = last_reading(connection, api)
    problem = last.problem if last else None
    found = [{"problem": problem, "polled_at": last.polled_at}] if last and problem else []
    yield verdict(found, dg.AssetCheckSeverity.WARN)
    if last and problem and last.run_id == context.run.run_id:
        raise dg.Failure(description=problem, allow_retries=False)


QUICK = [
    *ledger_checks(EVENTS, SOURCE, is_snapshot=False),
    readable_files(EVENTS, SOURCE, "BOOKINGS_INBOX"),
    readable_api,
    _check(
        "no_conflicts",
        "No event came again with other content. The first stays; what came later is in"
        " quarantine, with what it says otherwise.",
    ),
    _check(
        "no_silent_hotel",
        "No hotel that had events on most days of the four weeks before has had none for three"
        " days, counted back from the newest event of all hotels.",
    ),
]
"""Asked after every load; they cost little however many events there are."""
THOROUGH = [
    _check(
        "booked_before_cancelled",
        "No night was cancelled that had not been booked before.",
        NIGHTS,
    ),
    _check(
        "booked_once",
        "No night of a reservation was booked while it was booked already.",
        NIGHTS,
    ),
    _check(
        "before_the_night",
        "No event is of a day after the night that it is about (days in UTC).",
        NIGHTS,
    ),
]
"""These read all events: the audit asks them."""
