"""Solar plants: the answers are recomputed in Python from the responses."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from pipelines.sources.solar.load import Plant
from pipelines_tests.cookbook import known_solar
from pipelines_tests.cookbook.answers import Answer, of
from pipelines_tests.cookbook.known_solar import HAVEL, SIERRA, local, sent_hours, values

DAY = dt.timedelta(days=1)


def energy(plant: Plant, hours: Iterable[dt.datetime]) -> tuple[int, int]:
    expected = [values(plant, at) for at in hours]
    return sum(one.expected_kwh for one in expected), sum(one.observed_kwh for one in expected)


def test_solar_energy(answer: Answer) -> None:
    plants = answer("Which plants are there")
    assert of(plants, "name", "time_zone") == [(one.name, one.zone) for one in (SIERRA, HAVEL)]
    hourly = answer("What did a plant expect")
    at_ten = [at for at in sent_hours(SIERRA) if f"{local(SIERRA, at)}" == "2026-11-01 10:00:00"]
    assert [tuple(row.values())[1:] for row in hourly[:1]] == [values(SIERRA, at_ten[0])[:4]]
    assert [row["period_start"].hour for row in hourly] == [10, 11, 12, 13, 14]
    for row in answer("What did several plants"):
        plant = {1: SIERRA, 2: HAVEL}[row["plant_id"]]
        hours = [at for at in sent_hours(plant) if local(plant, at).date() == row["day"]]
        sums = (row["expected_energy_kwh"], row["observed_energy_kwh"])
        assert sums == energy(plant, hours)
        assert row["hours_present"] == len(hours)
        assert row["hours_expected"] == (25 if row["day"] == dt.date(2026, 10, 25) else 24)
    empty, *months = answer("What did a plant make, month")
    assert of([empty], "observed_energy_kwh", "hours_present") == [(None, 0)]
    for row in months:
        hours = [
            at
            for at in sent_hours(SIERRA)
            if local(SIERRA, at).date().replace(day=1) == row["month"]
        ]
        expected, observed = energy(SIERRA, hours)
        assert row["observed_energy_kwh"] == observed
        assert float(row["performance_ratio"]) == round(observed / expected, 4)


def test_solar_gaps_and_faults(answer: Answer) -> None:
    october = [dt.date(2026, 10, day) for day in range(1, 32)]
    gaps = answer("What is missing")
    assert of(gaps, "plant_name", "status", "first_day", "last_day", "hours_missing") == [
        ("Havel North", "partial", known_solar.LOST[0], known_solar.LOST[0], 3),
        ("Havel North", "failed", known_solar.AWAY, known_solar.AWAY, 24),
        ("Havel North", "not requested", october[0], october[3], 4 * 24),
    ]
    assert gaps[1]["problem"] == known_solar.PROBLEM
    havel, *sierra = answer("How much of each month")
    hours = [at for at in sent_hours(HAVEL) if local(HAVEL, at).month == 10]
    assert float(havel["complete"]) == round(len(hours) / (31 * 24 + 1), 3)
    assert (havel["days_failed"], havel["days_not_requested"]) == (1, 4)
    assert of(sierra, "complete") == [1, 1]
    health = {row["plant_name"]: row for row in answer("How is each plant doing")}
    for plant in (SIERRA, HAVEL):
        last = [
            at for at in sent_hours(plant) if local(plant, at).date() >= known_solar.END - 7 * DAY
        ]
        expected, observed = energy(plant, last)
        ratio = health[plant.name]["performance_ratio_7_days"]
        assert float(ratio) == round(observed / expected, 4)
    assert health[HAVEL.name]["sensor_issues"] == ["production at night in 3 hours"]
    assert health[SIERRA.name]["sensor_issues"] == []
    causes: Counter[str] = Counter()
    for at in sent_hours(SIERRA):
        day, hour = local(SIERRA, at).date(), local(SIERRA, at).hour
        if day.month == 10 and values(SIERRA, at).expected_wh_per_m2 >= 50:
            causes["sky"] += day in known_solar.CLOUDY
            causes["sensor"] += day == known_solar.BLIND[0] and hour in known_solar.BLIND[1]
            causes["plant"] += day == known_solar.TRIPPED[0] and hour in known_solar.TRIPPED[1]
    low = {row["low_yield_cause"]: row["hours"] for row in answer("What made hours")}
    assert low == causes
    lost = {(row["plant_name"], row["cause"]): row for row in answer("How much energy did each")}
    by_cause = dict.fromkeys(("sky", "plant"), 0.0)
    for at in sent_hours(SIERRA):
        day, hour, of_hour = local(SIERRA, at).date(), local(SIERRA, at).hour, values(SIERRA, at)
        less = of_hour.expected_kwh - of_hour.observed_kwh
        if day <= known_solar.END - 31 * DAY or not of_hour.expected_kwh:
            continue
        if day == known_solar.TRIPPED[0] and hour in known_solar.TRIPPED[1]:
            by_cause["plant"] += less
        else:
            is_blind = day == known_solar.BLIND[0] and hour in known_solar.BLIND[1]
            seen = of_hour.model_w_per_m2 if is_blind else of_hour.observed_wh_per_m2
            share = seen / of_hour.expected_wh_per_m2
            by_cause["sky"] += of_hour.expected_kwh * (1 - share)
    for cause, kwh in by_cause.items():
        assert abs(float(lost[SIERRA.name, cause]["lost_kwh"]) - kwh) < 0.1, cause
    assert not any(cause in ("soiling", "outage", "sensor") for _, cause in lost)
    assert lost[HAVEL.name, "not delivered"]["days"] == 2
    words = answer("Where did the service change")
    assert [(local(SIERRA, row["read_at"]).hour, row["before_kwh"]) for row in words] == [
        (hour, 0) for hour in known_solar.CORRECTED[1]
    ]
    assert of(words, "now_kwh") == [values(SIERRA, row["read_at"]).observed_kwh for row in words]
    syncs = answer("How long did the last sync")
    assert [row["took"].seconds for row in syncs] == [14, 9]
