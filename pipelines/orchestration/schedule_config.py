"""When jobs and sensors are due: declared schedules, overridden by an operator's file.

Only times, and the decorators that assign them to schedules and sensors.
"""

import datetime as dt
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import dagster as dg

# Ticks as the daemon computes them, including clock changes; Dagster has no public function for it.
from dagster._utils.schedules import cron_string_iterator, is_valid_cron_schedule
from pydantic import AfterValidator, BaseModel, Field, JsonValue, ValidationError

from pipelines.config import original_schedules, own_schedules, read_file
from pipelines.failures import PermanentFailure
from pipelines.orchestration.patience import repeat_every
from pipelines.source import Schedule, sources

#: Schedules of the platform itself.
PLATFORM_SCHEDULES = (
    Schedule(
        name="housekeeping_daily",
        job="housekeeping",
        cron="40 2 * * *",
        about="Delete old data, such as events of runs. Its configuration has the number of days.",
    ),
)
BEGIN = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
WEEK, YEAR = dt.timedelta(days=8), dt.timedelta(days=366)
#: Long enough to include weekends, the end of a month and the days when clocks change.
COUNTED = dt.timedelta(days=35)
#: With this many ticks, the rest of the year is not examined.
MANY_TICKS = 3_000
HOW_TO_CHANGE = (
    "To change its times: [{}.{}] in schedules.toml of ISOBAR_HOME, then start isobar ui anew."
)
REMEDY = (
    'Write lines such as job = "housekeeping", cron = "15 0 * * *" (daily, 00:15), zone ='
    ' "Europe/Paris" below [schedules.a_name], and every_seconds = 60 below [sensors.its_name].'
)


def _name(name: str) -> str:
    try:
        dg.ScheduleDefinition(name=name, job_name="any", cron_schedule="0 5 * * *")
    except dg.DagsterInvalidDefinitionError:
        raise ValueError("is not a name that Dagster accepts") from None
    return name


def _cron(cron: str) -> str:
    """Validate a cron expression that has ticks at all: the 31st of April has none."""
    try:
        has_ticks = is_valid_cron_schedule(cron) and next(
            cron_string_iterator(BEGIN.timestamp(), cron, "UTC")
        )
    except ValueError:
        has_ticks = False
    if not has_ticks:
        raise ValueError("is not a cron expression")
    return cron


def _zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError("is not a time zone") from None
    return zone


class Entry(BaseModel, extra="forbid", strict=True, frozen=True):
    """A schedule's entry in the file."""

    job: str
    cron: Annotated[str, AfterValidator(_cron)]
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    about: str = "A schedule of the operator's own."
    config: dict[str, JsonValue] = {}


class Scheduled(Entry, frozen=True):
    """A job that starts on a schedule."""

    name: str
    is_own: bool = False

    @property
    def longest_wait(self) -> dt.timedelta:
        """The longest interval between two ticks."""
        return _longest_wait(self.cron, self.zone)

    @property
    def description(self) -> str:
        """The schedule's purpose, and how to change its time."""
        return f"{self.about} {HOW_TO_CHANGE.format('schedules', self.name)}"


@cache
def _longest_wait(cron: str, zone: str) -> dt.timedelta:
    longest = dt.timedelta()
    is_alike_each_week = zone == "UTC" and cron.split()[2:4] == ["*", "*"]
    most, least = (WEEK, WEEK) if is_alike_each_week else (YEAR, COUNTED)
    ticks = cron_string_iterator(BEGIN.timestamp(), cron, zone)
    for count, (earlier, later) in enumerate(pairwise(ticks)):
        longest = max(longest, later.astimezone(dt.UTC) - earlier.astimezone(dt.UTC))
        if later - BEGIN > (most if count < MANY_TICKS else least):
            break
    return longest


class Interval(BaseModel, extra="forbid", strict=True):
    """A sensor's entry in the file."""

    every_seconds: int = Field(ge=1, le=86_400)


class OwnFile(BaseModel, extra="forbid", strict=True):
    """An operator's schedules file."""

    schedules: dict[Annotated[str, AfterValidator(_name)], Entry] = {}
    sensors: dict[str, Interval] = {}


@dataclass(frozen=True)
class Timetable:
    """All schedules by name, and the sensor intervals that an operator changed."""

    schedules: Mapping[str, Scheduled]
    own_seconds: Mapping[str, int]
    file: Path | None = None

    def seconds(self, sensor: str, default: int) -> int:
        """Return a sensor's interval: the operator's, else `default`."""
        return self.own_seconds.get(sensor, default)

    def reject_unknown(self, sensors: Iterable[str], jobs: Iterable[str]) -> None:
        """Raise `PermanentFailure` if the operator's file names an unknown sensor or job."""
        known = sorted(sensors)
        for name in self.own_seconds:
            if name not in known:
                remedy = f"There are {', '.join(known)}."
                raise _config_error(self.file, f"sensors.{name}", "there is no such sensor", remedy)
        for one in self.schedules.values():
            place = f"schedules.{one.name}"
            if one.name in known:
                raise _config_error(self.file, place, "is the name of a sensor", "Choose another.")
            if one.job not in jobs:
                remedy = f"Name one of {', '.join(sorted(jobs))}."
                raise _config_error(self.file, place, f"there is no job {one.job!r}", remedy)


