"""Shipments with their weather, as Dagster runs it."""

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.weather import jobs
from pipelines.sources.weather.geocode_places import put_places
from pipelines.testing.fake_source import FakeSource, body
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests import sensors
from pipelines_tests.clock import today as utc_today
from pipelines_tests.jobs import Runner, metadata
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.solar_rows import add_plant, add_readings
from pipelines_tests.sources.shipments.made_up import deliver, line, text_of
from pipelines_tests.sources.weather.site import CALLS
from pipelines_tests.stored import Stored


@dataclass
class Weather(Runner):
    """The job of the weather and its sensor, and the database that it fills."""

    stored: Stored
    folder: Path

    def send(self, *lines: dict[str, str], hours_ago: int = 0) -> None:
        """Load shipments, which the weather has no say in."""
        at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
        deliver(self.stored.warehouse, self.folder, list(lines), at=at)

    def fetch(self) -> dg.ExecuteInProcessResult:
        return self.run("weather")

    def look(self) -> dg.RunRequest | str:
        return self.tick("weather_due")

    def age(self, minutes: int) -> None:
        """Have the last weather of all places been received so much earlier."""
        earlier = dt.timedelta(minutes=minutes)
        success = "retry_at = NULL, last_success_at = last_success_at"
        for table, columns in (
            ("fetch_state", success),
            ("api_requests", "requested_at = requested_at"),
            ("observations", "observed_at = observed_at"),
        ):
            self.stored.owner.execute(f"UPDATE weather.{table} SET {columns} - %s", [earlier])


