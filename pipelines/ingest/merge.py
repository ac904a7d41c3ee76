"""The policy `Merge`: rows are staged, and the source's statements store them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pipelines.ingest.contract import Reject
from pipelines.ingest.feeds import Derive, Merge, Parsed
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import (
    changed_records,
    copy_text,
    csv_text,
    prepare_change_log,
    stage,
)

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Row

    from pipelines.ingest.runner import Load

#: Share of changed records from which the planner's statistics are refreshed at once.
ANALYZE_FROM = 0.1


class MergeWriter:
    """Stages the rows of one load, and executes the statements of its policy."""

    def __init__(self, load: Load, policy: Merge) -> None:
        self.load, self.policy = load, policy
        self._position: Callable[[int], str] = str
        self._cut: tuple[Mapping[str, pd.DataFrame], Sequence[int]] = {}, ()
        prepare_change_log(load.connection)
        load.execute(policy.stages)

    def begin(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Keep the line that was cut until rows are written."""
        self._cut = cut, delivery_ids

    def prepare(self, parsed: Parsed) -> dict[str, list[bytes]]:
        """Format the rows of a batch for COPY, by stage."""
        return {name: [*csv_text(frame)] for name, frame in parsed.rows.items() if len(frame)}

    def put(self, parsed: Parsed, prepared: Mapping[str, list[bytes]]) -> list[Reject]:
        """Stage a batch."""
        self._position = parsed.position
        for name, formatted in prepared.items():
            columns = ", ".join(parsed.rows[name].columns)
            copy_text(self.load.connection, f"{name} ({columns})", formatted)
        return []

    def resolve(self) -> list[Reject]:
        """Remove staged rows that contradict each other, or stored ones in a retry."""
        again = self.policy.resolve_again if self.load.is_retry else ()
        return [
            rejected(row, self._position)
            for sql in (*self.policy.resolve, *again)
            for row in self.load.execute(sql)
        ]

    def write(self) -> tuple[int, int]:
        """Execute the statements, and count."""
        if self.load.is_retry:
            for sql in self.policy.prepare_again:
                self.load.execute(sql)
        self.load.withdraw(self.policy.withdraw, *self._cut)
        for step in self.policy.write:
            if isinstance(step, Derive):
                self._derive(step)
            else:
                self.load.execute(step)
        loaded = changed_records(self.load.connection)
        stored = int(self.load.execute(self.policy.stored).scalar_one())
        if self.policy.analyze and loaded > ANALYZE_FROM * stored:
            self.load.connection.execute(text(f"ANALYZE {', '.join(self.policy.analyze)}"))
        self.load.withdraw(self.policy.clean, *self._cut)
        return loaded, stored

    def _derive(self, step: Derive) -> None:
        found = self.load.execute(step.query).scalars().all()
        if found:
            table = self.load.owner.metadata.tables[step.table]
            stage(self.load.connection, step.make(found), table)
            self.load.execute(step.put)


def rejected(row: Row[Any], position: Callable[[int], str]) -> Reject:
    """Return a staged row that a statement has removed as a reject."""
    reason = Reason(row.reason_code, row.reason, is_final=row.is_final)
    return Reject(row.record, position(row.record), row.raw, (reason,), tuple(row.record_key))
