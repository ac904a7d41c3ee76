"""What every asset shows in Dagster, and how failures are reported there.

The bridge between plain code and Dagster's types, used by all sources. No logic of a source.
"""

import json
import re
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql

from pipelines.config import code_url
from pipelines.failures import (
    Failure,
    PermanentFailure,
    RejectedInput,
    TransientFailure,
    redact,
)
from pipelines.ingest import deliveries
from pipelines.ingest.deliveries import Outcome
from pipelines.orchestration import orphaned_runs
from pipelines.orchestration.column_lineage import column_sources, with_sources
from pipelines.orchestration.resources import WarehouseResource
from pipelines.source import Input, Source, View
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import (
    comment_on,
    read_sql,
    without_comments_on,
)

PATIENCE_SECONDS = (60, 120, 240)
"""Waits before a step is tried again when its source or the database was away."""
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
OWNERS = ["team:isobar"]
#: On tables that a sensor of their source refreshes: automation leaves them alone.
REFRESHED_BY_SENSOR = {"isobar/refreshed_by": "sensor"}
EXTERNAL = "sources"
"""First part of the keys of what is not ours: files, documents and services that assets read."""
#: Group of the functions that analysts call.
FUNCTIONS = "functions"
#: An argument of a function: its name where it has one, its type, its default.
ARGUMENT = re.compile(
    r"(?:(?P<name>\w+)\s+)??"
    r"(?P<type>(?:double precision|character varying|timestamp|time|[a-z]\w*)(?:\([\d, ]+\))?"
    r"(?: with(?:out)? time zone)?(?:\[\])?)"
    r"(?:\s+DEFAULT\s+(?P<default>[^,\n]+))?\s*(?:,|$)"
)
SAMPLE_ROWS = 5
#: Tag of runs that failed because of what a person had filled in.
REJECTED_INPUT = "isobar/rejected_input"
MAX_CELL_CHARACTERS = 200


def asset_key(table: Table) -> dg.AssetKey:
    """Return the key of a table's asset: its schema and name."""
    assert table.schema is not None
    return dg.AssetKey([table.schema, table.name])


def is_external(key: dg.AssetKey) -> bool:
    """Whether an asset is not ours."""
    return key.path[0] == EXTERNAL


def input_key(source_input: Input) -> dg.AssetKey:
    """The key of something outside that a source reads."""
    return dg.AssetKey([EXTERNAL, source_input.name])


def input_spec(source: Source, source_input: Input) -> dg.AssetSpec:
    """Something outside that a source reads, as a node of its own in the graph."""
    setting = {"setting": source_input.setting} if source_input.setting else {}
    return dg.AssetSpec(
        key=input_key(source_input),
        description=source_input.about,
        group_name=EXTERNAL,
        kinds={source_input.kind},
        owners=OWNERS,
        tags={"source": source.name},
        metadata={**_code(source.module_file("client.py", "load.py")), **setting},
    )


def table_spec(
    source: Source,
    table: Table,
    deps: Iterable[dg.AssetKey] = (),
    tags: Mapping[str, str] | None = None,
) -> dg.AssetSpec:
    """The asset of a table: description, columns and their comments come from `tables.py`."""
    lineage = column_sources(table.fullname)
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
            **_code(source.module_file("jobs.py", "load.py"), source.module_file("tables.py")),
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name=column.name,
                        type=column.type.compile(DIALECT).lower(),
                        description=with_sources(
                            column.name, column.comment, lineage.get(column.name, ())
                        ),
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


