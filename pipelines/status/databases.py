"""Read the warehouse and Dagster's storage for `isobar status`, in read-only sessions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, make_url, text

from pipelines.config import Settings
from pipelines.failures import NotReady, TransientFailure
from pipelines.migrations.apply import Condition, condition
from pipelines.postgres.errors import translated
from pipelines.postgres.roles import DAGSTER, SUPERUSER, WAREHOUSE
from pipelines.source import is_plugin, sources
from pipelines.warehouse import last_look
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.last_look import Look
from pipelines.warehouse.sql_files import read_sql, sql_files

#: No session writes, and no statement takes longer.
STATEMENT_SECONDS = 10
OPTIONS = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s"
TABLES_OF_DAGSTER = ("runs", "event_logs", "job_ticks", "instigators", "daemon_heartbeats")
#: Schemas of the warehouse whose tables this code can read.
READABLE: tuple[Condition, ...] = ("current", "other views")
UNREACHABLE: Mapping[str, Any] = {
    "place": "",
    "is_reachable": False,
    "error": None,
    "server_version": None,
    "size_bytes": None,
    "schema": None,
}


@dataclass(frozen=True)
class Data:
    """What the warehouse has; nothing if it cannot be read."""

    #: What the last look at the platform found; None if nobody has looked.
    look: Look | None = None
    #: Facts about each source (`sql/sources.sql`), by name, and remarks: what the source's own
    #: `sql/status_remarks.sql` returns.
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@contextmanager
def warehouse(settings: Settings) -> Iterator[Connection]:
    """Open a read-only session of the warehouse. Raises `Failure`."""
    url = settings.own_url(SUPERUSER) or _builtin_url(settings, SUPERUSER, WAREHOUSE)
    with _reading(url) as opened:
        yield opened


def probe_warehouse(connection: Connection) -> tuple[dict[str, Any], Data]:
    """Read the warehouse. Raises `Failure` if it cannot be read."""
    facts = _facts(connection, condition(connection))
    if facts["schema"] not in READABLE:
        return facts, Data()
    rows = connection.execute(text(read_sql("pipelines.status", "sources"))).mappings()
    known = {row["name"]: dict(row) for row in rows}
    for name, source in sources().items() if facts["schema"] == "current" else ():
        query = None if is_plugin(source) else sql_files(source.package, "").get("status_remarks")
        if query and name in known:
            known[name]["remarks"] = [*connection.execute(text(query)).scalars()]
    return facts, Data(last_look.read(connection), known)


def probe_storage(settings: Settings) -> tuple[dict[str, Any], str]:
    """Read Dagster's storage; return its facts, and its URL for Dagster. Raises `Failure`."""
    if settings.dagster_postgres_url or settings.database_url:
        url = settings.dagster_url()
    else:
        url = _builtin_url(settings, DAGSTER, DAGSTER)
    with _reading(url) as connection:
        query = text(
            "SELECT bool_and(to_regclass(name) IS NOT NULL)"
            " FROM unnest(CAST(:names AS text [])) AS name"
        )
        is_made = connection.execute(query, {"names": [*TABLES_OF_DAGSTER]}).scalar_one()
        facts = _facts(connection, "current" if is_made else "missing")
    options = {"options": OPTIONS, "connect_timeout": "10"}
    of_dagster = make_url(url).set(drivername="postgresql+psycopg2").update_query_dict(options)
    return facts, of_dagster.render_as_string(hide_password=False)


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
def _reading(url: str) -> Iterator[Connection]:
    """Open a read-only session. Raises `Failure`."""
    parsed = make_url(url)
    given = parsed.query.get("options", "")
    options = f"{given} {OPTIONS}".strip() if isinstance(given, str) else OPTIONS
    address = parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)
    see = "See whether the server is up, and the address in the environment is right."
    with (
        Warehouse(address, role=None) as store,
        translated("database", "it cannot be read", place=store.place, see=see, remedy=see),
        store.engine.connect() as connection,
    ):
        yield connection


def _facts(connection: Connection, schema: Condition) -> dict[str, Any]:
    query = text("SELECT pg_database_size(current_database()), current_setting('server_version')")
    size, version = connection.execute(query).one()
    place = connection.engine.url.set(query={}, drivername="postgresql")
    return {
        **UNREACHABLE,
        "place": place.render_as_string(hide_password=True),
        "is_reachable": True,
        "server_version": version.split()[0],
        "size_bytes": size,
        "schema": schema,
    }
