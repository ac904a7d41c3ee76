"""When jobs are due: the schedules of declarations, and an operator's file that overrides them."""

import datetime as dt
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg

# Ticks as the daemon computes them, including clock changes; Dagster has no public function for it.
from dagster._utils.schedules import cron_string_iterator
from pydantic import BaseModel, JsonValue, ValidationError

from pipelines.config import Settings, own_schedules
from pipelines.failures import PermanentFailure
from pipelines.isolation import isolated, remark
from pipelines.orchestration import run_state
from pipelines.orchestration.patience import repeat_every
from pipelines.source import Schedule, by_seniority

#: Dagster's tag with the longest time that a run may take, in seconds.
MAX_RUNTIME_TAG = "dagster/max_runtime"
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
IGNORED = "schedules.toml: schedules.{}: {}. The entry is ignored; its source may be off."
REMEDY = (
    'Write lines such as job = "housekeeping", cron = "15 0 * * *" (daily, 00:15), zone ='
    ' "Europe/Paris" below [schedules.a_name].'
)


class Scheduled(BaseModel, extra="forbid", strict=True, frozen=True):
    """A job that starts on a schedule, as declared or as an operator's file says."""

    name: str
    job: str
    cron: str
    zone: str = "UTC"
    about: str = "A schedule of the operator's own."
    config: dict[str, JsonValue] = {}
    is_own: bool = False

    @property
    def longest_wait(self) -> dt.timedelta:
        """The longest interval between two ticks, as far as those of a week show it."""
        longest = dt.timedelta()
        for earlier, later in pairwise(self.ticks()):
            longest = max(longest, later.astimezone(dt.UTC) - earlier.astimezone(dt.UTC))
            if later > BEGIN + LOOKED_AT:
                break
        return longest

    def ticks(self) -> Iterator[dt.datetime]:
        """Yield its times, as the daemon computes them."""
        return cron_string_iterator(BEGIN.timestamp(), self.cron, self.zone)


@cache
def timetable() -> dict[str, Scheduled]:
    """Return this process's schedules. Raises `PermanentFailure`, which names file and entry."""
    return read_timetable(own_schedules())


def read_timetable(own: Path | None) -> dict[str, Scheduled]:
    """Return the declared schedules, overridden by the file `own`. Raises `PermanentFailure`."""
    schedules = declared()
    for name, words in _read(own).items() if own else ():
        ours = schedules.get(name)
        if ours is None and isinstance(words, dict) and "job" not in words:
            problem = "there is no such schedule, and it names no job of its own"
            remark(IGNORED.format(name, problem))
            continue
        given = ours.model_dump(exclude={"name", "is_own"}) if ours else {}
        try:
            schedules[name] = _accepted(
                Scheduled(name=name, is_own=ours is None, **{**given, **words}), ours
            )
        except (TypeError, ValueError) as error:
            place, said = name, str(error)
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                place = ".".join([name, *map(str, first["loc"])])
                said = first["msg"]
            raise _config_error(own, f"schedules.{place}: {said}", REMEDY) from error
    return schedules


def own_entries(jobs: Collection[str]) -> list[Scheduled]:
    """Return the operator's own schedules of these jobs; remark on those of unknown ones."""
    own = [one for one in timetable().values() if one.is_own]
    for one in own:
        if one.job not in jobs:
            remark(IGNORED.format(one.name, f"there is no job {one.job!r}"))
    return [one for one in own if one.job in jobs]


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
    words = {name: getattr(one, name) for name in ("name", "cron", "zone", "about")}
    return _accepted(Scheduled(**words, job=one.job or source, config=dict(one.config)))


def _accepted(one: Scheduled, ours: Scheduled | None = None) -> Scheduled:
    """Return it. Raises `ValueError` for what Dagster rejects, and for times that never come."""
    if ours and one.job != ours.job:
        raise ValueError("has another job than ours: use another name")
    try:
        schedule_of(one)
        next(one.ticks())
    except dg.DagsterInvalidDefinitionError as error:
        raise ValueError(str(error)) from None
    except (ValueError, OSError) as error:
        raise ValueError(f"{one.cron!r} in {one.zone!r} is never: {error}") from None
    return one


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(file.read_bytes().decode())
    except (OSError, ValueError, RecursionError) as error:
        problem = f"the file of schedules cannot be read: {error}"
        raise _config_error(file, problem, "Correct it, or remove it.") from error
    schedules = content.pop("schedules", {})
    if content or not isinstance(schedules, dict):
        raise _config_error(file, "the file has [schedules.…] alone", REMEDY)
    return schedules


def _config_error(file: Path | None, problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure("configuration", problem, place=str(file), remedy=remedy)


def schedule_of(entry: Scheduled) -> dg.ScheduleDefinition:
    """Return the schedule, on by default, that starts a job unless a run of it is under way."""
    file = f"[schedules.{entry.name}] in schedules.toml of ISOBAR_HOME"

    @dg.schedule(
        name=entry.name,
        job_name=entry.job,
        cron_schedule=entry.cron,
        execution_timezone=entry.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{entry.about} To change its times: {file}.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if run_state.has_unfinished_run(context.instance, entry.job):
            return dg.SkipReason("A run is under way.")
        tags = {MAX_RUNTIME_TAG: str(Settings.current().run_seconds)}
        return dg.RunRequest(run_config=dict(entry.config), tags=tags)

    return schedule


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