@cache
def timetable() -> Timetable:
    """Return this process's schedules. Raises `PermanentFailure`, which names file and entry."""
    return read_timetable(own_schedules())


def next_tick(schedule: dg.ScheduleDefinition, after: dt.datetime) -> dt.datetime:
    """Return the next tick of a schedule, in UTC."""
    ticks = cron_string_iterator(
        after.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone
    )
    return next(ticks).astimezone(dt.UTC)


def declared_schedule(schedule: Schedule) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the function of a schedule that decides at each tick whether to start its job."""
    return scheduled(timetable().schedules[schedule.name])


def scheduled(entry: Scheduled) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the function of a schedule that is on by default."""
    return dg.schedule(
        name=entry.name,
        job_name=entry.job,
        cron_schedule=entry.cron,
        execution_timezone=entry.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=entry.description,
    )


def due_sensor(
    name: str, *, seconds: int, about: str | None = None, polls_once: bool = False, **more: Any
) -> Callable[[Callable[..., Any]], dg.SensorDefinition]:
    """Decorate a sensor that is on by default and polls at an interval.

    Its description is `about`, else its docstring, followed by how to change the interval. A tick
    continues to poll until it finds something. With `polls_once` it polls once, for sensors whose
    every tick has to be recorded. `more` is passed to `dagster.sensor`.
    """

    def decorate(function: Callable[..., Any]) -> dg.SensorDefinition:
        words = about or " ".join((function.__doc__ or "").split())
        often = timetable().seconds(name, seconds)
        evaluate = function if polls_once else repeat_every(often, function)
        return dg.sensor(name=name, **sensor_options(name, seconds, words), **more)(evaluate)

    return decorate


def sensor_options(name: str, seconds: int, about: str) -> dict[str, Any]:
    """Return the options of all sensors: on by default, interval, and how to change it."""
    return {
        "minimum_interval_seconds": timetable().seconds(name, seconds),
        "default_status": dg.DefaultSensorStatus.RUNNING,
        "description": f"{about} {HOW_TO_CHANGE.format('sensors', name)}",
    }


def declared() -> dict[str, dict[str, Any]]:
    """Return the declared schedules by name, as they would appear in an operator's file."""
    found = [(source.name, one) for source in sources().values() for one in source.schedules]
    found += [("", one) for one in PLATFORM_SCHEDULES]
    return {
        one.name: {
            "job": one.job or source,
            "cron": one.cron,
            "zone": one.zone,
            "about": one.about,
            "config": dict(one.config),
        }
        for source, one in found
    }


def read_timetable(own: Path | None) -> Timetable:
    """Return the declared timetable, overridden by the file `own`. Raises `PermanentFailure`."""
    ours, theirs = declared(), _read(own) if own else {}
    schedules = theirs.get("schedules", {})
    if isinstance(schedules, dict):  # each key of theirs overrides ours
        changed = {
            name: {**ours.get(name, {}), **words} if isinstance(words, dict) else words
            for name, words in schedules.items()
        }
        theirs["schedules"] = {**ours, **changed}
    try:
        read = OwnFile.model_validate(theirs)
    except ValidationError as error:
        errors = error.errors()  # a mistyped key first, not the missing one that it stands for
        first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")
        text = first["msg"].removeprefix("Value error, ")
        is_short = isinstance(first["input"], str | int | float)
        problem = f"{first['input']!r}: {text}" if is_short else text
        if first["type"] == "extra_forbidden":
            problem = "there is no such key"
        if first["type"] == "missing" and first["loc"][0] == "schedules":
            problem = "it is missing, and Isobar has no schedule of this name to override"
        raise _config_error(own, place, problem, REMEDY) from error
    for name, entry in read.schedules.items():
        if name in ours and entry.job != ours[name]["job"]:
            remedy = "Add one of another name."
            raise _config_error(own, f"schedules.{name}", "has another job than ours", remedy)
    return Timetable(
        {
            name: Scheduled(name=name, is_own=name not in ours, **dict(entry))
            for name, entry in read.schedules.items()
        },
        {name: one.every_seconds for name, one in read.sensors.items()},
        own,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_file(file).decode())
    except (ValueError, RecursionError) as error:
        raise PermanentFailure(
            "configuration",
            f"the file of schedules cannot be read: {error}",
            place=str(original_schedules(file)),
            remedy="Correct it, or remove it.",
        ) from error


def _config_error(file: Path | None, place: str, problem: str, remedy: str) -> PermanentFailure:
    where = str(original_schedules(file) if file else "the declarations of sources")
    return PermanentFailure("configuration", f"{place}: {problem}", place=where, remedy=remedy)
