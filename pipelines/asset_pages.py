"""What every asset shows in Dagster, and how failures and checks are told there.

The bridge between plain code and Dagster's types, used by all domains. No logic of a domain.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql

from pipelines import attended_runs
from pipelines.core import deliveries
from pipelines.core.failures import Failure, TransientFailure
from pipelines.core.sql_files import read_sql
from pipelines.resources import WarehouseResource

PATIENCE_SECONDS = (60, 120, 240)
"""Waits before a step is tried again when its source or the database was away."""
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
OWNERS = ["team:isobar"]
SHOWN_ROWS = 20
SAMPLE_ROWS = 5
MOST_CELL_CHARACTERS = 200


def asset_key(table: Table) -> dg.AssetKey:
    """The key of a table's asset, which says where the table is."""
    assert table.schema is not None
    return dg.AssetKey([table.schema, table.name])


def table_spec(
    table: Table, deps: Iterable[dg.AssetKey] = (), kinds: Iterable[str] = ()
) -> dg.AssetSpec:
    """The asset of a table: description, columns and their comments come from `tables.py`."""
    return dg.AssetSpec(
        key=asset_key(table),
        deps=list(deps),
        description=table.comment,
        group_name=table.schema,
        kinds={"postgres", *kinds},
        owners=OWNERS,
        tags={"domain": table.schema or ""},
        metadata={
            "dagster/table_name": table.fullname,
            "code": dg.MetadataValue.path(f"pipelines/{table.schema}"),
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name=column.name,
                        type=column.type.compile(DIALECT).lower(),
                        description=column.comment,
                        constraints=dg.TableColumnConstraints(
                            nullable=bool(column.nullable),
                            unique=column.primary_key and len(table.primary_key) == 1,
                        ),
                    )
                    for column in table.columns
                ]
            ),
        },
    )


def row_count(connection: Connection, key: dg.AssetKey) -> int:
    """How many rows a table or view of ours has."""
    query = text(f"SELECT count(*) FROM {'.'.join(key.path)}")
    return int(connection.execute(query).scalar_one())


def view_asset(
    key: dg.AssetKey,
    deps: Iterable[Table],
    description: str,
    *,
    folder: str = "",
    picture: Callable[[Connection], str | None] | None = None,
) -> dg.AssetsDefinition:
    """The asset of a view that `isobar migrate` made: to materialise a view is to profile it.

    Its SQL is `pipelines/<schema>/sql/<folder><name>.sql`. `picture` draws what is in it, as
    Markdown, or None where there is nothing.
    """
    schema, name = key.path
    file = f"{folder}{name}"

    @dg.asset(
        key=key,
        deps=[asset_key(table) for table in deps],
        description=description,
        group_name=schema,
        kinds={"postgres", "view"},
        owners=OWNERS,
        tags={"domain": schema},
        metadata={
            "dagster/table_name": f"{schema}.{name}",
            "code": dg.MetadataValue.path(f"pipelines/{schema}/sql/{file}.sql"),
            "SQL": dg.MetadataValue.md(f"```sql\n{read_sql(f'pipelines.{schema}', file)}```"),
        },
    )
    def profile(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        with (
            failures_told(context),
            warehouse.open() as store,
            store.engine.connect() as connection,
        ):
            metadata = _view_page(connection, key)
            if picture and (drawn := picture(connection)):
                metadata["picture"] = dg.MetadataValue.md(drawn)
            return dg.MaterializeResult(metadata=metadata)

    return profile


def _view_page(connection: Connection, key: dg.AssetKey) -> dict[str, Any]:
    """Rows, columns with comments and where they come from, and a few rows to look at."""
    name = ".".join(key.path)
    columns = list(
        connection.execute(text(read_sql("pipelines.core", "columns_of")), {"name": name})
    )
    sources = connection.execute(
        text(read_sql("pipelines.core", "column_sources_of")), {"name": name}
    )
    lineage: dict[str, list[dg.TableColumnDep]] = {}
    for row in sources:
        dep = dg.TableColumnDep(
            asset_key=dg.AssetKey([row.schema, row.table]), column_name=row.name
        )
        lineage.setdefault(row.name, []).append(dep)
    sampled = connection.execute(text(f"SELECT * FROM {name} LIMIT {SAMPLE_ROWS}")).mappings()
    samples = [{column: _cell(value, 60) for column, value in row.items()} for row in sampled]
    return {
        "dagster/row_count": row_count(connection, key),
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(row.name, row.type, description=row.comment) for row in columns]
        ),
        "dagster/column_lineage": dg.TableColumnLineage(lineage),
        "samples": _table(samples),
    }


