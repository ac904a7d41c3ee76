"""The oracle's meaning, pinned by small examples that a person computed."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import mean

import pytest

from pipelines_tests.sources.shipments.oracle import (
    Day,
    File,
    Lane,
    Line,
    Parcel,
    Place,
    Scores,
    as_read,
    carrier_lanes,
    in_order_of_news,
    parcels,
    parcels_by_day,
    percentile,
    weather_wanted,
)

NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
BERLIN = Place("DE", "Street 1, 10115 Berlin, Germany")
PARIS = Place("FR", "Street 2, 75001 Paris, France")
TOKYO = Place("JP", "Street 3, Tokyo, Japan")
NEW_YORK = Place("US", "Street 4, New York, United States")


def line(
    status: str,
    promised_on: date | None = None,
    number: str = "TN1",
    carrier: str = "DHL",
    receiver: Place = PARIS,
) -> Line:
    return Line(number, carrier, BERLIN, receiver, status, promised_on)


def file(at: str, *lines: Line, name: str = "status.csv") -> File:
    return File(name, datetime.fromisoformat(at + "Z"), lines)


def only(files: Iterable[File]) -> Parcel:
    (parcel,) = parcels(files).values()
    return parcel


def statuses(parcel: Parcel) -> list[tuple[str, str]]:
    return [(f"{c.changed_at:%d}", c.status) for c in parcel.changes]


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_what_was_lost_400_days_ago_is_not_on_its_way(status: str) -> None:
    at = f"{NOW - timedelta(days=400):%Y-%m-%dT%H:%M}"
    parcel = only([file(at, line("in_transit")), file(at, line(status), name="status_2.csv")])
    assert parcel.last.class_ == status
    assert not parcel.last.is_on_its_way(NOW)
    assert not parcel.last.is_silent(NOW)
    assert parcel.transit_hours is None
    assert weather_wanted([parcel], NOW) == set()
    assert parcels_by_day([parcel], date(2026, 11, 28)) == Day(0, 0, 0, 0, 0)


def test_a_parcel_first_seen_delivered_has_no_transit_time() -> None:
    files = [file("2026-11-03T12:00", line("delivery"))]
    assert only(files).transit_hours is None
    assert only(files).delivered_at == files[0].at
    # Nor has it when newer news open it again.
    files += [file("2026-11-05T12:00", line("scanned")), file("2026-11-06T12:00", line("delivery"))]
    assert only(files).transit_hours is None
    # Older news, loaded late, show when it was under way.
    files.append(file("2026-11-01T12:00", line("in_transit")))
    assert only(files).transit_hours == 120


def test_the_carrier_that_scans_worst_does_not_look_fastest() -> None:
    hours = {"DHL": (60, 84), "UPS": (70, 80), "DPD": ()}
    unscanned = {"DHL": 0, "UPS": 1, "DPD": 2}
    begin = datetime(2026, 11, 2, 6, tzinfo=UTC)
    files = []
    for carrier, journeys in hours.items():
        for number, journey in enumerate(journeys):
            sent, arrived = (
                line(s, number=f"TN{number}", carrier=carrier) for s in ("in_transit", "delivery")
            )
            files.append(File("a.csv", begin, (sent,)))
            files.append(File("a.csv", begin + timedelta(hours=journey), (arrived,)))
        for number in range(unscanned[carrier]):
            first = line("delivery", number=f"TN1{number}", carrier=carrier)
            files.append(File("b.csv", begin, (first,)))
    everyone = list(parcels(files).values())
    known = {
        carrier: [
            p.transit_hours
            for p in everyone
            if p.key.carrier == carrier and p.transit_hours is not None
        ]
        for carrier in hours
    }
    assert mean(known["DHL"]) == 72 < mean(known["UPS"]) == 75
    with_zeros = {carrier: sum(known[carrier]) / (2 + unscanned[carrier]) for carrier in hours}
    assert with_zeros["DHL"] == 72 > with_zeros["UPS"] == 50 > with_zeros["DPD"] == 0
    lanes = carrier_lanes(everyone, date(2026, 11, 2), date(2026, 11, 3), NOW)
    medians = {lane.carrier: s.median_transit_hours for lane, s in lanes.items()}
    assert medians == {"DHL": 72, "UPS": 75, "DPD": None}
    assert lanes[Lane("DPD", "DE", "FR")].delivered == 2


def test_names_are_ordered_as_people_read_numbers() -> None:
    names = ["a.csv", "a2.csv", "a10.csv", "a10b9.csv", "a10b10.csv", "a_1.csv", "b.csv"]
    by_code_point = sorted(names)
    assert by_code_point != names
    assert sorted(by_code_point, key=as_read) == names
    nine = file("2026-11-01T00:00", line("in_transit"), name="status_9.csv")
    ten = file("2026-11-01T00:00", line("delivery"), name="status_10.csv")
    for files in ([nine, ten], [ten, nine]):
        assert only(files).last.class_ == "delivered"
        assert only(files).transit_hours == 0
    # The time counts before the name; leading zeros count last; then the order of loading.
    early = file("2026-10-31T23:59", line("lost"), name="status_11.csv")
    assert in_order_of_news([ten, nine, early]) == [early, nine, ten]
    padded = file("2026-11-01T00:00", line("lost"), name="status_09.csv")
    assert in_order_of_news([ten, nine, padded]) == [padded, nine, ten]
    same = file("2026-11-01T00:00", line("lost"), name="status_9.csv")
    assert in_order_of_news([nine, same]) == [nine, same]
    assert in_order_of_news([same, nine]) == [same, nine]


def test_older_news_change_the_history_and_not_the_state() -> None:
    files = [
        file("2026-11-01T00:00", line("in_transit")),
        file("2026-11-05T00:00", line("in_transit")),
        file("2026-11-07T00:00", line("in_transit")),
    ]
    assert statuses(only(files)) == [("01", "in_transit")]
    # What was a repetition becomes a change.
    files.append(file("2026-11-03T00:00", line("exception")))
    expected = [("01", "in_transit"), ("03", "exception"), ("05", "in_transit")]
    assert statuses(only(files)) == expected


def test_a_list_sent_again_and_again_is_no_news() -> None:
    days = [NOW - timedelta(days=days) for days in range(40, -1, -1)]
    files = [File("status.csv", at, (line("exception", date(2026, 11, 1)),)) for at in days]
    parcel = only(files)
    assert parcel.last.is_silent(NOW)
    assert not parcel.last.is_on_its_way(NOW)
    assert parcel.is_overdue(NOW)
    assert weather_wanted([parcel], NOW) == set()
    # By the end of 18 November, its 30 days are not over; by that of the 19th they are.
    assert parcels_by_day([parcel], date(2026, 11, 18)) == Day(0, 0, 1, 0, 1)
    assert parcels_by_day([parcel], date(2026, 11, 19)) == Day(0, 0, 0, 1, 1)
    limit = only([file("2026-10-30T09:30", line("in_transit"))])
    assert limit.last.is_silent(NOW)
    assert not limit.last.is_silent(NOW - timedelta(microseconds=1))
    assert limit.last.is_silent(NOW - timedelta(days=20), stale=timedelta(days=10))


def test_what_ended_asks_for_no_weather() -> None:
    """Nobody acts on the present weather of a parcel that is not on its way."""
    assert weather_wanted([only([file("2026-11-29T09:00", line("returned"))])], NOW) == set()
    assert weather_wanted([only([file("2026-11-29T09:00", line("odd"))])], NOW) == {BERLIN, PARIS}


def test_transit_ends_with_the_last_delivery() -> None:
    files = [
        file("2026-11-01T00:00", line("cancelled")),
        file("2026-11-02T00:00", line("exception")),
        file("2026-11-03T00:00", line("delivery")),
        file("2026-11-04T00:00", line("lost")),
        file("2026-11-05T00:00", line("scanned")),
        file("2026-11-06T06:00", line("delivery")),
        file("2026-11-07T00:00", line("delivery")),
    ]
    assert only(files).transit_hours == 4 * 24 + 6
    files.append(file("2026-11-08T00:00", line("returned")))
    assert only(files).transit_hours is None
    assert only(files).delivered_at is None
    assert only(files[:1] + files[2:3]).transit_hours is None  # never seen under way
    days = [parcels_by_day([only(files)], date(2026, 11, day)) for day in (1, 2, 3, 6, 8)]
    assert days == [
        Day(1, 0, 0, 0, 0),
        Day(0, 0, 1, 0, 1),
        Day(0, 1, 0, 0, 0),
        Day(0, 1, 0, 0, 0),
        Day(0, 0, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("receiver", "at", "on_time"),
    [
        (PARIS, "2026-11-10T22:59", True),
        (PARIS, "2026-11-10T23:00", False),
        (TOKYO, "2026-11-10T14:59", True),
        (TOKYO, "2026-11-10T15:00", False),
        (NEW_YORK, "2026-11-10T23:59", True),
        (NEW_YORK, "2026-11-11T00:00", False),
        (Place(None, "Nowhereland"), "2026-11-11T00:00", False),
    ],
)
def test_on_time_is_of_the_receivers_day(receiver: Place, at: str, on_time: bool) -> None:
    promise = date(2026, 11, 10)
    files = [
        file("2026-11-08T00:00", line("in_transit", receiver=receiver)),
        file("2026-11-09T00:00", line("in_transit", promise, receiver=receiver)),
        file("2026-11-09T12:00", line("in_transit", date(2026, 12, 24), receiver=receiver)),
    ]
    instant = datetime.fromisoformat(at + "Z")
    assert only(files).on_time is None
    assert only(files).is_overdue(instant) is not on_time
    files.append(file(at, line("delivery", receiver=receiver)))
    assert only(files).promised_on == promise
    assert only(files).on_time is on_time
    assert not only(files).is_overdue(NOW)


def test_a_scorecard_counts_each_parcel_by_its_first_day() -> None:
    promise = date(2026, 11, 3)
    begin = [line(s, promise, f"TN{n}") for n, s in enumerate(("in_transit",) * 5 + ("exception",))]
    ends = ("delivery", "delivery", "returned", "lost", "cancelled")
    files = [file("2026-11-01T00:00", *begin, line("delivery", number="TN9"))]
    for number, status in enumerate(ends):
        files.append(file(f"2026-11-0{number + 3}T10:00", line(status, number=f"TN{number}")))
    files.append(file("2026-11-02T00:00", line("scanned", number="TN8")))
    everyone = parcels(files).values()
    assert carrier_lanes(everyone, date(2026, 11, 1), date(2026, 11, 2), NOW) == {
        Lane("DHL", "DE", "FR"): Scores(
            parcels=7,
            delivered=3,
            median_transit_hours=Fraction(70),
            p90_transit_hours=Fraction(58) + 24 * Fraction(9, 10),
            promised=6,
            delivered_with_promise=2,
            on_time=1,
            share_on_time=Fraction(1, 2),
            overdue=1,
            exceptions=1,
            returned=1,
            lost=1,
            cancelled=1,
        )
    }
    assert percentile([Fraction(5)], Fraction(9, 10)) == 5
