"""One answer into the warehouse: all or nothing, and what is missing is known."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import unbalanced
from pipelines.sources.solar.load import Plant, PlantGone, note_failed, take_answer
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.solar.made_up import (
    DAY,
    ONE_DAY,
    answer_of,
    day_of_items,
    item,
    items_of,
    register,
    rows,
    statuses,
)

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
THREE_DAYS = Window(DAY, dt.date(2019, 1, 4))


@pytest.fixture
def plant(owner: psycopg.Connection) -> Plant:
    return register(owner)


def load_items(
    store: Warehouse,
    plant: Plant,
    items: list[Any],
    window: Window = ONE_DAY,
    now: dt.datetime = NOW,
) -> tuple[int, int, int, int]:
    """Load a response; return read, loaded, unchanged, rejected. The ledger has to balance."""
    done = take_answer(store, plant, window, answer_of(items), run_id="run", now=now)
    with store.engine.connect() as connection:
        assert unbalanced(connection, "solar") == []
    return done.read, done.loaded, done.unchanged, done.rejected


def fail(store: Warehouse, plant: Plant, window: Window = ONE_DAY, now: dt.datetime = NOW) -> None:
    with store.transaction(plant.source) as connection:
        note_failed(connection, plant, window, "it is down", now=now)


def test_an_answer_becomes_readings_and_days_with_their_sums(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    assert load_items(warehouse, plant, items_of(THREE_DAYS), THREE_DAYS) == (72, 72, 0, 0)
    assert rows(owner, "SELECT count(*), sum(expected_energy_kwh) FROM solar.readings") == [
        (72, 3 * sum(range(10, 34)))
    ]
    assert rows(
        owner,
        "SELECT day, status, hours_present, hours_expected, expected_energy_kwh, failures, retry_at"
        " FROM solar.days ORDER BY day LIMIT 1",
    ) == [(DAY, "complete", 24, 24, float(sum(range(10, 34))), 0, None)]
    assert rows(owner, "SELECT name, run_id FROM ops.deliveries") == [
        (f"plant {plant.plant_id}, 2019-01-01 to 2019-01-04", "run")
    ]


def test_the_ledger_names_some_unknown_keys_and_counts_the_rest(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = items_of(ONE_DAY)
    items[0] |= {f"key {number:02}": 1 for number in range(25)}
    load_items(warehouse, plant, items)
    [(drift,)] = rows(owner, "SELECT drift FROM ops.deliveries")
    name = f"plant {plant.plant_id}, 2019-01-01 to 2019-01-02"
    assert len(drift) == 21
    assert drift[0] == f'{name}: unknown key "key 00" in 1 of 24 items'
    assert drift[-1] == f"{name}: 5 more unknown keys"


@pytest.mark.answers("P14", "P32")
def test_p14_p32_repeats_change_nothing_and_corrections_keep_old_values(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, day_of_items())
    first = rows(owner, "SELECT delivery_id, xmin::text FROM solar.readings ORDER BY read_at")
    assert load_items(warehouse, plant, day_of_items()) == (24, 0, 24, 0)
    assert first == rows(
        owner, "SELECT delivery_id, xmin::text FROM solar.readings ORDER BY read_at"
    )
    changed = day_of_items()
    changed[3] = item("2019-01-01T03:00:00", 500.0)
    assert load_items(warehouse, plant, changed) == (24, 1, 23, 0)
    assert rows(
        owner,
        "SELECT read_at, expected_energy_kwh, delivery_id < corrected_by FROM solar.corrections",
    ) == [(dt.datetime(2019, 1, 1, 3, tzinfo=dt.UTC), 13.0, True)]
    assert rows(owner, "SELECT expected_energy_kwh FROM solar.days") == [
        (sum(range(10, 34)) + 487.0,)
    ]


def test_a_value_that_returns_after_a_correction_is_the_latest(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, day_of_items())
    load_items(warehouse, plant, day_of_items(energy=50.0))
    assert load_items(warehouse, plant, day_of_items()) == (24, 24, 0, 0)
    assert rows(owner, "SELECT min(expected_energy_kwh) FROM solar.readings") == [(10.0,)]
    assert rows(owner, "SELECT count(*) FROM solar.corrections") == [(48,)]


def test_a_changed_part_of_a_response_is_written_again(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, items_of(THREE_DAYS), THREE_DAYS)
    load_items(warehouse, plant, day_of_items(energy=50.0))
    assert load_items(warehouse, plant, items_of(THREE_DAYS), THREE_DAYS) == (72, 24, 48, 0)


def test_only_the_day_of_a_changed_value_is_counted_again(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = items_of(THREE_DAYS)
    load_items(warehouse, plant, items, THREE_DAYS)
    owner.execute("UPDATE solar.days SET expected_energy_kwh = 1, retry_at = now()")
    items[30] = item("2019-01-02T06:00:00", 500.0)
    assert load_items(warehouse, plant, items, THREE_DAYS) == (72, 1, 71, 0)
    query = "SELECT status, expected_energy_kwh, retry_at, delivery_id FROM solar.days ORDER BY day"
    number = rows(owner, "SELECT max(delivery_id) FROM ops.deliveries")[0][0]
    again = sum(range(10, 34)) - 16.0 + 500.0
    assert rows(owner, query) == [("complete", total, None, number) for total in (1.0, again, 1.0)]
    assert rows(owner, "SELECT count(*) FROM solar.readings WHERE delivery_id = %s", number) == [
        (1,)
    ]


@pytest.mark.answers("P30")
def test_p30_one_bad_item_costs_one_hour_and_completeness(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = day_of_items()
    items[5] |= {"observed": {"energy": None, "irradiation": 1.0}}
    assert load_items(warehouse, plant, items) == (24, 23, 0, 1)
    assert statuses(owner, plant) == {DAY: "partial"}
    assert rows(owner, "SELECT reasons, record_key FROM ops.quarantine") == [
        (
            ["observed.energy is no number: null"],
            [str(plant.plant_id), "2019-01-01T05:00:00Z"],
        )
    ]
    assert rows(owner, "SELECT retry_at FROM solar.days") == [(NOW + dt.timedelta(minutes=10),)]


def test_an_item_corrected_later_leaves_the_quarantine(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = items_of(THREE_DAYS)
    items[5] |= {"observed": None}
    items[30] |= {"observed": None}
    items[31] |= {"datetime": "?"}
    load_items(warehouse, plant, items, THREE_DAYS)
    assert load_items(warehouse, plant, day_of_items()) == (24, 1, 23, 0)
    assert statuses(owner, plant)[DAY] == "complete"
    assert rows(owner, "SELECT position FROM ops.quarantine ORDER BY 1") == [("[30]",), ("[31]",)]
    second = Window(dt.date(2019, 1, 2), dt.date(2019, 1, 3))
    assert load_items(warehouse, plant, day_of_items(second.first), second) == (24, 2, 22, 0)
    assert rows(owner, "SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert rows(owner, "SELECT rejected_count FROM ops.deliveries") == [(0,), (0,), (0,)]


def test_a_repeatedly_bad_item_is_quarantined_once_with_growing_intervals(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = day_of_items()
    items[5] |= {"observed": None}
    now, waits = NOW, []
    for number in range(9):
        items[6] = item("2019-01-01T06:00:00", 60.0 + number)
        load_items(warehouse, plant, items, now=now)
        [(retry_at,)] = rows(owner, "SELECT retry_at FROM solar.days")
        waits.append((retry_at - now) / dt.timedelta(minutes=1))
        now = retry_at
    assert waits == [10 * 4**n for n in range(7)] + [30 * 24 * 60] * 2
    assert rows(owner, "SELECT count(*) FROM ops.quarantine") == [(1,)]
    assert rows(owner, "SELECT failures FROM solar.days") == [(9,)]


def test_an_hour_missing_from_a_response_keeps_its_stored_reading(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, day_of_items()[:23])
    assert rows(owner, "SELECT status, hours_present FROM solar.days") == [("partial", 23)]
    load_items(warehouse, plant, day_of_items()[1:])
    assert rows(owner, "SELECT status, hours_present FROM solar.days") == [("complete", 24)]
    assert rows(owner, "SELECT count(*) FROM solar.readings") == [(24,)]


@pytest.mark.answers("P31")
def test_p31_nothing_at_all_is_empty_by_the_services_word(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    assert load_items(warehouse, plant, [], THREE_DAYS) == (0, 0, 0, 0)
    assert set(statuses(owner, plant).values()) == {"empty"}
    assert rows(owner, "SELECT count(retry_at) FROM solar.days") == [(0,)]


def test_a_recent_empty_day_is_requested_again(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, [], Window(dt.date(2026, 11, 1), dt.date(2026, 11, 20)))
    assert rows(owner, "SELECT min(day), max(day) FROM solar.days WHERE retry_at IS NOT NULL") == [
        (dt.date(2026, 11, 13), dt.date(2026, 11, 19))
    ]


def test_a_day_of_which_all_was_bad_is_not_empty(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = items_of(THREE_DAYS)
    for one in items[24:48]:
        one["observed"] = None
    load_items(warehouse, plant, items, THREE_DAYS)
    assert list(statuses(owner, plant).values()) == ["complete", "partial", "complete"]


def test_an_entirely_bad_response_is_rejected_with_examples(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    renamed = [{"time": one["datetime"]} | one | {"observed": 1} for one in day_of_items()]
    with pytest.raises(PermanentFailure, match="24 of 24 records are bad") as caught:
        load_items(warehouse, plant, renamed)
    assert "observed is no object" in str(caught.value)
    assert rows(owner, "SELECT count(*) FROM ops.deliveries") == [(0,)]
    assert statuses(owner, plant) == {}


def test_a_service_that_ignores_the_range_is_not_considered_empty(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    with pytest.raises(PermanentFailure, match="of other days than were requested"):
        load_items(warehouse, plant, day_of_items(dt.date(2020, 5, 5)))
    assert statuses(owner, plant) == {}


def test_a_deleted_plant_stores_nothing(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    owner.execute("DELETE FROM solar.plants")
    with pytest.raises(PlantGone):
        load_items(warehouse, plant, day_of_items())
    assert rows(owner, "SELECT count(*) FROM solar.readings") == [(0,)]


def test_p52_p59_a_missing_window_is_failed_and_never_complete(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    fail(warehouse, plant, THREE_DAYS)
    assert set(statuses(owner, plant).values()) == {"failed"}
    assert rows(owner, "SELECT DISTINCT problem, retry_at, hours_present FROM solar.days") == [
        ("it is down", NOW + dt.timedelta(minutes=10), 0)
    ]
    load_items(warehouse, plant, items_of(THREE_DAYS), THREE_DAYS)
    assert rows(owner, "SELECT DISTINCT status, failures, problem, retry_at FROM solar.days") == [
        ("complete", 0, None, None)
    ]


def test_a_failure_removes_nothing_stored(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    load_items(warehouse, plant, day_of_items())
    load_items(
        warehouse,
        plant,
        day_of_items(dt.date(2019, 1, 2))[:20],
        Window(dt.date(2019, 1, 2), dt.date(2019, 1, 3)),
    )
    fail(warehouse, plant, THREE_DAYS)
    found = rows(
        owner, "SELECT status, problem IS NULL, hours_present FROM solar.days ORDER BY day"
    )
    assert found == [("complete", True, 24), ("partial", False, 20), ("failed", False, 0)]


def test_failures_are_tried_again_ever_later_a_day_at_most(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    waits, now = [], NOW
    for _ in range(10):
        fail(warehouse, plant, now=now)
        [(retry_at,)] = rows(owner, "SELECT retry_at FROM solar.days")
        waits.append((retry_at - now) / dt.timedelta(minutes=1))
        now = retry_at
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]


@pytest.mark.parametrize(
    ("day", "hours"), [(dt.date(2019, 3, 31), 23), (dt.date(2019, 10, 27), 25)]
)
def test_days_without_24_hours_are_complete_with_all_their_hours(
    warehouse: Warehouse, owner: psycopg.Connection, day: dt.date, hours: int
) -> None:
    plant = register(owner, zone="Europe/Madrid")
    items = day_of_items(day)
    items.insert(3, item(f"{day}T02:00:00", 77.0))
    skipped = hours == 23
    if skipped:
        del items[2:4]
    window = Window(day, day + dt.timedelta(days=1))
    assert load_items(warehouse, plant, items, window) == (hours, hours, 0, 0)
    assert rows(owner, "SELECT status, hours_present, hours_expected FROM solar.days") == [
        ("complete", hours, hours)
    ]


def test_a_day_that_stays_partial_states_the_reason(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant = register(owner, zone="Europe/Madrid")

    def reason(day: dt.date, items: list[Any]) -> Any:
        load_items(warehouse, plant, items, Window(day, day + dt.timedelta(days=1)))
        query = "SELECT problem FROM solar.coverage WHERE plant_id = %s AND day = %s"
        ((found,),) = owner.execute(query, [plant.plant_id, day]).fetchall()
        return found

    back, usual, bad = (dt.date(2019, 10, 27), dt.date(2019, 6, 3), dt.date(2019, 6, 5))
    assert "one that clocks show twice came once" in reason(back, day_of_items(back))
    assert reason(usual, day_of_items(usual)[:20]) == "20 of 24 hours came"
    spoiled = day_of_items(bad)
    spoiled[4]["observed"]["energy"] = "none"
    assert reason(bad, spoiled).startswith("23 of 24 hours are stored, others were rejected")
    assert reason(bad, day_of_items(bad)) is None


@pytest.mark.parametrize(("day", "hours"), [(dt.date(2019, 4, 7), 24), (dt.date(2019, 10, 6), 23)])
def test_days_on_which_clocks_change_by_half_an_hour(
    warehouse: Warehouse, owner: psycopg.Connection, day: dt.date, hours: int
) -> None:
    plant = register(owner, zone="Australia/Lord_Howe")
    items = day_of_items(day)
    if hours == 23:
        del items[2]
    window = Window(day, day + dt.timedelta(days=1))
    assert load_items(warehouse, plant, items, window) == (hours, hours, 0, 0)
    assert rows(owner, "SELECT status, hours_present, hours_expected FROM solar.days") == [
        ("complete", hours, hours)
    ]


def test_days_with_clocks_going_back_over_midnight_are_complete(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant = register(owner, zone="Atlantic/Azores")
    first = dt.date(2019, 10, 26)
    window = Window(first, dt.date(2019, 10, 29))
    items = items_of(window)
    items.insert(25, item("2019-10-27T00:00:00", 77.0))  # midnight twice
    assert load_items(warehouse, plant, items, window) == (73, 73, 0, 0)
    statuses_stored = rows(
        owner, "SELECT status, hours_present, hours_expected FROM solar.days ORDER BY day"
    )
    assert statuses_stored == [("complete", 24, 24), ("complete", 25, 25), ("complete", 24, 24)]
    assert rows(
        owner,
        "SELECT hours_present FROM metrics.solar_report(%s, '2019-10-26', '2019-10-29', 'day')",
        plant.plant_id,
    ) == [(24,), (25,), (24,)]


def test_a_day_skipped_by_its_zone_is_complete(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    plant = register(owner, zone="Pacific/Apia")
    window = Window(dt.date(2011, 12, 29), dt.date(2012, 1, 1))
    fail(warehouse, plant, window)
    load_items(
        warehouse, plant, day_of_items(window.first) + day_of_items(dt.date(2011, 12, 31)), window
    )
    assert list(statuses(owner, plant).values()) == ["complete"] * 3


def test_days_with_an_unreadable_time_are_not_reported_empty(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    items = items_of(THREE_DAYS)
    for one in items[24:48]:
        one["datetime"] = "02/01/2019 05:00"
    load_items(warehouse, plant, items, THREE_DAYS)
    assert list(statuses(owner, plant).values()) == ["complete", "partial", "complete"]


def test_a_truncated_response_is_requested_twice_more(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    due = []
    for number in range(4):
        now = NOW + dt.timedelta(days=number)
        load_items(warehouse, plant, day_of_items(energy=10.0 + number), THREE_DAYS, now=now)
        due += rows(owner, "SELECT count(*) FROM solar.days WHERE retry_at IS NOT NULL")
    assert due == [(2,), (2,), (0,), (0,)]


def test_a_response_with_far_too_many_items_is_rejected_unparsed(
    warehouse: Warehouse, plant: Plant
) -> None:
    with pytest.raises(PermanentFailure, match="200 items, and 192 are let pass"):
        load_items(warehouse, plant, [{}] * 200)


def test_an_outage_before_does_not_put_off_a_late_hour(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    for _ in range(8):
        fail(warehouse, plant)
    load_items(warehouse, plant, day_of_items()[:23])
    assert rows(owner, "SELECT retry_at FROM solar.days") == [(NOW + dt.timedelta(minutes=10),)]


def test_the_rejected_items_of_a_deleted_plant_are_deleted(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    other = register(owner, "other")
    for one in (plant, other):
        load_items(warehouse, one, [*day_of_items(), {"datetime": "?"}])
    owner.execute("DELETE FROM solar.plants WHERE plant_id = %s", (plant.plant_id,))
    [(key,)] = rows(owner, "SELECT record_key[1] FROM ops.quarantine")
    assert key == str(other.plant_id)
    with warehouse.engine.connect() as connection:
        assert unbalanced(connection, "solar") == []


@pytest.mark.answers("P33")
def test_an_empty_day_beside_unchanged_days_is_requested_twice_more(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    due = []
    for number in range(4):
        now = NOW + dt.timedelta(days=number)
        last = item("2019-01-03T00:00:00", float(number))
        load_items(warehouse, plant, [*day_of_items(), last], THREE_DAYS, now=now)
        due += rows(owner, "SELECT retry_at IS NOT NULL FROM solar.days WHERE status = 'empty'")
    assert due == [(True,), (True,), (False,), (False,)]


@pytest.mark.answers("P33")
def test_p33_a_year_is_written_by_few_statements(
    warehouse: Warehouse, owner: psycopg.Connection, plant: Plant
) -> None:
    from sqlalchemy import event

    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(warehouse.engine, "before_cursor_execute", note)
    year = Window(DAY, dt.date(2020, 1, 1))
    assert load_items(warehouse, plant, items_of(year), year) == (8760, 8760, 0, 0)
    assert len(said) < 20
