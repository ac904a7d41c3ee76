"""One load: where the statements of a source run, and how a policy stores its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, CursorResult, MetaData, text
from sqlalchemy.exc import DBAPIError, StatementError

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import withdraw_record
from pipelines.ingest.feeds import Parsed, Sql
from pipelines.warehouse.connection import transaction_status
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.ingest.contract import Reject


class Owner(Protocol):
    """The source of a feed, as far as the runner needs it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def package(self) -> str: ...  # noqa: D102
    @property
    def metadata(self) -> MetaData: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Load:
    """A delivery that is being loaded, or read again: where its statements run, and with what."""

    connection: Connection
    owner: Owner
    delivery_id: int
    #: When the source sent it.
    seen_at: datetime
    #: When the tables change.
    changed_at: datetime
    is_retry: bool
    parameters: dict[str, Any] = field(default_factory=dict)

    def execute(
        self, sql: Sql, names: Mapping[str, str] | None = None, **more: Any
    ) -> CursorResult[Any]:
        """Execute the statements of a file of the source; return the last one's result.

        `names` replace `{name}` in a file for several tables.
        """
        values = {
            "delivery_id": self.delivery_id,
            "seen_at": self.seen_at,
            "changed_at": self.changed_at,
            **self.parameters,
            **more,
        }
        found = execute_file(self.connection, self.owner.package, sql, values, names)
        if transaction_status(self.connection) == TransactionStatus.IDLE:
            raise PermanentFailure(
                self.owner.name,
                f"sql/{sql}.sql ended the transaction, and nothing was written",
                place=self.owner.package,
                remedy="A load must neither commit nor roll back: the platform does, with the"
                " counts. Remove the statement.",
            )
        return found

    def withdraw(
        self, several: Sequence[Sql], cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]
    ) -> None:
        """Execute statements that remove what a cut line stored, and correct the ledger."""
        for frame in cut.values():
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            for sql, row in product(several, rows):
                values = {str(name): value for name, value in row.items()}
                found = self.execute(sql, delivery_ids=list(delivery_ids), **values)
                for removed in found if found.returns_rows else ():
                    withdraw_record(self.connection, removed.delivery_id)


class Writer(Protocol):
    """How a policy stores the rows of one load."""

    def begin(self, cut: Mapping[str, pd.DataFrame], delivery_ids: Sequence[int]) -> None:
        """Take the line in which an earlier version of the file was cut, if any.

        `delivery_ids` are the deliveries of that version, which stored it.
        """

    def prepare(self, parsed: Parsed) -> Any:
        """Format a batch in the thread that parses it, without the connection."""

    def put(self, parsed: Parsed, prepared: Any) -> list[Reject]:
        """Stage or write a batch; return records that contradict stored ones."""

    def resolve(self) -> list[Reject]:
        """Remove staged rows that contradict each other, and return them."""

    def write(self) -> tuple[int, int]:
        """Store what is staged; return how many records changed a row, and how many are stored."""


def execute_file(
    connection: Connection,
    package: str,
    sql: Sql,
    values: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> CursorResult[Any]:
    """Execute the statements of a source's file one by one; return the last one's result.

    Each ends with `;` at the end of a line.
    """
    script = read_sql(package, sql)
    script = script.format_map(names) if names else script
    *before, last = (one for one in script.split(";\n") if one.strip())
    try:
        for statement in before:
            connection.execute(text(statement), dict(values))
        return connection.execute(text(last), dict(values))
    except StatementError as error:
        if isinstance(error, DBAPIError):  # the transaction translates it
            raise
        raise LookupError(f"sql/{sql}.sql: {error.orig}") from error
