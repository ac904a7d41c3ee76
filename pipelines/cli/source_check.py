"""`isobar sources check`: what is wrong with the declaration of a source, with file and line."""

from __future__ import annotations

import ast
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
from pipelines.config.secret_files import is_secret_name
from pipelines.failures import PermanentFailure
from pipelines.isolation import LOG, broken_sources
from pipelines.scaffold.inference import UNIT
from pipelines.source import Source, check_sources, declared_sources, is_plugin, sources

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: What a plug-in may import of Isobar.
PUBLIC = ("pipelines.source", "pipelines.dashboard.page", "pipelines.testing")
#: What PostgreSQL appends to an error.
QUOTED_LINE = re.compile(r"\nLINE (\d+):")


@dataclass(frozen=True)
class Finding:
    """A problem of a source: where, what, and whether it must be fixed."""

    place: str
    words: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {'' if self.is_error else 'consider: '}{self.words}"


@click.command(name="check", short_help="Say what is wrong with declarations of sources.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Say what is wrong with the declarations of all plug-ins, or of the sources named.

    Looks at declaration, settings, tables, checks, schedules, jobs and imports, and compiles all
    views, checks, questions of the cookbook and statements of feeds in the database, in a
    transaction that is rolled back. The SQL of dashboards is not compiled. Exits with 1 if
    something has to be fixed; lines with "consider" are advice.
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
        found += findings(source)
    if whole:
        reach_database(settings)
        found += statement_findings(settings.warehouse_url(), whole)
    for finding in sorted({str(one): one for one in found}.values(), key=lambda one: -one.is_error):
        click.echo(str(finding))
    errors = sum(one.is_error for one in found)
    click.echo(f"{', '.join(chosen)}: {errors or 'no'} error{'' if errors == 1 else 's'}.")
    if errors:
        raise SystemExit(1)


def findings(source: Source) -> list[Finding]:
    """Return what is wrong with a source, as far as its Python says."""
    files = _python_files(source)
    found = [*_private_imports(files)] if is_plugin(source) else []
    found += _doubts(files)
    for name in source.settings.model_fields:
        is_marked = source.settings.about(name).get("secret")
        if is_secret_name(source.settings.variable(name)) and not is_marked:
            words = f"the setting {name!r} is called like a secret: declare it with secret_text"
            found.append(Finding(_place(files, name), words))
    for check in source.checks:
        if not (check.expects.strip() and check.remedy.strip()):
            words = f"the check {check.name} does not say what it expects, and what to do"
            found.append(Finding(_place(files, check.name), words))
    for table in source.metadata.tables.values():
        for column in table.columns:
            place = _place(files, column.name)
            if not column.comment or column.comment.startswith("The field "):
                words = f"the column {table.fullname}.{column.name} has no description"
                found.append(Finding(place, words, is_error=False))
            is_fraction = column.type.python_type.__name__ in ("float", "Decimal")
            if is_fraction and not UNIT.search(column.name):
                words = (
                    f"the name of {table.fullname}.{column.name} states no unit, as level_cm does"
                )
                found.append(Finding(place, words, is_error=False))
    return found


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

    from pipelines.ingest.statements import OTHER_MODELS, remedy_for_tables
    from pipelines.migrations import apply, history, objects
    from pipelines.warehouse.sql_files import read_sql

    other_models = f"{OTHER_MODELS}. {remedy_for_tables(source.name)}"
    found: list[Finding] = []
    savepoint = connection.begin_nested()
    try:
        if is_plugin(source):
            schema = history.schema_of(source)
            history.create_or_upgrade(connection, schema, history.applied_revisions(connection))
        objects.replace(connection, source.object_files, plugin=source.name)
    except PermanentFailure as failure:  # its tables are of a newer version
        savepoint.rollback()
        yield Finding(source.name, f"{failure.problem}. {failure.remedy}")
        return
    except (DBAPIError, ValueError) as error:
        savepoint.rollback()
        file = next(iter(getattr(error, "detail", [])), "").removeprefix("in ")
        if is_plugin(source) and apply.has_other_tables(connection, source):
            yield Finding(source.name, other_models)
        yield Finding(_sql_place(source, f"sql/views/{file}", error) or source.name, _said(error))
        return
    if is_plugin(source) and apply.has_other_tables(connection, source):
        found.append(Finding(source.name, other_models))
    for one in source.checks:
        place = f"sql/checks/{one.name}.sql"
        try:
            query = read_sql(source.package, f"checks/{one.name}")
            with connection.begin_nested():
                connection.execute(text(f"EXPLAIN {query}"))
        except (DBAPIError, OSError) as error:
            found.append(Finding(_sql_place(source, place, error) or place, _said(error)))
    found += _of_cookbook(connection, source)
    found += _of_collections(connection, source)
    found += _without_comment(connection, source)
    savepoint.rollback()
    if is_plugin(source) and not any(one.is_error for one in found):
        migrated = history.applied_revisions(connection)
        others = {
            name: one
            for name, one in declared_sources().items()
            if name != source.name and name in migrated
        }
        try:
            with connection.begin_nested():
                apply.migrate_plugin(connection, source, others)
        except (DBAPIError, ValueError) as error:
            found.append(Finding(source.name, _said(error)))
    yield from found


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


def _of_collections(connection: Connection, source: Source) -> Iterator[Finding]:
    """Yield what its views for other sources, such as `weather_requests`, lack."""
    from sqlalchemy import text

    query = text(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = to_regclass(:view) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    for other in declared_sources().values():
        if other.collects is None or other.name == source.name:
            continue
        view = f"{source.name}.{other.collects.view}"
        columns = connection.execute(query, {"view": view}).scalars().all()
        if columns and columns != (wanted := [*other.collects.columns]):
            words = f"its columns are {', '.join(columns)}; {other.name} needs {', '.join(wanted)}"
            yield Finding(_sql_place(source, f"sql/views/{view}.sql") or view, words)


def _without_comment(connection: Connection, source: Source) -> Iterator[Finding]:
    """Yield the columns of its views that neither have a comment nor come from one that has."""
    from sqlalchemy import text

    query = text(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:view) AND attnum > 0"
        " AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"
    )
    for view in source.view_assets:
        for column in connection.execute(query, {"view": view}).scalars():
            words = f"the column {column} of {view} has no comment"
            place = _sql_place(source, f"sql/views/{view}.sql") or view
            yield Finding(place, words, is_error=False)


def _said(error: BaseException) -> str:
    """Return what PostgreSQL says, without the line that it quotes."""
    original = str(getattr(error, "orig", None) or error)
    return " ".join(QUOTED_LINE.split(original)[0].split())


def _python_files(source: Source) -> dict[Path, str]:
    """Return the Python files of a package, the declaration first."""
    root = Path(str(resources.files(source.package)))
    several = sorted(root.rglob("*.py"), key=lambda file: (file.name != "__init__.py", file))
    return {file: file.read_text(encoding="utf-8") for file in several}


def _private_imports(files: dict[Path, str]) -> Iterator[Finding]:
    for file, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [one.name for one in node.names]
            if isinstance(node, ast.ImportFrom):
                module = "" if node.level else node.module or ""
                parts = [f"{module}.{name}" for name in names]
                names = parts if module == "pipelines" else [module]
            for name in names:
                is_ours = name == "pipelines" or name.startswith("pipelines.")
                if is_ours and not name.startswith(PUBLIC):
                    words = f"{name} is private and may change: import from pipelines.source"
                    yield Finding(f"{_shown(file)}:{node.lineno}", words)


def _doubts(files: dict[Path, str]) -> Iterator[Finding]:
    """Yield the doubts that the scaffold left in the code."""
    for file, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip().startswith("# Check: "):
                words = line.strip().removeprefix("# Check: ")
                yield Finding(f"{_shown(file)}:{number}", words, is_error=False)


def _place(files: dict[Path, str], name: str) -> str:
    """Return file and line of the first line that begins with a name, or has it in quotes."""
    beginning = re.compile(rf"^\s*{re.escape(name)}\s*[:=]|[\"']{re.escape(name)}[\"']")
    for file, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if beginning.search(line):
                return f"{_shown(file)}:{number}"
    return _shown(next(iter(files)))


def _sql_place(source: Source, file: str, error: BaseException | None = None) -> str | None:
    """Return a file of a package with the line that PostgreSQL quotes; None if there is none."""
    path = Path(str(resources.files(source.package))) / file
    quoted = QUOTED_LINE.search(str(getattr(error, "orig", "")))
    return f"{_shown(path)}{f':{quoted[1]}' if quoted else ''}" if path.is_file() else None


def _shown(file: Path) -> str:
    with suppress(ValueError):
        return str(file.relative_to(Path.cwd()))
    return str(file)
