"""`examples/dbt`: dbt builds it again and again, sees what is late, and Dagster shows its models.

dbt is in an environment of its own, `.venv/dbt`, which `make system` makes.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import plugins
from pipelines_tests.command import PROJECT, environment
from pipelines_tests.cookbook import known_data
from pipelines_tests.logins import create_login, prepare
from pipelines_tests.others import others

EXAMPLE = PROJECT / "examples" / "dbt"
DBT = PROJECT / ".venv" / "dbt" / "bin"
DOMAINS = ("bookings", "flights", "shipments")
CHECKED = "INSERT INTO ops.sources VALUES (%s, now() - %s::interval, '26 hours')"
#: In the environment of dbt, with the plug-in installed: whether each file leads to the mart.
LINEAGE = """
import dagster as dg
from pipelines.definitions import definitions
graph = definitions.resolve_asset_graph()
found, waiting = set(), [dg.AssetKey(["modeller_marts", "daily_activity"])]
while waiting:
    parents = graph.get(waiting.pop()).parent_keys - found
    found |= parents
    waiting += parents
print(*sorted(key.to_user_string() for key in found))
"""


@pytest.fixture(scope="module")
def known(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database with the cookbook's rows, and a login `modeller`."""
    with made(server, template) as name:
        url = server.url(SUPERUSER, name)
        prepare(url)
        with psycopg.connect(url, autocommit=True) as owner:
            warehouse = Warehouse(server.url(LOADER, name))
            known_data.put(warehouse, owner, tmp_path_factory.mktemp("known"))
            warehouse.dispose()
        yield name


@pytest.fixture
def owner(server: Connections, known: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url(SUPERUSER, known), autocommit=True) as connection:
        yield connection


@pytest.fixture
def modeller(owner: psycopg.Connection) -> Iterator[str]:
    """The address of a modeller without models."""
    yield create_login(owner, "modeller", is_modeller=True)
    owner.execute("DROP OWNED BY modeller CASCADE; DROP ROLE modeller")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example, as an installer would leave it."""
    assert DBT.is_dir(), "there is no .venv/dbt: make .venv/dbt/made"
    ignored = shutil.ignore_patterns("target", "logs")
    folder = shutil.copytree(EXAMPLE, tmp_path / "dbt", ignore=ignored)
    plugins.install(folder, "models")
    return folder


def dbt(project: Path, url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(DBT / "dbt"), "--no-use-colors", *words, "--profiles-dir", str(project)]
    variables = environment(project, MODELS_URL=url)
    return subprocess.run(
        command, cwd=project, env=variables, capture_output=True, text=True, check=False
    )


def results(project: Path, name: str = "run_results") -> dict[str, Any]:
    """Return the status and answer of each node of the last command, by name."""
    document = json.loads((project / "target" / f"{name}.json").read_text())
    return {one["unique_id"]: one for one in document["results"]}


def test_dbt_builds_again_with_a_modellers_rights(
    project: Path, modeller: str, owner: psycopg.Connection
) -> None:
    """The first build of an incremental model and of a snapshot needs fewer rights than others."""
    first = dbt(project, modeller, "build")
    assert first.returncode == 0, first.stdout
    assert "[WARNING]" not in first.stdout, "as of something deprecated"
    every = owner.execute("SELECT sum(parcels_seen) FROM modeller_marts.daily_activity").fetchone()
    assert every == owner.execute("SELECT count(*) FROM enriched.shipments").fetchone()
    query = "SELECT tracking_number FROM shipments.shipments ORDER BY 1 LIMIT 1"
    (parcel,) = owner.execute(query).fetchone() or ("",)
    owner.execute(
        "UPDATE shipments.shipments SET status = 'LOST' WHERE tracking_number = %s", [parcel]
    )
    prices = "SELECT count(*), count(DISTINCT (itinerary_id, snapshot_on)), count(change_amount)"
    before = owner.execute(f"{prices} FROM modeller_marts.price_changes".encode()).fetchone()
    second = dbt(project, modeller, "build")
    assert second.returncode == 0, second.stdout
    assert (
        owner.execute(f"{prices} FROM modeller_marts.price_changes".encode()).fetchone() == before
    )
    statuses = owner.execute(
        "SELECT status, dbt_valid_to IS NULL FROM modeller_snapshots.shipment_status"
        " WHERE tracking_number = %s ORDER BY dbt_valid_from",
        [parcel],
    ).fetchall()
    assert [one[1] for one in statuses] == [False, True]
    assert statuses[-1][0] == "LOST"
    assert {one["status"] for one in results(project).values()} <= {"success", "pass", "no-op"}


def test_dbt_sees_what_is_late_and_documents_it(
    project: Path, modeller: str, owner: psycopg.Connection
) -> None:
    for source, age in (("bookings", "1 hour"), ("flights", "3 days")):
        owner.execute(CHECKED, [source, age])
    try:
        dbt(project, modeller, "source", "freshness")
    finally:
        owner.execute("DELETE FROM ops.sources")
    found = {
        name.removeprefix("source.isobar_models."): one["status"]
        for name, one in results(project, "sources").items()
    }
    assert found["enriched.reservation_nights"] == "pass"
    assert found["enriched.itineraries"] == "warn"
    assert found["enriched.shipments"] == "warn", "it was never checked"
    assert dbt(project, modeller, "run").returncode == 0
    documented = dbt(project, modeller, "docs", "generate")
    assert documented.returncode == 0, documented.stdout
    catalog = json.loads((project / "target" / "catalog.json").read_text())
    parcels = catalog["sources"]["source.isobar_models.enriched.shipments"]
    assert parcels["metadata"]["comment"], "that of the database"
    assert parcels["columns"]["status"]["comment"]
    assert catalog["errors"] is None


def test_models_are_assets_behind_the_views_that_they_read(
    project: Path, modeller: str, server: Connections, known: str, tmp_path: Path
) -> None:
    assert dbt(project, modeller, "parse").returncode == 0
    state = tmp_path / "state"
    variables = environment(
        state,
        DATABASE_URL=server.url(SUPERUSER, known),
        MODELS_URL=modeller,
        ISOBAR_DISABLE_SOURCES=others("models"),
        PYTHONPATH=f"{project}:{PROJECT}",
    )

    def execute(*words: str) -> str:
        done = subprocess.run(
            [DBT / "python", *words],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ran = execute("-m", "pipelines.cli", "run", "models")
    assert "modeller_marts.daily_activity" in ran
    (noted,) = project.glob("target/*/run_results.json")
    kinds = {one["unique_id"].split(".")[0] for one in json.loads(noted.read_text())["results"]}
    assert kinds >= {"model", "snapshot", "test"}, "tests are the asset checks of the models"
    upstream = {*execute("-c", LINEAGE).split()}
    assert upstream >= {"modeller/stg_shipments", "enriched/shipments", "shipments/shipments"}
    assert upstream >= {"enriched/reservation_nights", "bookings/events"}
    assert upstream >= {"metrics/flight_prices_by_day", "flights/prices"}
    files = {name for name in upstream if name.split("/")[0] not in ("modeller", "enriched")}
    assert any("file" in name or "inbox" in name for name in files), sorted(files)
