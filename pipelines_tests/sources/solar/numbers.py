"""Read the public numbers of solar plants from the database, in the form of the oracle."""

import datetime as dt
from collections.abc import Iterator, Mapping
from math import fsum, isclose
from typing import Any

import psycopg

from pipelines_tests.sources.solar.oracle import (
    DAY,
    Record,
    allowed_kwh,
    best_hour,
    data_completeness,
    day_losses,
    iec_performance_ratio,
    local_day,
    losses,
    money,
    not_delivered,
    operational_availability,
    performance_ratio,
    specific_yield,
    weather_adjusted_ratio,
)
from pipelines_tests.sources.solar.oracle_of_findings import (
    impossible_energy,
    soiling,
    usable_days,
)

Numbers = dict[Any, dict[str, Any]]
#: By name: the statement, and how many of its columns are the key. Nulls are left out.
QUERIES = {
    "hours": (
        (
            "SELECT plant_id, read_at, day, allowed_energy_kwh AS allowed, loss_kwh AS loss,"
            " gain_kwh AS gain, sky_kwh AS sky, outage_kwh AS outage, plant_kwh AS plant,"
            " other_kwh AS other, sensor_kwh AS sensor FROM enriched.solar_hour_losses"
        ),
        2,
    ),
    "losses": (
        (
            "SELECT plant_id, day, cause, loss_kwh AS kwh, lost_kwh AS lost, loss_amount AS amount"
            " FROM metrics.solar_losses WHERE abs(loss_kwh) >= 1e-9"
        ),
        3,
    ),
    "days": (
        (
            "SELECT plant_id, day, performance_ratio, availability, data_completeness,"
            " weather_adjusted_ratio, operational_availability, iec_performance_ratio,"
            " specific_yield_kwh_per_kwp, not_delivered_kwh, observed_amount"
            " FROM metrics.solar_daily"
        ),
        2,
    ),
    "months": (
        (
            "SELECT plant_id, period_start, performance_ratio, weather_adjusted_ratio,"
            " operational_availability, iec_performance_ratio, specific_yield_kwh_per_kwp,"
            " data_completeness, observed_amount FROM metrics.solar_periods("
            " ARRAY(SELECT plant_id FROM solar.plants), '2000-01-01',"
            " (SELECT max(day) + 1 FROM solar.days), 'month')"
            " WHERE plant_id IS NOT NULL AND period_start IS NOT NULL"
        ),
        2,
    ),
    "reports": (
        (
            "SELECT plants.plant_id, period_start::date, report.performance_ratio,"
            " weather_adjusted_ratio, operational_availability, iec_performance_ratio,"
            " specific_yield_kwh_per_kwp, data_completeness, observed_amount FROM solar.plants"
            " CROSS JOIN LATERAL (SELECT min(day) AS first, max(day) AS last FROM solar.days"
            " WHERE days.plant_id = plants.plant_id) AS days CROSS JOIN LATERAL"
            " metrics.solar_report(plants.plant_id, first, last + 1, 'month') AS report"
        ),
        2,
    ),
    "impossible hours": (
        (
            "SELECT plant_id, read_at, day, problem, best_energy_kwh AS best"
            " FROM enriched.solar_impossible_hours"
        ),
        2,
    ),
    "soiling": (
        (
            "SELECT plant_id, day, since_day, usable_days, decline_per_day_pct AS decline,"
            " t_statistic_ratio AS t FROM metrics.solar_soiling"
        ),
        2,
    ),
}
#: What a cause has to be: less is the last digit of a float, which differs by the order of steps.
LEAST_KWH = 1e-9
#: Ratios have four decimals, sums three, amounts two.
TOLERANCE = {"amount": 0.0051, "observed_amount": 0.0051, "allowed": 1e-6, "loss": 1e-6}
CAUSES = ("gain", "sky", "outage", "plant", "other", "sensor")
EXACT = (*CAUSES, "kwh", "best")


def read(owner: psycopg.Connection, name: str) -> Numbers:
    query, columns = QUERIES[name]
    cursor = owner.execute(query.encode())
    names = [column.name for column in cursor.description or ()]
    return {
        row[:columns]: _known(dict(zip(names[columns:], row[columns:], strict=True)))
        for row in cursor.fetchall()
    }


