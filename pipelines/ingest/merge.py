"""The policy `Merge`: rows are staged, and the source's statements store them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipelines.failures import PermanentFailure
from pipelines.ingest import comparison
from pipelines.ingest.contract import Reject
from pipelines.ingest.feeds import Analyze, Compare, Derive, Each, Merge, Parsed, Sql
from pipelines.ingest.load import Load, Writer
from pipelines.ingest.reasons import Reason
from pipelines.ingest.stages import Formatted, Stages, formatted
from pipelines.warehouse.connection import copy_rows

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Row, Table

#: Share of changed records from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 0.1


class MergeWriter(Writer):
    """Stages the rows of one load, and executes the statements of its policy."""

    def __init__(self, load: Load, policy: Merge) -> None:
        self.load, self.policy = load, policy
        self._position: Callable[[int], str] = str
        self._read = self._equal = 0
        if policy.compare is None:
            load.create_change_log()
        tables: dict[str, Table] = {}
        for name, of in policy.stages.items():
            if isinstance(of, str):
                tables[name] = load.owner.metadata.tables[of]
            else:
                load.create_stage(name, of)
        self._stages = Stages(load, tables)

    def prepare(self, parsed: Parsed) -> Formatted:
        """Format the rows of a batch, unless only changed ones are copied."""
        return {} if self.policy.compare else formatted(parsed)

    def put(self, parsed: Parsed, prepared: Formatted) -> list[Reject]:
        """Stage a batch."""
        self._position = parsed.position
        self._read += parsed.read
        if self.policy.compare:
            self._put_changes(self.policy.compare, parsed.rows[self.policy.compare.stage])
        else:
            self._stages.put(parsed, prepared)
        return []

    def _put_changes(self, compare: Compare, rows: pd.DataFrame) -> None:
        """Store the rows that are new or differ from the stored ones."""
        if rows.empty:
            return
        connection, at = self.load.connection, rows[compare.key]
        found = self.load.execute(compare.stored, lowest=at.min(), highest=at.max()).one()
        table = self.load.owner.metadata.tables[compare.table]
        if found[0] is None:
            noted = [one.name for one in table.columns if one.name not in rows]
            mine = {"delivery_id": self.load.delivery_id, **self.load.parameters}
            whole = rows.assign(**{name: mine[name] for name in noted if name in mine})
            copy_rows(connection, f"{compare.table} ({', '.join(whole.columns)})", whole)
            return
        changed = rows
        if found[0] is not None:
            seconds = at.astype("datetime64[s, UTC]").astype("int64").to_numpy()
            is_stored, is_other = comparison.compare(rows, seconds, found, compare.content)
            changed = rows[~is_stored | is_other]
        self._equal += len(rows) - len(changed)
        if len(changed):
            self.load.stage(changed, table)
            self.load.execute(compare.put)

    @property
    def keys(self) -> Mapping[str, str]:
        """The expressions of the keys of staged records, by stage."""
        return {
            stage: f"ARRAY[{', '.join(f'CAST({column} AS text)' for column in columns)}]"
            for stage, columns in self.policy.keys.items()
        }

    def resolve(self) -> list[Reject]:
        """Remove staged rows that contradict each other, or stored ones in a retry."""
        self._stages.analyze()
        again = self.policy.resolve_again if self.load.is_retry else ()
        return [
            rejected(row, self._position)
            for sql in (*self.policy.resolve, *again)
            for row in self.load.execute(sql)
        ]

    def write(self) -> tuple[int, int]:
        """Execute the statements, and count."""
        if self.policy.begin:
            self.load.parameters.update(self.load.execute(self.policy.begin).mappings().one())
        for why in self.load.execute(self.policy.reject_all) if self.policy.reject_all else ():
            raise PermanentFailure(
                self.load.owner.name, why.problem, place=why.place, remedy=why.remedy
            )
        changed: int | None = None
        for step in self.policy.write:
            if isinstance(step, Analyze):
                changed = self.load.changed_records() if changed is None else changed
                if changed > ANALYZE_FROM * self._read:
                    names = ", ".join(step.tables)
                    self.load.connection.execute(text(f"ANALYZE {names}"))
            else:
                self._run(step)
        stored = int(self.load.execute(self.policy.stored).scalar_one())
        if self.policy.compare:
            changed = stored
        elif changed is None:
            changed = self.load.changed_records()
        return changed, stored + self._equal

    def _run(self, step: Sql | Each | Derive) -> None:
        if isinstance(step, str):
            self.load.execute(step)
        elif isinstance(step, Each):
            for names in step.names():
                self.load.execute(step.sql, names=names)
        elif found := self.load.execute(step.query).scalars().all():
            table = self.load.owner.metadata.tables[step.table]
            self.load.stage(step.make(found), table)
            self.load.execute(step.put)


def rejected(row: Row[Any], position: Callable[[int], str]) -> Reject:
    """Return a staged row that a statement has removed as a reject."""
    reason = Reason(row.reason_code, row.reason, is_final=row.is_final)
    return Reject(row.record, position(row.record), row.raw, (reason,), tuple(row.record_key))
