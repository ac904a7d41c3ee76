"""Dagster's storage in PostgreSQL, with sessions that are kept.

Dagster's own opens a session for each of its questions, some fifteen a second while nothing goes
on, and looks for its tables whenever a sensor requests the instance. That costs the database more
than the answers do. Its way to keep sessions (`optimize_for_webserver`) does not look whether a
kept session still works; the web server alone uses that.
"""

from functools import cache
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, create_engine

#: Threads that need more open them for as long as they do.
KEPT_SESSIONS = 3
#: Behind firewalls that forget idle sessions.
RENEWED_AFTER_SECONDS = 600


class PooledPostgresStorage(DagsterPostgresStorage):
    """The storage named in `dagster.yaml`: one pool for its three parts, and for the process."""

    #: Where this process has seen the tables, by URL.
    _seen: set[str] = set()  # noqa: RUF012 (of the process)

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        is_new = postgres_url not in self._seen
        super().__init__(postgres_url, should_autocreate_tables=is_new, inst_data=inst_data)
        self._seen.add(postgres_url)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # 1.13 has no public way to give them an engine.
            part._engine = _engine(postgres_url)  # type: ignore[union-attr]

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PooledPostgresStorage":
        """Make it from the settings in `dagster.yaml`."""
        return cls(config_value["postgres_url"], inst_data)


@cache
def _engine(url: str) -> Engine:
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_SESSIONS,
        max_overflow=-1,
        pool_pre_ping=True,  # the database may have been started anew
        pool_recycle=RENEWED_AFTER_SECONDS,
        pool_use_lifo=True,
    )
