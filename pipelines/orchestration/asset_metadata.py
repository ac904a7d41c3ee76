"""Metadata of every asset in Dagster, and how failures are reported there."""

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

import dagster as dg
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql

from pipelines.failures import Failure, TransientFailure, redact
from pipelines.http.json_documents import as_sent
from pipelines.ingest.deliveries import Outcome
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres.errors import translated
from pipelines.source import Input, Source, View
from pipelines.warehouse.connection import estimated_rows
from pipelines.warehouse.sql_files import comment_on, read_sql

#: Seconds between retries of a step whose source or database was unavailable.
PATIENCE_SECONDS = (60, 120, 240)
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
OWNERS = ["team:isobar"]
#: Tag of tables that a sensor of their source refreshes. Automation ignores them.
REFRESHED_BY_SENSOR = {"isobar/refreshed_by": "sensor"}
#: Key prefix of external assets: files, documents and services that assets read.
EXTERNAL = "sources"
#: Set on a result whose materializations were logged as they happened: Dagster logs no other.
ALREADY_REPORTED = {"__source_asset_observation__": True}
SAMPLE_ROWS = 5
#: Tables of more rows, by the planner's estimate, are not counted after each load.
COUNTED_ROWS = 1_000_000
MAX_CELL_CHARACTERS = 200


def asset_key(table: Table) -> dg.AssetKey:
    """Return the key of a table's asset: its schema and name."""
    assert table.schema is not None
    return dg.AssetKey([table.schema, table.name])


def is_external(key: dg.AssetKey) -> bool:
    """Return whether an asset is external, so that Isobar does not materialize it."""
    return key.path[0] == EXTERNAL


def input_key(source_input: Input) -> dg.AssetKey:
    """Return the asset key of an external input of a source."""
    return dg.AssetKey([EXTERNAL, source_input.name])


def input_spec(source: Source, source_input: Input) -> dg.AssetSpec:
    """Return the external asset of a source's input, a separate node in the graph."""
    return dg.AssetSpec(
        key=input_key(source_input),
        description=source_input.about,
        group_name=EXTERNAL,
        kinds={source_input.kind},
        owners=OWNERS,
        tags={"source": source.name},
        metadata={"setting": source_input.setting} if source_input.setting else {},
    )


