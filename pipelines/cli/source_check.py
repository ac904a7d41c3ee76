"""`isobar sources check`: what is wrong with a source, with the file and line of its SQL."""

from __future__ import annotations

import importlib
import os
import re
from importlib import resources
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from pipelines.cli.console import echo, reach_database
from pipelines.config import Settings
from pipelines.config.env_validation import is_secret_name
from pipelines.ingest.statements import OTHER_MODELS
from pipelines.isolation import LOG, broken_sources
from pipelines.postgres.errors import translated
from pipelines.postgres.roles import OWNER
from pipelines.source import Source, check_sources, declared_sources, is_plugin, sources
from pipelines.warehouse.connection import Warehouse, set_local

#: What PostgreSQL appends to an error.
QUOTED_LINE = re.compile(r"\nLINE (\d+):")


@click.command(name="check", short_help="Say what is wrong with declarations of sources.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Say what is wrong with the declarations of all plug-ins, or of the sources named.

    Imports them, builds their jobs and schedules, and compiles all views in the database, in a
    transaction that is rolled back. Exits with 1 if something has to be fixed. What is wrong with
    checks, the next run of the source says, and of questions of the cookbook, the page Ask.
    """
    from dagster import DagsterError

    LOG.disabled = True
    settings = Settings.current()
    check_sources(settings)
    found = []
    # Notes what is wrong with jobs and schedules of one source; of several, Dagster says it.
    definitions = importlib.import_module("pipelines.definitions").definitions
    try:
        definitions.get_repository_def()
    except DagsterError as error:
        found.append(str(error))
    problems = {one.name: one.problem for one in broken_sources()}
    plugins = {name: is_plugin(one) for name, one in declared_sources().items()}
    known = dict.fromkeys(problems, True) | plugins
    chosen = names or [name for name in known if known[name]]
    if unknown := [name for name in chosen if name not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(sorted(known))}")
    if not chosen:
        echo("No plug-in is installed.")
        return
    found += [f"{name}: {problems[name]}" for name in chosen if name in problems]
    if whole := [sources()[name] for name in chosen if name in sources()]:
        found += [
            f"{one.name}: the setting {name!r} is called like a secret: declare it with secret_text"
            for one in whole
            for name, variable in one.settings.variables().items()
            if is_secret_name(variable) and not one.settings.about(name).get("secret")
        ]
        reach_database(settings)
        found += _of_database(settings.warehouse_url(), whole)
    for line in dict.fromkeys(found):
        click.echo(line)
    click.echo(f"{', '.join(chosen)}: {len(found) or 'no'} error{'' if len(found) == 1 else 's'}.")
    raise SystemExit(1 if found else 0)


def _of_database(url: str, chosen: list[Source]) -> list[str]:
    """Return what PostgreSQL says of the tables and views of sources; nothing is kept."""
    from pipelines.migrations.apply import TABLE_WAIT, differences_of, migrate_sources

    own = {name: one for name, one in declared_sources().items() if not is_plugin(one)}
    found: list[str] = []
    with (
        Warehouse(url, role=OWNER) as store,
        translated("sources", "nothing could be compiled", place=store.place),
        store.engine.connect() as connection,
    ):
        for source in chosen:
            set_local(connection, "lock_timeout", TABLE_WAIT)
            name = source.name
            try:
                with connection.begin_nested():
                    migrate_sources(connection, {**own, name: source})
            except (DBAPIError, ValueError) as error:
                file = next(iter(getattr(error, "detail", [])), "").removeprefix("in ")
                found.append(_said(source, f"views/{file}", error))
            if is_plugin(source) and (others := differences_of(connection, source)):
                remedy = f"Change them, or run isobar sources reset {name}"
                words = f"{'; '.join(others)}. {remedy} (docs/parts-of-a-source.md)."
                found.append(f"{name}: {OTHER_MODELS}: {words}")
            connection.rollback()
    return found


def _said(source: Source, file: str, error: Exception) -> str:
    """Return what PostgreSQL says, after the file and the line that it quotes."""
    original = str(getattr(error, "orig", None) or error)
    words, *quoted = QUOTED_LINE.split(original)[:2]
    path = Path(str(resources.files(source.package))) / "sql" / file
    line = f":{quoted[0]}" if quoted else ""
    place = f"{os.path.relpath(path)}{line}" if path.is_file() else source.name
    return f"{place}: {' '.join(words.split())}"
