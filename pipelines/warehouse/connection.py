"""The warehouse: write sets of rows to PostgreSQL with COPY to a temporary table and one statement.

The caller opens the transaction, in which rows, ledger entry and rejects are written together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import md5
from typing import TYPE_CHECKING, Any, Self

from psycopg.sql import Identifier
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import Integer, Text, TypeEngine

from pipelines.postgres import sessions
from pipelines.postgres.clients import place_of
from pipelines.postgres.errors import Explain, translated
from pipelines.postgres.roles import LOADER
from pipelines.warehouse.sql_files import execute_script

if TYPE_CHECKING:
    import pandas as pd

COPY_ROWS = 20_000
#: PostgreSQL cuts longer names.
MAX_NAME_BYTES = 63
UNHURRIED = f"{sessions.UNHURRIED} -c lock_timeout=2min"
#: The server notices a lost machine, whose locks others wait for, in a minute and not in two hours.
KEEPALIVE = "".join(f" -c tcp_keepalives_{one}" for one in ("idle=30", "interval=10", "count=3"))
#: Loads sort and join in memory: the default of 4 MB is meant for many small queries.
LOAD_MEMORY = "64MB"
#: Statements read staged rows several times; with the default of 8 MB, each time from a file. A
#: session takes what it needs of it.
STAGE_MEMORY = "-c temp_buffers=96MB"
BEGIN_LOAD = """
SELECT
    pg_advisory_xact_lock_shared(hashtextextended('isobar migrate', 0)),
    pg_advisory_xact_lock(hashtextextended('isobar load ' || CAST(:source AS text), 0)),
    CASE
        WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes(:memory)
            THEN set_config('work_mem', :memory, TRUE)
    END
