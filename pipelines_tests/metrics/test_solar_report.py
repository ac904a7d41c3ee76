"""Results of metrics.solar_report: every period, in the plant's zone, and clear errors."""

import datetime as dt
import math
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines_tests.solar_rows import VALUES, add_plant, add_readings, count_days

PERIODS = ("hour", "day", "week", "month", "year")
#: Clocks of São Paulo changed at midnight, and those of Lord Howe change by half an hour.
ZONES = ("UTC", "Europe/Madrid", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe")
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
local = dt.datetime.fromisoformat


def report(connection: Connection, *arguments: Any) -> list[Any]:
    placeholders = ", ".join(["%s"] * len(arguments))
    query = f"SELECT * FROM metrics.solar_report({placeholders})"
    return [row[:8] for row in connection.execute(query.encode(), arguments).fetchall()]


def test_p56_the_hourly_report_that_was_daily(owner: Connection) -> None:
    """It was said to be hourly, and was of days. Hour is what comes without saying."""
    add_plant(owner, 1)
    add_readings(owner, 1, "2020-01-01", "2021-01-01", vary=1.0)
    december = report(owner, 1, "2020-12-01", "2021-01-01")
    assert len(december) == 744
    assert december[0][0] == local("2020-12-01")
    assert december[-1][0] == local("2020-12-31T23:00")
    assert {after[0] - before[0] for before, after in pairwise(december)} == {HOUR}
    assert {row[5:7] for row in december} == {(1, 1)}
    counts = [len(report(owner, 1, "2020-01-01", "2021-01-01", period)) for period in PERIODS]
    assert counts == [8784, 366, 53, 12, 1]


def test_p55_the_end_day_and_its_midnight_are_excluded(owner: Connection) -> None:
    """Data went up to midnight of the `to` day, and had one hour of it; the report did not."""
    add_plant(owner, 1)
    add_readings(owner, 1, "2020-12-30", "2021-01-03")
    for period in PERIODS:
        rows = report(owner, 1, "2020-12-31", "2021-01-01", period)
        assert sum(row[5] for row in rows) == 24
        assert max(row[0] for row in rows) < local("2021-01-01")
    assert report(owner, 1, "2021-01-01", "2021-01-01") == []
    assert report(owner, 1, "2021-01-01", "2021-01-01", "year") == []


def test_p07_sums_of_all_four_values_match_the_hours(owner: Connection) -> None:
    add_plant(owner, 1)
    add_readings(owner, 1, "2020-02-28", "2020-03-02", without=["2020-02-29T03:00Z"])
    hours = report(owner, 1, "2020-02-29", "2020-03-01")
    assert [row[0].hour for row in hours if not row[5]] == [3]
    (day,) = report(owner, 1, "2020-02-29", "2020-03-01", "day")
    assert day == (local("2020-02-29"), *(23 * value for value in VALUES), 23, 24, 0.75)
    month = report(owner, 1, "2020-02-01", "2020-04-01", "month")
    assert [(row[0], row[1], *row[5:7]) for row in month] == [
        (local("2020-02-01"), 47 * 20.0, 47, 29 * 24),
        (local("2020-03-01"), 24 * 20.0, 24, 31 * 24),
    ]


@pytest.fixture(scope="module")
def plants(server: Connections, template: str) -> Any:
    """A plant in each zone with a year of readings and some gaps, for reading only."""
    with (
        made(server, template) as name,
        psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as connection,
    ):
        for number, zone in enumerate(ZONES, start=1):
            add_plant(connection, number, zone)
            add_readings(connection, number, "2018-10-15", "2019-11-15", vary=3.0)
        connection.execute(
            "DELETE FROM solar.readings WHERE extract(epoch FROM read_at) / 3600 % 17 < 1"
            " OR read_at BETWEEN '2019-05-03' AND '2019-06-20'"
        )
        for number in range(1, len(ZONES) + 1):
            count_days(connection, number, "2018-10-15", "2019-11-15")
        yield connection


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(1, len(ZONES)),
    first=st.dates(dt.date(2018, 9, 15), dt.date(2019, 11, 25)),
    days=st.one_of(st.integers(0, 70), st.integers(200, 450)),
)
def test_hours_days_months_and_years_add_up_to_the_same(
    plants: Connection, number: int, first: dt.date, days: int
) -> None:
    end = first + days * DAY
    sums = []
    for period in PERIODS:
        rows = report(plants, number, first, end, period)
        starts = [row[0] for row in rows]
        assert starts == sorted(starts)
        assert period == "hour" or len({*starts}) == len(starts)
        sums.append([math.fsum(row[n] or 0.0 for row in rows) for n in range(1, 7)])
    for other in sums[1:]:
        assert other == pytest.approx(sums[0], rel=1e-9, abs=0.0005 * (days + 1))
    query = (
        "SELECT count(*), coalesce(sum(observed_energy_kwh), 0) FROM metrics.solar_hourly"
        " WHERE plant_id = %s AND local_hour >= %s AND local_hour < %s"
    )
    stored = plants.execute(query, [number, first, end]).fetchone()
    assert stored is not None
    assert sums[0][4] == stored[0]
    assert sums[0][1] == pytest.approx(stored[1], rel=1e-9)


