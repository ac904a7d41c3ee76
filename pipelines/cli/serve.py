"""Commands that are one process of Dagster each, for containers and service managers."""

import os
import re
import signal
from collections.abc import Mapping
from typing import NoReturn

import click

from pipelines.cli.console import echo
from pipelines.config import Settings, alert_urls
from pipelines.failures import PermanentFailure
from pipelines.runtime import dagster_processes

PORT = click.IntRange(1, 65535)
CODE_PORT, WEB_PORT = 4000, 3000
#: What docker compose's profiles want besides.
OF_PROFILES = {
    "access": ("VIEWER_PASSWORD_HASH", "OPERATOR_PASSWORD_HASH"),
    "workers": ("CELERY_BROKER_PASSWORD",),
}

host_to_listen_on = click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
where_code_is = click.option(
    "--code-server",
    "code_server",
    default=f"127.0.0.1:{CODE_PORT}",
    show_default=True,
    metavar="HOST:PORT",
    help="Where the code server listens.",
)


@click.group(short_help="One process of Dagster, for containers and services.")
def serve() -> None:
    """One process of Dagster in the foreground, for containers and service managers.

    The database has to be migrated. `isobar ui` is all of them together, for one machine.
    """


@serve.command(short_help="Serve the definitions, and start runs.")
@host_to_listen_on
@click.option("--port", type=PORT, default=CODE_PORT, show_default=True, help="Its port.")
def code(host: str, port: int) -> None:
    """Serve the definitions: schedules and sensors are evaluated here, and runs are started.

    SIGTERM lets the runs under way end first.
    """
    settings = Settings.current()
    from pipelines.runtime.bootstrap import seed_sandbox

    seed_sandbox(settings, echo)
    look_seconds = dagster_processes.SHORT_LOOK_SECONDS
    _become(settings, dagster_processes.code_server(host, port, look_seconds))


@serve.command()
@host_to_listen_on
@click.option("--port", type=PORT, default=WEB_PORT, show_default=True, help="Its port.")
@where_code_is
@click.option(
    "--read-only", "is_read_only", is_flag=True, help="Nothing can be started or changed."
)
def web(host: str, port: int, code_server: str, is_read_only: bool) -> None:
    """Serve the web UI, which has no login.

    Whoever reaches it may start and change everything, unless it is read-only: listen on another
    address than this machine's own only behind a proxy that asks for a password.
    """
    settings = Settings.current()
    workspace = settings.state / "workspace.yaml"
    command = dagster_processes.web_server(host, port, workspace, is_read_only=is_read_only)
    _become(settings, command, code_server)


@serve.command(short_help="Tick schedules and sensors, and hand out runs.")
@where_code_is
def daemon(code_server: str) -> None:
    """Tick schedules and sensors, and hand out the runs that are queued; one for an instance."""
    settings = Settings.current()
    _become(settings, dagster_processes.daemon(settings.state / "workspace.yaml"), code_server)


@serve.command(short_help="Execute runs that the broker gives.")
def worker() -> None:
    """Execute runs that the broker gives; any number on any machines.

    SIGTERM lets the runs under way end first.
    """
    from pipelines.runtime.workers import worker_command

    settings = Settings.current()
    _become(settings, worker_command(settings))


@serve.command(short_help="See whether what is set for docker compose is whole.")
def validate() -> None:
    """Say what is missing or wrong in what is set for docker compose, all of it at once."""
    from pipelines.orchestration.operations.notifiers import check_urls
    from pipelines.runtime.bootstrap import check_sources
    from pipelines.runtime.logins import OWNER_PASSWORD, PASSWORDS, missing

    profiles = {one.strip() for one in os.environ.get("COMPOSE_PROFILES", "").split(",")}
    if "*" in profiles:
        profiles |= {"sandbox", *OF_PROFILES}
    of_profiles = [name for profile in sorted(profiles) for name in OF_PROFILES.get(profile, ())]
    if names := missing(os.environ, [OWNER_PASSWORD, *PASSWORDS.values(), *of_profiles]):
        raise PermanentFailure(
            "configuration",
            f"{len(names)} of the passwords are not set, and none has a default",
            place=".env",
            remedy="Run deploy/passwords.sh, which generates passwords into .env, or set each"
            " there, or name a file that holds it (of a HASH: see .env.example):\n"
            + "\n".join(
                f"    {name}=..." + ("" if name.endswith("_HASH") else f"  or  {name}_FILE=...")
                for name in names
            ),
        )
    settings = Settings.current()
    if settings.sources == "sandbox" and "sandbox" not in profiles:
        raise PermanentFailure(
            "configuration",
            "ISOBAR_SOURCES is sandbox, and docker compose is not configured to start it",
            place=".env",
            remedy="Set COMPOSE_PROFILES=sandbox for simulated sources, or ISOBAR_SOURCES=live.",
        )
    if ("workers" in profiles) != (settings.celery_broker_url is not None):
        raise PermanentFailure(
            "configuration",
            "of the profile workers and CELERY_BROKER_URL one is set without the other",
            place=".env",
            remedy="Set COMPOSE_PROFILES=workers and CELERY_BROKER_URL=redis://default@broker:6379/0,"
            " or neither.",
        )
    check_sources(settings)
    check_urls(alert_urls())
    click.echo("What is set makes sense.", err=True)


@serve.command(short_help="Say whether such a process works.")
@click.argument("part", type=click.Choice(["code", "web", "daemon", "worker"]))
@click.option("--port", type=PORT, help="Its port, unless it is the usual one.")
def healthcheck(part: str, port: int | None) -> None:
    """Say whether such a process on this machine works: for health checks of containers.

    Ends with 1 when it does not.
    """
    from pipelines.runtime import health

    if part == "code":
        health.check_code_server(port or CODE_PORT)
    elif part == "web":
        health.check_web_server(port or WEB_PORT)
    elif part == "daemon":
        health.check_daemon_heartbeat(Settings.current().dagster_url())
    else:
        from pipelines.runtime.workers import worker_beat

        health.check_worker_heartbeat(worker_beat(Settings.current()))


def _become(settings: Settings, command: list[str], code_server: str | None = None) -> NoReturn:
    """Take the place of this process by one of Dagster's, so that signals go to it."""
    from pipelines.runtime.bootstrap import prepare_dagster_home

    settings.state.mkdir(parents=True, exist_ok=True)
    environment: Mapping[str, str] = {**os.environ, **prepare_dagster_home(settings)}
    if code_server is not None:
        match = re.fullmatch(r"([\w.-]+):([0-9]{1,5})", code_server, re.ASCII)
        if match is None or not 1 <= int(match[2]) <= 65535:
            raise click.BadParameter(
                f"{code_server!r} is not HOST:PORT", param_hint="--code-server"
            )
        workspace = settings.state / "workspace.yaml"
        dagster_processes.write_workspace(workspace, match[1], int(match[2]))
    for number in (signal.SIGINT, signal.SIGTERM):  # Dagster's are deaf when these were ignored
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(command[0], command, environment)  # noqa: S606 - it takes our place
