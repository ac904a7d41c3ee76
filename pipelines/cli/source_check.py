"""`isobar sources check`: what is wrong with a source, with the file and line of its SQL."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.console import echo, reach_database
from pipelines.config import Settings
from pipelines.config.env_validation import is_secret_name
from pipelines.isolation import LOG, broken_sources
from pipelines.source import Source, check_sources, declared_sources, is_plugin, sources

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: What PostgreSQL appends to an error.
QUOTED_LINE = re.compile(r"\nLINE (\d+):")


@dataclass(frozen=True)
class Finding:
    """A problem of a source: where, and what."""

    place: str
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"


@click.command(name="check", short_help="Say what is wrong with declarations of sources.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Say what is wrong with the declarations of all plug-ins, or of the sources named.

    Imports them, builds their jobs and schedules, and compiles all views, checks and questions of
    the cookbook in the database, in a transaction that is rolled back. Exits with 1 if something
    has to be fixed.
    """
    LOG.disabled = True
    settings = Settings.current()
    check_sources(settings)
    importlib.import_module("pipelines.definitions")  # notes what is wrong with jobs and schedules
    declared = declared_sources()
    known = {*declared, *(one.name for one in broken_sources())}
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(sorted(known))}")
    plugins = [name for name, one in declared.items() if is_plugin(one)]
    chosen = names or [
        *plugins,
        *(one.name for one in broken_sources() if one.name not in declared),
    ]
    if not chosen:
        echo("No plug-in is installed.")
        return
    found = [Finding(one.name, one.problem) for one in broken_sources() if one.name in chosen]
    whole = [sources()[name] for name in chosen if name in sources()]
    for source in whole:
        found += settings_findings(source)
    if whole:
        reach_database(settings)
        found += statement_findings(settings.warehouse_url(), whole)
    for line in dict.fromkeys(map(str, found)):
        click.echo(line)
    errors = len(found)
    click.echo(f"{', '.join(chosen)}: {errors or 'no'} error{'' if errors == 1 else 's'}.")
    if errors:
        raise SystemExit(1)


def settings_findings(source: Source) -> list[Finding]:
    """Return the settings of a source that are called like a secret and are not declared as one."""
    kind = source.settings
    return [
        Finding(
            source.name,
            f"the setting {name!r} is called like a secret: declare it with secret_text",
        )
        for name in kind.model_fields
        if is_secret_name(kind.variable(name)) and not kind.about(name).get("secret")
    ]


def statement_findings(url: str, chosen: list[Source]) -> list[Finding]:
    """Return what PostgreSQL says of the views and statements of sources; nothing is kept."""
    from pipelines.migrations.apply import prepare
    from pipelines.warehouse.connection import engine_for

    found: list[Finding] = []
    engine = engine_for(url, role=None)
    with engine.connect() as connection:
        transaction = connection.begin()
        prepare(connection)
        for source in chosen:
            found += _of_statements(connection, source)
        transaction.rollback()
    engine.dispose()
    return found


def _of_statements(connection: Connection, source: Source) -> Iterator[Finding]:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from pipelines.migrations import apply, history, objects
    from pipelines.warehouse.sql_files import read_sql

    found: list[Finding] = []
    savepoint = connection.begin_nested()
    try:
        if is_plugin(source):
            history.create_missing(connection, source.name, source.metadata)
        objects.replace(connection, source.object_files)
    except (DBAPIError, ValueError) as error:
        savepoint.rollback()
        file = next(iter(getattr(error, "detail", [])), "").removeprefix("in ")
        yield from _of_tables(connection, source)
        yield Finding(_sql_place(source, f"sql/views/{file}", error) or source.name, _said(error))
        return
    found += _of_tables(connection, source)
    for one in source.checks:
        place = f"sql/checks/{one.name}.sql"
        try:
            query = read_sql(source.package, f"checks/{one.name}")
            with connection.begin_nested():
                connection.execute(text(f"EXPLAIN {query}"))
        except (DBAPIError, OSError) as error:
            found.append(Finding(_sql_place(source, place, error) or place, _said(error)))
    found += _of_cookbook(connection, source)
    savepoint.rollback()
    if is_plugin(source) and not found:
        others = {
            name: one
            for name, one in declared_sources().items()
            if name != source.name
            and not history.missing_tables(connection, one.metadata.tables.values())
        }
        try:
            with connection.begin_nested():
                apply.migrate_plugin(connection, source, others)
        except (DBAPIError, ValueError) as error:
            found.append(Finding(source.name, _said(error)))
    yield from found


def _of_tables(connection: Connection, source: Source) -> Iterator[Finding]:
    """Yield how the tables of a plug-in differ from its models, with the statements to execute."""
    from pipelines.ingest.statements import OTHER_MODELS
    from pipelines.migrations import apply, history

    if is_plugin(source) and (found := apply.differences_of(connection, source)):
        statements = history.alterations(connection, source.metadata)
        how = f" Execute in isobar database psql: {statements}" if statements else ""
        yield Finding(
            source.name,
            f"{OTHER_MODELS}: {'; '.join(found)}. To keep what is stored, change the tables"
            f" (docs/parts-of-a-source.md, 'Tables').{how} To delete it and load again: isobar"
            f" sources reset {source.name}.",
        )


def _of_cookbook(connection: Connection, source: Source) -> Iterator[Finding]:
    """Yield the questions whose statement does not compile with its examples."""
    from sqlalchemy.exc import DBAPIError

    from pipelines.dashboard.cookbook import parse
    from pipelines.warehouse.sql_files import execute_script, sql_files

    for name, words in sql_files(source.package, "cookbook").items():
        place = _sql_place(source, f"sql/cookbook/{name}.sql") or name
        try:
            statement = parse(source.package, name, words).statement
            with connection.begin_nested():
                execute_script(connection, f"EXPLAIN {statement}")
        except DBAPIError as error:
            yield Finding(place, _said(error))
        except KeyError as error:
            yield Finding(place, f"the parameter {error} has no example in the comments")
        except (TypeError, ValueError) as error:
            yield Finding(place, str(error))


def _said(error: BaseException) -> str:
    """Return what PostgreSQL says, without the line that it quotes."""
    original = str(getattr(error, "orig", None) or error)
    return " ".join(QUOTED_LINE.split(original)[0].split())


def _sql_place(source: Source, file: str, error: BaseException | None = None) -> str | None:
    """Return a file of a package with the line that PostgreSQL quotes; None if there is none."""
    path = Path(str(resources.files(source.package))) / file
    quoted = QUOTED_LINE.search(str(getattr(error, "orig", "")))
    return f"{_shown(path)}{f':{quoted[1]}' if quoted else ''}" if path.is_file() else None


def _shown(file: Path) -> str:
    with suppress(ValueError):
        return str(file.relative_to(Path.cwd()))
    return str(file)