def view_asset(source: Source, view: View, upstream: Sequence[str]) -> dg.AssetsDefinition:
    """The asset of a view that `isobar migrate` made: to materialise a view is to profile it.

    Its description is the view's comment; `upstream` are the tables and views that it reads.
    """
    schema, name = view.name.split(".")
    key = dg.AssetKey([schema, name])
    sql = source.object_files[view.name]

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(one.split(".")) for one in upstream],
        description=_about_view(sql, view),
        group_name=schema,
        kinds={"postgres", "view"},
        owners=OWNERS,
        tags={"source": source.name},
        metadata={
            "dagster/table_name": view.name,
            **_code(source.module_file(f"sql/views/{view.name}.sql")),
            "SQL": dg.MetadataValue.md(f"```sql\n{without_comments_on(sql)}\n```"),
        },
    )
    def profile(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        with (
            as_dagster_failure(context) as step,
            warehouse.open() as store,
            store.engine.connect() as connection,
        ):
            metadata = _view_metadata(connection, key) | step.table_stats(connection, key)
            return dg.MaterializeResult(metadata=metadata)

    return profile


def _about_view(sql: str, view: View) -> str | None:
    """The comment on a view, and why Dagster may show it as out of date."""
    about = comment_on(sql)
    if about is None or view.job is None:
        return about
    return (
        f"{about} The view is always up to date; its profile here is that of the last run of the"
        f" job {view.job}, so that `Upstream data` may stand beside it until the next one."
    )


def function_spec(source: Source, name: str, upstream: Sequence[str]) -> dg.AssetSpec:
    """A function that analysts call, in the catalog: nothing refreshes it.

    `upstream` are the tables and views that it reads.
    """
    sql = source.object_files[name]
    comment = comment_on(sql) or ""
    about, _, example = comment.partition(" Example: ")
    declared = sql.partition(f"FUNCTION {name}(")[2].partition("\nRETURNS")[0]
    arguments = declared.rpartition(")")[0].strip()
    return dg.AssetSpec(
        key=name.split("."),
        deps=[dg.AssetKey(one.split(".")) for one in upstream],
        description=about,
        group_name=FUNCTIONS,
        kinds={"postgres", "function"},
        owners=OWNERS,
        tags={"source": source.name},
        metadata={
            **_code(source.module_file(f"sql/views/{name}.sql")),
            "parameters": as_table([one.groupdict() for one in ARGUMENT.finditer(arguments)]),
            "example": dg.MetadataValue.md(f"```sql\n{example}\n```"),
            "dashboard": f"make dashboard, the page Functions: /functions?function={name}",
        },
    )


def _view_metadata(connection: Connection, key: dg.AssetKey) -> dict[str, Any]:
    """Columns with comments and what they are made of, and a few rows to look at."""
    name = ".".join(key.path)
    sources = column_sources(name)
    columns = connection.execute(
        text(read_sql("pipelines.warehouse", "columns_of")), {"name": name}
    )
    sampled = connection.execute(text(f"SELECT * FROM {name} LIMIT {SAMPLE_ROWS}")).mappings()
    samples = [{column: _cell(value, 60) for column, value in row.items()} for row in sampled]
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    row.name,
                    row.type,
                    description=with_sources(row.name, row.comment, sources.get(row.name, ())),
                )
                for row in columns
            ]
        ),
        "samples": as_table(samples),
    }


