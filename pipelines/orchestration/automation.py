"""Automation conditions and freshness policies, assigned to every asset."""

import datetime as dt

import dagster as dg
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from pipelines.config import Settings
from pipelines.orchestration.asset_metadata import REFRESHED_BY_SENSOR, is_external
from pipelines.orchestration.schedule_config import sensor_options, timetable
from pipelines.source import Source, is_plugin
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.failing_views import note_failing_views
from pipelines.warehouse.tables import sources

#: Longest duration of a run (dagster.yaml), including retries.
GRACE = dt.timedelta(hours=2)
#: Unlike `eager`, it does not wait for sources without data, which may be off permanently.
FOLLOWS = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("an upstream asset has changed, and no run is in progress")

derived_assets = dg.AutomationConditionSensorDefinition(
    "derived_assets",
    target=dg.AssetSelection.all(),
    **sensor_options(
        "derived_assets",
        30,
        "Refresh derived assets after a change outside of their own job: data of another source, a"
        " materialisation by hand, or a killed run.",
    ),
)


def automated(source: Source, spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return an asset of a source with its freshness policy and automation condition.

    External assets have neither. One of a plug-in's own definitions keeps its condition.
    """
    if is_external(spec.key):
        return spec
    name = ".".join(spec.key.path)
    job = source.asset_jobs.get(name)
    is_derived = name in source.view_assets or spec.key.path[0] == "metrics"
    follows = is_derived and job is None and not REFRESHED_BY_SENSOR.items() <= spec.tags.items()
    return spec.replace_attributes(
        freshness_policy=_freshness(source, job),
        automation_condition=FOLLOWS if follows else spec.automation_condition,
    )


def _freshness(source: Source, job: str | None) -> dg.FreshnessPolicy | None:
    """Return the freshness policy: it warns after half of the grace period, and fails after it."""
    within = due_within(source, job)
    if within is None:
        return None
    return dg.FreshnessPolicy.time_window(warn_window=within - GRACE / 2, fail_window=within)


def promised_wait(source: Source, job: str | None = None) -> dt.timedelta | None:
    """Return the longest interval between runs of a job, by default the source's own.

    None for a source that is off or has no schedule.
    """
    is_on = source.settings.is_set_up(Settings.current())
    mine = [one for one in source.schedules if (one.job or source.name) == (job or source.name)]
    if not is_on or not mine:
        return None
    return timetable().schedules[mine[0].name].longest_wait + mine[0].skips_for


def due_within(source: Source, job: str | None = None) -> dt.timedelta | None:
    """Return after how long without a success a job is overdue; None if it has no schedule."""
    wait = promised_wait(source, job)
    return None if wait is None else wait + GRACE


def note_checked(store: Warehouse, source: Source, run_id: str) -> None:
    """Record that a run has checked a source for new data, and by when the next one is due.

    `metrics.freshness` shows it. Only a run that has received everything calls this: not one that
    failed in part, that was for a part, or whose source is off.
    """
    values = {
        "source": source.name,
        "checked_at": func.clock_timestamp(),
        "expected_within": due_within(source),
        "run_id": run_id,
    }
    changed = {name: value for name, value in values.items() if name != "source"}
    checked = insert(sources).values(values)
    with store.engine.begin() as connection:
        connection.execute(checked.on_conflict_do_update(index_elements=["source"], set_=changed))
    if is_plugin(source):  # its view `newest` must not take the freshness of the others with it
        note_failing_views(store, "ops.newest", source.name)
