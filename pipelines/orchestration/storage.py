"""Dagster's PostgreSQL storage with pooled connections.

Dagster's own storage opens a connection for each query, some fifteen per second when idle, and
checks for its tables whenever a sensor uses the instance. That costs the database more than the
queries do. Dagster's own pooling (`optimize_for_webserver`) does not check whether a pooled
connection still works; only the web server uses it.

What is stored are texts of others, too: errors and logs of plug-ins, with whatever these know. So
the values of secrets are masked in all that is written.
"""

import json
import re
from functools import cache
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Engine, create_engine, event

from pipelines.config import secrets_in_use
from pipelines.source import is_discovered, secret_variables

#: Pool size; further connections are opened on demand and closed after use.
KEPT_SESSIONS = 3
#: Recycle connections before firewalls drop idle ones.
RENEWED_AFTER_SECONDS = 600
#: A shorter secret may be a part of Dagster's own words, which have to stay as they are.
MIN_MASKED = 12


class PooledPostgresStorage(DagsterPostgresStorage):
    """The storage named in `dagster.yaml`: one pool for its three parts, shared in the process."""

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        # Whoever may change the database has made them (`bootstrap.prepare_dagster_storage`).
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # Dagster 1.13 has no public way to pass an engine.
            part._engine = _engine(postgres_url)  # type: ignore[union-attr]

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "PooledPostgresStorage":
        """Create the storage from the settings in `dagster.yaml`."""
        return cls(config_value["postgres_url"], inst_data)


@cache
def _engine(url: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_SESSIONS,
        max_overflow=-1,
        pool_pre_ping=True,  # the database may have restarted
        pool_recycle=RENEWED_AFTER_SECONDS,
        pool_use_lifo=True,
    )
    event.listen(engine, "before_cursor_execute", _mask_secrets, retval=True)
    return engine


@cache
def _secrets(knows_sources: bool) -> re.Pattern[str] | None:
    """Return what matches each secret of this process, also as it is written in JSON.

    A process that executes code of sources knows them. One that does not, such as a web server,
    imports no plug-in for this.
    """
    names = secret_variables() if knows_sources else ()
    found = [one for one in secrets_in_use(names) if len(one) >= MIN_MASKED]
    forms = {form for one in found for form in (one, json.dumps(one)[1:-1])}
    ordered = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if forms else None


def _mask_secrets(*arguments: Any) -> tuple[str, Any]:
    """Mask the secrets in the parameters of a statement that writes, before it is executed."""
    _, _, statement, parameters, *_ = arguments
    is_write = statement.lstrip()[:6].upper() in ("INSERT", "UPDATE")
    secrets = _secrets(is_discovered()) if is_write else None
    return statement, _masked(parameters, secrets) if secrets else parameters


def _masked(value: Any, secrets: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return secrets.sub("***", value)
    if isinstance(value, dict):
        return {name: _masked(one, secrets) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_masked(one, secrets) for one in value)
    return value
