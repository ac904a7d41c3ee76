"""What files say of a parcel, in the order of the files' times: states, ends, promises, silence."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import miscounted
from pipelines.ingest.inbox import InboxFile
from pipelines.sources.shipments import CLASSES, Settings, source
from pipelines.sources.shipments.reread import read_again
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.loaders import runner
from pipelines_tests.sources.shipments.made_up import BERLIN, PARIS, Inbox, line, mend

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
TOKYO = "Street 10, 100-0005 Tokyo, Japan"
NEW_YORK = "Street 11, New York, NY 10001, United States"
DAY = dt.timedelta(days=1)


def state(inbox: Inbox, *columns: str, number: int = 1) -> Any:
    query = f"SELECT {', '.join(columns)} FROM enriched.shipments WHERE tracking_number = %s"
    return inbox.row(query, f"TN{number:08}")


def statuses(inbox: Inbox, number: int = 1) -> list[tuple[str, int]]:
    """Return the statuses of a parcel with the days before now on which they came."""
    query = """
    SELECT status, extract(EPOCH FROM %s - seen_at)::int / 86400
    FROM enriched.shipment_statuses
    WHERE tracking_number = %s
    ORDER BY seen_at, sequence
    """
    return inbox.rows(query, NOW, f"TN{number:08}")


def test_an_older_file_goes_into_the_history_and_changes_no_state(inbox: Inbox) -> None:
    """A list of Tuesday that came on Thursday had the parcel on its way again."""
    inbox.deliver([line(1, status="in-transit")], "monday.csv", NOW - 5 * DAY)
    inbox.deliver([line(1, status="delivery")], "wednesday.csv", NOW - 3 * DAY)
    late = [line(1, status="scanned", sku="LATE"), line(2, status="scanned")]
    assert inbox.deliver(late, "tuesday.csv", NOW - 4 * DAY) == (2, 2, 0, 0)
    assert state(inbox, "status", "article_count", "delivered_at") == (
        *("delivery", 2, NOW - 3 * DAY),
    )
    assert statuses(inbox) == [("in_transit", 5), ("scanned", 4), ("delivery", 3)]
    assert statuses(inbox, 2) == [("scanned", 4)]


def test_a_late_file_that_confirms_a_status_moves_its_begin(inbox: Inbox) -> None:
    inbox.deliver([line(1, status="delivery", promised_on="2026-01-03")], "c.csv", NOW - 2 * DAY)
    late = [line(1, status="delivery", promised_on="2026-01-02"), line(1, sku="B", status="dl")]
    inbox.deliver(late, "b.csv", NOW - 3 * DAY)
    assert statuses(inbox) == [("delivery", 3)]
    seen = state(inbox, "first_seen_at", "status_changed_at", "promised_on::text")
    assert seen == (NOW - 3 * DAY, NOW - 3 * DAY, "2026-01-02")


def test_a_return_is_dated_by_the_last_file_if_the_first_one_is_not_known(inbox: Inbox) -> None:
    """Days 1, 2, 4 and 5 have it in transit; that of day 3, which comes last, has it scanned."""
    for day in (1, 2, 4, 5):
        inbox.deliver([line(1)], f"{day}.csv", NOW - (9 - day) * DAY)
    inbox.deliver([line(1, status="scanned")], "3.csv", NOW - 6 * DAY)
    assert statuses(inbox) == [("in_transit", 8), ("scanned", 6), ("in_transit", 4)]


def test_files_of_one_time_are_in_the_order_of_the_numbers_in_their_names(inbox: Inbox) -> None:
    """`status_10` came before `status_9`: the parcel was set back."""
    at = NOW - DAY
    for name, status in (("status_10.csv", "delivery"), ("status_9.csv", "in-transit")):
        inbox.deliver([line(1, status=status)], name, at)
    assert state(inbox, "status") == ("delivery",)
    assert statuses(inbox) == [("in_transit", 1), ("delivery", 1)]
    inbox.deliver([line(1, status="scanned")], "status_9b.csv", at)
    inbox.deliver([line(1, status="lost")], "status_11.csv", at)
    words = [status for status, _ in statuses(inbox)]
    assert words == ["in_transit", "scanned", "delivery", "lost"]


def test_a_file_with_a_clock_that_is_ahead_is_of_now(inbox: Inbox) -> None:
    inbox.deliver([line(1)], "ahead.csv", NOW + 300 * DAY)
    inbox.deliver([line(1, status="delivery")], "now.csv")
    assert state(inbox, "status") == ("delivery",)


def test_what_version_4_loaded_is_older_than_each_new_file(inbox: Inbox) -> None:
    """Its time is that of loading, which may be after the new file was written."""
    inbox.deliver([line(1)], "old.csv", NOW - 2 * DAY)
    inbox.age()
    for days, status in ((1, "scanned"), (0.9, "delivery")):
        inbox.deliver([line(1, status=status)], f"{days}.csv", NOW - days * DAY)
    assert state(inbox, "status", "status_changed_at > now() - interval '1 minute'") == (
        "delivery",
        True,
    )
    assert [status for status, _ in statuses(inbox)] == ["in_transit", "scanned", "delivery"]


@pytest.mark.parametrize("end", ["delivery", "returned", "lost", "cancelled"])
def test_an_end_is_neither_on_its_way_nor_does_it_request_weather(inbox: Inbox, end: str) -> None:
    inbox.deliver([line(1), line(2)], "first.csv", NOW - 5 * DAY)
    inbox.deliver([line(1, status=end)], "end.csv", NOW - 4 * DAY)
    assert state(inbox, "is_on_its_way", "is_silent", "is_at_risk") == (False, False, False)
    inbox.deliver([line(2, status=end)], "ends.csv", NOW - 4 * DAY)
    query = "SELECT count(*) FROM shipments.weather_requests WHERE hour_at IS NULL"
    assert inbox.row(query) == (0,)
    inbox.deliver([line(1, status="exception")], "again.csv", NOW - 3 * DAY)
    assert state(inbox, "is_on_its_way", "exceptions", "delivered_at") == (True, 1, None)
    assert inbox.row(query) == (2,)


def test_lists_that_are_sent_again_and_again_are_no_news(inbox: Inbox) -> None:
    """A parcel that was lost a year ago was on its way, with 9,600 hours in transit."""
    for days in (400, 200, 40, 1):
        inbox.deliver([line(1)], f"{days}.csv", NOW - days * DAY)
    inbox.deliver([line(2)], "other.csv", NOW - 29 * DAY)
    assert state(inbox, "is_on_its_way", "is_silent", "status_class") == (False, True, "under_way")
    assert state(inbox, "is_on_its_way", "is_silent", number=2) == (True, False)
    places = "SELECT count(*) FROM shipments.weather_requests WHERE hour_at IS NULL"
    on_day = "SELECT on_their_way, silent FROM metrics.parcels_by_day ORDER BY day DESC LIMIT 1"
    assert (inbox.row(places), inbox.row(on_day)) == ((2,), (1, 1))
    read_again(inbox.warehouse, Settings(stale_days=20))
    assert state(inbox, "is_on_its_way", "is_silent", number=2) == (False, True)
    assert (inbox.row(places), inbox.row(on_day)) == ((0,), (0, 2))


def test_a_way_that_nobody_saw_has_no_length(inbox: Inbox) -> None:
    """Delivered in 0 h: the carrier that scans worst looked fastest (62.7 against 60.7 h)."""
    sent = NOW - 10 * DAY
    whole = {("A", n): 72 + n / 10 for n in range(3, 14)} | {("B", n): 74.4 for n in range(20, 24)}
    unseen = [("A", n) for n in range(30, 32)] + [("B", 40)]
    inbox.deliver([line(n, carrier=name) for name, n in whole], "sent.csv", sent)
    for (name, n), hours in whole.items():
        at = sent + dt.timedelta(hours=hours)
        inbox.deliver([line(n, carrier=name, status="delivery")], f"{n}.csv", at)
    lines = [line(n, carrier=name, status="delivery") for name, n in unseen]
    inbox.deliver(lines, "unseen.csv", NOW - 2 * DAY)
    query = (
        "SELECT carrier, parcels, delivered, round(median_transit_hours::numeric, 1)::float,"
        " round(p90_transit_hours::numeric, 1)::float"
        " FROM metrics.carrier_lanes(current_date - 30, current_date + 1) ORDER BY 1"
    )
    assert inbox.rows(query) == [("A", 13, 13, 72.8, 73.2), ("B", 5, 5, 74.4, 74.4)]
    assert state(inbox, "transit_hours", "in_transit_hours", number=30) == (None, 0)


def test_a_promise_is_kept_or_broken_by_the_day_of_the_receiver(inbox: Inbox) -> None:
    """15:30 UTC on the 20th is 00:30 on the 21st in Tokyo, and still the 20th in New York."""
    promise = {"promised_on": "2026-11-20"}
    lines = [
        line(1, receiver_address=TOKYO, **promise),
        line(2, receiver_address=NEW_YORK, **promise),
    ]
    inbox.deliver([*lines, line(3)], "sent.csv", dt.datetime(2026, 11, 18, tzinfo=dt.UTC))
    at = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)
    done = [{**sent, "status": "delivery", "promised_on": "2026-12-31"} for sent in lines]
    inbox.deliver(done, "done.csv", at)
    query = "SELECT is_on_time, is_overdue, promised_on::text FROM enriched.shipments ORDER BY"
    assert inbox.rows(f"{query} tracking_number") == [
        (False, False, "2026-11-20"),
        (True, False, "2026-11-20"),
        (None, False, None),
    ]
    inbox.deliver([{**lines[0], "status": "exception"}], "back.csv")
    assert state(inbox, "is_on_time", "is_overdue") == (None, True)


@pytest.mark.parametrize(
    "promise", ["24.12.2026", "2026-02-30", "soon", "46380", "20261224", "1999-12-31", "2100-01-01"]
)
def test_a_promise_that_is_no_date_is_rejected_with_words(inbox: Inbox, promise: str) -> None:
    lines = [line(1, promised_on=promise), line(2, promised_on="2026-12-24T18:00:00Z")]
    assert inbox.deliver([*lines, line(3, promised_on="n/a")]) == (3, 2, 0, 1)
    words = f'promised_on is not a date such as 2026-12-24: "{promise}"'
    assert inbox.rows("SELECT reasons FROM ops.quarantine") == [([words],)]
    assert state(inbox, "promised_on::text", number=2) == ("2026-12-24",)
    assert state(inbox, "promised_on", number=3) == (None,)


def test_lines_of_a_parcel_that_promise_different_days_disagree(inbox: Inbox) -> None:
    lines = [line(1, sku=day, promised_on=day) for day in ("2026-12-24", "2026-12-25")]
    lines += [line(2, sku="A", promised_on="2026-12-24"), line(2, sku="B")]
    assert inbox.deliver(lines) == (4, 2, 0, 2)
    assert inbox.rows("SELECT DISTINCT reasons[1] FROM ops.quarantine") == [
        ("lines of the shipment disagree on promised_on",)
    ]


def test_a_parcel_says_that_newer_lines_about_it_were_rejected(inbox: Inbox) -> None:
    """It showed the old status, older than any, without a hint."""
    inbox.deliver([line(1), line(2)], "monday.csv", NOW - 3 * DAY)
    bad = [line(1, status="delivery", article_price="free"), line(2, status="delivery")]
    inbox.deliver(bad, "tuesday.csv", NOW - 2 * DAY)
    assert state(inbox, "status", "newer_rejected_at") == ("in_transit", NOW - 2 * DAY)
    assert state(inbox, "newer_rejected_at", number=2) == (None,)
    inbox.deliver([line(1, status="scanned", sku="OTHER")], "wednesday.csv", NOW - DAY)
    assert state(inbox, "status", "newer_rejected_at") == ("scanned", None)


def test_each_class_can_be_the_meaning_of_a_status(inbox: Inbox) -> None:
    """`lost=cancelled` broke the source."""
    pairs = ", ".join(f"own {n}={status}" for n, status in enumerate(CLASSES)) + ", lost=cancelled"
    lines = [line(n, status=f"OWN-{n}") for n in range(len(CLASSES))] + [line(9, status="lost")]
    inbox.deliver(lines, at=NOW - DAY)
    read_again(inbox.warehouse, Settings(statuses=pairs))
    query = "SELECT status_class FROM enriched.shipments ORDER BY tracking_number"
    found = [name for (name,) in inbox.rows(query)]
    assert found == [*CLASSES.values(), "lost"], "what has a meaning keeps it"
    counted = "SELECT status_class, sum(parcels)::int FROM metrics.parcels_by_status GROUP BY 1"
    assert dict(inbox.rows(counted)) == {name: found.count(name) for name in found}
    inbox.deliver([line(10, status="lost")], "next.csv", statuses=pairs)
    assert state(inbox, "status_class", number=10) == ("cancelled",)


def test_a_meaning_that_is_no_class_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPMENTS_STATUSES", "DLV=delivery, gone=vanished")
    monkeypatch.setenv("SHIPMENTS_INBOX", str(tmp_path))
    with pytest.raises(PermanentFailure) as failure:
        source.load_settings()
    words = str(failure.value)
    assert "SHIPMENTS_STATUSES has 'gone=vanished', but the meaning of a status is one of" in words
    assert ", ".join(CLASSES) in words


def test_the_counts_follow_late_files_and_meanings(inbox: Inbox) -> None:
    """The kept counts are those of the history, row by row."""
    for number, (days, words) in enumerate(
        ((9, "DLV"), (7, "in-transit"), (8, "delivery"), (5, "lost"), (6, "DLV"))
    ):
        inbox.deliver([line(1, status=words), line(2 + number)], f"{days}.csv", NOW - days * DAY)
    read_again(inbox.warehouse, Settings(statuses="dlv=delivery"))
    counted = "SELECT sum(parcels)::int, min(parcels)::int FROM shipments.status_days"
    history = inbox.row("SELECT count(*)::int FROM shipments.status_history")
    assert inbox.row(counted) == (*history, 1)
    assert statuses(inbox) == [("delivery", 9), ("in_transit", 7), ("delivery", 6), ("lost", 5)]


def test_an_older_file_corrects_nothing_of_a_newer_one(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer line left the quarantine, and with it the delivery."""
    inbox.deliver([line(1, status="scanned"), line(2)], "1.csv", NOW - 5 * DAY)
    inbox.deliver([line(1, status="dl", article_price="free"), line(2)], "3.csv", NOW - 3 * DAY)
    inbox.deliver([line(1, status="in-transit")], "2.csv", NOW - 4 * DAY)
    assert state(inbox, "status", "newer_rejected_at") == ("in_transit", NOW - 3 * DAY)
    mend(monkeypatch)
    runner("shipments", inbox.warehouse).retry()
    assert state(inbox, "status", "newer_rejected_at") == ("delivery", None)
    assert [word for word, _ in statuses(inbox)] == ["scanned", "in_transit", "delivery"]


