"""Start-up: start the database, migrate it, write DAGSTER_HOME and start the sandbox."""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import requests
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from pipelines.config import INSTANCE, RUN_LOGS, Settings
from pipelines.failures import TransientFailure
from pipelines.isolation import broken_sources, isolated, note_broken
from pipelines.postgres import state_folder
from pipelines.postgres.clients import (
    connect,
    create_database,
    place_of,
    reject_unmigrated,
    revoke_public_connect,
)
from pipelines.postgres.errors import failure_of, translated
from pipelines.postgres.ports import free_port
from pipelines.postgres.roles import LOADER
from pipelines.runtime.processes import Child
from pipelines.source import check_sources, is_plugin, sources
from pipelines.warehouse.connection import Warehouse

Report = Callable[[str], None]
#: Longest time that the daemon waits for a tick, which polls for less.
TICK_SECONDS = 300
#: Until it is set, the UI shows jobs as "Auto-materialize off", though `derived_assets` is on.
AUTOMATION_IS_ON = {"ASSET_DAEMON_PAUSED": "false"}
#: How a dagster.yaml begins that Isobar 3.0 wrote where a broker was set.
OF_3 = "# Written by isobar"


@contextmanager
def bootstrapped(
    settings: Settings, report: Report, *, may_migrate: bool = True
) -> Iterator[tuple[dict[str, str], Child | None]]:
    """Prepare what runs need: the database, DAGSTER_HOME and, if it is used, the sandbox.

    Unless it `may_migrate`, a database that is not on the built-in server is left as it is. Yields
    the environment of runs, and the sandbox's process if it was started. Raises `Failure`.
    """
    with sandbox(settings) as (child, variables):
        if may_migrate or settings.has_builtin_server:
            prepare_database(settings, report)
            prepare_dagster_storage(settings)
            seed_sandbox(settings, report)
        else:
            reject_unmigrated(settings.warehouse_url())
        environment = {**settings.environment, **prepare_dagster_home(settings)}
        yield environment | variables(), child


def prepare_database(settings: Settings, report: Report) -> None:
    """Start the built-in server if it is used, migrate, and switch off sources set up wrongly."""
    from pipelines.migrations.apply import migrate

    check_sources(settings)
    if settings.has_builtin_server:
        settings.builtin_server(report).start()
    migrate(settings.warehouse_url(), report)


def report_broken_sources(report: Report) -> bool:
    """Report each broken source. Returns True if there is one."""
    for one in broken_sources():
        report(str(one))
    return bool(broken_sources())


def seed_sandbox(settings: Settings, report: Report) -> None:
    """Load the initial data of simulated sources. The database must already be migrated."""
    if settings.sources != "sandbox":
        return
    for source in sources().values():
        if source.seed_sandbox is None or source.settings.is_chosen(settings.environment):
            continue
        guard = isolated(source.name, "its initial data", source.package)
        with (
            guard if is_plugin(source) else nullcontext(),  # else the warehouse is at fault
            Warehouse(settings.warehouse_url(LOADER)) as store,
        ):
            if message := source.seed_sandbox(store):
                report(message)


def prepare_dagster_home(settings: Settings) -> dict[str, str]:
    """Create DAGSTER_HOME; return the variables that Dagster needs."""
    home = settings.dagster_home
    state_folder.create(settings.state)
    home.mkdir(parents=True, exist_ok=True)
    link = home / "dagster.yaml"
    is_own = link.is_file() and not link.read_text(errors="replace").startswith(OF_3)
    if link.is_symlink() or not is_own:
        fresh = home / f"dagster.yaml.{secrets.token_hex(8)}"  # process ids repeat in containers
        fresh.symlink_to(INSTANCE.resolve())
        fresh.replace(link)
    broker = settings.celery_broker_url
    return {
        **({"CELERY_BROKER_URL": broker.get_secret_value()} if broker else {}),
        "DAGSTER_HOME": str(home),
        RUN_LOGS: str(home / "storage"),
        "DAGSTER_POSTGRES_URL": settings.dagster_url(),
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": str(TICK_SECONDS),
        "ISOBAR_HOME": str(settings.state),
    }