def differences(owner: psycopg.Connection, all_records: Mapping[int, Record]) -> list[str]:
    """Compare every number with the oracle; return what differs, in words."""
    return [
        f"{name} of {key}: {stored.get(key)}, not {wanted.get(key)}"
        for name, wanted in numbers(all_records).items()
        for stored in [read(owner, name)]
        for key in sorted(stored.keys() | wanted.keys(), key=str)
        if not is_same(stored.get(key), wanted.get(key))
    ]


def is_same(stored: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    if stored is None or wanted is None or stored.keys() != wanted.keys():
        return stored == wanted
    return all(_is_close(name, stored[name], wanted[name]) for name in wanted)


def _is_close(name: str, stored: Any, wanted: Any) -> bool:
    if not isinstance(wanted, float):
        return bool(stored == wanted)
    within = 1e-6 if name in EXACT else TOLERANCE.get(name, 0.00051)
    return isclose(float(stored), wanted, rel_tol=1e-9, abs_tol=within)


def numbers(all_records: Mapping[int, Record]) -> dict[str, Numbers]:
    """Return what the oracle says, by name and key; without what is null."""
    found: dict[str, Numbers] = {name: {} for name in QUERIES}
    for plant_id, record in all_records.items():
        for hour in record.hours:
            known: dict[str, Any] = {
                "day": local_day(record.plant, hour.starts_at),
                "loss": hour.expected_kwh - hour.observed_kwh,
                "allowed": allowed_kwh(record, hour),
            }
            known |= {str(cause): kwh for cause, kwh in losses(record, hour).items()}
            key = (plant_id, hour.starts_at)
            found["hours"][key] = _known(known)
            if problem := impossible_energy(record, hour):
                found["impossible hours"][key] = {
                    "day": known["day"],
                    "problem": problem,
                    "best": best_hour(record, hour),
                }
        days = [*_days(record)]
        for month in {day.replace(day=1) for day in days}:
            its = [day for day in days if day.replace(day=1) == month]
            values = _of_days(record, its[0], its[-1])
            values.pop("availability")
            found["months"][plant_id, month] = _known(values)
            found["reports"][plant_id, its[0]] = _known(values)
        for day in days:
            estimate = {"not_delivered_kwh": not_delivered(record, day)}
            found["days"][plant_id, day] = _known(_of_days(record, day, day) | estimate)
            for cause, kwh in _known({**day_losses(record, day)}).items():
                part = {"kwh": kwh, "lost": kwh if kwh > 0 else None}
                part["amount"] = money(record.plant, kwh)
                found["losses"][plant_id, day, cause] = _known(part)
        ratios = usable_days(record)
        for day in days:
            if evidence := soiling(ratios, day):
                found["soiling"][plant_id, day] = {
                    "since_day": evidence.since,
                    "usable_days": evidence.days,
                    "decline": evidence.decline_percent_per_day,
                    "t": evidence.t,
                }
    return found


def _days(record: Record) -> Iterator[dt.date]:
    """Yield the days that were requested: from the first to the last one of the history."""
    day, last = min(record.by_day), max(record.by_day)
    while day <= last:
        yield day
        day += DAY


def _of_days(record: Record, first: dt.date, last: dt.date) -> dict[str, Any]:
    hours = record.between(first, last)
    completeness = data_completeness(record, first, last)
    observed = fsum(hour.observed_kwh for hour in hours)
    return {
        "performance_ratio": performance_ratio(hours),
        "availability": completeness,
        "data_completeness": completeness,
        "weather_adjusted_ratio": weather_adjusted_ratio(record, hours),
        "operational_availability": operational_availability(record, hours),
        "iec_performance_ratio": iec_performance_ratio(record, hours),
        "specific_yield_kwh_per_kwp": specific_yield(record, hours),
        "observed_amount": money(record.plant, observed) if hours else None,
    }


def _known(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what is not null, and of causes what is more than a last digit."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and not (name in CAUSES and abs(value) < LEAST_KWH)
    }
