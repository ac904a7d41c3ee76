"""Automation conditions and freshness policies, assigned to every asset."""

import datetime as dt

import dagster as dg
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from pipelines.config import Settings
from pipelines.orchestration.asset_metadata import REFRESHED_BY_SENSOR, is_external
from pipelines.orchestration.schedule_config import longest_wait, timetable
from pipelines.source import Source
from pipelines.warehouse.connection import Warehouse
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
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Refresh derived assets after a change outside of their own job: data of another"
    " source, a materialisation by hand, or a killed run.",
)


def automated(
    source: Source, spec: dg.AssetSpec, freshness: dg.FreshnessPolicy | None
) -> dg.AssetSpec:
    """Return an asset with its freshness policy and, if it is derived, our automation condition."""
    if is_external(spec.key):
        return spec
    name = ".".join(spec.key.path)
    is_derived = name in source.view_assets or spec.key.path[0] == "metrics"
    follows = is_derived and not REFRESHED_BY_SENSOR.items() <= spec.tags.items()
    return spec.replace_attributes(
        freshness_policy=freshness,
        automation_condition=FOLLOWS if follows else spec.automation_condition,
    )


def freshness_of(source: Source) -> dg.FreshnessPolicy | None:
    """Return the freshness policy: a run has to refresh an asset in time, as `due_within` says."""
    within = due_within(source)
    if within is None:
        return None
    return dg.FreshnessPolicy.time_window(warn_window=within - GRACE / 2, fail_window=within)


def due_within(source: Source) -> dt.timedelta | None:
    """Return after how long a source is overdue; None if it is off, or its job has no schedule."""
    mine = [one for one in source.schedules if one.job == source.name]
    if not (mine and source.settings.is_set_up(Settings.current())):
        return None
    return longest_wait(timetable()[mine[0].name]) + GRACE


def note_checked(store: Warehouse, source: Source, run_id: str) -> None:
    """Record that a run has received everything there was, and by when the next one is due."""
    values = {
        "source": source.name,
        "checked_at": func.clock_timestamp(),
        "expected_within": due_within(source),
        "run_id": run_id,
    }
    checked = insert(sources).values(values)
    with store.engine.begin() as connection:
        connection.execute(checked.on_conflict_do_update(index_elements=["source"], set_=values))