def _code(*files: str) -> dict[str, Any]:
    """The path of the file that makes an asset, and links to all on a forge where it is known."""
    paths = ["/".join(_from_package(Path(file).parts)) for file in files]
    url = code_url()
    if url is None or not paths[0].startswith("pipelines/"):  # a plug-in has a forge of its own
        return {"code": paths[0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are; nothing else opens
        links = [dg.UrlCodeReference(url=f"{url}/{path}", label=path) for path in paths]
        references = dg.CodeReferencesMetadataValue(code_references=[*links])
    return {"code": paths[0], "dagster/code_references": references}


def _from_package(parts: Sequence[str]) -> Sequence[str]:
    """The end of a path that begins with the top-level package of the file."""
    begin = len(parts) - 1
    while (Path(*parts[:begin]) / "__init__.py").exists() or parts[begin - 1] in ("sql", "views"):
        begin -= 1
    return parts[begin:]


class StepMetadata:
    """What every materialization shows, so that the UI draws it over time."""

    def __init__(self, context: dg.AssetExecutionContext | dg.OpExecutionContext) -> None:
        self._context = context
        self._began = time.perf_counter()

    def table_stats(self, connection: Connection, key: dg.AssetKey) -> dict[str, Any]:
        """Rows, size, and seconds since the work began."""
        size = text("SELECT pg_total_relation_size(to_regclass(:name))")
        on_disk = connection.execute(size, {"name": ".".join(key.path)}).scalar_one()
        return {
            "dagster/row_count": row_count(connection, key),
            **({"bytes_on_disk": int(on_disk)} if on_disk else {}),  # views have none
            "seconds": round(time.perf_counter() - self._began, 3),
        }

    def record_source_event(self, source_input: Input, metadata: Mapping[str, Any]) -> None:
        """Record on the page of an external source what came from it.

        Its data version stays what it was before the first time: what reads it is not marked as out
        of date by that.
        """
        event = dg.AssetMaterialization(
            input_key(source_input),
            metadata=metadata,
            tags={"dagster/data_version": "INITIAL"},
        )
        self._context.log_event(event)

    def record_deliveries(
        self, store: Warehouse, source_input: Input, outcomes: Sequence[Outcome]
    ) -> int:
        """Record deliveries on the page of what they came from; their size in bytes."""
        if not outcomes:
            return 0
        with store.engine.connect() as connection:
            received = deliveries.bytes_of(connection, outcomes)
        self.record_source_event(source_input, counts(outcomes) | {"bytes_received": received})
        return received


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """What became of deliveries, in source records."""
    return {
        "deliveries": len(outcomes),
        **{
            name: sum(getattr(outcome, name) for outcome in outcomes)
            for name in ("read", "loaded", "unchanged", "rejected")
        },
    }


@contextmanager
def as_dagster_failure(
    context: dg.AssetExecutionContext, *, is_patient: bool = True
) -> Iterator[StepMetadata]:
    """Turn our failures into Dagster's: transient ones are tried again, permanent ones are not.

    Yields the page that receives the metadata of the work that begins here.
    Where a person waits for the run, none is: the client has tried several times already. Nor
    where another run comes soon anyway: such a step is not patient.
    """
    try:
        yield StepMetadata(context)
    except MemoryError as error:
        failure = PermanentFailure(
            context.op_def.name,
            f"out of memory, nothing was written: {error}",
            place=f"the run {context.run.run_id[:8]}",
            remedy="Let it have more (it is for the largest file or answer), then run again.",
        )
        raise dg.Failure(description=str(failure), allow_retries=False) from error
    except Failure as failure:
        _tag_rejected_input(context, failure)
        is_attended = orphaned_runs.TAG in context.run.tags
        if not isinstance(failure, TransientFailure) or is_attended or not is_patient:
            _fail_step(context, failure)
        if context.retry_number >= len(PATIENCE_SECONDS):
            _fail_step(context, failure)
        seconds = PATIENCE_SECONDS[context.retry_number]
        context.log.warning("%s\n  trying again in %d s", failure, seconds)
        raise dg.RetryRequested(
            max_retries=len(PATIENCE_SECONDS), seconds_to_wait=seconds
        ) from failure


@contextmanager
def as_permanent_failure(context: dg.OpExecutionContext) -> Iterator[None]:
    """Turn our failures into Dagster's, which are not tried again: a person waits for the run."""
    try:
        yield
    except Failure as failure:
        _tag_rejected_input(context, failure)
        _fail_step(context, failure)


def _fail_step(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, failure: Failure
) -> NoReturn:
    """Fail a step with our words alone; their cause and its stack are in the log at level DEBUG."""
    cause = redact("".join(traceback.format_exception(failure)))
    context.log.debug("%s\n%s", failure.problem, cause)
    raise dg.Failure(description=str(failure), allow_retries=False) from None


def _tag_rejected_input(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, failure: Failure
) -> None:
    """Tag the run of a person's error, so that neither alerts nor the status mention it."""
    if isinstance(failure, RejectedInput):
        context.instance.add_run_tags(context.run.run_id, {REJECTED_INPUT: "true"})


def log_skip(context: dg.AssetExecutionContext, key: dg.AssetKey, reason: str) -> None:
    """Log that an asset was not refreshed, and why, without failing."""
    context.log_event(dg.AssetObservation(asset_key=key, metadata={"skipped": reason}))


def as_table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Rows as asset pages show them, long words cut."""
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows],
        schema=None if rows else dg.TableSchema(columns=[]),
    )


def _cell(
    value: Any, most_characters: int = MAX_CELL_CHARACTERS
) -> str | int | float | bool | None:
    if isinstance(value, int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    is_object = isinstance(value, dict)
    words = json.dumps(value, ensure_ascii=False, default=str) if is_object else str(value)
    return words if len(words) <= most_characters else f"{words[: most_characters - 1]}…"
