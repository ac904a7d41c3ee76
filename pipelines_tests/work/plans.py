"""What PostgreSQL counts while it executes a statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine, event

#: Connections to the smaller database and to the larger one.
Both = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
#: Rows from which a table is one that grows.
MANY = 1_000


@dataclass(frozen=True)
class Counted:
    """The work of one execution. `scanned` are growing tables that were read as a whole.

    `rows_read` are without those of other tables that were.
    """

    buffers: int
    rows_read: int
    rows_returned: int
    scanned: frozenset[str]
    has_hashed_subplan: bool


def counted(connection: psycopg.Connection[Any], statement: str, parameters: Any = None) -> Counted:
    """Execute a statement twice, and count the second time: the first one fills the caches."""
    explain = f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, TIMING OFF, FORMAT JSON) {statement}".encode()
    for _ in range(2):
        with connection.transaction(force_rollback=True):
            ((found,),) = connection.execute(explain, parameters).fetchall()
    plan = found[0]["Plan"]
    nodes = list(_nodes(plan))
    leaves = [
        one
        for one in nodes
        if "Relation Name" in one and (one["Node Type"] != "Seq Scan" or _rows(one) >= MANY)
    ]
    return Counted(
        buffers=sum(
            plan.get(f"{kind} Blocks", 0)
            for kind in ("Shared Hit", "Shared Read", "Temp Read", "Temp Written")
        ),
        rows_read=sum(round(_rows(one) * one["Actual Loops"]) for one in leaves),
        rows_returned=round(plan["Actual Rows"]),
        scanned=frozenset(one["Relation Name"] for one in leaves if one["Node Type"] == "Seq Scan"),
        has_hashed_subplan="hashed SubPlan" in str(found),
    )


def _rows(node: dict[str, Any]) -> float:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(node["Actual Rows"] + sum(node.get(one, 0) for one in removed))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", []):
        yield from _nodes(one)


@contextmanager
def executed() -> Iterator[list[tuple[str, Any]]]:
    """The statements that SQLAlchemy sends to PostgreSQL meanwhile, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if connection.dialect.name == "postgresql":
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
