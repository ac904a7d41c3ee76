"""Plans of PostgreSQL, as EXPLAIN (FORMAT JSON) has them."""

from collections.abc import Iterator
from typing import Any


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan and every node below it."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
