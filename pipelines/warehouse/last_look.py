"""What is wrong with the platform, as the last look at it found: the row of `ops.last_look`.

Whoever evaluates the platform writes it (`pipelines.orchestration.operations.look`). Dashboards,
`metrics.health` and `isobar status` read it, without Dagster.
"""

import datetime as dt
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from pipelines.postgres.errors import translated
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.tables import last_look

#: How old a look may be, and how far clocks may differ.
FRESH_SECONDS, CLOCK_SECONDS = 120.0, 5.0
Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """A problem that exists now."""

    #: Identifies the problem while it lasts, such as `run:<job>`, `check:<asset>:<check>`.
    key: str
    severity: Severity
    #: The problem in one or a few lines.
    what: str
    #: The job, asset, check, sensor or schedule.
    where: str
    since: dt.datetime
    #: Path of its page in the web UI, such as `/runs/1234`.
    path: str
    remedy: str
    #: The source that it is about, if it is about one.
    source: str | None = None
    #: The first rows that a failed check found.
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """Everything that a look found."""

    looked_at: dt.datetime
    problems: list[Problem] = field(default_factory=list)
    #: Whether the daemon looked, which looks again within a minute or two.
    is_by_daemon: bool = False

    def is_fresh(self, now: dt.datetime) -> bool:
        """Return whether it is as good as looking again: the daemon looks each minute."""
        return -CLOCK_SECONDS < (now - self.looked_at).total_seconds() < FRESH_SECONDS


def read(connection: Connection) -> Look | None:
    """Return what the last look found; None if nobody has looked."""
    row = connection.execute(text("SELECT * FROM ops.last_look")).mappings().one_or_none()
    if row is None:
        return None
    try:
        problems = [
            Problem(**one | {"since": dt.datetime.fromisoformat(one["since"])})
            for one in row["problems"]
        ]
        return Look(row["looked_at"], problems, row["is_by_daemon"])
    except (KeyError, TypeError, ValueError):  # noted by another version
        return None


def write(store: Warehouse, look: Look) -> None:
    """Note what a look found. Raises `Failure`."""
    problems = json.dumps([asdict(one) for one in look.problems], default=dt.datetime.isoformat)
    found = {
        "looked_at": look.looked_at,
        "problems": json.loads(problems.replace("\\u0000", "\\ufffd")),  # NUL is in no jsonb
        "is_by_daemon": look.is_by_daemon,
    }
    noted = insert(last_look).values(number=1, **found)
    with (
        translated("database", "what is wrong cannot be noted", place=store.place),
        store.engine.begin() as connection,
    ):
        connection.execute(noted.on_conflict_do_update(index_elements=["number"], set_=found))
