"""The policy `Append`: rows are inserted batch by batch, and the first one with a key stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.ingest import watermarks
from pipelines.ingest.contract import Reject
from pipelines.ingest.feeds import Append, Parsed
from pipelines.ingest.identifiers import storable
from pipelines.ingest.load import CORRECTED, Load, stage_of
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import (
    RECORD,
    analyze_table,
    copy_text,
    csv_text,
)
from pipelines.warehouse.sql_files import execute_script

if TYPE_CHECKING:
    import pandas as pd

#: Number of new rows from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 100_000
#: Which keys are stored. A cluster sends the result of a subquery to each node once, and a literal
#: with the statement of each shard.
STORED = """
SELECT {key} FROM {table}
WHERE {key} = ANY(CAST((SELECT CAST(:keys AS bigint []) OFFSET 0) AS bigint []))
"""
#: Columns that no batch has.
NOTED = ("delivery_id", "load_number")
#: A formatted batch, and its rows in the order in which they are inserted.
Prepared = tuple["pd.DataFrame", Iterable[bytes]]


class AppendWriter:
    """Writes the new rows of each batch, and has the others compared with what is stored.

    While PostgreSQL writes one batch, the next one is parsed. After a batch of new rows alone, it
    is also formatted for COPY as one.
    """

    def __init__(self, load: Load, policy: Append) -> None:
        self.load, self.policy = load, policy
        self.table = load.owner.metadata.tables[policy.table]
        self.stage = stage_of(policy.table)
        self._loaded = self._stored = 0
        self._are_new = True
        own = [one.name for one in self.table.columns if one.name not in NOTED]
        load.create_stage_of(self.table, self.stage, [RECORD, *own])
        load.parameters["load_number"] = watermarks.position(load.connection, policy.table) + 1

    def prepare(self, parsed: Parsed) -> Prepared | None:
        """Sort the rows of a batch, and format them if all of them may be new."""
        if not any(len(frame) for frame in parsed.rows.values()):
            return None
        (rows,) = parsed.rows.values()
        if self._have_keys(rows):  # else of two with one key the first counts
            rows = rows.sort_values(self.policy.order, kind="stable")
        formatted = self._formatted(rows)
        return rows, [*formatted] if self._are_new else formatted

    def put(self, parsed: Parsed, prepared: Prepared | None) -> list[Reject]:
        """Write the rows that are not stored yet; return those that contradict a stored one."""
        if prepared is None:
            return []
        rows, all_new = prepared
        changed, conflicts = self._put(rows, all_new)
        self._are_new = changed == len(rows)
        self._loaded += changed
        self._stored += len(rows) - len(conflicts)
        return [
            Reject(
                row.record,
                parsed.position(row.record),
                storable(parsed.raw(row.record)),
                (Reason(row.reason_code, row.reason),),
            )
            for row in conflicts
        ]

    def finish(self, *_: Any) -> tuple[list[Reject], int, int]:
        """Note the load, and what it corrects; return no rejects, as each batch had its own.

        Also returns how many records changed a row, and how many are stored.
        """
        load, table = self.load, self.policy.table
        if self._loaded:
            watermarks.move(load.connection, table, load.parameters["load_number"])
        if self.keys() is not None:
            execute_script(load.connection, CORRECTED)
            load.execute(self.policy.corrected)
        if self._loaded > ANALYZE_FROM:
            analyze_table(load.connection, table)
        return [], self._loaded, self._stored

    def keys(self) -> list[str] | None:
        """Return no queries of keys, or None: what is known or read again corrects nothing."""
        return [] if self._loaded and not self.load.is_retry else None

    def _have_keys(self, rows: pd.DataFrame) -> bool:
        """Return whether every row has a unique key."""
        keys = rows[self.policy.key]
        return not keys.isna().any() and bool(keys.is_unique)

    def _put(self, rows: pd.DataFrame, all_new: Iterable[bytes]) -> tuple[int, Sequence[Any]]:
        """Write rows; `all_new` is their text if none is stored.

        Returns how many of them changed a row, and those that contradict a stored one.
        """
        key, table = self.policy.key, self.policy.table
        ends = f"SELECT min({key}), max({key}) FROM {table}"
        lowest, highest = tuple(self.load.run(ends, {}).one())
        if not self._have_keys(rows) or (lowest or 0) < 0:
            return self._merge(rows)
        keys = rows[key]
        known = [] if highest is None else keys[keys <= highest].tolist()
        stored: Sequence[int] = ()
        if known:  # a cluster would look for them on each node
            sought = {"keys": str(known).replace("[", "{").replace("]", "}")}
            query = STORED.format(key=key, table=table)
            stored = self.load.run(query, sought).scalars().all()
        if not stored:  # usual
            self._copy(all_new)
            return len(rows), []
        is_stored = keys.isin(stored)
        fresh = rows[~is_stored]
        self._copy(self._formatted(fresh))
        self._restage(rows[is_stored])
        return len(fresh), self.load.execute(self.policy.conflicts).all()

    def _merge(self, rows: pd.DataFrame) -> tuple[int, Sequence[Any]]:
        """Write rows whose keys must be found, assigned or compared; returns the same as `_put`."""
        self._restage(rows)
        if rows[self.policy.key].isna().any():
            self.load.execute(self.policy.identify)
        changed = [self.load.execute(sql).rowcount for sql in self.policy.write]
        if changed[-1] == len(rows):
            return changed[-1], []
        return sum(changed), self.load.execute(self.policy.conflicts).all()

    def _copy(self, new: Iterable[bytes]) -> None:
        columns = ", ".join(self.table.columns.keys())
        copy_text(self.load.connection, f"{self.policy.table} ({columns})", new)

    def _restage(self, rows: pd.DataFrame) -> None:
        self.load.run(f"TRUNCATE {self.stage}", {})
        staged = rows[[name for name in (RECORD, *self.table.columns.keys()) if name in rows]]
        columns = ", ".join(staged.columns)
        copy_text(self.load.connection, f"{self.stage} ({columns})", csv_text(staged))

    def _formatted(self, rows: pd.DataFrame) -> Iterable[bytes]:
        """Format rows for COPY into the table."""
        noted = rows.assign(
            delivery_id=self.load.delivery_id, load_number=self.load.parameters["load_number"]
        )
        return csv_text(noted[[*self.table.columns.keys()]])
