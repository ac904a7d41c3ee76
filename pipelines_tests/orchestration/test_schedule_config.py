"""When things are due: the repository's defaults, an operator's overrides, and what is rejected."""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import isolation
from pipelines.config import own_schedules
from pipelines.definitions import build_definitions, definitions
from pipelines.failures import PermanentFailure
from pipelines.orchestration.schedule_config import (
    declared,
    longest_wait,
    read_timetable,
    schedule_of,
    timetable,
)
from pipelines.source import Schedule
from pipelines_tests.command import PROJECT


def own(folder: Path, words: str) -> Path:
    file = folder / "schedules.toml"
    file.write_text(words)
    return file


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as made:
        yield made


def tick(entry: Schedule, instance: dg.DagsterInstance) -> Any:
    return schedule_of(entry)(dg.build_schedule_context(instance))


def test_p12_p61_plants_sync_once_a_day_not_every_minute() -> None:
    solar = read_timetable(None)["solar_sync"]
    assert (solar.job, solar.cron, solar.zone) == ("solar", "15 0 * * *", "UTC")
    assert longest_wait(solar) == dt.timedelta(days=1)


def test_f07_p13_operators_change_time_and_zone_in_one_file(tmp_path: Path) -> None:
    words = '[schedules.flights_daily]\ncron = "30 6 * * 1-5"\nzone = "Asia/Tashkent"\n'
    words += '[schedules.solar_sync]\ncron = "*/20 * * * *"\n'
    theirs = read_timetable(own(tmp_path, words))
    ours = read_timetable(None)
    flights = theirs["flights_daily"]
    assert (flights.job, flights.cron, flights.zone) == ("flights", "30 6 * * 1-5", "Asia/Tashkent")
    assert longest_wait(flights) == dt.timedelta(days=3)
    assert longest_wait(theirs["solar_sync"]) == dt.timedelta(minutes=20)
    assert theirs["solar_sync"].zone == "UTC"
    assert theirs["shipments_daily"] == ours["shipments_daily"]


def test_f09_an_operator_adds_a_schedule_of_his_own(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    words = (
        '[schedules.rebuild_on_sundays]\njob = "flights_rebuild"\ncron = "0 3 * * 0"\n'
        'zone = "Europe/Paris"\nabout = "Read the archive anew."\n'
        "[schedules.rebuild_on_sundays.config.ops.load_flights.config]\nread_whole = true\n"
    )
    entry = read_timetable(own(tmp_path, words))["rebuild_on_sundays"]
    schedule = schedule_of(entry)
    assert (schedule.job_name, schedule.cron_schedule) == ("flights_rebuild", "0 3 * * 0")
    assert schedule.execution_timezone == "Europe/Paris"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert str(schedule.description).startswith("Read the archive anew.")
    request = tick(entry, instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config == {"ops": {"load_flights": {"config": {"read_whole": True}}}}


def test_a_schedule_skips_while_its_job_is_running(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    solar = read_timetable(None)["solar_sync"]
    monkeypatch.setenv("ISOBAR_RUN_SECONDS", "77")
    assert tick(solar, instance).tags["dagster/max_runtime"] == "77"
    job = definitions.resolve_job_def("solar")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert tick(solar, instance) == dg.SkipReason("A run is under way.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('[schedules.solar_sync]\ncron = "every day"', "schedules.solar_sync: Found invalid cron"),
        ('[schedules.solar_sync]\nzone = "Mars/Olympus"', "Invalid execution timezone Mars"),
        ('[schedules.solar_sync]\ncrom = "0 5 * * *"', "Extra inputs"),
        ('[schedules."my own"]\njob = "flights"\ncron = "0 5 * * *"', "is not a valid name"),
        ('schedules = "none"', "it has more than [schedules.…]"),
        ('[schedules.flights_daily]\njob = "solar"', "has another job than ours"),
        ("[schedules]\nmine = 5", "schedules.mine: "),
        ('[schedules.solar_sync]\ncron = "0 0 31 4 *"', "schedules.solar_sync: "),
        (f"a = {'[' * 100_000}", "cannot be read"),
    ],
)
def test_invalid_entries_are_rejected(tmp_path: Path, words: str, message: str) -> None:
    file = own(tmp_path, words)
    with pytest.raises(PermanentFailure, match=re.escape(message)) as failed:
        read_timetable(file)
    assert str(file) in str(failed.value)
    assert "what to do: " in str(failed.value)


def test_the_operators_file_is_the_named_or_the_state_folders(tmp_path: Path) -> None:
    assert own_schedules({"ISOBAR_HOME": str(tmp_path)}) is None
    usual = own(tmp_path, "")
    assert own_schedules({"ISOBAR_HOME": str(tmp_path)}) == usual
    named = {"ISOBAR_HOME": str(tmp_path), "ISOBAR_SCHEDULES": "/etc/isobar/mine.toml"}
    assert own_schedules(named) == Path("/etc/isobar/mine.toml")


def test_every_schedule_and_sensor_is_on_and_explains_itself() -> None:
    repository = definitions.get_repository_def()
    assert {one.name for one in repository.schedule_defs} == set(timetable())
    for schedule in repository.schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        assert f"[schedules.{schedule.name}]" in str(schedule.description)
        assert schedule.execution_timezone == timetable()[schedule.name].zone
    for sensor in repository.sensor_defs:
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING, sensor.name
        assert sensor.description, sensor.name
        assert sensor.minimum_interval_seconds in range(1, 301), sensor.name


@pytest.fixture
def with_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], dg.Definitions]]:
    """The definitions of a process whose operator's file has these words."""

    def build(words: str) -> dg.Definitions:
        monkeypatch.setenv("ISOBAR_SCHEDULES", str(own(tmp_path, words)))
        timetable.cache_clear()
        return build_definitions()

    yield build
    timetable.cache_clear()
    isolation._BROKEN.clear()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("", "schedules.mine: there is no such schedule, and it names no job of its own"),
        ('job = "tides"', "schedules.mine: there is no job 'tides'"),
    ],
)
def test_an_entry_for_a_source_that_is_not_installed_stops_nothing(
    with_own: Callable[[str], dg.Definitions],
    caplog: pytest.LogCaptureFixture,
    words: str,
    problem: str,
) -> None:
    words = f'[schedules.mine]\ncron = "0 3 * * 0"\n{words}'
    names = {one.name for one in with_own(words).get_repository_def().schedule_defs}
    assert {"flights_daily", "housekeeping_daily"} <= names
    assert "mine" not in names
    assert f"schedules.toml: {problem}. The entry is ignored" in caplog.text


