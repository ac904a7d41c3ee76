"""Dagster definitions of a source: derived from its declaration, and from its own `jobs.py`."""

from collections.abc import Collection
from typing import Any

import dagster as dg

from pipelines.config import Settings
from pipelines.orchestration.asset_metadata import input_spec, view_asset
from pipelines.orchestration.automation import automated, freshness_of
from pipelines.orchestration.checks import LEDGER_MATCHES_ROWS, checks_of
from pipelines.orchestration.loading import inbox_sensor, load_asset
from pipelines.orchestration.resources import source_resource
from pipelines.orchestration.schedule_config import MAX_RUNTIME_TAG, schedule_of, timetable
from pipelines.source import FileInbox, Source, declared_sources
from pipelines.warehouse.sql_files import relations_behind
from pipelines.warehouse.tables import WRITTEN_WITH


def definitions_of(source: Source) -> dg.Definitions:
    """Return the assets, checks, jobs, schedules, sensors and resources of a source."""
    own = source.module("jobs")
    parts: dg.Definitions = own.definitions if own else dg.Definitions()
    inboxes = [one for one in source.fetchers if isinstance(one, FileInbox)]
    views = [view_asset(source, one, upstream_of(one.name)) for one in source.view_assets.values()]
    assets = [*(parts.assets or ()), *([load_asset(source)] if source.loads else []), *views]
    checks: list[Any] = [*checks_of(source), *(parts.asset_checks or ())]
    whole: list[Any] = [*(input_spec(source, one) for one in source.inputs), *assets]
    freshness = freshness_of(source)
    made = {one.name for one in parts.schedules or ()}
    unmade = [timetable()[one.name] for one in source.schedules if one.name not in made]
    return dg.Definitions(
        assets=dg.map_asset_specs(lambda spec: automated(source, spec, freshness), whole),
        asset_checks=checks,
        jobs=[_job(source, assets, checks), *(parts.jobs or ())],
        schedules=[*(parts.schedules or ()), *map(schedule_of, unmade)],
        sensors=[*(inbox_sensor(source, one) for one in inboxes), *(parts.sensors or ())],
        resources={source.name: source_resource(source.name), **(parts.resources or {})},
    )


def upstream_of(view: str) -> list[str]:
    """Return the assets that a view reads, also by other views or tables written with them."""
    known = declared_sources().values()
    files = {name: sql for one in known for name, sql in one.object_files.items()}
    views = {name for one in known for name in one.view_assets}
    tables = {name: table for one in known for name, table in one.metadata.tables.items()}
    read = relations_behind(view, files, views | tables.keys())
    assets = (tables[one].info.get(WRITTEN_WITH, one) if one in tables else one for one in read)
    return sorted({*assets})


def _job(source: Source, assets: Collection[object], checks: Collection[Any]) -> Any:
    """Return the source's job: its assets and checks, and views of others that show its data."""
    known = {key for one in assets for key in getattr(one, "keys", ())}
    known |= {one.key for one in assets if isinstance(one, dg.AssetSpec)}
    for key in (key for check in checks for key in check.check_keys if key.asset_key not in known):
        table = ".".join(key.asset_key.path)
        raise ValueError(f"the check {key.name} is of {table}, which does not exist")
    made = [one for one in assets if isinstance(one, dg.AssetsDefinition)]
    selection: dg.AssetSelection = dg.AssetSelection.assets(
        *(key for one in made for key in one.keys)
    )
    if source.collects:
        shown_in = selection.downstream() & dg.AssetSelection.groups("enriched", "metrics")
        selection = selection | shown_in
    elsewhere = {(one.on, LEDGER_MATCHES_ROWS) for one in source.ledgers if one.audit_job}
    evaluated = [
        key
        for check in (*checks, *made)  # such as tests of dbt
        for key in check.check_keys
        if (".".join(key.asset_key.path), key.name) not in elsewhere
    ]
    return dg.define_asset_job(
        source.name,
        selection=selection.without_checks() | dg.AssetSelection.checks(*evaluated),
        description=source.job,
        tags={MAX_RUNTIME_TAG: str(Settings.current().run_seconds)},
    )
