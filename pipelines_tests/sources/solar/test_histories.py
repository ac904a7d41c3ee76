"""Each generated history has everything that plants do; the oracle agrees with itself on it."""

from datetime import date, timedelta
from math import isclose

import pytest

from pipelines_tests.sources.solar.histories import PLANTS, all_suns, history, stored_hours
from pipelines_tests.sources.solar.oracle import (
    DAY,
    allowed_kwh,
    calendar_hours,
    data_completeness,
    day_losses,
    does_sensor_work,
    local_day,
    losses,
    not_delivered,
    records,
)
from pipelines_tests.sources.solar.oracle_of_findings import impossible_energy

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_history_has_each_kind_of_case(seed: int) -> None:
    made = history(seed)
    assert made == history(seed)
    assert made.last < date(2026, 11, 20)
    stored = stored_hours(made)
    assert 7_000 < len(stored) == len({(hour.plant_id, hour.starts_at) for hour in stored})
    found: set[str] = set()
    before = records(made.plants, stored, made.suns)
    for plant_id, all_of in records(made.plants, stored, all_suns(made)).items():
        found |= {
            f"impossible: {why}" for h in all_of.hours if (why := impossible_energy(all_of, h))
        }
        for hour in all_of.hours:
            parts = losses(all_of, hour)
            missing = hour.expected_kwh - hour.observed_kwh
            assert isclose(sum(parts.values()), missing, abs_tol=1e-9)
            assert all((kwh < 0) == (cause == "gain") for cause, kwh in parts.items())
            found |= {f"loss: {cause}" for cause in parts}
            weather = all_of.suns.get(hour.starts_at)
            if not does_sensor_work(hour, weather):
                logger = "logger" if hour.observed_kwh == 0 else "sensor"
                known = "known" if allowed_kwh(all_of, hour) is not None else "unknown"
                at = "" if weather is None else " with weather"
                found.add(f"dead {logger}{at}, {known}")
            if losses(before[plant_id], hour) != parts:
                found.add("changed by late weather")
            if hour.observed_kwh == hour.observed_irradiation == 0 < hour.expected_irradiation:
                found.add("both zero: " + ", ".join(parts))
        for day in (made.first + n * DAY for n in range(40)):
            found.add("whole days" if data_completeness(all_of, day, day) == 1 else "gaps")
            if not all_of.on(day):
                found.add("missing days")
            found.add(f"day of {len(calendar_hours(all_of.plant, day))} hours")
    changes = {0: {"day of 23 hours"}, 1: {"day of 25 hours"}}.get(seed % 4, set())
    assert found == changes | {
        *("whole days", "gaps", "missing days", "day of 24 hours", "changed by late weather"),
        *(f"loss: {cause}" for cause in ("gain", "sky", "outage", "plant", "other", "sensor")),
        *(f"impossible: {why}" for why in ("above_expected", "above_sun", "watt_hours")),
        *("both zero: sky", "both zero: sensor", "dead logger, unknown"),
        *("dead logger with weather, unknown", "dead sensor, unknown"),
        *("dead sensor with weather, known", "dead sensor with weather, unknown"),
    }


def test_what_comes_later_changes_no_number_of_an_earlier_day() -> None:
    made = history(0)
    day = made.first + timedelta(days=20)
    hours, suns = stored_hours(made), all_suns(made)
    for plant_id, all_of in records(made.plants, hours, suns).items():
        kept = records(
            made.plants,
            [h for h in hours if local_day(PLANTS[h.plant_id], h.starts_at) <= day],
            [s for s in suns if local_day(PLANTS[s.plant_id], s.starts_at) <= day],
        )[plant_id]
        for each in (day - 9 * DAY, day):
            assert day_losses(kept, each) == day_losses(all_of, each)
            assert not_delivered(kept, each) == not_delivered(all_of, each)
