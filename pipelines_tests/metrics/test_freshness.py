"""What the database says of its own state: how fresh, what is wrong, and what has just changed."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.operations.look import data_problems
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.last_look import Problem
from pipelines_tests.jobs import Runner, parcels_and_weather
from pipelines_tests.loaders import hasten
from pipelines_tests.sources.shipments.made_up import line, text_of

LATE = "UPDATE ops.sources SET checked_at = now() - interval '27 hours' WHERE source = 'shipments'"


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    return tmp_path


@pytest.fixture
def runner(
    warehouse: Warehouse, inbox: Path, sandbox_url: str, instance: dg.DagsterInstance
) -> Runner:
    return Runner(parcels_and_weather(warehouse, inbox, sandbox_url), instance)


def problems(warehouse: Warehouse) -> dict[str, Problem]:
    """Return what a look finds in the tables now, by key."""
    with warehouse.engine.connect() as connection:
        return {one.key: one for one in data_problems(connection)}


def freshness(owner: Connection, name: str) -> dict[str, Any]:
    cursor = owner.cursor(row_factory=dict_row)
    row = cursor.execute("SELECT * FROM metrics.freshness WHERE name = %s", [name]).fetchone()
    assert row is not None
    return row


def test_checked_and_nothing_new_is_not_stopped(
    runner: Runner, inbox: Path, owner: Connection, warehouse: Warehouse
) -> None:
    assert freshness(owner, "shipments")["state"] == "never checked"
    (inbox / "a.csv").write_text(text_of([line(1)]))
    assert runner.run("shipments").success
    first = freshness(owner, "enriched.shipments")
    assert (first["state"], first["source"], first["is_late"]) == ("on time", "shipments", False)
    assert first["newest_at"] <= first["last_new_data_at"] <= first["last_checked_at"]
    assert first["expected_within_hours"] == 26, "a day, and two hours"

    assert runner.run("shipments").success
    second = freshness(owner, "enriched.shipments")
    assert second["last_checked_at"] > first["last_checked_at"]
    assert second["last_new_data_at"] == first["last_new_data_at"]
    assert problems(warehouse) == {}

    owner.execute(LATE.encode())
    late = freshness(owner, "enriched.shipments")
    assert (late["state"], late["is_late"]) == ("late", True)
    (problem,) = problems(warehouse).values()
    assert (problem.key, problem.source) == ("freshness:shipments", "shipments")
    assert problem.since == late["due_at"]
    assert runner.run("shipments").success
    assert freshness(owner, "shipments")["state"] == "on time"


def test_what_is_rejected_is_a_problem(
    runner: Runner, inbox: Path, owner: Connection, warehouse: Warehouse
) -> None:
    (inbox / "a.csv").write_text(text_of([line(1), line(2), line(3, article_price="free")]))
    (inbox / "b.csv").write_text("nonsense\n")
    assert not runner.run("shipments").success
    found = problems(warehouse)
    assert found.keys() == {"quarantine:shipments", "rejected file:shipments:b.csv"}
    assert found["quarantine:shipments"].what == (
        "Rejected records of the feed shipments are in quarantine: 1."
    )
    file = "rejected file:shipments:b.csv"
    assert found[file].what.startswith("The file b.csv was rejected: its first line")
    owner.execute("UPDATE ops.deliveries SET problem = NULL, bad_records = NULL")
    corrected = problems(warehouse)[file].what  # its corrected form was imported by hand
    assert corrected.startswith("The file b.csv was rejected: its run says why")


def test_a_view_is_as_late_as_the_latest_source_that_it_shows(
    runner: Runner, inbox: Path, owner: Connection
) -> None:
    (inbox / "a.csv").write_text(text_of([line(1)]))
    assert runner.run("shipments").success
    assert runner.run("weather").success
    assert freshness(owner, "enriched.shipments")["state"] == "on time"
    owner.execute(
        "UPDATE ops.sources SET checked_at = now() - interval '9 h' WHERE source = 'weather'"
    )
    late = freshness(owner, "enriched.shipments")
    assert (late["state"], late["is_late"]) == ("late", True)
    assert freshness(owner, "shipments")["state"] == "on time"
    assert freshness(owner, "enriched.shipment_articles")["state"] == "on time"
    owner.execute("UPDATE ops.sources SET expected_within = NULL WHERE source = 'weather'")
    assert freshness(owner, "weather")["state"] == "not scheduled"


def test_paused_is_not_checked(runner: Runner, inbox: Path, owner: Connection) -> None:
    """Incident: it was on time for a week in which the provider blocked every request."""
    (inbox / "a.csv").write_text(text_of([line(1)]))
    assert runner.run("shipments").success
    assert runner.run("weather").success
    before = freshness(owner, "weather")["last_checked_at"]
    assert before is not None
    owner.execute(
        "INSERT INTO weather.quota_blocks"
        " (provider, key_digest, blocked_until, consecutive_blocks, reason)"
        " SELECT DISTINCT provider, key_digest, now() + interval '7 days', 1, 'quota'"
        " FROM weather.api_requests"
    )
    runner.run("weather")
    assert freshness(owner, "weather")["last_checked_at"] == before


def test_a_service_that_is_away_was_not_checked(
    warehouse: Warehouse,
    owner: Connection,
    tmp_path: Path,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Incident: `on time`, although nothing had listened for a month."""
    for module in ("bookings.client", "solar.sync"):
        hasten(monkeypatch, f"pipelines.sources.{module}")
    url = warehouse.engine.url.render_as_string(hide_password=False)
    away = "http://127.0.0.1:9"
    resources = {
        "warehouse": WarehouseResource(url=url),
        "bookings": source_resource("bookings", inbox=str(tmp_path), events_url=away),
        "solar": source_resource("solar", monitoring_url=away),
    }
    runner = Runner(resources, instance)
    owner.execute("INSERT INTO solar.plants (name) VALUES ('Sierra')")
    assert not runner.run("bookings").success
    assert not runner.run("solar").success
    assert {freshness(owner, name)["state"] for name in ("bookings", "solar")} == {"never checked"}