def test_days_on_which_clocks_change_have_23_and_25_hours(owner: Connection) -> None:
    add_plant(owner, 1, "Europe/Madrid")
    add_readings(owner, 1, "2020-03-29", "2020-03-30", vary=1.0)
    add_readings(owner, 1, "2020-10-25", "2020-10-26", vary=1.0)
    spring = report(owner, 1, "2020-03-29", "2020-03-30")
    assert [row[0].hour for row in spring] == [0, 1, *range(3, 24)]
    autumn = report(owner, 1, "2020-10-25", "2020-10-26")
    assert [row[0].hour for row in autumn] == [0, 1, 2, *range(2, 24)]
    query = (
        "SELECT observed_energy_kwh FROM solar.readings WHERE read_at >= '2020-04-01'"
        " ORDER BY read_at"
    )
    assert [row[2] for row in autumn] == [value for (value,) in owner.execute(query)]
    for period in ("day", "month", "year"):
        (day,) = report(owner, 1, "2020-03-29", "2020-03-30", period)
        assert day[5:7] == (23, 23)
        (day,) = report(owner, 1, "2020-10-25", "2020-10-26", period)
        assert day[5:7] == (25, 25)


def test_p57_times_use_the_plants_zone_in_any_session(owner: Connection) -> None:
    """Times had no zone, and one client showed them in that of its own."""
    add_plant(owner, 1, "Asia/Kolkata")
    add_readings(owner, 1, "2020-06-01", "2020-06-03", vary=1.0)
    hourly = "SELECT local_hour, observed_energy_kwh FROM metrics.solar_hourly ORDER BY read_at"
    texts = []
    for zone in ("UTC", "America/New_York"):
        owner.execute(f"SET timezone = '{zone}'".encode())
        texts.append([report(owner, 1, "2020-06-01", "2020-06-03", period) for period in PERIODS])
        texts[-1].append(owner.execute(hourly).fetchall())
    assert texts[0] == texts[1]
    assert texts[0][0][0][0] == texts[0][-1][0][0] == local("2020-06-01")
    first = owner.execute("SELECT min(read_at) FROM solar.readings").fetchone()
    assert first == (dt.datetime(2020, 5, 31, 18, 30, tzinfo=dt.UTC),)


def test_p19_a_period_without_data_has_an_explicit_row(owner: Connection) -> None:
    """It was the words "Data is not available!" where a list was expected."""
    add_plant(owner, 1)
    for period, count in zip(PERIODS, (48, 2, 1, 1, 1), strict=True):
        rows = report(owner, 1, "2020-06-01", "2020-06-03", period)
        assert len(rows) == count
        assert {(*row[1:6], row[7]) for row in rows} == {(*(None,) * 4, 0, None)}
        assert sum(row[6] for row in rows) == 48


EXAMPLE = "metrics.solar_report(1, '2020-12-01', '2021-01-01'), or (..., 'month')"
VALUE, NONE = psycopg.errors.InvalidParameterValue, "Please provide plant_id, from and to values"
NO_DATE = psycopg.DataError
DAYS = "'2020-01-01', '2020-01-02'"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("", VALUE, NONE),
        ("1, to_date => '2020-01-01'", VALUE, NONE),
        (f"NULL, {DAYS}", VALUE, NONE),
        ("1, '2020-01-02', '2020-01-01'", VALUE, "From date can not be greater than to date"),
        # Incident: it was a 400, like a bad value, and not a 404.
        (f"17, {DAYS}", psycopg.errors.NoDataFound, "Object with plant id does not exists"),
        (f"1, {DAYS}, 'era'", VALUE, "period is 'era': it must be hour, day, week, month"),
        (f"1, {DAYS}, NULL", VALUE, "period is NULL: it must be hour, day, week"),
        ("1, '2020-01-01', 'infinity'", VALUE, "to_date is infinity: it must be 2051-01-01 or ear"),
        ("1, '-infinity', '2020-01-01'", VALUE, "from_date is -infinity: it must be 1950-01-01"),
        ("1, '2049-06-01', '2049-06-02'", VALUE, "from_date is 2049-06-01: it is in the future"),
        # PostgreSQL's own dates see to these, before the function is called.
        ("1, 'yesterdays', '2021-06-01'", NO_DATE, "invalid input syntax for type date"),
    ],
)
def test_p15_p16_p17_p18_p25_impossible_arguments_are_rejected(
    owner: Connection, arguments: str, error: Any, words: str
) -> None:
    add_plant(owner, 1)
    with pytest.raises(error) as caught:
        owner.execute(f"SELECT * FROM metrics.solar_report({arguments})".encode())
    diagnostics = caught.value.diag
    assert (diagnostics.message_primary or "").startswith(words)
    if error is VALUE:
        assert diagnostics.message_hint == EXAMPLE
    elif error is psycopg.errors.NoDataFound:
        assert diagnostics.message_detail == "plant_id is 17."
        assert diagnostics.message_hint == "SELECT plant_id, name FROM solar.plants"
