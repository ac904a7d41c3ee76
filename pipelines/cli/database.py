"""Commands for the built-in PostgreSQL, and for connecting to the database in use."""

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import echo
from pipelines.config import Settings
from pipelines.config.env_validation import misconfigured
from pipelines.postgres.roles import ANALYST, LOADER, OPERATOR, SUPERUSER
from pipelines.postgres.software import find_binaries

if TYPE_CHECKING:
    from pipelines.postgres.server import EmbeddedPostgres


@click.group()
def database() -> None:
    """Control the built-in PostgreSQL, and connect to the database in use."""


#: Roles of PostgreSQL by the names that people give.
ROLES_OF_NAMES = {"owner": SUPERUSER, "loader": LOADER, "analyst": ANALYST, "operator": OPERATOR}

as_role = click.option(
    "--role",
    type=click.Choice([*ROLES_OF_NAMES]),
    default="owner",
    show_default=True,
    help="Role to connect as; the analyst can only read. With DATABASE_URL, `url` ignores it.",
)


@database.command()
def start() -> None:
    """Start the built-in server. It keeps running after this command."""
    server = _builtin_server()
    connections = server.start()
    echo(f"PostgreSQL is up on 127.0.0.1:{connections.port}, data in {server.data}.")


@database.command()
def stop() -> None:
    """Stop the built-in server of this state folder. `isobar ui` starts it again while it runs."""
    echo("PostgreSQL has stopped." if _builtin_server().stop() else "PostgreSQL was not running.")


@database.command(short_help="Show whether the built-in server is running.")
def status() -> None:
    """Show whether the built-in server is running, and where. Exits with 1 if it is not."""
    server = _builtin_server()
    connections = server.connections()
    if connections is None:
        click.echo(f"not running; data in {server.data}")
        sys.exit(1)
    click.echo(f"running on 127.0.0.1:{connections.port}")
    click.echo(f"data in {server.data}, log in {server.log}")


@database.command(short_help="Print the address of the warehouse.")
@as_role
def url(role: str) -> None:
    """Print the address of the warehouse, with the password, for psql and other clients.

    Starts the built-in server if it is not running. Creates no tables.
    """
    click.echo(_address(role))


@database.command(
    short_help="Open psql on the warehouse.", context_settings={"ignore_unknown_options": True}
)
@as_role
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(role: str, arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse. Further arguments go to psql.

    Starts the built-in server if it is not running. Creates no tables.

    \b
      isobar database psql --role analyst -c "SELECT * FROM metrics.freshness"
    """
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    from pipelines.postgres.clients import connect

    settings, acts_as = Settings.current(), ROLES_OF_NAMES[role]
    parameters = conninfo_to_dict(_address(role))
    program = str(find_binaries() / "psql")
    if not settings.has_builtin_server:  # which may require TLS: the built-in psql lacks it
        program = shutil.which("psql") or program
        connect(settings.warehouse_url(acts_as)).close()  # rejects a pooler that drops the role
        if role != "owner" and not (role == "analyst" and settings.analyst_database_url):
            options = f"{os.environ.get('PGOPTIONS', '')} -c role={acts_as}"
            os.environ["PGOPTIONS"] = options.strip()
    # Every account of the machine can read a command line. Psql asks for the second one itself.
    password, _ = (parameters.pop(name, None) for name in ("password", "sslpassword"))
    if password:
        os.environ["PGPASSWORD"] = str(password)
    address = make_conninfo("", **parameters)
    os.execv(program, [program, address, *arguments])  # noqa: S606 - it replaces this process


def _address(role: str) -> str:
    """Return the warehouse's address without the name of a driver."""
    settings = Settings.current()
    if settings.has_builtin_server:
        settings.builtin_server(echo).start()
    if (own := settings.own_url(ROLES_OF_NAMES[role])) is not None:  # with another driver
        return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", own)
    return settings.warehouse_url(ROLES_OF_NAMES[role]).partition("?")[0]


def _builtin_server() -> "EmbeddedPostgres":
    settings = Settings.current()
    if not settings.has_builtin_server:
        raise misconfigured(
            "DATABASE_URL is set, so there is no built-in server",
            "Use your server's own tools, or unset DATABASE_URL.",
        )
    return settings.builtin_server(echo)
