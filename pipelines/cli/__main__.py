"""The entry point of the command `isobar`: read .env, import the commands, report failures."""

import logging
import sys
from typing import NoReturn

import click

from pipelines.config import bypass_proxies_on_this_machine, home, read_dot_env
from pipelines.failures import Failure
from pipelines.postgres import state_folder

FIX_THE_CAUSE = "Fix the cause (permissions, disk space, a path), then run again."


def main() -> NoReturn:
    """Run the command: a failure prints its message, any other exception its traceback."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("  %(message)s"))
    logging.getLogger("isobar").addHandler(handler)
    state_folder.keep_new_files_private()
    try:
        read_dot_env(home() / ".env")
        bypass_proxies_on_this_machine()
        from pipelines.cli.main import isobar  # imports the sources, which .env may disable

        isobar(standalone_mode=True)
    except Failure as failure:
        click.secho(str(failure), fg="red", err=True)
        sys.exit(1)
    except OSError as error:
        click.secho(
            f"isobar: the operating system reported: {error.strerror or error}\n"
            f"  where: {error.filename or f'not said; the state folder is {home()}'}\n"
            f"  what to do: {FIX_THE_CAUSE}",
            fg="red",
            err=True,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    sys.exit(0)


if __name__ == "__main__":
    main()
