"""One load: the stages of a delivery, and what stores them: steps of its source, or a policy."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.sql import Literal
from sqlalchemy import Connection, CursorResult, Table, select, text
from sqlalchemy.dialects import postgresql

from pipelines.failures import RejectedDelivery
from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import resolve_quarantined
from pipelines.ingest.feeds import Feed, Insert, Parsed, Sql, Upsert, is_own
from pipelines.ingest.reasons import Reason
from pipelines.ingest.statements import OF_POLICY, Owner, execute, execute_file, other_tables
from pipelines.warehouse.connection import (
    OF_RECORD,
    RAW,
    RECORD,
    analyze_stage,
    analyze_table,
    copy_text,
    count_statement,
    csv_text,
    quoted,
    stage_columns,
    stage_of,
    upsert_statement,
)
from pipelines.warehouse.sql_files import execute_script, read_sql
from pipelines.warehouse.tables import deliveries

if TYPE_CHECKING:
    import pandas as pd

CORRECTED = "CREATE TEMP TABLE corrected (quarantine_id bigint) ON COMMIT DROP"
#: What statements write beside the tables of their source.
RESULTS = f"""
{CORRECTED};
CREATE TEMP TABLE rejected (
    record integer NOT NULL,
    raw text NOT NULL,
    reason_code text NOT NULL,
    reason text NOT NULL,
    is_final boolean NOT NULL DEFAULT FALSE,
    record_key text []
) ON COMMIT DROP;
CREATE TEMP TABLE counted (loaded bigint, stored bigint) ON COMMIT DROP
"""
#: Longer frames are formatted while they are copied, which takes less memory.
AHEAD_ROWS = 100_000
#: Share of changed records from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 0.1
Formatted = Mapping[str, Iterable[bytes]]


@dataclass(frozen=True, kw_only=True)
class Load:
    """A delivery that is being loaded, or read again: where its statements run, and with what."""

    connection: Connection
    owner: Owner
    feed: Feed
    delivery_id: int
    #: Where it came from, for messages.
    place: str
    #: When the source sent it.
    seen_at: datetime
    #: When the tables change.
    changed_at: datetime
    is_retry: bool
    #: Those of statements, beside the fields above; a step may add others. `news_at`, the time of a
    #: file, also keeps it from correcting what a newer one has in quarantine.
    parameters: dict[str, Any] = field(default_factory=dict)
    #: The columns of each stage of a table.
    columns: dict[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Create the stages whose columns are declared."""
        for name, of in self.feed.stages.items():
            if not isinstance(of, str):
                self._create_stage(name, of)

    def execute(
        self, sql: Sql, names: Mapping[str, str] | None = None, **more: Any
    ) -> CursorResult[Any]:
        """Execute the statements of a file of the source, as `execute_file` does."""
        values = {
            **self.parameters,
            "delivery_id": self.delivery_id,
            "seen_at": self.seen_at,
            "changed_at": self.changed_at,
            "is_retry": self.is_retry,
            **more,
        }
        try:
            return execute_file(self.connection, self.owner, sql, values, names)
        except RejectedDelivery as failure:
            failure.place = self.place
            raise

    def run(self, statement: str, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute a statement on the source's tables that a policy has made."""
        return execute(self.connection, self.owner, statement, values, OF_POLICY)

    def table_of(self, stage: str) -> Table:
        """Return the table whose column types a stage has."""
        tables = self.owner.metadata.tables
        of = self.feed.stages.get(stage)
        if isinstance(of, str):
            return tables[of]
        named = [one for one in tables.values() if stage in (stage_of(one), f"stage_{one.name}")]
        if len(named) != 1:
            raise LookupError(f"the stage {stage} is of no table, or of two: name it in `stages`")
        return named[0]

    def _create_stage(self, name: str, columns: Mapping[str, str]) -> None:
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        execute_script(self.connection, f"CREATE TEMP TABLE {name} ({typed}) ON COMMIT DROP")

    def stage(self, name: str, frame: pd.DataFrame, chunks: Iterable[bytes] | None = None) -> None:
        """Copy rows into a stage, as `chunks` if they are formatted; create it if it is new.

        It has the types of the model. Raises `DatabaseError` if the table of a plug-in has others
        in the database: PostgreSQL would round or cut values to fit.
        """
        columns = [str(column) for column in frame.columns]
        is_typed = isinstance(self.feed.stages.get(name), Mapping)
        if not is_typed and name not in self.columns:
            table = self.table_of(name)
            self._create_stage(name, stage_columns(columns, table))
            self.columns[name] = columns
            if not is_own(self.owner.package):
                self._compare_types(name, table)
        if len(frame):
            rows = csv_text(frame) if chunks is None else chunks
            copy_text(self.connection, f"{name} ({quoted(columns)})", rows)

    def _compare_types(self, stage: str, table: Table) -> None:
        query = text(read_sql("pipelines.ingest", "differing_types"))
        names = {"stage": f"pg_temp.{stage}", "table": table.fullname}
        for one in self.connection.execute(query, names):
            raise other_tables(
                self.owner.name,
                f"{table.fullname}.{one.name} is {one.stored_type}, not {one.staged_type}",
            )


class StagedWriter:
    """Stages the rows of one load, and stores them by primary key or by the steps of the feed."""

    def __init__(self, load: Load) -> None:
        self.load, self._tables = load, load.owner.metadata.tables
        execute_script(load.connection, RESULTS)
        self._names_tables = isinstance(load.feed.load, Upsert | Insert)

    def prepare(self, parsed: Parsed) -> Formatted:
        """Format the rows of a batch for COPY, in the thread that parses it."""
        return {
            name: [*csv_text(frame)] if len(frame) < AHEAD_ROWS else csv_text(frame)
            for name, frame in parsed.rows.items()
        }

    def put(self, parsed: Parsed, prepared: Formatted) -> list[Reject]:
        """Stage a batch; no record of it contradicts a stored one yet."""
        for name, chunks in prepared.items():
            stage = stage_of(self._tables[name]) if self._names_tables else name
            self.load.stage(stage, parsed.rows[name], chunks)
        return []

    def finish(self, last: Parsed, read: int) -> tuple[list[Reject], int, int]:
        """Store what is staged: `read` records, the last of them in the batch `last`.

        Returns what statements have rejected, and how many others changed a row and are stored.
        """
        load, how = self.load, self.load.feed.load
        for name, columns in load.columns.items():
            analyze_stage(load.connection, name, columns, load.table_of(name))
        if isinstance(how, tuple):
            for step in how:
                load.execute(step) if isinstance(step, str) else step(load)
        else:
            put_by_key(load, is_first=isinstance(how, Insert))
        query = text("SELECT coalesce(sum(loaded), 0), coalesce(sum(stored), 0) FROM counted")
        loaded, stored = map(int, load.connection.execute(query).one())
        if loaded > ANALYZE_FROM * read:
            for table in load.feed.analyze:
                analyze_table(load.connection, table)
        found = load.connection.execute(text("SELECT * FROM rejected ORDER BY record"))
        rejects = [
            Reject(
                one.record,
                last.position(one.record),
                one.raw,
                (Reason(one.reason_code, one.reason, is_final=one.is_final),),
                one.record_key and tuple(one.record_key),
            )
            for one in found
        ]
        return rejects, loaded, stored

    def keys(self) -> list[str]:
        """Return queries of the keys of staged records."""
        load, given = self.load, self.load.feed.keys
        if self._names_tables:
            keys = {name: sql_of_key(load.table_of(name), name) for name in load.columns}
        else:
            texts = {name: [f"CAST({one} AS text)" for one in given[name]] for name in given}
            keys = {name: f"ARRAY[{', '.join(some)}]" for name, some in texts.items()}
        return [f"SELECT {key} FROM {name}" for name, key in keys.items()]


def sql_of_key(table: Table, row: str) -> str:
    """Return the SQL expression of the key of a row: the table and the texts of its values."""
    keys = [quoted([column.name]) for column in table.primary_key]
    texts = ", ".join(f"CAST({row}.{key} AS text)" for key in keys)
    return f"ARRAY[{Literal(table.fullname).as_string()}, {texts}]"


def put_by_key(load: Load, *, is_first: bool) -> None:
    """Store the staged rows of all tables; with `is_first`, those whose key is not stored yet.

    Records that differ from the first one with their key are rejected; `is_first`, also from what
    is stored.
    """
    if not load.columns:
        return
    load.run(f"CREATE TEMP TABLE changed ({RECORD} integer) ON COMMIT DROP", {})
    for stage, columns in load.columns.items():
        if RAW not in columns and is_first:
            raise LookupError(f"rows of {load.table_of(stage).fullname} have no column {RAW}")
        known = {*load.table_of(stage).primary_key.columns.keys(), *OF_RECORD}
        values = [one for one in columns if one not in known]
        if RAW in columns and values:
            _reject_differing(load, stage, values, is_first=is_first)
    later = select(deliveries).filter_by(feed=load.feed.name, problem=None)
    later = later.where(deliveries.c.loaded_at > load.seen_at).limit(1)
    is_old = load.is_retry and load.connection.execute(later).first() is not None
    staged = [(load.table_of(name), columns) for name, columns in load.columns.items()]
    for table, columns in staged:
        statement = upsert_statement(
            table, columns, only_missing=is_first or is_old, is_retry=load.is_retry
        )
        load.run(statement, {"delivery_id": load.delivery_id})
    load.run(
        f"INSERT INTO counted (loaded, stored) SELECT (SELECT count(DISTINCT {RECORD})"
        f" FROM changed), ({count_statement(staged)})",
        {},
    )


def _reject_differing(load: Load, stage: str, values: Sequence[str], *, is_first: bool) -> None:
    """Reject the records whose key came before with other values, as a whole: in each stage."""
    table = load.table_of(stage)
    statement = read_sql("pipelines.ingest", "reject_differing").format(
        stage=stage,
        table=table.fullname,
        keys=quoted(table.primary_key.columns.keys()),
        values=quoted(values),
        first_values=", ".join(f"first_value({quoted([one])}) OVER same_key" for one in values),
        record_key=sql_of_key(table, "staged"),
    )
    if load.run(statement, {"is_first": is_first}).rowcount:
        for one in load.columns:
            load.run(f"DELETE FROM {one} WHERE {RECORD} IN (SELECT {RECORD} FROM rejected)", {})


def with_stored_keys(load: Load, rejects: Sequence[Reject]) -> list[Reject]:
    """Return rejects with their keys as PostgreSQL writes them; None for one of other types."""
    found, places = [*rejects], defaultdict[str, list[int]](list)
    for place, one in enumerate(rejects):
        if one.key and one.key[0] in load.owner.metadata.tables:
            places[one.key[0]].append(place)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for name, mine in places.items():
        types = [one.type.compile(dialect) for one in load.owner.metadata.tables[name].primary_key]
        parts = [(f"(sent.key ->> {place})", kind) for place, kind in enumerate(types)]
        statement = read_sql("pipelines.ingest", "stored_keys").format(
            table=name,
            is_valid=" AND ".join(
                f"pg_input_is_valid({part}, {Literal(kind).as_string()})" for part, kind in parts
            ),
            texts=", ".join(f"CAST(CAST({part} AS {kind}) AS text)" for part, kind in parts),
        )
        sent = json.dumps([(found[place].key or ())[1:] for place in mine])
        keys = load.run(statement, {"sent": sent}).scalars()
        for place, key in zip(mine, keys, strict=True):
            found[place] = replace(found[place], key=key and tuple(key))
    return found


def resolve_corrected(load: Load, keys: Sequence[str], *, again: Sequence[str]) -> None:
    """Remove the records from quarantine that earlier deliveries rejected and this one corrects.

    They are in `corrected`, or have the key of a staged record, which the queries `keys` return;
    `again` are texts that the delivery sent once more.
    """
    values = {"feed": load.feed.name, "delivery_id": load.delivery_id}
    if keys:
        # With Insert, that the first row comes once more does not say which one is right.
        with_final = not isinstance(load.feed.load, Insert)
        statement = read_sql("pipelines.ingest", "corrected_records")
        statement = statement.format(staged=" UNION ALL ".join(keys))
        news_at = load.parameters.get("news_at")
        load.run(statement, values | {"with_final": with_final, "news_at": news_at})
    query = text(read_sql("pipelines.ingest", "of_other_deliveries"))
    found = load.connection.execute(query, values | {"again": [*again]})
    resolve_quarantined(load.connection, found.scalars().all())