"""
#: The columns of a staged frame with the number of a row's source record, and with its text.
RECORD, RAW = "record", "raw"
OF_RECORD: Mapping[str, TypeEngine[Any]] = {RECORD: Integer(), RAW: Text()}


def engine_for(url: str, *, role: str | None) -> Engine:
    """Return an engine for psycopg 3 whose sessions act as `role`, as `sessions` says, without JIT.

    Bulk statements are many and short: compiling them costs more than running them. No statement is
    prepared: stages differ from load to load. (`plan_cache_mode` would plan each check of a foreign
    key, too.) Connecting raises `PermanentFailure` if a session is not as it must be.
    """
    options = f"-c jit=off {sessions.options(role)}"
    options += " -c application_name=isobar"
    if role is not None:
        options += f" {UNHURRIED} {STAGE_MEMORY}{KEEPALIVE}"
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    given = parsed.query.get("options")
    if isinstance(given, str):
        options = f"{given} {options}"
    engine = create_engine(
        parsed.update_query_dict({"options": options}),
        connect_args={  # the encoding not by options, which PGCLIENTENCODING outranks
            "client_encoding": "utf8",
            "connect_timeout": 10,
            "prepare_threshold": None,
        },
        pool_pre_ping=True,
        hide_parameters=True,  # such as the keys of persons: errors are logged
    )
    place = place_of(url)
    event.listen(engine, "connect", lambda new, _: sessions.compare(new, role, place))
    return engine


class Warehouse:
    """Access to the warehouse as `role`, by default the loader; None keeps the login role."""

    def __init__(self, url: str, role: str | None = LOADER) -> None:
        self.engine = engine_for(url, role=role)
        self.place = place_of(url)

    @contextmanager
    def transaction(
        self, source: str, session: Connection | None = None, explain: Explain | None = None
    ) -> Iterator[Connection]:
        """Open a transaction that holds the lock of `source`: runs that load one feed take turns.

        It uses `session` if given, a connection without a transaction. It and a migration wait for
        each other. Raises `TransientFailure` if the server goes away, or if another session holds
        the lock for two minutes; then nothing was written.
        """
        with (
            self.translate_db_errors(source, explain),
            self.engine.connect() if session is None else nullcontext(session) as connection,
            connection.begin(),
        ):
            connection.execute(text(BEGIN_LOAD), {"source": source, "memory": LOAD_MEMORY})
            yield connection

    def translate_db_errors(
        self, source: str, explain: Explain | None = None
    ) -> AbstractContextManager[None]:
        """Translate database errors into our failures, about `source`."""
        problem = "the database did not take the load, nothing was written"
        return translated(source, problem, place=self.place, explain=explain)

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()


def set_local(connection: Connection, name: str, value: str) -> None:
    """Set a parameter of the session until the transaction ends."""
    query = text("SELECT set_config(:name, :value, TRUE)")
    connection.execute(query, {"name": name, "value": value})


def delete_in_batches(
    store: Warehouse, lock: str, statement: str, batch_size: int, **parameters: Any
) -> int:
    """Execute a statement that deletes at most `:most` rows, under `lock`, until none are left.

    Each time in a transaction of its own, so that no load waits for long. Returns how many rows all
    deleted, as the statement does.
    """
    removed = 0
    while True:
        with store.transaction(lock) as connection:
            query = text(statement)
            batch = connection.execute(query, parameters | {"most": batch_size}).scalar_one()
        removed += int(batch)
        if not batch:  # fewer can mean that others delete, too
            return removed


def quoted(names: Iterable[str]) -> str:
    """Return names in quotation marks, for a list of columns."""
    return ", ".join(Identifier(name).as_string() for name in names)


def stage_of(table: Table) -> str:
    """Return the name of the staging table of a table, in quotation marks: it has the schema."""
    name = f"stage_{table.fullname}"
    if len(name.encode()) > MAX_NAME_BYTES:
        name = f"stage_{md5(name.encode(), usedforsecurity=False).hexdigest()}"
    return quoted([name])


def analyze_stage(connection: Connection, name: str, columns: Iterable[str], table: Table) -> None:
    """Let the planner know a staging table, by the columns that join it with `table`."""
    joined_by = quoted(column for column in columns if column in table.primary_key)
    connection.execute(text(f"ANALYZE {name} ({joined_by})" if joined_by else f"ANALYZE {name}"))


def analyze_table(connection: Connection, name: str) -> None:
    """Let the planner know a table that was filled.

    Nodes of a cluster do so within a minute: a transaction that has read a distributed table over
    several connections cannot.
    """
    query = text("SELECT ops.is_distributed(to_regclass(:name))")
    if not connection.execute(query, {"name": name}).scalar_one():
        connection.execute(text(f"ANALYZE {name}"))


def estimated_rows(connection: Connection, name: str) -> int:
    """Return the planner's estimate of a table's rows; -1 without statistics, or of a view."""
    query = text("SELECT ops.estimated_rows(to_regclass(:name))")
    return int(connection.execute(query, {"name": name}).scalar_one())


def put_frame(connection: Connection, frame: pd.DataFrame, table: Table) -> None:
    """Insert rows by COPY, once in a transaction, replacing those with the same key."""
    columns = [str(name) for name in frame.columns]
    others = [quoted([name]) for name in columns if name not in table.primary_key]
    new = ", ".join(f"{name} = excluded.{name}" for name in others)
    stage, names, keys = stage_of(table), quoted(columns), quoted(table.primary_key.columns.keys())
    execute_script(connection, f"CREATE TEMP TABLE {stage} (LIKE {table.fullname}) ON COMMIT DROP")
    copy_text(connection, f"{stage} ({names})", csv_text(frame))
    execute_script(
        connection,
        f"INSERT INTO {table.fullname} ({names}) SELECT {names} FROM {stage}"
        f" ON CONFLICT ({keys}) DO UPDATE SET {new}",
    )


def write_rows(connection: Connection, target: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into `target`, a table with an optional column list in parentheses."""
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {target} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def stage_columns(columns: Iterable[str], table: Table) -> dict[str, str]:
    """Return the columns of a staging table of `table`, quoted, with their types."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return {
        quoted([column]): (OF_RECORD.get(column) or table.c[column].type).compile(dialect)
        for column in columns
    }


def copy_text(connection: Connection, table: str, chunks: Iterable[bytes]) -> None:
    """COPY the text of `csv_text` into `table`."""
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv)") as copy:
        for chunk in chunks:
            copy.write(chunk)


def csv_text(frame: pd.DataFrame) -> Iterator[bytes]:
    """Format a frame as CSV for COPY: NULL is empty, and an empty string is two quotes."""
    import pyarrow as pa
    from pyarrow import compute, csv

    for start in range(0, len(frame), COPY_ROWS):
        sink, rows = pa.BufferOutputStream(), frame.iloc[start : start + COPY_ROWS]
        table = pa.Table.from_pandas(rows, preserve_index=False)
        for place, column in enumerate(table.schema):
            if pa.types.is_timestamp(column.type) and column.type.tz == "UTC":
                naive = table.column(place).cast(pa.timestamp(column.type.unit))
                # Ten times as fast as formatting times with their zone.
                texts = compute.binary_join_element_wise(naive.cast(pa.string()), "+00", "")
                table = table.set_column(place, column.name, texts)
            elif column.type == pa.uuid():
                texts = [one and str(one) for one in table.column(place).to_pylist()]
                table = table.set_column(place, column.name, pa.array(texts, pa.string()))
        csv.write_csv(table, sink, csv.WriteOptions(include_header=False))
        yield bytes(sink.getvalue())


def array_literal(texts: Iterable[str | None]) -> str:
    """Format strings as an array literal for COPY."""
    escaped = (one and one.replace("\\", "\\\\").replace('"', '\\"') for one in texts)
    return "{" + ",".join("NULL" if one is None else f'"{one}"' for one in escaped) + "}"


def upsert_statement(
    table: Table, columns: Sequence[str], *, only_missing: bool = False, is_retry: bool = False
) -> str:
    """Return the statement that updates `table` from `columns` of its stage, with `:delivery_id`.

    It returns how many rows were written. A row is unchanged if all its staged columns are equal.
    Only other rows are written, or with `only_missing` those whose key is not stored; they get
    `delivery_id`, and their source records are recorded in `changed`. Of several staged rows with
    the same key, only the first counts. A retry changes no row of another record of its delivery.
    """
    staged = stage_of(table)
    keys = [column.name for column in table.primary_key]
    of_table = [name for name in columns if name in table.c]
    changing = [] if only_missing else [name for name in of_table if name not in keys]
    kept = " AND stored.delivery_id <> :delivery_id" if is_retry else ""
    key_list, column_list = quoted(keys), quoted(of_table)
    on_conflict = "DO NOTHING"
    if updated := [quoted([name]) for name in changing]:
        assignments = ", ".join(f"{column} = excluded.{column}" for column in updated)
        stored = ", ".join(f"stored.{column}" for column in updated)
        sent = ", ".join(f"excluded.{column}" for column in updated)
        on_conflict = (
            f"DO UPDATE SET {assignments}, delivery_id = excluded.delivery_id\n"
            f"        WHERE ({stored}) IS DISTINCT FROM ({sent}){kept}"
        )
    return f"""
WITH written AS (
    INSERT INTO {table.fullname} AS stored ({column_list}, delivery_id)
    SELECT DISTINCT ON ({key_list}) {column_list}, :delivery_id
    FROM {staged}
    ORDER BY {key_list}, {RECORD}
    ON CONFLICT ({key_list}) {on_conflict}
    RETURNING {key_list}
), noted AS (
    INSERT INTO changed ({RECORD})
    SELECT min({RECORD}) FROM {staged} JOIN written USING ({key_list}) GROUP BY {key_list}
)
SELECT count(*) FROM written
"""


def count_statement(tables: Iterable[tuple[Table, Sequence[str]]]) -> str:
    """Return the statement that counts the staged records that some tables have, by columns."""
    counted = " UNION ALL ".join(
        f"SELECT {RECORD} FROM {stage_of(table)} JOIN {table.fullname}"
        f" USING ({quoted(name for name in columns if name in table.primary_key)})"
        for table, columns in tables
    )
    return f"SELECT count(DISTINCT {RECORD}) FROM ({counted}) AS counted"
