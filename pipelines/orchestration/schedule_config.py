"""When jobs and sensors are due: declared schedules, overridden by an operator's file.

Only times, and the decorators that assign them to schedules and sensors.
"""

import datetime as dt
import tomllib
from collections.abc import Callable, Collection, Container, Iterable, Mapping
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
from pipelines.isolation import isolated, remark
from pipelines.orchestration.patience import repeat_every
from pipelines.source import Schedule, by_seniority

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
IGNORED = "{}: {}: {}. The entry is ignored; its source may be off or not installed."
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


#: Keys with which an entry may override a schedule; one of the operator's own has a job as well.
OVERRIDES = Entry.model_fields.keys() - {"job"}


class Scheduled(Entry, frozen=True):
    """A job that starts on a schedule."""

    name: str
    is_own: bool = False
    #: Whether the operator's file changes it.
    is_changed: bool = False

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

    def own_schedules(self, sensors: Collection[str], jobs: Collection[str]) -> list[Scheduled]:
        """Return the operator's own schedules; remark on unknown sensors and jobs.

        They may be those of a source that is not installed or switched off. Raises
        `PermanentFailure` for a schedule with the name of a sensor.
        """
        for name in self.own_seconds:
            if name not in sensors:
                self._ignore(f"sensors.{name}", "there is no such sensor")
        found = []
        for one in self.schedules.values():
            place = f"schedules.{one.name}"
            if not one.is_own:
                continue
            if one.name in sensors:
                raise _config_error(self.file, place, "is the name of a sensor", "Choose another.")
            if one.job in jobs:
                found.append(one)
            else:
                self._ignore(place, f"there is no job {one.job!r}")
        return found

    def _ignore(self, place: str, problem: str) -> None:
        assert self.file is not None
        remark(IGNORED.format(original_schedules(self.file), place, problem))


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
    """Return the declared schedules by name, as they would appear in an operator's file.

    A source with an invalid one, or with one whose name is taken, is switched off.
    """
    found = _entries("", PLATFORM_SCHEDULES, {})
    for source in by_seniority():
        with isolated(source.name, "its schedules", source.package):
            found |= _entries(source.name, source.schedules, found)
    return found


def _entries(
    source: str, schedules: Iterable[Schedule], taken: Container[str]
) -> dict[str, dict[str, Any]]:
    """Return declared schedules as entries of a file. Raises `ValueError` for an invalid one."""
    found: dict[str, dict[str, Any]] = {}
    for one in schedules:
        if one.name in taken or one.name in found:
            raise ValueError(f"another schedule is called {one.name!r}")
        found[one.name] = {
            "job": one.job or source,
            "cron": one.cron,
            "zone": one.zone,
            "about": one.about,
            "config": dict(one.config),
        }
        try:
            OwnFile.model_validate({"schedules": {one.name: found[one.name]}})
        except ValidationError as error:
            first = error.errors()[0]
            text = first["msg"].removeprefix("Value error, ")
            raise ValueError(f"{one.name}: {first['input']!r}: {text}") from error
    return found


def read_timetable(own: Path | None) -> Timetable:
    """Return the declared timetable, overridden by the file `own`. Raises `PermanentFailure`."""
    ours, theirs = declared(), _read(own) if own else {}
    schedules = theirs.get("schedules", {})
    changed: dict[str, Any] = {}
    if isinstance(schedules, dict):  # each key of theirs overrides ours
        for name, words in schedules.items():
            is_entry = isinstance(words, dict)
            if own and is_entry and name not in ours and words.keys() <= OVERRIDES:
                problem = "there is no such schedule, and it names no job of its own"
                remark(IGNORED.format(original_schedules(own), f"schedules.{name}", problem))
                continue
            changed[name] = {**ours.get(name, {}), **words} if is_entry else words
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
        raise _config_error(own, place, problem, REMEDY) from error
    for name, entry in read.schedules.items():
        if name in ours and entry.job != ours[name]["job"]:
            remedy = "Add one of another name."
            raise _config_error(own, f"schedules.{name}", "has another job than ours", remedy)
    return Timetable(
        {
            name: Scheduled(
                name=name, is_own=name not in ours, is_changed=name in changed, **dict(entry)
            )
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
