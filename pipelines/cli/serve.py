"""Commands that each run one process of Dagster, for containers and service managers."""

import os
import signal
import socket
from functools import partial
from typing import NoReturn

import click

from pipelines.cli.console import echo, listen_address, port_option
from pipelines.config import Settings, alert_urls, allowed_hosts, with_allowed_host
from pipelines.config.env_validation import misconfigured
from pipelines.runtime import dagster_processes

CODE_PORT, WEB_PORT = 4000, 3000
#: Further secrets, by the profile of docker compose that needs them.
OF_PROFILES = {
    "access": ("VIEWER_PASSWORD_HASH", "OPERATOR_PASSWORD_HASH"),
    "workers": ("CELERY_BROKER_PASSWORD",),
}

listen_port = partial(port_option, show_default=True, help="The port to listen on.")
where_code_is = click.option(
    "--code-server",
    "code_server",
    default=f"127.0.0.1:{CODE_PORT}",
    show_default=True,
    metavar="HOST:PORT",
    help="Address of the code server.",
)


@click.group()
def serve() -> None:
    """Run one process of Dagster in the foreground, for containers and service managers.

    Migrate the database first. On one machine, `isobar ui` runs all of these processes.
    """


@serve.command(short_help="Serve the definitions, and execute runs.")
@listen_address
@listen_port(default=CODE_PORT)
def code(host: str, port: int) -> None:
    """Serve the definitions: evaluates schedules and sensors, and executes runs.

    On SIGTERM it waits for the runs in progress, then exits.
    """
    settings = Settings.current()
    from pipelines.orchestration.patience import polling_file
    from pipelines.runtime.bootstrap import prepare_dagster_home, seed_sandbox

    seed_sandbox(settings, echo)
    address: dagster_processes.Address = {"host": host, "port": port}
    prepare_dagster_home(settings)  # the folder of the file
    seconds = dagster_processes.CONTAINER_POLL_SECONDS
    polling_file(settings.dagster_home).write_text(str(seconds))
    _become(settings, dagster_processes.code_server(address))


@serve.command()
@listen_address
@listen_port(default=WEB_PORT)
@where_code_is
@click.option(
    "--read-only", "is_read_only", is_flag=True, help="Nobody can start or change anything."
)
def web(host: str, port: int, code_server: str, is_read_only: bool) -> None:
    """Serve the web UI, which has no login.

    Everybody who can reach it can start and change everything, unless it is read-only. Listen on
    other addresses than 127.0.0.1 only behind a proxy that requires a password. Browsers reach it
    by the names of this machine to itself, by --host, and by those of ISOBAR_ALLOWED_HOSTS.
    """
    settings = Settings.current()
    workspace = settings.state / "workspace.yaml"
    command = dagster_processes.web_server(host, port, workspace, is_read_only=is_read_only)
    os.environ.update(with_allowed_host(host))
    _become(settings, command, code_server)


@serve.command(short_help="Evaluate schedules and sensors, and launch runs.")
@where_code_is
def daemon(code_server: str) -> None:
    """Evaluate schedules and sensors, and launch queued runs. Run only one for each instance."""
    settings = Settings.current()
    _become(settings, dagster_processes.daemon(settings.state / "workspace.yaml"), code_server)


@serve.command(short_help="Execute runs from the broker's queue.")
def worker() -> None:
    """Execute runs from the broker's queue. There can be several workers, on several machines.

    On SIGTERM it waits for the runs in progress, then exits.
    """
    from pipelines.runtime.bootstrap import prepare_dagster_home

    settings = Settings.current()
    _ = settings.sources  # else each run would fail for lack of it
    if settings.celery_broker_url is None:
        raise misconfigured(
            "a worker needs a broker, and CELERY_BROKER_URL is not set",
            "Set it to the Redis of the daemon, redis://default@host:6379/0, and its password in"
            " CELERY_BROKER_PASSWORD.",
        )
    os.environ.update(prepare_dagster_home(settings))
    from pipelines.runtime.celery_launcher import work

    # A health check looks at the file's age.
    work(settings.state / f"worker.{socket.gethostname()}.beat", settings.worker_runs)


@serve.command(short_help="Check the settings for docker compose.")
def validate() -> None:
    """Check the settings for docker compose, and list everything that is missing or wrong."""
    from pipelines.orchestration.operations.notifiers import check_urls
    from pipelines.runtime.bootstrap import report_broken_sources
    from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS, missing
    from pipelines.source import check_sources

    profiles = {one.strip() for one in os.environ.get("COMPOSE_PROFILES", "").split(",")}
    if "*" in profiles:
        profiles |= {"sandbox", *OF_PROFILES}
    of_profiles = [name for profile in sorted(profiles) for name in OF_PROFILES.get(profile, ())]
    if names := missing(os.environ, [OWNER_PASSWORD, *PASSWORDS.values(), *of_profiles]):
        raise misconfigured(
            f"{len(names)} passwords are not set, and there are no defaults: {', '.join(names)}",
            "Run deploy/passwords.sh, which generates passwords into .env. Or set them yourself,"
            " NAME=… or, but for a HASH, NAME_FILE=… (see .env.example).",
        )
    settings = Settings.current()
    for profile, is_set, variable in (
        ("sandbox", settings.sources == "sandbox", "ISOBAR_SOURCES=sandbox"),
        ("workers", settings.celery_broker_url is not None, "CELERY_BROKER_URL"),
    ):
        if is_set != (profile in profiles):
            raise misconfigured(
                f"only one of COMPOSE_PROFILES={profile} and {variable} is set",
                "Set both, or remove both (see .env.example).",
            )
    check_urls(alert_urls())
    allowed_hosts()
    check_sources(settings)
    if not report_broken_sources(echo):
        click.echo("The settings are valid.", err=True)


def _become(settings: Settings, command: list[str], code_server: str | None = None) -> NoReturn:
    """Replace this process with one of Dagster's, so that signals reach it."""
    from pipelines.runtime.bootstrap import prepare_dagster_home

    environment = {**os.environ, **prepare_dagster_home(settings)}
    if code_server is not None:
        host, _, port = code_server.rpartition(":")
        if not (host and port.isdecimal()):
            words = f"{code_server!r} is not HOST:PORT"
            raise click.BadParameter(words, param_hint="--code-server")
        address: dagster_processes.Address = {"host": host, "port": int(port)}
        dagster_processes.write_workspace(settings.state / "workspace.yaml", address)
    for number in (signal.SIGINT, signal.SIGTERM):  # Dagster's processes inherit ignored signals
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(command[0], command, environment)  # noqa: S606 - it replaces this process