def make_dagster_database(settings: Settings) -> None:
    """Create Dagster's database beside a warehouse that is not on the built-in server."""
    if settings.database_url is None or settings.dagster_postgres_url:
        return
    url, name = settings.warehouse_url(), make_url(settings.dagster_url()).database or ""
    with (
        translated(
            "database",
            f"Dagster's own database {name!r} could not be created",
            place=place_of(url),
            remedy="Create it by hand, or set DAGSTER_POSTGRES_URL to another one.",
        ),
        connect(url, autocommit=True) as connection,
    ):
        if create_database(connection, name):
            revoke_public_connect(connection, name)


def prepare_dagster_storage(settings: Settings) -> None:
    """Create Dagster's database and its tables where they are missing. Raises `Failure`."""
    from dagster_postgres import DagsterPostgresStorage

    make_dagster_database(settings)
    with translated_storage():
        storage = DagsterPostgresStorage(settings.dagster_url(), should_autocreate_tables=True)
        storage.run_storage.set_cursor_values(AUTOMATION_IS_ON)


@contextmanager
def translated_storage() -> Iterator[None]:
    """Raise errors of Dagster's storage as failures."""
    from dagster_postgres.utils import DagsterPostgresException

    try:
        yield
    except (SQLAlchemyError, DagsterPostgresException) as error:
        raise failure_of(
            error.__cause__ if isinstance(error, DagsterPostgresException) else error,
            "dagster",
            "Dagster's storage failed",
            place="DAGSTER_POSTGRES_URL, or the built-in server (isobar database status)",
            see="See isobar status, and run again: what was not finished is done then.",
            remedy="See whether isobar migrate ends without an error, then run again.",
        ) from error


@contextmanager
def sandbox(settings: Settings) -> Iterator[tuple[Child | None, Callable[[], dict[str, str]]]]:
    """Start the sandbox, unless sources are real or ISOBAR_SANDBOX_URL names one.

    Yields the process, and a function that waits until it answers and returns the variables that
    point to it: the caller can prepare the database in the meantime.
    """
    if settings.sources == "live" or settings.sandbox_url is not None:
        yield None, dict
        return
    state_folder.create(settings.state)
    last_port = settings.state / "sandbox.port"
    noted = last_port.read_text() if last_port.exists() else ""
    port = free_port(int(noted) if noted.isdecimal() else None)  # a crash may have truncated it
    last_port.write_text(str(port))  # a stable port keeps the URLs of loaded data stable
    words = ["sandbox", f"--port={port}", f"--parent={os.getpid()}"]
    child = Child(
        "sandbox",
        [sys.executable, "-P", "-m", "pipelines.cli", *words],
        environment={**settings.environment, "ISOBAR_HOME": str(settings.state)},
        log=settings.state / "sandbox.log",
    )
    url = f"http://127.0.0.1:{port}"

    def answering() -> dict[str, str]:
        """Wait for the sandbox, and mark sources that it cannot simulate."""
        wait_until(lambda: answers(url), child, seconds=120)
        for name, problem in requests.get(f"{url}/broken", timeout=2).json().items():
            note_broken(name, problem)
        return {"ISOBAR_SANDBOX_URL": url}

    child.start()
    try:
        yield child, answering
    finally:
        child.stop()


def answers(url: str) -> bool:
    """Return whether a sandbox answers at the URL."""
    try:
        return requests.get(f"{url}/health", timeout=2).text == "ok"
    except requests.RequestException:
        return False


def wait_until(is_ready: Callable[[], bool], child: Child, seconds: float) -> None:
    """Wait until a child is ready. Raises `TransientFailure` if it exits or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if not child.is_alive() or time.monotonic() > deadline:
            what = "took too long to start" if child.is_alive() else "ended at its start"
            raise TransientFailure(
                child.name,
                f"it {what}: {child.log_tail()}",
                place=str(child.log),
                remedy="Read the log, fix the cause, then run the same command again.",
            )
        time.sleep(0.05)
