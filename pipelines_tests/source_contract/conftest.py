"""A feed of each source on a fresh database, the example plug-in's too."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import migrate
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines_tests.command import PROJECT
from pipelines_tests.databases import made
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource
from pipelines_tests.loaders import hasten
from pipelines_tests.plugins import installed
from pipelines_tests.source_contract import levels_plugin
from pipelines_tests.source_contract.feeds import FEEDS, Feed, Site
from pipelines_tests.sources.flights.made_up import airports_loaded

WITH_CLIENT = ("bookings", "flights", "solar")
TIDES = PROJECT / "examples" / "isobar-tides"


@pytest.fixture(scope="session")
def tides_plugin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The example plug-in, and a folder with its entry point, as an installer writes it."""
    folder = tmp_path_factory.mktemp("entry")
    about = folder / "isobar_tides-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: isobar_tides\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[isobar.sources]\ntides = isobar_tides\n")
    return TIDES, folder


@pytest.fixture(scope="session")
def levels_plugins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A folder with plug-ins that load CSV files."""
    folder = tmp_path_factory.mktemp("levels")
    levels_plugin.write(folder)
    return (folder,)


@contextmanager
def migrated(server: Connections, template: str, folders: tuple[Path, ...]) -> Iterator[str]:
    """The name of a database that has the tables of plug-ins too."""
    with made(server, template) as name:
        with installed(*folders):
            migrate(server.url(SUPERUSER, name))
        yield name


@pytest.fixture(scope="session")
def tides_template(
    server: Connections, template: str, tides_plugin: tuple[Path, ...]
) -> Iterator[str]:
    """The name of a database that has the tables of the example plug-in too."""
    with migrated(server, template, tides_plugin) as name:
        yield name


@pytest.fixture(scope="session")
def levels_template(
    server: Connections, template: str, levels_plugins: tuple[Path, ...]
) -> Iterator[str]:
    """The name of a database that has the tables of the plug-ins with files too."""
    with migrated(server, template, levels_plugins) as name:
        yield name


@pytest.fixture(scope="session")
def flights_template(server: Connections, template: str) -> Iterator[str]:
    """The name of a database that has the airports."""
    with airports_loaded(server, template) as name:
        yield name


Start = Callable[[type[Feed]], Feed]


@pytest.fixture
def start(
    request: pytest.FixtureRequest,
    server: Connections,
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    """Call it with a kind of feed to have one on a fresh database."""
    monkeypatch.setenv("ISOBAR_SOURCES", "live")  # all that is not given is off
    monkeypatch.setattr("pipelines.ingest.inbox.SETTLE_SECONDS", 0.0)
    for module in ("ingest.service", *(f"sources.{one}.client" for one in WITH_CLIENT)):
        hasten(monkeypatch, f"pipelines.{module}")
    with ExitStack() as stack:

        def start_feed(kind: type[Feed]) -> Feed:
            copied = request.getfixturevalue(kind.template)
            if kind.plugin:
                stack.enter_context(installed(*request.getfixturevalue(kind.plugin)))
            name = stack.enter_context(made(server, copied))
            owner = psycopg.connect(server.url(SUPERUSER, name), autocommit=True)
            stack.enter_context(owner)
            url = server.url(LOADER, name)
            warehouse = stack.enter_context(WarehouseResource(url=url).open())  # the job's
            stack.callback(warehouse.dispose)
            feed = kind(Site(warehouse, owner, tmp_path, source, FakeClock(), url))
            feed.prepare()
            return feed

        yield start_feed


@pytest.fixture(params=FEEDS, ids=lambda feed: feed.title)
def feed(request: pytest.FixtureRequest, start: Start) -> Feed:
    """Each feed in turn, with nothing delivered yet."""
    return start(request.param)