def test_a_line_that_version_4_rejected_is_as_old_as_its_file(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = line(1, status="scanned", article_price="free", sku="OTHER")
    worse = line(2, status="scanned", article_price="free", sku="OTHER")
    inbox.deliver([bad, worse, line(2, status="delivery")], "mon.csv")
    inbox.deliver([line(1, status="delivery")], "tue.csv")
    inbox.age()
    mend(monkeypatch)
    runner("shipments", inbox.warehouse).retry()
    assert state(inbox, "status", "is_on_its_way") == ("delivery", False)
    assert [word for word, _ in statuses(inbox)] == ["scanned", "delivery"]
    assert [word for word, _ in statuses(inbox, 2)] == ["delivery"]
    reasons = inbox.rows("SELECT reasons[1] FROM ops.quarantine")
    assert reasons == [("lines of the shipment disagree on status",)]


def test_late_lines_are_counted_as_loaded(inbox: Inbox) -> None:
    """`ops` or the table was changed by hand, the check of the ledger said for good."""
    inbox.deliver([line(1)], "1.csv", NOW - 5 * DAY)
    inbox.deliver([line(1)], "3.csv", NOW - 3 * DAY)
    scanned = [line(1, status="scanned"), line(1, status="scanned", sku="B")]
    assert inbox.deliver(scanned, "2.csv", NOW - 4 * DAY) == (2, 2, 0, 0)
    assert inbox.deliver([line(1)], "0.csv", NOW - 4.5 * DAY) == (1, 0, 1, 0)
    with inbox.warehouse.engine.connect() as connection:
        assert miscounted(connection, source.ledgers[0].tables) == []


@pytest.mark.parametrize("year", [-249, 1901, 1970, 1980])
def test_a_file_with_a_time_of_no_clock_is_of_now(inbox: Inbox, year: int) -> None:
    """Archives and images give files such times: parcels were silent, and took 411,244 hours."""
    seconds = (year - 1970) * 365.25 * 86_400
    file = InboxFile(Path("a.csv"), "a.csv", 1, int(seconds * 1e9), 0)
    assert abs(file.modified_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    if year > 1901:
        inbox.deliver([line(1)], "a.csv", dt.datetime(year, 1, 1, tzinfo=dt.UTC))
        assert state(inbox, "is_on_its_way") == (True,)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_returned_parcel_belongs_to_the_lane_of_its_way_there(
    inbox: Inbox, *, is_late: bool
) -> None:
    there = ([line(1)], "1.csv", NOW - 5 * DAY)
    back = ([line(1, status="returned", sender_address=PARIS, receiver_address=BERLIN)], "2.csv")
    for content, name, *at in (back, there) if is_late else (there, back):
        inbox.deliver(content, name, *at)
    query = "SELECT sender_country_code, receiver_country_code, returned FROM metrics.carrier_lanes"
    assert inbox.rows(f"{query}(current_date - 30, current_date + 1)") == [("DE", "FR", 1)]


def test_a_rejected_line_without_an_article_is_news_of_its_parcel(inbox: Inbox) -> None:
    inbox.deliver([line(1), line(2)], "a.csv", NOW - 2 * DAY)
    inbox.deliver([line(1, status="delivery", sku=""), line(2)], "b.csv", NOW - DAY)
    assert state(inbox, "newer_rejected_at") == (NOW - DAY,)


def test_what_becomes_silent_today_is_on_its_way_until_then(inbox: Inbox) -> None:
    at = dt.datetime.now(dt.UTC) - 30 * DAY + dt.timedelta(minutes=5)
    inbox.deliver([line(1)], at=at)
    card = inbox.rows(read_sql("pipelines.sources.shipments", "dashboard/card"))
    assert (card[-1][1], state(inbox, "is_on_its_way")) == (1, (True,))


@pytest.mark.parametrize("day", ["0000-00-00", "9999-12-31", "1900-01-01 00:00:00"])
def test_a_day_that_stands_for_none_is_no_promise(inbox: Inbox, day: str) -> None:
    assert inbox.deliver([line(1, promised_on=day)]) == (1, 1, 0, 0)
    assert state(inbox, "promised_on") == (None,)


def test_a_status_of_two_spellings_gets_its_meaning(inbox: Inbox) -> None:
    """The history got it and the parcel did not: it was counted as -1 later."""
    for days, word in ((3, "DLV"), (2, "dlv")):
        inbox.deliver([line(1, status=word)], f"{days}.csv", NOW - days * DAY)
    read_again(inbox.warehouse, Settings(statuses="dlv=delivery"))
    assert (state(inbox, "status"), statuses(inbox)) == (("delivery",), [("delivery", 3)])
    inbox.deliver([line(1, status="lost")], "1.csv", NOW - DAY)
    counted = "SELECT status, parcels FROM metrics.parcels_by_status"
    assert inbox.rows(counted) == [("lost", 1)]


def test_a_parcel_that_goes_on_after_a_return_keeps_its_lane(inbox: Inbox) -> None:
    ways = {
        "in-transit": (BERLIN, PARIS),
        "exception": (PARIS, BERLIN),
        "delivery": (BERLIN, PARIS),
    }
    for days, (status, (sender, receiver)) in enumerate(ways.items()):
        ends = {"sender_address": sender, "receiver_address": receiver}
        inbox.deliver([line(1, status=status, **ends)], f"{days}.csv", NOW - (9 - days) * DAY)
    inbox.deliver([line(2, receiver_address=BERLIN)], "itself.csv", NOW - 2 * DAY)
    inbox.deliver([line(2, status="scanned")], "corrected.csv", NOW - DAY)
    query = "SELECT sender_country_code, receiver_country_code, parcels FROM metrics.carrier_lanes"
    assert inbox.rows(f"{query}(current_date - 30, current_date + 1)") == [("DE", "FR", 2)]
