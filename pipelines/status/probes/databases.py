"""Read the warehouse and Dagster's storage for `isobar status`, in read-only sessions."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

from sqlalchemy import Connection, make_url, text

from pipelines.config import Settings
from pipelines.failures import NotReady, TransientFailure
from pipelines.migrations.apply import Condition, condition, left_in_place, outdated_plugins
from pipelines.migrations.objects import built_on
from pipelines.postgres.errors import translated
from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.status.rules import Database
from pipelines.warehouse.connection import engine_for
from pipelines.warehouse.sql_files import read_sql

READ_ONLY = "-c default_transaction_read_only=on"
TABLES_OF_DAGSTER = ("runs", "event_logs", "job_ticks", "instigators", "daemon_heartbeats")
#: By feed: when its last delivery was loaded, and how many records are in quarantine.
Ledger = dict[str, tuple[dt.datetime, int]]


def probe_warehouse(settings: Settings, seconds: float) -> tuple[Database, Ledger]:
    """Read the warehouse and its ledger. Raises `Failure` if it cannot be read.

    No statement runs longer than `seconds`.
    """
    url = settings.database_url or _builtin_url(settings, SUPERUSER, WAREHOUSE)
    with _reading(url, seconds) as connection:
        schema = condition(connection)
        outdated = () if schema in ("current", "missing") else (*outdated_plugins(connection),)
        ledger = {}
        built: list[str] = []
        left: list[str] = []
        if schema not in ("missing", "foreign"):
            rows = connection.execute(text(read_sql("pipelines.status", "ledger")))
            ledger = {row.source: (row.last_delivery_at, row.in_quarantine) for row in rows}
            built = [str(one) for one in built_on(connection)]
            left = left_in_place(connection)
        found = _database("database", connection, schema)
        found = replace(found, outdated=outdated, built_on=(*built,), not_upgraded=(*left,))
        return found, ledger


def probe_storage(settings: Settings, seconds: float) -> tuple[Database, str]:
    """Read Dagster's storage; return its facts, and its URL for Dagster. Raises `Failure`.

    No statement here runs longer than `seconds`.
    """
    if settings.dagster_postgres_url or settings.database_url:
        url = settings.dagster_url()
    else:
        url = _builtin_url(settings, DAGSTER, DAGSTER)
    with _reading(url, seconds) as connection:
        query = text(
            "SELECT bool_and(to_regclass(name) IS NOT NULL)"
            " FROM unnest(CAST(:names AS text [])) AS name"
        )
        is_made = connection.execute(query, {"names": [*TABLES_OF_DAGSTER]}).scalar_one()
        found = _database("dagster_storage", connection, "current" if is_made else "missing")
    read_only = {"options": READ_ONLY, "connect_timeout": "10"}
    of_dagster = make_url(url).set(drivername="postgresql+psycopg2").update_query_dict(read_only)
    return found, of_dagster.render_as_string(hide_password=False)


def place_of(url: str | None, settings: Settings) -> str:
    """Return the location of a database for messages: a URL without password, or a folder."""
    if url is None:
        return str(settings.state / "postgres")
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def _builtin_url(settings: Settings, role: str, database: str) -> str:
    """Return a URL on the built-in server, if it runs."""
    server = settings.builtin_server()
    if not server.data.exists():
        raise NotReady(
            "database",
            "there is no database yet",
            place=str(server.data),
            remedy="Run make run (isobar run), which creates and fills it.",
        )
    running = server.connections()
    if running is None:
        raise TransientFailure(
            "database",
            "the built-in server is not running",
            place=str(server.data),
            remedy="Run isobar database start, or isobar ui, which keeps it up.",
        )
    return f"{running.url(role, database)}?sslmode=disable"


@contextmanager
def _reading(url: str, seconds: float) -> Iterator[Connection]:
    """Open a read-only session. Raises `Failure`."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    options = f"{READ_ONLY} -c statement_timeout={seconds * 1000:.0f}"
    if isinstance(given, str):
        options = f"{given} {options}".strip()
    engine = engine_for(
        parsed.update_query_dict({"options": options}).render_as_string(hide_password=False),
        role=None,
    )
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    see = "See whether the server is up, and the address in the environment is right."
    more = {"see": see, "remedy": see, "secrets": [parsed.password or ""]}
    try:
        with (
            translated("database", "it cannot be read", place=shown, **more),
            engine.connect() as connection,
        ):
            yield connection
    finally:
        engine.dispose()


def _database(
    part: Literal["database", "dagster_storage"], connection: Connection, schema: Condition
) -> Database:
    query = text(
        "SELECT pg_database_size(current_database()), current_setting('server_version'),"
        " pg_is_in_recovery(),"
        " pg_size_bytes(current_setting('shared_buffers')),"
        " count(*), extract(EPOCH FROM max(replay_lag))::float FROM pg_stat_replication"
    )
    size, version, is_standby, buffers, replicas, lag = connection.execute(query).one()
    place = connection.engine.url.set(query={}, drivername="postgresql")
    return Database(
        part,
        place.render_as_string(hide_password=True),
        is_reachable=True,
        server_version=version.split()[0],
        size_bytes=size,
        is_standby=is_standby,
        shared_buffers_bytes=buffers,
        replicas=replicas,
        replica_lag_seconds=lag,
        schema=schema,
    )