def table_spec(
    source: Source,
    table: Table,
    deps: Iterable[dg.AssetKey] = (),
    tags: Mapping[str, str] | None = None,
) -> dg.AssetSpec:
    """Return the asset of a table; its description and columns come from `tables.py`."""
    return dg.AssetSpec(
        key=asset_key(table),
        deps=list(deps),
        description=table.comment,
        group_name=table.schema,
        kinds={"postgres", "table"},
        owners=OWNERS,
        tags={"source": source.name, **(tags or {})},
        metadata={
            "dagster/table_name": table.fullname,
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


def row_count(connection: Connection, key: dg.AssetKey) -> dict[str, int]:
    """Return the number of rows as metadata; of a large table or view, the planner's estimate."""
    name = ".".join(key.path)
    estimate = estimated_rows(connection, name)
    if estimate < 0:  # a view, or a table without statistics
        plan = connection.execute(text(f"EXPLAIN (FORMAT JSON) SELECT FROM {name}")).scalar_one()
        estimate = int(plan[0]["Plan"]["Plan Rows"])
    if estimate > COUNTED_ROWS:
        return {"estimated_rows": estimate}
    return {
        "dagster/row_count": connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
    }


def view_asset(source: Source, view: View, upstream: Sequence[str]) -> dg.AssetsDefinition:
    """Return the asset of a view, which reads `upstream`: materializing it profiles the view."""
    schema, name = view.name.split(".")
    key = dg.AssetKey([schema, name])
    sql = source.object_files[view.name]
    statement = sql.split("\nCOMMENT ON ")[0].strip()

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(one.split(".")) for one in upstream],
        description=comment_on(sql),
        group_name=schema,
        kinds={"postgres", "view"},
        owners=OWNERS,
        tags={"source": source.name},
        metadata={
            "dagster/table_name": view.name,
            "SQL": dg.MetadataValue.md(f"```sql\n{statement}\n```"),
        },
    )
    def profile(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        with (
            as_dagster_failure(context),
            warehouse.limited(f"the view {view.name}", f"sql/views/{view.name}.sql") as connection,
        ):
            columns = text(read_sql("pipelines.warehouse", "columns_of"))
            described = [
                dg.TableColumn(row.name, row.type, description=row.comment)
                for row in connection.execute(columns, {"name": view.name})
            ]
            sample = text(f"SELECT * FROM {view.name} LIMIT {SAMPLE_ROWS}")
            rows = connection.execute(sample).mappings()
            samples = [{one: _cell(value, 60) for one, value in row.items()} for row in rows]
            return dg.MaterializeResult(
                metadata={
                    "dagster/column_schema": dg.TableSchema(columns=described),
                    "samples": as_table(samples),
                    **table_stats(connection, key, is_counted=view.is_counted),
                }
            )

    return profile


def table_stats(
    connection: Connection, key: dg.AssetKey, *, is_counted: bool = True
) -> dict[str, Any]:
    """Return row count and size, which the UI plots over time."""
    size = text("SELECT pg_total_relation_size(to_regclass(:name))")
    on_disk = connection.execute(size, {"name": ".".join(key.path)}).scalar_one()
    return {
        **(row_count(connection, key) if is_counted else {}),
        **({"bytes_on_disk": int(on_disk)} if on_disk else {}),  # none for views
    }


def record_source_event(
    context: dg.AssetExecutionContext | dg.OpExecutionContext,
    source_input: Input,
    metadata: Mapping[str, Any],
) -> None:
    """Record a materialization of an external source, which leaves downstream assets up to date."""
    event = dg.AssetMaterialization(
        input_key(source_input), metadata=metadata, tags={"dagster/data_version": "INITIAL"}
    )
    context.log_event(event)


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return the counts of deliveries, in source records."""
    return {
        "deliveries": len(outcomes),
        **{
            name: sum(getattr(outcome, name) for outcome in outcomes)
            for name in ("read", "loaded", "unchanged", "rejected")
        },
    }


@contextmanager
def as_dagster_failure(
    context: dg.AssetExecutionContext | dg.OpExecutionContext, *, is_patient: bool = True
) -> Iterator[None]:
    """Translate our failures to Dagster's: transient ones are retried, permanent ones are not.

    Nothing is retried if a person waits for the run. Nor if `is_patient` is false: another run
    follows soon anyway.
    """
    try:
        with translated(context.op_def.name, "a query failed", place="the database"):
            yield
    except Failure as failure:
        is_transient = isinstance(failure, TransientFailure)
        if not (is_transient and is_patient and is_tried_again(context)):
            log_cause(context, failure)
            raise dg.Failure(description=str(failure), allow_retries=False) from None
        seconds = PATIENCE_SECONDS[context.retry_number]
        context.log.warning("%s\n  trying again in %d s", failure, seconds)
        raise dg.RetryRequested(
            max_retries=len(PATIENCE_SECONDS), seconds_to_wait=seconds
        ) from failure


def is_tried_again(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> bool:
    """Return whether a step that fails for now is tried again: not if a person waits for it."""
    is_attended = orphaned_runs.TAG in context.run.tags
    return not is_attended and context.retry_number < len(PATIENCE_SECONDS)


def log_cause(context: dg.AssetExecutionContext | dg.OpExecutionContext, failure: Failure) -> None:
    """Log cause and traceback of a failure at level DEBUG: its step has our message alone."""
    cause = redact("".join(traceback.format_exception(failure)))
    context.log.debug("%s\n%s", failure.problem, cause)


def log_skip(context: dg.AssetExecutionContext, key: dg.AssetKey, reason: str) -> None:
    """Log that an asset was not refreshed, and why, without failing."""
    context.log_event(dg.AssetObservation(asset_key=key, metadata={"skipped": reason}))


def as_table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Return rows as table metadata for asset pages, with long values truncated."""
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows],
        schema=None if rows else dg.TableSchema(columns=[]),
    )


def _cell(value: Any, max_characters: int = MAX_CELL_CHARACTERS) -> str | int | float | bool | None:
    if isinstance(value, int | bool | None) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        value = ", ".join(str(_cell(one, max_characters)) for one in value)
    is_object = isinstance(value, dict)
    words = as_sent(value) if is_object else str(value)
    return words if len(words) <= max_characters else f"{words[: max_characters - 1]}…"
