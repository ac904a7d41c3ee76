"""Rules for the declaration of every source, without a list of them."""

import dataclasses
import datetime as dt
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from pipelines import source as surface
from pipelines.orchestration.schedule_config import timetable
from pipelines.source import Sandbox, Source, sources
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.source_contract.feeds import DRIVERS

SOURCES = list(sources().values())
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
#: Files that are about the demonstration with our own sources, or that are made from declarations.
#: Folders of sources, of revisions of their tables, and of questions, whose examples name some.
OF_SOURCES = (
    *("pipelines/sources/", "pipelines/migrations/versions/"),
    *("examples/", "pipelines/dashboard/sql/cookbook/"),
)
ABOUT_OURS = {".env.example", "deploy/verify-compose.sh", "deploy/kubernetes/values.yaml"}
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.name)


def test_no_file_outside_of_a_source_s_folder_names_one() -> None:
    """So that a new one is no edit of an old file."""
    places = ("pipelines", "deploy", ".ci", ".github", "*.toml", "*.y*ml", "Makefile")
    listed = subprocess.run(
        ["git", "ls-files", *places],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    names = re.compile(rf"\b({'|'.join(one.name for one in SOURCES)})\b", re.IGNORECASE)
    named = {}
    for name in listed:
        if name.startswith(OF_SOURCES) or name in ABOUT_OURS:
            continue
        if name.endswith((".md", ".lock")) or (PROJECT / name).is_symlink():
            continue
        text = (PROJECT / name).read_text()
        text = re.sub(r"# <sources>\n.*?# </sources>", "", text, flags=re.DOTALL)
        if found := sorted(set(names.findall(text))):
            named[name] = found
    assert named == {}


def test_declarations_load_neither_dagster_nor_pandas_and_open_nothing() -> None:
    code = (
        "import sys; from pipelines.source import sources; sources();"
        "print(sorted({'dagster', 'pandas', 'pvlib'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment(PROJECT / "nowhere"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert not (PROJECT / "nowhere").exists()


def test_every_declared_fetcher_has_a_feed_in_the_contract() -> None:
    """Weather has none: its answers have no ledger, and its own tests try each provider.

    Nor has a package of Python, whose content is as good as its release.
    """
    feeds = Counter(feed.source for feed in DRIVERS)
    for source in SOURCES:
        sent = [one for one in source.fetchers if one.input.kind != "python"]
        assert feeds[source.name] >= len(sent), source.name
        assert feeds[source.name] or source.name == "weather"


@every_source
def test_what_a_declaration_defers_can_be_imported(source: Source) -> None:
    loads = [feed.load for feed in source.feeds]
    steps = [step for one in loads if isinstance(one, tuple) for step in one]
    parts: list[Any] = [source, *source.feeds, *source.fetchers, *source.retention]
    parts += [one for one in loads if not isinstance(one, tuple)]
    values = [getattr(part, one.name) for part in parts for one in dataclasses.fields(part)]
    values += steps
    for value in values:
        module, is_deferred, name = getattr(value, "__name__", "").partition(":")
        assert not is_deferred or callable(getattr(importlib.import_module(module), name))


def test_a_feed_is_called_after_its_source() -> None:
    """Else a stranger's feed could write into another source's ledger."""
    shipments = sources()["shipments"]
    (feed,) = shipments.feeds
    other = dataclasses.replace(shipments, feeds=(dataclasses.replace(feed, name="bookings"),))
    found = {*surface._mistakes(other, {"bookings": sources()["bookings"]})}
    assert found == {
        "a source has one inbox, in the feed that is called 'shipments'",
        "feed bookings belongs to the source 'bookings'",
    }


def test_what_plug_ins_may_use_is_there_and_documented() -> None:
    for name in surface.__all__:
        one = getattr(surface, name)
        assert inspect.getdoc(one) or name in ("Folder", "TextEncoding", "TimeZoneName"), name
    assert sorted(surface.__all__) == sorted(set(surface.__all__))


@every_source
def test_what_a_declaration_names_is_there(source: Source) -> None:
    relations = {*source.metadata.tables, *source.object_files}
    files = source.checks and {check.name for check in source.checks}
    for check in source.checks:
        assert check.on in relations, check.name
        assert surface.read_sql(source.package, f"checks/{check.name}"), check.name
    assert len(files) == len(source.checks)
    assert {*source.loads, *(ledger.on for ledger in source.ledgers)} <= relations
    assert {view.name for view in source.views} <= source.object_files.keys()
    for schedule in source.schedules:
        assert timetable()[schedule.name].job == (schedule.job or source.name)


@every_source
def test_every_declared_object_has_a_description(source: Source) -> None:
    for words in (source.about, source.job, *(one.about for one in source.inputs)):
        assert words.endswith("."), words
    for field in source.settings.model_fields.values():
        assert (field.description or "").endswith("."), field
    for table in source.metadata.tables.values():
        assert table.comment, table.fullname
        assert [column.name for column in table.columns if not column.comment] == []
    assert source.schedules, "nothing looks at it, so it can never be overdue"


@every_source
def test_it_has_a_simulation_that_starts(source: Source) -> None:
    module = source.module("sandbox")
    assert module is not None
    parts = module.build(Sandbox(1, lambda: NOON, lambda: NOON))
    assert parts.routes or parts.write_files
