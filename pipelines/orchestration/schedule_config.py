"""When jobs and sensors are due: what is declared, and over it an operator's own file.

Times only, and the decorators that give them to schedules and sensors.
"""

import datetime as dt
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.utils import check_valid_name
from dagster._utils.schedules import cron_string_iterator, is_valid_cron_schedule

from pipelines.config import own_schedules, read_file
from pipelines.failures import PermanentFailure
from pipelines.source import Schedule, sources

DECLARED = "the declarations of sources"
#: Those of the platform itself.
PLATFORM_SCHEDULES = (
    Schedule(
        name="housekeeping_daily",
        job="housekeeping",
        cron="40 2 * * *",
        about="Delete what is old, such as events of runs; after how many days is in its config.",
    ),
)
BEGIN = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
YEAR = dt.timedelta(days=366)
COUNTED = dt.timedelta(days=35)
"""With weekends, the end of a month and the days on which clocks are set back."""
MANY_TICKS = 3_000
"""With so many, the year is not counted to its end."""
HOW_TO_CHANGE = (
    "To change its times: [{}.{}] in schedules.toml of ISOBAR_HOME, then start isobar ui anew."
)
MIN_SECONDS, MAX_SECONDS = 1, 86_400


@dataclass(frozen=True)
class Scheduled:
    """A job that is started by the clock."""

    name: str
    job: str
    cron: str
    zone: str
    about: str
    config: Mapping[str, Any] = field(default_factory=dict)
    is_own: bool = False

    @property
    def longest_wait(self) -> dt.timedelta:
        """The longest time from one tick to the next."""
        longest = dt.timedelta()
        ticks = cron_string_iterator(BEGIN.timestamp(), self.cron, self.zone)
        for count, (earlier, later) in enumerate(pairwise(ticks)):
            longest = max(longest, later.astimezone(dt.UTC) - earlier.astimezone(dt.UTC))
            if later - BEGIN > (YEAR if count < MANY_TICKS else COUNTED):
                break
        return longest

    @property
    def description(self) -> str:
        """What it is for, and how its time is changed."""
        return f"{self.about} {HOW_TO_CHANGE.format('schedules', self.name)}"


@dataclass(frozen=True)
class Timetable:
    """All schedules, by name, and the sensors of which an operator changed the interval."""

    schedules: Mapping[str, Scheduled]
    own_seconds: Mapping[str, int]
    file: Path | None = None

    def seconds(self, sensor: str, default: int) -> int:
        """How often a sensor looks, unless the operator said otherwise `default`."""
        return self.own_seconds.get(sensor, default)

    def refuse_unknown(self, sensors: Iterable[str], jobs: Iterable[str]) -> None:
        """Raise `PermanentFailure` for a sensor or job of the operator's file that is not ours."""
        known = sorted(sensors)
        for name in self.own_seconds:
            if name not in known:
                raise _refusal(
                    self.file, f"sensors.{name}", "is no sensor", f"There are {', '.join(known)}."
                )
        for one in self.schedules.values():
            if one.name in known:
                raise _refusal(
                    self.file, f"schedules.{one.name}", "is the name of a sensor", "Take another."
                )
            if one.job not in jobs:
                raise _refusal(
                    self.file,
                    f"schedules.{one.name}",
                    f"there is no job {one.job!r}",
                    f"Name one of {', '.join(sorted(jobs))}.",
                )


@cache
def timetable() -> Timetable:
    """What holds in this process. Raises `PermanentFailure`, which names file and line."""
    return read_timetable(own_schedules())


def longest_wait(schedule: str) -> dt.timedelta:
    """The longest time from one tick of a schedule to the next."""
    return timetable().schedules[schedule].longest_wait


def next_tick(schedule: dg.ScheduleDefinition, after: dt.datetime) -> dt.datetime:
    """The next tick of a schedule, in UTC."""
    ticks = cron_string_iterator(
        after.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone
    )
    return next(ticks).astimezone(dt.UTC)


def declared_schedule(schedule: Schedule) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the function of a schedule that decides at each tick whether to start its job."""
    return scheduled(timetable().schedules[schedule.name])


def scheduled(entry: Scheduled) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the function of a schedule, which is on by default."""
    return dg.schedule(
        name=entry.name,
        job_name=entry.job,
        cron_schedule=entry.cron,
        execution_timezone=entry.zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=entry.description,
    )


def due_sensor(
    name: str,
    *,
    seconds: int,
    job: Any = None,
    job_name: str | None = None,
    about: str | None = None,
    required_resource_keys: set[str] | None = None,
) -> Callable[[Callable[..., Any]], dg.SensorDefinition]:
    """Decorate a sensor that is on by default and looks every so many seconds.

    Its description is `about`, else its docstring, and how its interval is changed.
    """

    def decorate(function: Callable[..., Any]) -> dg.SensorDefinition:
        words = about or " ".join((function.__doc__ or "").split())
        return dg.sensor(
            name=name,
            job=job,
            job_name=job_name,
            minimum_interval_seconds=timetable().seconds(name, seconds),
            default_status=dg.DefaultSensorStatus.RUNNING,
            required_resource_keys=required_resource_keys,
            description=about_sensor(name, words),
        )(function)

    return decorate