def test_an_asset_is_overdue_two_hours_after_the_longest_wait_for_its_schedule(
    with_own: Callable[[str], dg.Definitions],
) -> None:
    words = '[schedules.flights_daily]\ncron = "30 23 * * 1"\nzone = "Europe/Paris"'
    nodes = with_own(words).get_repository_def().asset_graph.asset_nodes
    policies: dict[str, Any] = {
        ".".join(one.key.path): one.freshness_policy for one in nodes if not one.is_external
    }
    assert None not in policies.values()
    hours = {
        name: policies[name].fail_window.to_timedelta() / dt.timedelta(hours=1)
        for name in ("flights.itineraries", "shipments.shipments", "weather.observations")
    }
    assert [*hours.values()] == [7 * 24 + 2, 24 + 2, 3 + 2]


@pytest.mark.parametrize(
    ("cron", "zone", "hours"),
    [
        ("0 5 * * *", "UTC", 24.0),
        ("*/5 8-18 * * *", "UTC", 13 + 5 / 60),
        ("*/10 9-17 * * 1-5", "UTC", 48 + 15 + 10 / 60),
        ("0 0 1 * *", "UTC", 31 * 24.0),
        ("0 6,18 1 * *", "UTC", 31 * 24.0 - 12),
        ("@monthly", "UTC", 31 * 24.0),
        ("@hourly", "UTC", 1.0),
        ("15 4 * * 1", "Europe/Paris", 7 * 24.0),
        ("0 0 * * 1#1", "UTC", 35 * 24.0),
        ("0 0 L * *", "UTC", 31 * 24.0),
        ("0 0 1,15 * *", "UTC", 17 * 24.0),
        ("0 0 10,20 * *", "Europe/Paris", 21 * 24.0),
        ("0 0 29 * *", "UTC", 59 * 24.0),
        ("0 5 * 3-11 *", "UTC", 92 * 24.0),
        ("0 0 1 1,7 *", "UTC", 184 * 24.0),
        ("0 0 1 1 *", "UTC", 366 * 24.0),
        ("0 0 30 6 *", "UTC", 366 * 24.0),
        ("0 0 29 2 *", "UTC", (4 * 365 + 1) * 24.0),
        ("* * * * *", "UTC", 1 / 60),
        ("* * 1-30 * *", "UTC", 24 + 1 / 60),
    ],
)
def test_the_longest_wait_spans_nights_and_months(cron: str, zone: str, hours: float) -> None:
    """Incident: after 14 days, a source of the 1st and the 15th was late without being late."""
    assert longest_wait(Schedule(cron=cron, zone=zone)) == dt.timedelta(hours=hours)


def test_a_schedule_of_each_minute_costs_a_start_nothing() -> None:
    begun = time.process_time()
    for cron in ("* 0-22 * * *", "*/2 * * * 1-5", "* * 1,15 * *"):
        longest_wait(Schedule(cron=cron))
    assert time.process_time() - begun < 0.2


def test_the_documented_example_is_valid(tmp_path: Path) -> None:
    page = (PROJECT / "docs/operations.md").read_text()
    (words,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    theirs = read_timetable(own(tmp_path, words))
    entries = [one for name, one in theirs.items() if name not in declared()]
    assert len(entries) == 2
    for entry in entries:
        dg.validate_run_config(definitions.resolve_job_def(entry.job), dict(entry.config))
    assert theirs["flights_daily"].zone == "Europe/Paris"


def test_a_mistake_in_the_file_breaks_no_source(with_own: Callable[[str], dg.Definitions]) -> None:
    with pytest.raises(PermanentFailure, match=r"flights_daily\.cron: .* string") as caught:
        with_own('[schedules.flights_daily]\ncron = 5\nconfig = {password = "hunter2"}')
    assert "hunter2" not in str(caught.value)
    assert isolation.broken_sources() == []
