"""What runs and sensors of a source ask of its data, at each size: checks, rows of views, ticks."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import cast

import dagster as dg
from sqlalchemy import Connection

from benchmarks.curve import Curve, median_seconds
from pipelines.orchestration.asset_metadata import row_count
from pipelines.orchestration.checks import LEDGER_MATCHES_ROWS, ledger_checks, query_check
from pipelines.orchestration.resources import WarehouseResource
from pipelines.source import Source
from pipelines.warehouse.connection import Warehouse

Question = Callable[[Connection], object]


def time_scheduled(
    url: str, source: Source, curve: Curve, size: str, ticks: Mapping[str, Question]
) -> None:
    """Note the milliseconds of each check and counted view, by job, and of `ticks` of sensors.

    Raises `AssertionError` if a check did not end within the time limit of checks.
    """
    with Warehouse(url) as store, store.engine.connect() as connection:
        for title, ask in {**dict(_of_jobs(source, url)), **ticks}.items():
            seconds = median_seconds(partial(ask, connection))
            curve.add(size, f"{title}, ms", 1000 * seconds)


def _of_jobs(source: Source, url: str) -> Iterator[tuple[str, Question]]:
    """Yield what each job asks after its loads."""
    jobs = dict.fromkeys([LEDGER_MATCHES_ROWS], source.ledgers[0].audit_job)

    def evaluate(check: dg.AssetChecksDefinition, _: Connection) -> None:
        result = cast(dg.AssetCheckResult, check(warehouse=WarehouseResource(url=url)))
        assert result.passed or not result.description, result.description

    checks = [check for ledger in source.ledgers for check in ledger_checks(source, ledger)]
    for check in [*checks, *(query_check(source, check) for check in source.checks)]:
        (key,) = check.check_keys
        yield f"{jobs.get(key.name) or source.name}: {key.name}", partial(evaluate, check)
    for view in source.views:
        if view.is_counted:
            rows = partial(row_count, key=dg.AssetKey(view.name.split(".")))
            yield f"{source.name}: rows of {view.name}", rows
