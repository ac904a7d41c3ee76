"""Sources: how to declare one, how they are found, and the public API for plug-ins.

A source is a package with an object `source`. It is a folder of `pipelines/sources`, or another
package with an entry point in the group `isobar.sources`. Its declaration does not import Dagster
and opens nothing.

The names in `__all__` are the public API for plug-ins; everything else may change.
"""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values
from pydantic import SecretStr

from pipelines.config import Settings, disabled_sources, home
from pipelines.config.env_validation import (
    Folder,
    SourceSettings,
    TextEncoding,
    TimeZoneName,
    folder,
    secret_text,
    url,
)
from pipelines.declaration import (
    Check,
    Ledger,
    Retention,
    Retry,
    Sandbox,
    SandboxParts,
    Schedule,
    Source,
    View,
    deferred,
    has_module,
)
from pipelines.failures import NotReady, PermanentFailure, TransientFailure
from pipelines.ingest.feeds import (
    IN_TREE,
    Batches,
    Cap,
    Content,
    Context,
    Cursor,
    Feed,
    FileInbox,
    HttpDocument,
    Input,
    Insert,
    NextLink,
    Offset,
    PagedApi,
    PageNumber,
    Parsed,
    Since,
    Upsert,
    is_own,
)
from pipelines.ingest.models import Field, is_plain_name, table_of
from pipelines.ingest.parsers import Csv, Json, Records
from pipelines.ingest.reasons import Reason, ReasonCode
from pipelines.ingest.row_files import Rows
from pipelines.isolation import WARNINGS, is_broken, isolated
from pipelines.warehouse.sql_files import read_sql

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.http.client import HttpClient, JsonResponse
    from pipelines.ingest.contract import Name, RecordValidator, Reject
    from pipelines.ingest.deliveries import Delivery, Outcome
    from pipelines.ingest.load import Load
    from pipelines.warehouse.connection import Warehouse, delete_in_batches
    from pipelines.warehouse.tables import delivery_id_column, source_metadata

# Imported on first use: a command that only reads declarations needs no SQLAlchemy.
_LATER = (
    *("ingest.contract", "ingest.deliveries", "ingest.load", "warehouse.connection"),
    *("warehouse.tables", "http.client"),
)


