"""When jobs are due: the schedules of declarations, and an operator's file that overrides them."""

import datetime as dt
import tomllib
from collections.abc import Callable, Collection, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg

# Ticks as the daemon computes them, including clock changes; Dagster has no public function for it.
from dagster._utils.schedules import CroniterShim, cron_string_iterator
from pydantic import ValidationError

from pipelines.config import Settings, own_schedules
from pipelines.failures import PermanentFailure
from pipelines.isolation import WARNINGS
from pipelines.orchestration import run_state
from pipelines.orchestration.patience import repeat_every
from pipelines.source import Schedule, declared_sources

#: Dagster's tag with the longest time that a run may take, in seconds.
MAX_RUNTIME_TAG = "dagster/max_runtime"
#: The platform's own schedule.
HOUSEKEEPING = Schedule(
    name="housekeeping_daily",
    job="housekeeping",
    cron="40 2 * * *",
    about="Delete old data, such as events of runs. Its configuration has the number of days.",
)
#: A Monday. Eight days after it show each interval of schedules by weekdays and times; 26 months
#: show those of others, with and without the 29th of February.
BEGIN, WEEK, YEARS = dt.datetime(2027, 2, 1, tzinfo=dt.UTC), dt.timedelta(8), dt.timedelta(800)
DAY = dt.timedelta(days=1)
IGNORED = (
    "schedules.toml: schedules.%s: there is no %s. The entry is ignored; its source may be off."
)
REMEDY = (
    'Write lines such as job = "housekeeping", cron = "15 0 * * *" (daily, 00:15), zone ='
    ' "Europe/Paris" below [schedules.a_name].'
)


@cache
def timetable() -> dict[str, Schedule]:
    """Return this process's schedules. Raises `PermanentFailure`, which names file and entry."""
    return read_timetable(own_schedules())


def declared() -> dict[str, Schedule]:
    """Return the declared schedules by name, also those of sources that are broken."""
    of_sources = (one for source in declared_sources().values() for one in source.schedules)
    return {one.name: one for one in (HOUSEKEEPING, *of_sources)}


def read_timetable(own: Path | None) -> dict[str, Schedule]:
    """Return the declared schedules, overridden by the file `own`. Raises `PermanentFailure`."""
    schedules, place = declared(), "it cannot be read"
    try:
        for name, words in _entries(own).items() if own else ():
            place, ours = f"schedules.{name}", schedules.get(name)
            if ours is None and isinstance(words, dict) and "job" not in words:
                WARNINGS.warning(IGNORED, name, "such schedule, and it names no job of its own")
            else:
                schedules[name] = _entry(name, words, ours)
    except (TypeError, ValueError, OSError, RecursionError, dg.DagsterError) as error:
        said = str(error)
        if isinstance(error, ValidationError):  # its words have the value, perhaps a password
            wrong = error.errors(include_url=False, include_input=False)[0]
            place, said = f"{place}.{wrong['loc'][0]}", wrong["msg"]
        problem = f"{place}: {said}"
        raise PermanentFailure("configuration", problem, place=str(own), remedy=REMEDY) from error
    return schedules


def _entries(file: Path) -> dict[str, Any]:
    content = tomllib.loads(file.read_bytes().decode())
    entries = content.pop("schedules", {})
    if content or not isinstance(entries, dict):
        raise ValueError("it has more than [schedules.…]")
    return entries


def _entry(name: str, words: Any, ours: Schedule | None) -> Schedule:
    given = ours or Schedule(name=name, about="A schedule of the operator's own.", cron="")
    entry = Schedule(**{**given.model_dump(exclude={"name"}), **words, "name": name})
    schedule_of(entry)
    next(ticks(entry))
    if ours and entry.job != ours.job:
        raise ValueError("has another job than ours: use another name")
    return entry


def own_entries(jobs: Collection[str]) -> list[Schedule]:
    """Return the operator's own schedules of these jobs; log those of unknown ones."""
    ours = declared()
    own = [one for name, one in timetable().items() if name not in ours]
    for one in own:
        if one.job not in jobs:
            WARNINGS.warning(IGNORED, one.name, f"job {one.job!r}")
    return [one for one in own if one.job in jobs]


def ticks(one: Schedule) -> Iterator[dt.datetime]:
    """Yield the times of a schedule, as the daemon computes them."""
    return cron_string_iterator(BEGIN.timestamp(), one.cron, one.zone)


def longest_wait(one: Schedule) -> dt.timedelta:
    """Return the longest interval between two ticks, by a clock that nobody puts forward or back.

    It is between two times of a day, or from the last one of a day to the first one of another.
    """
    return _longest_wait(one.cron)


@cache
def _longest_wait(cron: str) -> dt.timedelta:
    (minutes, hours, *days), numbered = CroniterShim.expand(cron)
    times = [
        dt.timedelta(hours=hour, minutes=minute)
        for hour in (range(24) if hours == ["*"] else hours)
        for minute in (range(60) if minutes == ["*"] else minutes)
    ]
    longest = DAY
    if days != [["*"]] * 3:
        midnights = " ".join(["0 0", *cron.split()[2:]]) if " " in cron else cron  # as @monthly
        is_weekly = days[:2] == [["*"]] * 2 and not numbered
        until = BEGIN + (WEEK if is_weekly else YEARS)
        longest = dt.timedelta()
        for earlier, later in pairwise(cron_string_iterator(BEGIN.timestamp(), midnights, "UTC")):
            longest = max(longest, later - earlier)
            if later > until:
                break
    nights = [longest - times[-1] + times[0]]
    return max(nights + [later - earlier for earlier, later in pairwise(times)])


def schedule_of(entry: Schedule) -> dg.ScheduleDefinition:
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

    Its description is `about`, else its docstring. With `polls_once`, each tick is recorded. `more`
    is passed to `dagster.sensor`.
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