@contextmanager
def failures_told(context: dg.AssetExecutionContext, *, is_patient: bool = True) -> Iterator[None]:
    """Turn our failures into Dagster's: transient ones are tried again, permanent ones are not.

    Where a person waits for the run, none is: the client has tried several times already. Nor
    where another run comes soon anyway: such a step is not patient.
    """
    try:
        yield
    except Failure as failure:
        told = dg.Failure(description=str(failure), allow_retries=False)
        is_attended = attended_runs.TAG in context.run.tags
        if not isinstance(failure, TransientFailure) or is_attended or not is_patient:
            raise told from failure
        if context.retry_number >= len(PATIENCE_SECONDS):
            raise told from failure
        seconds = PATIENCE_SECONDS[context.retry_number]
        context.log.warning("%s\n  trying again in %d s", failure, seconds)
        raise dg.RetryRequested(
            max_retries=len(PATIENCE_SECONDS), seconds_to_wait=seconds
        ) from failure


@contextmanager
def refusals_told() -> Iterator[None]:
    """Turn our failures into Dagster's, which are not tried again: a person waits for the run."""
    try:
        yield
    except Failure as failure:
        raise dg.Failure(description=str(failure), allow_retries=False) from failure


def tell_skipped(context: dg.AssetExecutionContext, key: dg.AssetKey, reason: str) -> None:
    """Note that an asset was not brought up to date, and why, without failing."""
    context.log_event(dg.AssetObservation(asset_key=key, metadata={"skipped": reason}))


def ledger_checks(
    key: dg.AssetKey, source: str, *, is_snapshot: bool = True
) -> list[dg.AssetChecksDefinition]:
    """The checks every source has: nothing lost, shape as promised, nothing refused.

    Each delivery of a snapshot says all; else refused records of earlier ones are still missing.
    """

    @dg.asset_check(
        asset=key,
        name="nothing_lost",
        blocking=True,
        description="For every delivery, read = loaded + unchanged + rejected, and all that was"
        " rejected is in quarantine.",
    )
    def nothing_lost(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            return verdict(deliveries.unbalanced(connection, source), dg.AssetCheckSeverity.ERROR)

    @dg.asset_check(
        asset=key,
        name="shape_as_promised",
        description="What the last run loaded had the keys that the source promises, no others.",
    )
    def shape_as_promised(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            drift = deliveries.last_drift(connection, source)
        return verdict([{"drift": line} for line in drift], dg.AssetCheckSeverity.WARN)

    @dg.asset_check(
        asset=key,
        name="nothing_refused",
        description=f"No record{' of the last delivery' if is_snapshot else ''} is in quarantine."
        " Refused records do not stop the others.",
    )
    def nothing_refused(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with warehouse.open() as store, store.engine.connect() as connection:
            find = deliveries.last_rejects if is_snapshot else deliveries.rejects
            return verdict(find(connection, source), dg.AssetCheckSeverity.WARN)

    return [nothing_lost, shape_as_promised, nothing_refused]


def verdict(
    offending: Sequence[Mapping[str, Any]], severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    """A check that passes when no row offends, and shows the first of them when some do."""
    metadata: dict[str, Any] = {"offending": len(offending)}
    if offending:
        metadata["rows"] = _table(offending[:SHOWN_ROWS])
    return dg.AssetCheckResult(passed=not offending, severity=severity, metadata=metadata)


def query_check(
    key: dg.AssetKey, package: str, name: str, description: str
) -> dg.AssetChecksDefinition:
    """A warning that shows the rows that `<package>/sql/checks/<name>.sql` returns."""

    @dg.asset_check(asset=key, name=name, description=description)
    def check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
        query = text(read_sql(package, f"checks/{name}"))
        with warehouse.open() as store, store.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return verdict(rows, dg.AssetCheckSeverity.WARN)

    return check


def _table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows],
        schema=None if rows else dg.TableSchema(columns=[]),
    )


def _cell(
    value: Any, most_characters: int = MOST_CELL_CHARACTERS
) -> str | int | float | bool | None:
    if isinstance(value, int | float | bool | None):
        return value
    words = str(value)
    return words if len(words) <= most_characters else f"{words[: most_characters - 1]}…"