def about_sensor(name: str, about: str) -> str:
    """The description of a sensor: what it is for, and how its interval is changed."""
    return f"{about} {HOW_TO_CHANGE.format('sensors', name)}"


def declared() -> dict[str, dict[str, Any]]:
    """The declared schedules, by name, as they would stand in an operator's file."""
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
    """What is declared, with what the file `own` says over it. Raises `PermanentFailure`."""
    ours = {"schedules": declared(), "sensors": {}}
    theirs = _read(own) if own else {}
    for kind in theirs:
        if kind not in ("schedules", "sensors"):
            raise _refusal(own, kind, "is unknown", "There are [schedules.…] and [sensors.…].")
    schedules = {}
    for name, words in _merged(ours, theirs, "schedules", own).items():
        is_own = name not in ours["schedules"]
        if not is_own and words["job"] != ours["schedules"][name]["job"]:
            raise _refusal(
                own, f"schedules.{name}", "has another job than ours", "Add one of another name."
            )
        schedules[name] = _scheduled(name, words, is_own=is_own, file=own)
    seconds = {
        name: _seconds(name, words, own)
        for name, words in _merged(ours, theirs, "sensors", own).items()
    }
    return Timetable(schedules, seconds, own)


def _merged(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], kind: str, own: Path | None
) -> dict[str, dict[str, Any]]:
    """The entries of a kind, by name: each line of theirs wins over ours."""
    entries = {name: dict(words) for name, words in ours[kind].items()}
    said = theirs.get(kind, {})
    if not isinstance(said, dict):
        raise _refusal(own, kind, "is a value", f"Write [{kind}.a_name] and its lines below.")
    for name, words in said.items():
        if not isinstance(words, dict):
            raise _refusal(own, f"{kind}.{name}", "is a value", f"Write [{kind}.{name}].")
        entries[name] = entries.get(name, {}) | words
    return entries


def _scheduled(name: str, words: dict[str, Any], *, is_own: bool, file: Path | None) -> Scheduled:
    place = f"schedules.{name}"
    words = {"zone": "UTC", "about": "A schedule of the operator's own.", "config": {}} | words
    try:
        check_valid_name(name)
    except dg.DagsterInvalidDefinitionError:
        remedy = "Take another, of letters, digits and underscores."
        raise _refusal(file, place, "is no name that Dagster takes", remedy) from None
    if unknown := sorted(words.keys() - {"job", "cron", "zone", "about", "config"}):
        raise _refusal(
            file,
            place,
            f"has an unknown {unknown[0]!r}",
            "There are job, cron, zone, about, config.",
        )
    for key, kind in (("job", str), ("cron", str), ("zone", str), ("about", str), ("config", dict)):
        if not isinstance(words.get(key), kind):
            problem = (
                f"{key} is {words[key]!r}" if key in words else f"is none of ours, and has no {key}"
            )
            raise _refusal(
                file, place, problem, 'Such as job = "housekeeping", cron = "0 5 * * *".'
            )
    if not _has_ticks(words["cron"]):
        raise _refusal(
            file,
            place,
            f"cron is {words['cron']!r}, which is no cron expression",
            "Write five fields such as 15 0 * * * (daily, 00:15) or */20 * * * *.",
        )
    try:
        json.dumps(words["config"])
    except TypeError as error:
        remedy = "Write times and dates as text, with quotation marks."
        raise _refusal(file, place, f"config has a value of no use: {error}", remedy) from None
    try:
        ZoneInfo(words["zone"])
    except (KeyError, ValueError, OSError):
        raise _refusal(
            file,
            place,
            f"zone is {words['zone']!r}, which is no time zone",
            "Write UTC, Europe/Paris or alike.",
        ) from None
    return Scheduled(name, is_own=is_own, **words)


def _has_ticks(cron: str) -> bool:
    """Whether it is an expression of any moment: the 31st of April is none."""
    try:
        return is_valid_cron_schedule(cron) and bool(
            next(cron_string_iterator(BEGIN.timestamp(), cron, "UTC"))
        )
    except ValueError:
        return False


def _seconds(name: str, words: dict[str, Any], file: Path | None) -> int:
    place, seconds = f"sensors.{name}", words.get("every_seconds")
    if words.keys() != {"every_seconds"} or type(seconds) is not int:
        raise _refusal(file, place, "is not understood", "Write every_seconds = 60.")
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise _refusal(
            file, place, f"every_seconds is {seconds}", f"Write {MIN_SECONDS} to {MAX_SECONDS}."
        )
    return seconds


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_file(file).decode())
    except (ValueError, RecursionError) as error:
        raise PermanentFailure(
            "configuration",
            f"the file of schedules cannot be read: {error}",
            place=str(file),
            remedy="Mend it, or take it away.",
        ) from error


def _refusal(file: Path | None, place: str, problem: str, remedy: str) -> PermanentFailure:
    return PermanentFailure(
        "configuration", f"{place}: {problem}", place=str(file or DECLARED), remedy=remedy
    )
