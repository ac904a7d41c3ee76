"""One answer into the warehouse: all or nothing, and what is missing is known."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pipelines.failures import SubjectGone
from pipelines.ingest.deliveries import unbalanced
from pipelines.sources.solar.load import Plant, load_response, note_failed
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.solar.made_up import (
    DAY,
    NOW,
    ONE_DAY,
    Solar,
    answer_of,
    day_of_items,
    item,
    items_of,
    register,
)

THREE_DAYS = Window(DAY, dt.date(2019, 1, 4))


@dataclass
class Answered(Solar):
    """A plant whose windows are answered, and the database."""

    plant: Plant

    def load(
        self, items: list[Any], window: Window = ONE_DAY, now: dt.datetime = NOW
    ) -> tuple[int, int, int, int]:
        """Load a response; return read, loaded, unchanged, rejected. The ledger has to balance."""
        answer = answer_of(items)
        done = load_response(self.warehouse, self.plant, window, answer, run_id="run", now=now)
        with self.warehouse.engine.connect() as connection:
            assert unbalanced(connection, "solar") == []
        return done.read, done.loaded, done.unchanged, done.rejected

    def fail(self, window: Window = ONE_DAY, now: dt.datetime = NOW) -> None:
        with self.warehouse.transaction("solar") as connection:
            note_failed(connection, self.plant, window, "it is down", now=now)

    def days(self) -> list[str]:
        """The status of each day."""
        return list(self.statuses(self.plant).values())


@pytest.fixture
def solar(warehouse: Warehouse, owner: psycopg.Connection) -> Answered:
    return Answered(warehouse, owner, register(owner, "Alta"))


def test_an_empty_day_is_requested_for_a_week_by_the_plants_own_clock(solar: Answered) -> None:
    """In Los Angeles it is the day before: the week ended a day early."""
    solar.plant = solar.register("Mojave", "America/Los_Angeles")
    day = dt.date(2026, 11, 12)
    now = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)
    retry = "SELECT retry_at FROM solar.days WHERE plant_id = %s"
    for later, is_due in ((0, True), (1, False)):
        at = now + dt.timedelta(days=later)
        solar.load([], Window(day, day + dt.timedelta(days=1)), at)
        (found,) = solar.row(retry, solar.plant.plant_id)
        assert (found is not None) is is_due


def test_an_answer_becomes_readings_and_days_with_their_sums(solar: Answered) -> None:
    assert solar.load(items_of(THREE_DAYS), THREE_DAYS) == (72, 72, 0, 0)
    assert solar.rows("SELECT count(*), sum(expected_energy_kwh) FROM solar.readings") == [
        (72, 3 * sum(range(10, 34)))
    ]
    assert solar.rows(
        "SELECT day, status, hours_present, hours_expected, expected_energy_kwh, failures, retry_at"
        " FROM solar.days ORDER BY day LIMIT 1"
    ) == [(DAY, "complete", 24, 24, float(sum(range(10, 34))), 0, None)]
    assert solar.rows("SELECT name, run_id FROM ops.deliveries") == [
        (f"plant {solar.plant.plant_id}, 2019-01-01 to 2019-01-04", "run")
    ]


def test_p14_p32_repeats_change_nothing_and_corrections_keep_old_values(solar: Answered) -> None:
    solar.load(day_of_items())
    first = solar.rows("SELECT delivery_id, xmin::text FROM solar.readings ORDER BY read_at")
    assert solar.load(day_of_items()) == (24, 0, 24, 0)
    assert first == solar.rows(
        "SELECT delivery_id, xmin::text FROM solar.readings ORDER BY read_at"
    )
    changed = day_of_items()
    changed[3] = item("2019-01-01T03:00:00", 500.0)
    assert solar.load(changed) == (24, 1, 23, 0)
    assert solar.rows(
        "SELECT read_at, expected_energy_kwh, delivery_id < corrected_by FROM solar.corrections"
    ) == [(dt.datetime(2019, 1, 1, 3, tzinfo=dt.UTC), 13.0, True)]
    assert solar.rows("SELECT expected_energy_kwh FROM solar.days") == [
        (sum(range(10, 34)) + 487.0,)
    ]


def test_p30_one_bad_item_costs_one_hour_and_completeness(solar: Answered) -> None:
    items = day_of_items()
    items[5] |= {"observed": {"energy": None, "irradiation": 1.0}}
    assert solar.load(items) == (24, 23, 0, 1)
    assert solar.statuses(solar.plant) == {DAY: "partial"}
    assert solar.rows("SELECT reasons, record_key FROM ops.quarantine") == [
        (
            ["observed.energy is not a number: null"],
            [str(solar.plant.plant_id), "2019-01-01T05:00:00Z"],
        )
    ]
    assert solar.rows("SELECT retry_at FROM solar.days") == [(NOW + dt.timedelta(minutes=10),)]


def test_a_repeatedly_bad_item_is_quarantined_once_with_growing_intervals(solar: Answered) -> None:
    items = day_of_items()
    items[5] |= {"observed": None}
    now, waits = NOW, []
    for number in range(9):
        items[6] = item("2019-01-01T06:00:00", 60.0 + number)
        solar.load(items, now=now)
        [(retry_at,)] = solar.rows("SELECT retry_at FROM solar.days")
        waits.append((retry_at - now) / dt.timedelta(minutes=1))
        now = retry_at
    assert waits == [10 * 4**n for n in range(5)] + [7 * 24 * 60] * 4
    assert solar.rows("SELECT count(*) FROM ops.quarantine") == [(1,)]
    assert solar.rows("SELECT failures FROM solar.days") == [(9,)]
    solar.load(items, now=now)
    assert solar.rows("SELECT status, failures, retry_at FROM solar.days") == [("closed", 10, None)]
    assert now - NOW > dt.timedelta(days=30)


def test_a_closed_day_is_shown_and_no_longer_due_until_it_is_complete(solar: Answered) -> None:
    """Incident: on 25 October clocks are set back, and the service sends 24 hours for ever."""
    solar.plant = solar.register(zone="Europe/Paris")
    window = Window(dt.date(2026, 10, 25), dt.date(2026, 10, 26))
    items, now = day_of_items(window.first), NOW
    for _ in range(10):
        solar.load(items, window, now)
        [(status, retry_at)] = solar.rows("SELECT status, retry_at FROM solar.days")
        now = retry_at or now
    assert status == "closed"
    shown = (
        "SELECT status, hours_expected - hours_present, retry_at FROM solar.coverage WHERE day = %s"
    )
    assert solar.rows(shown, window.first) == [("closed", 1, None)]
    assert solar.rows("SELECT status, hours_missing FROM solar.gaps WHERE status = 'closed'") == [
        ("closed", 1)
    ]
    solar.fail(window, now)
    solar.load(items[:20], window, now)
    solar.load([], window, now)
    assert solar.rows("SELECT status, retry_at FROM solar.days") == [("closed", None)]
    solar.load([*items, item("2026-10-25T02:00:00+01:00", 12.5)], window, now)
    assert solar.rows("SELECT status, failures FROM solar.days") == [("complete", 0)]


def test_requests_that_were_not_due_close_no_day(solar: Answered) -> None:
    for _ in range(12):
        solar.load(day_of_items()[:23])
    query = "SELECT status, failures, retry_at FROM solar.days"
    assert solar.rows(query) == [("partial", 1, NOW + dt.timedelta(minutes=10))]


def test_a_day_of_which_all_was_bad_is_not_empty(solar: Answered) -> None:
    for bad in ({"observed": None}, {"datetime": "02/01/2019 05:00"}):
        solar.plant = solar.register(str(bad))
        items = items_of(THREE_DAYS)
        for one in items[24:48]:
            one |= bad
        solar.load(items, THREE_DAYS)
        assert solar.days() == ["complete", "partial", "complete"]


def test_a_deleted_plant_stores_nothing(solar: Answered) -> None:
    solar.owner.execute("DELETE FROM solar.plants")
    with pytest.raises(SubjectGone):
        solar.load(day_of_items())
    assert solar.rows("SELECT count(*) FROM solar.readings") == [(0,)]


def test_p52_p59_failures_are_tried_again_ever_later_a_day_at_most(solar: Answered) -> None:
    waits, now = [], NOW
    query = "SELECT status, hours_present, failures, problem, retry_at FROM solar.days"
    for number in range(1, 11):
        solar.fail(now=now)
        [(*state, retry_at)] = solar.rows(query)
        assert state == ["failed", 0, number, "it is down"]
        waits.append((retry_at - now) / dt.timedelta(minutes=1))
        now = retry_at
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]
    solar.load(day_of_items())
    assert solar.rows(query) == [("complete", 24, 0, None, None)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", "2019-03-31", [0, 1, *range(3, 24)]),
        ("Europe/Madrid", "2019-10-27", [0, 1, 2, *range(2, 24)]),
        ("Australia/Lord_Howe", "2019-04-07", [*range(24)]),  # by half an hour
        ("Australia/Lord_Howe", "2019-10-06", [0, 1, *range(3, 24)]),
        ("Atlantic/Azores", "2019-10-27", [0, *range(24)]),  # midnight twice
    ],
)
def test_days_without_24_hours_are_complete_with_all_their_hours(
    solar: Answered, zone: str, day: str, hours: list[int]
) -> None:
    solar.plant = solar.register(zone=zone)
    first = dt.date.fromisoformat(day)
    items = [item(f"{day}T{hour:02}:00:00", number) for number, hour in enumerate(hours, 1)]
    before, after = (day_of_items(first + dt.timedelta(days=n)) for n in (-1, 1))
    window = Window(first - dt.timedelta(days=1), first + dt.timedelta(days=2))
    count = len(hours) + 48
    assert solar.load([*before, *items, *after], window) == (count, count, 0, 0)
    counts = [(24, 24), (len(hours), len(hours)), (24, 24)]
    query = "SELECT hours_present, hours_expected FROM solar.days ORDER BY day"
    assert solar.rows(query) == counts
    assert solar.days() == ["complete"] * 3
    query = "SELECT hours_present, hours_expected FROM metrics.solar_report(%s, %s, %s, 'day')"
    assert solar.rows(query, solar.plant.plant_id, *window) == counts


def test_a_day_that_stays_partial_states_the_reason(solar: Answered) -> None:
    solar.plant = solar.register(zone="Europe/Madrid")

    def reason(day: dt.date, items: list[Any]) -> Any:
        solar.load(items, Window(day, day + dt.timedelta(days=1)))
        query = "SELECT problem FROM solar.coverage WHERE plant_id = %s AND day = %s"
        ((found,),) = solar.rows(query, solar.plant.plant_id, day)
        return found

    back, usual, bad = (dt.date(2019, 10, 27), dt.date(2019, 6, 3), dt.date(2019, 6, 5))
    assert reason(back, day_of_items(back)) == "24 of 25 hours were received"
    assert reason(usual, day_of_items(usual)[:20]) == "20 of 24 hours were received"
    query = "SELECT extract(hour FROM read_local)::integer FROM solar.missing_hours WHERE day = %s"
    assert sorted(solar.rows(query, usual)) == [(20,), (21,), (22,), (23,)]
    spoiled = day_of_items(bad)
    spoiled[4]["observed"]["energy"] = "none"
    assert reason(bad, spoiled).startswith("23 of 24 hours are stored, the others were rejected")
    assert reason(bad, day_of_items(bad)) is None


def test_a_day_skipped_by_its_zone_is_complete(solar: Answered) -> None:
    solar.plant = solar.register(zone="Pacific/Apia")
    window = Window(dt.date(2011, 12, 29), dt.date(2012, 1, 1))
    solar.fail(window)
    solar.load(day_of_items(window.first) + day_of_items(dt.date(2011, 12, 31)), window)
    assert solar.days() == ["complete"] * 3


def test_the_rejected_items_of_a_deleted_plant_are_deleted(solar: Answered) -> None:
    deleted, kept = solar.plant, solar.register("other")
    for solar.plant in (deleted, kept):
        solar.load([*day_of_items(), {"datetime": "?"}])
    solar.owner.execute("DELETE FROM solar.plants WHERE plant_id = %s", (deleted.plant_id,))
    assert solar.row("SELECT record_key[1] FROM ops.quarantine") == (str(kept.plant_id),)
    with solar.warehouse.engine.connect() as connection:
        assert unbalanced(connection, "solar") == []


def test_an_empty_day_beside_unchanged_days_is_requested_twice_more(solar: Answered) -> None:
    due = []
    for number in range(4):
        now = NOW + dt.timedelta(days=number)
        last = item("2019-01-03T00:00:00", float(number))
        solar.load([*day_of_items(), last], THREE_DAYS, now=now)
        due += solar.rows("SELECT retry_at IS NOT NULL FROM solar.days WHERE status = 'empty'")
    assert due == [(True,), (True,), (False,), (False,)]
    shown = "SELECT status, first_day, hours_missing FROM solar.gaps WHERE status = 'empty'"
    assert solar.rows(shown) == [("empty", dt.date(2019, 1, 2), 24)]  # after a day with data


def test_p33_a_year_is_written_by_few_statements(solar: Answered) -> None:
    from sqlalchemy import event

    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(solar.warehouse.engine, "before_cursor_execute", note)
    year = Window(DAY, dt.date(2020, 1, 1))
    assert solar.load(items_of(year), year) == (8760, 8760, 0, 0)
    assert len(said) < 25
