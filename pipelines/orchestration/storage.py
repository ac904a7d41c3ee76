"""Dagster's PostgreSQL storage with pooled connections.

Dagster's own storage opens a connection for each query, some fifteen per second when idle, and
checks for its tables whenever a sensor uses the instance. That costs the database more than the
queries do. Dagster's own pooling (`optimize_for_webserver`) does not check whether a pooled
connection still works; only the web server uses it.
"""

from functools import cache
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, create_engine

#: Pool size; further connections are opened on demand and closed after use.
KEPT_SESSIONS = 3
#: Recycle connections before firewalls drop idle ones.
RENEWED_AFTER_SECONDS = 600


class PooledPostgresStorage(DagsterPostgresStorage):
    """The storage named in `dagster.yaml`: one pool for its three parts, shared in the process."""

    #: URLs whose tables this process has already found.
    _seen: set[str] = set()  # noqa: RUF012 (of the process)

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        is_new = postgres_url not in self._seen
        super().__init__(postgres_url, should_autocreate_tables=is_new, inst_data=inst_data)
        self._seen.add(postgres_url)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # Dagster 1.13 has no public way to pass an engine.
            part._engine = _engine(postgres_url)  # type: ignore[union-attr]

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PooledPostgresStorage":
        """Create the storage from the settings in `dagster.yaml`."""
        return cls(config_value["postgres_url"], inst_data)


@cache
def _engine(url: str) -> Engine:
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_SESSIONS,
        max_overflow=-1,
        pool_pre_ping=True,  # the database may have restarted
        pool_recycle=RENEWED_AFTER_SECONDS,
        pool_use_lifo=True,
    )