@pytest.fixture
def weather(
    stored: Stored, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Weather]:
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    for name in ("WEATHER_PROVIDER", "WEATHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with sandbox_server() as url:
        monkeypatch.setenv("WEATHER_BASE_URL", url)
        monkeypatch.setenv("GEOCODING_BASE_URL", url)
        database = stored.warehouse.engine.url.render_as_string(hide_password=False)
        resources = {
            "warehouse": WarehouseResource(url=database),
            "shipments": source_resource("shipments", inbox=str(tmp_path)),
            "weather": source_resource("weather"),
        }
        yield Weather(resources, instance, stored, tmp_path)


def test_a_file_brings_the_weather_of_both_its_ends(weather: Weather) -> None:
    """Ten geocodings and one forecast request for ten places; more shipments there: none."""
    places = [f"Street {n}, {10115 + n} Town, Germany" for n in range(10)]
    lines = [
        line(n, sender_address=places[2 * n], receiver_address=places[2 * n + 1]) for n in range(5)
    ]
    (weather.folder / "a.csv").write_text(text_of(lines))
    assert weather.run("shipments").success
    assert weather.stored.rows(CALLS) == []  # a source's own job requests nothing
    assert isinstance(weather.look(), dg.RunRequest)
    assert weather.fetch().success
    assert weather.stored.rows(CALLS) == [
        ("forecast", "success", 5, 1),  # of the senders, in the hour in which it was sent
        ("geocoding", "success", 10, 10),
        ("observation", "success", 10, 1),
    ]
    rows = weather.stored.rows(
        "SELECT sender_latitude, sender_temperature_celsius, sender_conditions, sender_wind_kmh,"
        " receiver_longitude, receiver_temperature_celsius, receiver_weather_observed_at,"
        " receiver_weather_age_minutes, weather_risk FROM enriched.shipments"
    )
    assert len(rows) == 5
    assert all(value is not None for row in rows for value in row)
    assert all(0 <= row[7] <= 16 for row in rows)
    more = [
        line(n, sender_address=places[n % 10], receiver_address=places[1]) for n in range(9, 59)
    ]
    weather.send(*more)
    assert weather.fetch().success
    assert weather.stored.row("SELECT count(*) FROM weather.api_requests") == (30,)


def test_the_sensor_starts_a_run_when_something_is_due(weather: Weather) -> None:
    assert weather.look() == "No place is due."
    weather.send(line(1))
    assert isinstance(weather.look(), dg.RunRequest)
    for table in ("places", "fetch_state", "api_requests", "quota_blocks", "observations"):
        count = weather.stored.row(f"SELECT count(*) FROM weather.{table}")
        assert count == (0,), "it reads and changes nothing"
    assert weather.fetch().success
    assert weather.look() == "No place is due."
    weather.age(120)
    assert isinstance(weather.look(), dg.RunRequest)
    assert weather.fetch().success
    assert weather.look() == "No place is due."


def test_an_exhausted_quota_starts_no_runs_until_the_key_changes(
    weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places to be looked up started a run every three seconds, each of which was rejected."""
    weather.send(line(1))
    monkeypatch.setenv("OPEN_METEO_API_KEY", "exhausted")
    assert weather.fetch().success
    assert weather.stored.rows(CALLS) == [("geocoding", "quota", 1, 1)]
    words = r"requests to open-meteo-geocoding are paused until 20\d\d-.+ UTC: Daily API request"
    assert re.match(words, str(weather.look()))
    again = metadata(weather.fetch(), "weather.places")["paused"]
    assert re.match(words, again), "a run by hand says why it requests nothing"
    monkeypatch.setenv("OPEN_METEO_API_KEY", "mine")
    assert isinstance(weather.look(), dg.RunRequest)
    assert weather.fetch().success
    query = "SELECT provider, length(key_digest) FROM weather.quota_blocks"
    assert weather.stored.rows(query) == [("open-meteo-geocoding", 12)]
    assert weather.stored.row("SELECT count(*) FROM weather.observations") == (2,)


def test_a_run_looks_places_up_then_requests_now_then_coming_hours_then_history(
    weather: Weather,
) -> None:
    """A place that is found in a run has its current weather in this run, before all hours."""
    today = utc_today()
    add_plant(weather.stored.owner, 1, coordinates=(52.6, 12.34))
    add_readings(weather.stored.owner, 1, "2020-05-01", "2020-05-02")
    add_readings(weather.stored.owner, 1, today - dt.timedelta(days=2), today)
    weather.send(line(1))
    assert weather.fetch().success
    kinds = weather.stored.rows("SELECT kind FROM weather.api_requests ORDER BY entry_id")
    assert [*dict.fromkeys(kind for (kind,) in kinds)] == [
        *("geocoding", "observation", "forecast", "archive")
    ]
    assert weather.look() == "No place is due."


def test_history_that_waits_for_the_end_of_the_day_starts_no_run(
    weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incident: a fifth of the quota was left, and a run started every few seconds until ten."""
    now = dt.datetime(2026, 11, 20, 10, 7, tzinfo=dt.UTC)
    monkeypatch.setattr(jobs, "utc_now", lambda: now)
    add_plant(weather.stored.owner, 1, coordinates=(52.6, 12.34))
    add_readings(weather.stored.owner, 1, "2020-05-01", "2020-05-02")
    put_places(weather.stored.warehouse)
    weather.stored.owner.execute(
        "INSERT INTO weather.api_requests (request_id, provider, kind, requested_at, outcome, cost)"
        " VALUES (gen_random_uuid(), 'open-meteo', 'archive', %s, 'success', 7990)",
        [now],
    )
    waits = "history stops at 8,000 of 10,000 requests to open-meteo until 22:00 UTC"
    assert weather.look() == f"{waits}: the rest is for current weather"
    now += dt.timedelta(hours=12)
    assert isinstance(weather.look(), dg.RunRequest)


def test_page_and_status_have_the_limit_and_the_amount_by_which_requests_are_sent(
    weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEATHER_REQUESTS_PER_DAY", "20")
    weather.resources["weather"] = source_resource("weather")
    weather.send(line(1), line(2, sender_address="Street 1, 10116 Town, Germany"))
    assert weather.fetch().success
    query = (
        "SELECT provider, requests_used, requests_per_day FROM metrics.weather_quotas ORDER BY 1"
    )
    spent = (
        "SELECT provider, ceil(sum(cost))::bigint, 20::bigint FROM weather.api_requests"
        " GROUP BY 1 ORDER BY 1"
    )
    assert weather.stored.rows(query) == weather.stored.rows(spent)
    assert len(weather.stored.rows(query)) == 2
    page, remarks = (
        weather.stored.rows(read_sql("pipelines.sources.weather", name))
        for name in ("dashboard/quotas", "status_remarks")
    )
    assert {f"{row[0]}: {row[3]}" for row in page} == {remark for (remark,) in remarks}
    assert all("of 20 requests used today (UTC)" in remark for (remark,) in remarks)
    weather.stored.owner.execute(
        "UPDATE weather.api_requests SET cost = 10 WHERE kind = 'observation'"
    )
    weather.age(130)
    paused = metadata(weather.fetch(), "weather.observations")["paused"]
    assert "the quota of open-meteo, 20 requests a day, is used up" in paused


def test_a_sensor_run_respects_the_pause_unlike_a_manual_one(weather: Weather) -> None:
    weather.send(line(1))
    assert weather.fetch().success
    weather.age(130)
    weather.stored.owner.execute(
        "UPDATE weather.fetch_state SET retry_at = now() + interval '5 minutes'"
    )
    observed = "SELECT count(*) FROM weather.api_requests WHERE kind = 'observation'"
    by_sensor = sensors.job("weather").execute_in_process(
        resources=weather.resources,
        instance=weather.instance,
        tags={"dagster/sensor_name": "weather_due"},
    )
    assert by_sensor.success
    assert weather.stored.row(observed) == (2,)
    assert weather.fetch().success
    assert weather.stored.row(observed) == (4,)


def test_an_unavailable_provider_leaves_sources_green_with_aged_weather_or_none(
    weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider's failure turned the lookup into a 500."""

    def set_provider(url: str) -> None:
        monkeypatch.setenv("WEATHER_BASE_URL", url)
        weather.resources["weather"] = source_resource("weather")

    there, nowhere = os.environ["WEATHER_BASE_URL"], "http://127.0.0.1:9"
    weather.send(line(1))
    set_provider(nowhere)
    assert not weather.fetch().success
    track = (
        "SELECT status, sender_latitude IS NULL, sender_temperature_celsius, weather_risk"
        " FROM enriched.track('TN00000001', 'DHL')"
    )
    assert weather.stored.rows(track) == [("in_transit", False, None, None)]
    set_provider(there)
    assert weather.fetch().success
    weather.age(130)
    set_provider(nowhere)
    (weather.folder / "b.csv").write_text(text_of([line(2)]))
    assert weather.run("shipments").success
    assert not weather.fetch().success
    shown = weather.stored.rows(
        "SELECT sender_temperature_celsius IS NOT NULL, sender_weather_age_minutes"
        " FROM enriched.shipments ORDER BY tracking_number"
    )
    assert [row[0] for row in shown] == [True, True]
    assert all(130 <= row[1] <= 150 for row in shown)
    check = read_sql("pipelines.sources.weather", "checks/fresh_weather")
    problems = [row[3] for row in weather.stored.rows(check)]
    assert len(problems) == 2
    assert all("Connection refused" in problem for problem in problems)


@pytest.mark.parametrize("provider", ["open-meteo", "openweathermap"])
def test_neither_dagster_nor_the_database_stores_a_key(
    weather: Weather,
    source: FakeSource,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    provider: str,
) -> None:
    weather.send(line(1))
    monkeypatch.setenv("WEATHER_PROVIDER", provider)
    name = "OPEN_METEO_API_KEY" if provider == "open-meteo" else "WEATHER_API_KEY"
    monkeypatch.setenv(name, "hunter2/+")
    rejected = body(b'{"error": true, "reason": "The API key hunter2/+ is invalid."}', status=401)
    nonsense = body(b"<html>hunter2/+ hunter2%2F%2B")
    source.will(rejected if provider == "open-meteo" else nonsense)
    monkeypatch.setenv("WEATHER_BASE_URL", source.url.removesuffix("/document.json"))
    result = weather.fetch()
    assert not result.success
    kept = [str(event) for event in result.all_events]
    kept += [
        str(row)
        for table in ("api_requests", "fetch_state", "places", "quota_blocks", "observations")
        for row in weather.stored.owner.execute(f"SELECT * FROM weather.{table}")
    ]
    printed = capfd.readouterr()
    everything = "".join([*kept, caplog.text, printed.out, printed.err])
    assert "weather_fetched" in everything
    assert "hunter2" not in everything


def test_the_weather_of_a_parcel_is_kept_as_it_was_when_it_was_there(weather: Weather) -> None:
    """`does weather delay parcels` could not be answered: yesterday's weather was overwritten."""
    sent = line(1, sender_address="Street 1, 10115 Town, Germany")
    weather.send(sent, hours_ago=50)
    weather.send({**sent, "status": "scanned"}, hours_ago=20)
    weather.send({**sent, "status": "delivery"})
    assert weather.fetch().success
    (row,) = weather.stored.rows(
        "SELECT delivered_at - sent_at, in_transit_hours, first_scanned_at IS NOT NULL,"
        " sent_temperature_celsius, sent_risk, delivered_temperature_celsius, delivered_risk,"
        " worst_risk FROM enriched.shipment_weather"
    )
    assert abs(float(row[1]) - row[0].total_seconds() / 3600) <= 0.05
    assert 50 <= row[1] < 51
    assert None not in row
    kept = weather.stored.rows("SELECT DISTINCT hour_at FROM weather.hourly")
    assert len(kept) >= 2
    last = weather.stored.row("SELECT max(seen_at) FROM shipments.status_history")
    same = weather.stored.row("SELECT in_transit_hours, delivered_at FROM enriched.shipments")
    assert same == (row[1], *last)


def test_a_returned_parcel_has_the_weather_of_where_it_was_sent(weather: Weather) -> None:
    """The weather of the receiver was shown at the time at which the parcel was sent."""
    there, here = "Rue 4, 75001 Paris, France", "Street 1, 10115 Town, Germany"
    sent = line(1, sender_address=here, receiver_address=there)
    weather.send(sent, hours_ago=50)
    weather.send({**sent, "status": "delivery"}, hours_ago=2)
    weather.send(line(1, sender_address=there, receiver_address=here, status="inbound-scan"))
    assert weather.fetch().success
    (row,) = weather.stored.rows(
        "SELECT sender_country_code, receiver_country_code, sent_temperature_celsius IS NOT NULL"
        " FROM enriched.shipment_weather"
    )
    assert row == ("DE", "DE", True)
    hours = "SELECT place_key FROM weather.hourly JOIN weather.places USING (place_id)"
    assert {key for (key,) in weather.stored.rows(hours)} == {"DE 10115"}
    current = "SELECT sender_country_code, receiver_country_code FROM enriched.shipments"
    assert weather.stored.row(current) == ("FR", "DE")
