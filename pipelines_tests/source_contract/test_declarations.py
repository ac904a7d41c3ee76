"""Rules for the declaration of every source, without a list of them."""

import dataclasses
import inspect
import re
import subprocess
import sys
from collections import Counter

import pytest

from pipelines import source as surface
from pipelines.orchestration.schedule_config import timetable
from pipelines.source import Source, sources
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.source_contract.feeds import DRIVERS

SOURCES = list(sources().values())
#: Folders of sources, of revisions of their tables, and of questions, whose examples name some.
OF_SOURCES = (
    *("pipelines/sources/", "pipelines/migrations/versions/"),
    *("examples/", "pipelines/dashboard/sql/cookbook/"),
)
#: Files that are about the demonstration with our own sources, or that are made from declarations.
ABOUT_OURS = {".env.example", "deploy/verify-compose.sh", "deploy/kubernetes/values.yaml"}
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.name)


def test_no_file_outside_of_a_source_s_folder_names_one() -> None:
    """So that a new one is no edit of an old file."""
    places = ("pipelines", "deploy", ".ci", ".github", "*.toml", "*.y*ml", "Makefile")
    listed = subprocess.check_output(["git", "ls-files", *places], cwd=PROJECT, text=True)
    names = re.compile(rf"\b({'|'.join(one.name for one in SOURCES)})\b", re.IGNORECASE)
    named = {}
    for name in listed.splitlines():
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
    variables = environment(PROJECT / "nowhere")
    said = subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, env=variables)
    assert said.strip() == b"[]"
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
    for check in source.checks:
        assert check.on in relations, check.name
        assert surface.read_sql(source.package, f"checks/{check.name}"), check.name
    assert len({check.name for check in source.checks}) == len(source.checks)
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
    assert source.schedules, "nothing looks at it, so it can never be overdue"
