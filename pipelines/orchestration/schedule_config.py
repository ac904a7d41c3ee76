"""When jobs are due: the schedules of declarations, and an operator's file that overrides them."""

import datetime as dt
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg

# Ticks as the daemon computes them, including clock changes; Dagster has no public function for it.
from dagster._utils.schedules import cron_string_iterator
from pydantic import BaseModel, JsonValue, ValidationError

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
#: A time before a month of 31 days, and how long its ticks are looked at.
BEGIN, LOOKED_AT = dt.datetime(2026, 10, 1, tzinfo=dt.UTC), dt.timedelta(days=8)
HOW_TO_CHANGE = "To change its times: [schedules.{}] in schedules.toml of ISOBAR_HOME."
IGNORED = "{}: schedules.{}: {}. The entry is ignored; its source may be off or not installed."
REMEDY = (
    'Write lines such as job = "housekeeping", cron = "15 0 * * *" (daily, 00:15), zone ='
    ' "Europe/Paris" below [schedules.a_name].'
)


class Entry(BaseModel, extra="forbid", strict=True, frozen=True):
    """A schedule's entry in the file."""

    job: str
    cron: str
    zone: str = "UTC"
    about: str = "A schedule of the operator's own."
    config: dict[str, JsonValue] = {}


class Scheduled(Entry, frozen=True):
    """A job that starts on a schedule."""

    name: str
    is_own: bool = False
    #: Whether the operator's file changes it.
    is_changed: bool = False

    @property
    def longest_wait(self) -> dt.timedelta:
        """The longest interval between two ticks, as far as those of a week show it."""
        return _longest_wait(self.cron, self.zone)

    @property
    def description(self) -> str:
        """The schedule's purpose, and how to change its time."""
        return f"{self.about} {HOW_TO_CHANGE.format(self.name)}"


@cache
def _longest_wait(cron: str, zone: str) -> dt.timedelta:
    longest = dt.timedelta()
    for earlier, later in pairwise(cron_string_iterator(BEGIN.timestamp(), cron, zone)):
        longest = max(longest, later.astimezone(dt.UTC) - earlier.astimezone(dt.UTC))
        if later > BEGIN + LOOKED_AT:
            break
    return longest


@dataclass(frozen=True)
class Timetable:
    """All schedules by name."""

    schedules: Mapping[str, Scheduled]
    file: Path | None = None

    def own_schedules(self, jobs: Collection[str]) -> list[Scheduled]:
        """Return the operator's own schedules; remark on those of unknown jobs."""
        own = [one for one in self.schedules.values() if one.is_own]
        for one in own:
            if self.file and one.job not in jobs:
                file = original_schedules(self.file)
                remark(IGNORED.format(file, one.name, f"there is no job {one.job!r}"))
        return [one for one in own if one.job in jobs]


@cache
def timetable() -> Timetable:
    """Return this process's schedules. Raises `PermanentFailure`, which names file and entry."""
    return read_timetable(own_schedules())


def read_timetable(own: Path | None) -> Timetable:
    """Return the declared schedules, overridden by the file `own`. Raises `PermanentFailure`."""
    schedules = declared()
    if own is None:
        return Timetable(schedules)
    for name, words in _read(own).items():
        ours = schedules.get(name)
        if ours is None and isinstance(words, dict) and "job" not in words:
            problem = "there is no such schedule, and it names no job of its own"
            remark(IGNORED.format(original_schedules(own), name, problem))
            continue
        given = {one: getattr(ours, one) for one in Entry.model_fields} if ours else {}
        try:
            entry = Entry.model_validate({**given, **words} if isinstance(words, dict) else words)
            if ours and entry.job != ours.job:
                raise _config_error(own, name, "has another job than ours", "Use another name.")
            schedules[name] = _accepted(
                Scheduled(**dict(entry), name=name, is_own=ours is None, is_changed=True)
            )
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join([name, *map(str, first["loc"])])
            raise _config_error(own, place, first["msg"]) from error
        except ValueError as error:
            raise _config_error(own, name, str(error)) from error
    return Timetable(schedules, own)


def declared() -> dict[str, Scheduled]:
    """Return the declared schedules by name; a source with an invalid one is switched off."""
    found = {one.name: _scheduled("", one) for one in PLATFORM_SCHEDULES}
    for source in by_seniority():
        with isolated(source.name, "its schedules", source.package):
            mine = {one.name: _scheduled(source.name, one) for one in source.schedules}
            if taken := found.keys() & mine.keys():
                raise ValueError(f"another schedule is called {min(taken)!r}")
            found |= mine
    return found


def _scheduled(source: str, one: Schedule) -> Scheduled:
    entry = Scheduled(
        name=one.name,
        job=one.job or source,
        cron=one.cron,
        zone=one.zone,
        about=one.about,
        config=dict(one.config),
    )
    return _accepted(entry)


def _accepted(one: Scheduled) -> Scheduled:
    """Return it. Raises `ValueError` for what Dagster rejects, and for times that never come."""
    try:
        schedule = dg.ScheduleDefinition(
            name=one.name,
            job_name=one.job,
            cron_schedule=one.cron,
            execution_timezone=one.zone,
        )
        next_tick(schedule, BEGIN)
    except dg.DagsterInvalidDefinitionError as error:
        raise ValueError(str(error)) from None
    except (ValueError, OSError) as error:
        raise ValueError(f"{one.cron!r} in {one.zone!r} is never: {error}") from None
    return one


def _read(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(read_file(file).decode())
    except (ValueError, RecursionError) as error:
        raise PermanentFailure(
            "configuration",
            f"the file of schedules cannot be read: {error}",
            place=str(original_schedules(file)),
            remedy="Correct it, or remove it.",
        ) from error
    schedules = content.pop("schedules", {})
    if content or not isinstance(schedules, dict):
        raise _config_error(file, min(content, default="it"), "the file has [schedules.…] alone")
    return schedules


def _config_error(file: Path, place: str, problem: str, remedy: str = REMEDY) -> PermanentFailure:
    where = str(original_schedules(file))
    return PermanentFailure(
        "configuration", f"schedules.{place}: {problem}", place=where, remedy=remedy
    )


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

    Its description is `about`, else its docstring. A tick continues to poll until it finds
    something. With `polls_once` it polls once, for sensors whose every tick has to be recorded.
    `more` is passed to `dagster.sensor`.
    """

    def decorate(function: Callable[..., Any]) -> dg.SensorDefinition:
        return dg.sensor(
            name=name,
            minimum_interval_seconds=seconds,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=about or " ".join((function.__doc__ or "").split()),
            **more,
        )(function if polls_once else repeat_every(seconds, function))

    return decorate
