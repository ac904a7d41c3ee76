"""Store events: new ones are copied straight into their table, and the first one with an id stays.

Staged first, as those of other sources, a million new events would take 1.2 times the CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from pipelines.ingest import watermarks
from pipelines.ingest.contract import Reject
from pipelines.ingest.identifiers import storable
from pipelines.ingest.load import CORRECTED
from pipelines.ingest.reasons import Reason
from pipelines.sources.bookings.tables import events
from pipelines.warehouse.connection import RECORD, analyze_table, copy_text, csv_text
from pipelines.warehouse.sql_files import execute_script

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.feeds import Parsed
    from pipelines.ingest.load import Load

#: Number of stored events without an id from which on all rows are looked for among them.
MANY_NAMELESS = 10_000
#: Number of new events from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 100_000
STAGE, TABLE, COLUMNS = "stage_events", events.fullname, events.columns.keys()
#: A formatted batch, and its rows in the order in which they are inserted.
Prepared = tuple["pd.DataFrame", Iterable[bytes]]


class EventsWriter:
    """Writes the new events of each batch, and has the others compared with what is stored.

    While PostgreSQL writes one batch, the next one is parsed and, after new ones alone, formatted.
    """

    def __init__(self, load: Load) -> None:
        self.load = load
        self._loaded = self._stored = 0
        self._are_new = True
        load.parameters["load_number"] = watermarks.position(load.connection, TABLE) + 1

    def prepare(self, parsed: Parsed) -> Prepared | None:
        """Sort the rows of a batch, and format them if all of them may be new."""
        rows = parsed.rows.get(STAGE)
        if rows is None or rows.empty:
            return None
        if _have_ids(rows):  # else of two with one id the first counts
            rows = rows.sort_values("event_at", kind="stable")  # fastest for the indexes
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
        """Note the load, and what it corrects; return no rejects, and how many changed and stay."""
        load = self.load
        if self._loaded:
            watermarks.move(load.connection, TABLE, load.parameters["load_number"])
        if self.keys() is not None:
            execute_script(load.connection, CORRECTED)
            load.execute("corrected_events")
        if self._loaded > ANALYZE_FROM:
            analyze_table(load.connection, TABLE)
        return [], self._loaded, self._stored

    def keys(self) -> list[str] | None:
        """Return no queries of keys, or None: what is known or read again corrects nothing."""
        return [] if self._loaded and not self.load.is_retry else None

    def _put(self, rows: pd.DataFrame, all_new: Iterable[bytes]) -> tuple[int, Sequence[Any]]:
        """Write rows, as `all_new` if none is stored; return how many changed, and conflicts."""
        ends = select(func.min(events.c.event_id), func.max(events.c.event_id))
        lowest, highest = self.load.connection.execute(ends).one()
        if not _have_ids(rows):
            return self._merge(rows)
        if (lowest or 0) >= 0 or not (may_be_stored := self._may_be_nameless(rows)).any():
            return self._put_named(rows, all_new, highest)
        merged, conflicts = self._merge(rows[may_be_stored])
        others = rows[~may_be_stored]
        changed, more = self._put_named(others, self._formatted(others), highest)
        return merged + changed, [*conflicts, *more]

    def _may_be_nameless(self, rows: pd.DataFrame) -> pd.Series:
        """Return which rows may be events that were stored without an id: those of the same time.

        All of them may be if many events were.
        """
        query = select(events.c.event_at).where(events.c.event_id < 0).limit(MANY_NAMELESS)
        times = self.load.connection.execute(query).scalars().all()
        return rows["event_at"].isin(times) | (len(times) == MANY_NAMELESS)

    def _put_named(
        self, rows: pd.DataFrame, all_new: Iterable[bytes], highest: int | None
    ) -> tuple[int, Sequence[Any]]:
        """Write rows with ids, of which `highest` is stored, and no stored event waits for one."""
        if rows.empty:
            return 0, []
        ids = rows["event_id"]
        known = [] if highest is None else ids[ids <= highest].tolist()
        stored: Sequence[int] = ()
        if known:  # a cluster would look for them on each node
            sought = str(known).replace("[", "{").replace("]", "}")
            stored = self.load.execute("stored_ids", ids=sought).scalars().all()
        if not stored:  # usual
            self._copy(all_new)
            return len(rows), []
        is_stored = ids.isin(stored)
        fresh = rows[~is_stored]
        self._copy(self._formatted(fresh))
        self._restage(rows[is_stored])
        return len(fresh), self.load.execute("conflicts").all()

    def _merge(self, rows: pd.DataFrame) -> tuple[int, Sequence[Any]]:
        """Write rows whose ids must be found, assigned or compared; returns the same as `_put`."""
        self._restage(rows)
        if rows["event_id"].isna().any():
            self.load.execute("resolve_ids")
        changed = [self.load.execute(sql).rowcount for sql in ("adopt_ids", "put_events")]
        if changed[-1] == len(rows):
            return changed[-1], []
        return sum(changed), self.load.execute("conflicts").all()

    def _copy(self, new: Iterable[bytes]) -> None:
        copy_text(self.load.connection, f"{TABLE} ({', '.join(COLUMNS)})", new)

    def _restage(self, rows: pd.DataFrame) -> None:
        if STAGE in self.load.columns:
            self.load.run(f"TRUNCATE {STAGE}", {})
        self.load.stage(STAGE, rows[[name for name in (RECORD, *COLUMNS) if name in rows]])

    def _formatted(self, rows: pd.DataFrame) -> Iterable[bytes]:
        """Format rows for COPY into the table."""
        number = self.load.parameters["load_number"]
        noted = rows.assign(delivery_id=self.load.delivery_id, load_number=number)
        return csv_text(noted[COLUMNS])


def _have_ids(rows: pd.DataFrame) -> bool:
    """Return whether every row has a unique id."""
    ids = rows["event_id"]
    return not ids.isna().any() and bool(ids.is_unique)
