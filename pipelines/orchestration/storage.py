"""Dagster's PostgreSQL storage with pooled connections.

Dagster's own storage opens a connection for each query, some fifteen per second when idle. An idle
`isobar ui` and its database take 28 % of a core with it, and 11 % with the pool. Dagster's own
pooling (`optimize_for_webserver`) does not check whether a pooled connection still works.
"""

from functools import cache, partial
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, create_engine, event, make_url

from pipelines.postgres import sessions
from pipelines.postgres.clients import place_of

#: Pool size; further connections are opened on demand and closed after use.
KEPT_SESSIONS = 3
#: Recycle connections before firewalls drop idle ones.
RENEWED_AFTER_SECONDS = 600


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's storage with one pool for its three parts, shared in the process."""

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        # Whoever may change the database has made the tables (`bootstrap.prepare_dagster_storage`).
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # Dagster 1.13 has no public way to pass an engine.
            part._engine = _engine(postgres_url)  # type: ignore[union-attr]


@cache
def _engine(url: str) -> Engine:
    given = make_url(url).query.get("options", "")
    engine = create_engine(
        url,
        connect_args={"options": f"{given} {sessions.options(None, sessions.OF_TIMES)}"},
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_SESSIONS,
        max_overflow=-1,
        pool_pre_ping=True,  # the database may have restarted
        pool_recycle=RENEWED_AFTER_SECONDS,
        pool_use_lifo=True,
    )
    check = partial(sessions.compare, role=None, place=place_of(url), settings=sessions.OF_TIMES)
    event.listen(engine, "connect", lambda new, _: check(new))
    return engine
