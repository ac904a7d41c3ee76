"""All Dagster definitions: those of every source and of the platform."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from pipelines.config import Settings
from pipelines.isolation import broken_sources, isolated, report_to_log
from pipelines.orchestration.automation import derived_assets
from pipelines.orchestration.jobs import definitions_of
from pipelines.orchestration.operations.alert_sensor import alerts
from pipelines.orchestration.operations.housekeeping import housekeeping, orphaned_runs
from pipelines.orchestration.resources import WarehouseResource
from pipelines.orchestration.schedule_config import (
    PLATFORM_SCHEDULES,
    own_entries,
    schedules_of,
    timetable,
)
from pipelines.source import by_seniority, check_sources, is_plugin

#: The group of the assets that stand for broken sources.
BROKEN = "broken_sources"


def build_definitions(overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Build all assets, checks, jobs, schedules and sensors; `overrides` replaces resources.

    A plug-in whose definitions are invalid, by themselves or beside those before it, is switched
    off: see `pipelines.isolation.broken_sources`.

    Raises `ValueError` for a name that no resource has, and `PermanentFailure` for a mistake in the
    operator's schedules.
    """
    check_sources(Settings.current())
    timetable()  # which switches off sources with invalid schedules
    found: dict[str, dg.Definitions] = {}
    for source in by_seniority():
        with isolated(source.name, "its definitions", source.package):
            part = definitions_of(source)
            if is_plugin(source):
                _validate(_merged([*found.values(), part]))
            found[source.name] = part
    return _assembled(found, overrides or {})


def _validate(whole: dg.Definitions) -> None:
    """Raise an error if Dagster cannot load definitions with a plug-in, or would ignore a part.

    The definitions of the project's own sources alone are not validated: that takes time in each
    process, and tests do it.
    """
    dg.Definitions.validate_loadable(whole)
    known = {key for one in whole.assets or () for key in _keys(one)}
    for check in whole.get_repository_def().asset_graph.asset_check_keys:
        if check.asset_key not in known:
            table = ".".join(check.asset_key.path)
            raise ValueError(f"the check {check.name} is of {table}, which does not exist")


def _assembled(parts: Mapping[str, dg.Definitions], overrides: Mapping[str, Any]) -> dg.Definitions:
    """Return the definitions of the platform, of some sources and of the operator as one."""
    merged = _merged(parts.values())
    if unknown := overrides.keys() - (merged.resources or {}).keys():
        raise ValueError(f"there are no resources named {sorted(unknown)}")
    own = own_entries({one.name for one in merged.jobs or ()})
    return dg.Definitions(
        assets=[*(merged.assets or ()), *_broken_assets()],
        asset_checks=merged.asset_checks,
        jobs=merged.jobs,
        schedules=[*(merged.schedules or ()), *schedules_of(own)],
        sensors=merged.sensors,
        resources={**(merged.resources or {}), **overrides},
        executor=dg.in_process_executor,
    )


def _merged(parts: Iterable[dg.Definitions]) -> dg.Definitions:
    """Return the definitions of the platform and of some sources as one."""
    return dg.Definitions.merge(
        dg.Definitions(
            jobs=[housekeeping],
            schedules=schedules_of(timetable()[one.name] for one in PLATFORM_SCHEDULES),
            sensors=[alerts, orphaned_runs, derived_assets],
            resources={"warehouse": WarehouseResource()},
            executor=dg.in_process_executor,
        ),
        *parts,
    )


def _keys(assets: Any) -> Iterable[dg.AssetKey]:
    """Return the keys of one asset or of those that are made together."""
    return assets.keys if isinstance(assets, dg.AssetsDefinition) else [assets.key]


def _broken_assets() -> list[dg.AssetSpec]:
    """Return an asset for each broken source, so that the asset graph shows why it is missing."""
    return [
        dg.AssetSpec(
            [BROKEN, re.sub(r"\W", "_", broken.name)],
            description=f"{broken}. Fix it or uninstall it, then start isobar ui again.",
            group_name=BROKEN,
        )
        for broken in broken_sources()
    ]


definitions = build_definitions()
report_to_log()