def __getattr__(name: str) -> Any:
    for module in _LATER if name in __all__ else ():
        found = importlib.import_module(f"pipelines.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: A source, and what its declaration has.
__all__ = ["Check", "Ledger", "Retention", "Retry", "Schedule", "Source", "View", "deferred"]
#: Its variables.
__all__ += ["Folder", "SecretStr", "SourceSettings", "TextEncoding", "TimeZoneName"]
__all__ += ["folder", "secret_text", "url"]
#: How it is fetched, parsed and stored.
__all__ += ["Batches", "Content", "Context", "Feed", "FileInbox", "HttpDocument", "Input", "Since"]
__all__ += ["Cursor", "HttpClient", "JsonResponse", "NextLink", "Offset", "PageNumber", "PagedApi"]
__all__ += ["Csv", "Field", "Json", "Name", "Parsed", "RecordValidator", "Records", "Rows"]
__all__ += ["Cap", "Delivery", "Insert", "Load", "Outcome", "Upsert", "Warehouse"]
__all__ += ["delete_in_batches", "delivery_id_column", "read_sql", "source_metadata", "table_of"]
#: What goes wrong, and the simulated source.
__all__ += ["NotReady", "PermanentFailure", "Reason", "ReasonCode", "Reject", "TransientFailure"]
__all__ += ["Sandbox", "SandboxParts"]

#: Schemas, groups, resources and choices of the platform; no source may use their names.
PLATFORM_NAMES = frozenset(
    {"enriched", "metrics", "ops", "public", "sources", "warehouse", "io_manager", "all"}
)
#: Prefixes of the platform's variables.
PLATFORM_VARIABLES = ("ISOBAR_", "DAGSTER_", "DATABASE_", "CELERY_", "ALERT_", "WORKER_", "PG")


def sources() -> Mapping[str, Source]:
    """Return every source by name that is neither broken nor disabled, those that collect last."""
    disabled, found = disabled_sources(), declared_sources().items()
    return {name: one for name, one in found if name not in disabled and not is_broken(name)}


def declared_sources() -> Mapping[str, Source]:
    """Return every source whose declaration is valid, also if it is off: they are migrated."""
    found = sorted(_discovered().values(), key=lambda one: (one.collects, one.name))
    return {one.name: one for one in found}


def by_seniority() -> list[Source]:
    """Return the usable sources in the order in which names are given away: plug-ins come last."""
    return sorted(sources().values(), key=lambda one: (is_plugin(one), one.name))


def check_sources(settings: Settings) -> None:
    """Switch off each source that has an invalid variable, or lacks one that it requires.

    Raises `PermanentFailure` if it is not said whether sources are real.
    """
    _ = settings.sources  # else each source that reads it would be switched off
    for source in sources().values():
        kind, environment = source.settings, settings.environment
        about = {field: kind.about(field) for field in kind.model_fields}
        unset = {  # the sandbox, which may not run yet, sets these
            field: "http://sandbox" if "url" in one else "."
            for field, one in about.items()
            if {"url", "folder"} & one.keys() and not environment.get(kind.variable(field))
        }
        secrets = [kind.variable(field) for field, one in about.items() if one.get("secret")]
        values = [environment.get(variable, "") for variable in secrets]
        with isolated(source.name, "its settings", source.package, secrets=values):
            source.load_settings(settings, **unset)


def is_plugin(source: Source) -> bool:
    """Return whether a source is another party's package."""
    return not is_own(source.package)


def plugin_entry_points() -> list[EntryPoint]:
    """Return the entry points of the installed plug-ins, by name."""
    return sorted(entry_points(group="isobar.sources"), key=lambda one: (one.name, one.value))


def own_names() -> list[str]:
    """Return the names of the project's own sources, which are those of their folders."""
    folder = importlib.import_module(IN_TREE).__path__
    return sorted(one.name for one in pkgutil.iter_modules(folder))


@cache
def _discovered() -> Mapping[str, Source]:
    """Import and validate every source but disabled plug-ins, in the order of seniority."""
    found: dict[str, Source] = {}
    taken, disabled = set(own_names()), disabled_sources()
    for name in own_names():
        package = f"{IN_TREE}.{name}"
        with isolated(name, "its declaration", package):
            found[name] = importlib.import_module(package).source
    entries = plugin_entry_points()
    for entry in entries:
        same = [one for one in entries if one.name == entry.name]
        is_taken = entry.name in taken
        if entry.name in disabled and not is_taken:
            continue
        name = f"{entry.name} ({entry.value})" if is_taken else entry.name
        with isolated(name, "its declaration", entry.value.partition(":")[0].strip()):
            if is_taken or len(same) > 1:  # either could load into the tables of the other
                packages = " and ".join(one.dist.name if one.dist else one.value for one in same)
                words = f"another source is called {entry.name!r}: rename or uninstall {packages}"
                raise ValueError(words)
            source = _loaded(entry)
            for problem in _mistakes(source, found):
                raise ValueError(problem)
            found[source.name] = source
    for name in unread_variables(home(), found.values()):
        words = "%s sets %s, which nothing of Isobar reads: .env.example has all names."
        WARNINGS.warning(words, home() / ".env", name)
    return found


def unread_variables(folder: Path, found: Iterable[Source]) -> list[str]:
    """Return the variables in `.env` that mean nothing, but those of proxies and of libpq."""
    example, file = folder / ".env.example", folder / ".env"
    if not (example.exists() and file.exists()):
        return []
    known = set(re.findall(r"^(?:# ?)?([A-Z0-9_]+)=", example.read_text(), re.MULTILINE))
    known.add("ISOBAR_SANDBOX_URL")  # of containers, for each other
    known |= {name for one in found for name in one.settings.variables().values()}
    unsaid = [f"|{one.name}_" for one in found if not one.settings.variables()]  # may read any
    others = re.compile(f"PG|.*_proxy${''.join(unsaid)}", re.IGNORECASE)
    names = (one for one in dotenv_values(file) if not others.match(one))
    return [name for name in names if name.removesuffix("_FILE") not in known]


def _loaded(entry: EntryPoint) -> Source:
    loaded = entry.load()
    source = getattr(loaded, "source", loaded)
    if not isinstance(source, Source):
        raise TypeError(f"{entry.value} is not a pipelines.source.Source")
    if source.name != entry.name:
        raise ValueError(f"the source is called {source.name!r}, its entry point {entry.name!r}")
    return source


def _mistakes(source: Source, found: Mapping[str, Source]) -> Iterator[str]:
    """Yield names and objects that belong to the platform or another source, or are missing."""
    name, tables, names = source.name, source.metadata.tables, _names(source)
    if not is_source_name(name):
        yield f"{name!r} cannot be the name of a schema"
    if name in PLATFORM_NAMES:
        yield f"the name {name!r} belongs to Isobar"
    for one in [*tables, *source.object_files]:
        schemas = (name, "metrics") if one in tables else (name, "metrics", "enriched")
        if one.split(".")[0] not in schemas:
            yield f"{one} is in the schema of another source"
    for one in tables:
        if re.fullmatch(r"[a-z_][a-z0-9_.]*", one) is None:
            yield f"the name of the table {one} would need quotation marks: rename it"
    if source.fetchers and not source.loads and not has_module(source.package, "jobs"):
        yield "its feeds name no table: parse with Rows or Json, or list their tables in `loads`"
    for one in source.loads:
        if one not in tables:
            yield f"there is no table {one}: name its key in Records, or declare it in tables.py"
    feeds = [feed.name for feed in source.feeds]
    if len(set(feeds)) < len(feeds):
        yield f"two feeds have the same name: {', '.join(sorted(feeds))}"
    inboxes = [
        feed.name for feed in source.feeds for one in feed.fetchers if isinstance(one, FileInbox)
    ]
    if inboxes not in ([], [name]):
        yield f"a source has one inbox, in the feed that is called {name!r}"
    for one in sorted(names):
        if one.startswith((*PLATFORM_VARIABLES, "schedule housekeeping")):
            yield f"{one} belongs to Isobar"
        for other in found.values():
            if one in _names(other):
                yield f"{one} belongs to the source {other.name!r}"


def sources_of_feeds() -> dict[str, Source]:
    """Return the names of feeds in the ledger, each with its source."""
    every = [(one, ledger) for one in sources().values() for ledger in one.ledgers]
    return {ledger.feed or one.name: one for one, ledger in every}


def is_source_name(name: str) -> bool:
    """Return whether a name can be that of a schema and a package, without quotation marks."""
    is_plain = is_plain_name(name) and len(name) <= 40
    return is_plain and not keyword.iskeyword(name) and not name.startswith("pg_")


def _names(source: Source) -> set[str]:
    """Return what only one source may have: objects, variables, schedules and deletions."""
    return {
        *source.metadata.tables,
        *source.object_files,
        *source.settings.variables().values(),
        *(f"feed {feed.name}" for feed in source.feeds),
        *(f"schedule {one.name}" for one in source.schedules),
        *(one.name for one in source.retention),
    }
