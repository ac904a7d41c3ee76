"""Troubles of a run: its source fails, or it, its sessions or the server are killed.

A moment is a number of statements or commits, so that a seed replays; some are of the clock.
"""

import itertools
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres

OF_THE_SERVER = ("backend", "postmaster", "server")
#: The server less often: it needs a second to restart.
VICTIMS = ("loader",) * 10 + ("sessions",) * 5 + OF_THE_SERVER
FAULTS = ("500", "cut")
#: Most runs are over by then.
MAX_NUMBER = {"statement": 50, "commit": 4, "millisecond": 120}
SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = %s AND application_name = 'isobar' AND pid <> pg_backend_pid() ORDER BY pid
"""
GONE_MILLISECONDS = 10_000


@dataclass(frozen=True)
class Blow:
    """The victim, and when it is killed: at a numbered statement, commit or millisecond."""

    victim: str
    unit: str
    number: int
    is_after: bool

    def __str__(self) -> str:
        when = "after" if self.is_after else "before"
        return f"{self.victim} killed {when} {self.unit} {self.number}"


def drawn_blow(random: Random) -> Blow:
    unit = random.choice(("statement", "statement", "commit", "commit", "millisecond"))
    number = random.randint(1, MAX_NUMBER[unit])
    return Blow(random.choice(VICTIMS), unit, number, random.random() < 0.5)


def arm(blow: Blow, strike: Callable[[], object]) -> None:
    """Have it struck when the moment comes in this process, which is the loader's alone."""
    passed = itertools.count(1)

    def pass_by(*_: Any) -> None:
        if next(passed) == blow.number:
            strike()

    commit: Callable[[DefaultDialect, Any], None] = DefaultDialect.do_commit

    def do_commit(dialect: DefaultDialect, connection: Any) -> None:
        if not blow.is_after:
            pass_by()
        commit(dialect, connection)
        if blow.is_after:
            pass_by()

    if blow.unit == "statement":
        when = "after_cursor_execute" if blow.is_after else "before_cursor_execute"
        event.listen(Engine, when, pass_by)
    elif blow.unit == "commit":
        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def strike(victim: str, state: Path, server: Connections, database: str, loader: int) -> None:
    """Kill, by -9 all but sessions; `state` is the server's folder, `loader` a process.

    A killed backend takes all sessions with it; that is over when this returns.
    """
    if victim == "loader":
        with suppress(ProcessLookupError):  # it was done a moment before
            os.kill(loader, signal.SIGKILL)
    elif victim in ("sessions", "backend"):
        with psycopg.connect(server.url(SUPERUSER, database), autocommit=True) as connection:
            for (pid,) in connection.execute(SESSIONS, (database,)).fetchall():
                if victim == "backend":
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:  # it was done a moment before
                        continue
                    with suppress(psycopg.OperationalError):
                        connection.execute("SELECT pg_sleep(60)")
                    return
                how = (pid, GONE_MILLISECONDS)
                connection.execute("SELECT pg_terminate_backend(%s, %s)", how)
    else:
        pid_file = EmbeddedPostgres(state).data / "postmaster.pid"
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        family = postmaster.children() if victim == "server" else []
        postmaster.kill()
        for process in family:
            if process.is_running():
                process.kill()
