"""What is wrong in one source stops no other one."""

from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.isolation import broken_sources
from pipelines.orchestration.schedule_config import timetable
from pipelines.source import sources, unread_variables
from pipelines_tests import plugins
from pipelines_tests.command import PROJECT
from pipelines_tests.hostile_plugins import HOSTILE, declared, scheduled
from pipelines_tests.others import others

OURS = ("bookings", "flights", "shipments", "solar", "weather")


def names(definitions: dg.Definitions) -> dict[str, set[str]]:
    """The names of everything that a person sees in Dagster."""
    repository = definitions.get_repository_def()
    return {
        "jobs": {*repository.job_names},
        "schedules": {f"{one.name} {one.cron_schedule}" for one in repository.schedule_defs},
        "sensors": {one.name for one in repository.sensor_defs},
        "assets": {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()},
        "checks": {
            f"{key.asset_key.to_user_string()} {key.name}"
            for key in repository.asset_graph.asset_check_keys
        },
    }


@pytest.fixture(scope="module")
def ours() -> dict[str, set[str]]:
    """What there is without plug-ins."""
    timetable.cache_clear()
    found = names(build_definitions())
    assert broken_sources() == []
    return found


def test_a_plugin_that_is_sound_adds_to_the_others(
    ours: dict[str, set[str]], tmp_path: Path
) -> None:
    """Otherwise those below would be switched off for another reason."""
    plugins.write(tmp_path, "buses", {"__init__.py": declared(scheduled())})
    with plugins.installed(tmp_path):
        found = names(build_definitions())
        assert broken_sources() == []
    assert found["jobs"] - ours["jobs"] == {"buses"}
    assert found["schedules"] - ours["schedules"] == {"buses_daily 0 4 * * *"}
    assert all(ours[kind] <= found[kind] for kind in ours)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_plugin_switches_off_itself_and_no_other_source(
    ours: dict[str, set[str]], tmp_path: Path, name: str
) -> None:
    plugins.write(tmp_path, name, HOSTILE[name].files)
    plugins.write(tmp_path, "trams")
    with plugins.installed(tmp_path):
        found = names(build_definitions())
        (broken,) = broken_sources()
        assert broken.name == name
        assert HOSTILE[name].message in broken.problem
        assert "\n" not in broken.problem
        assert {*sources()} == {*OURS, "trams"}
    assert found["jobs"] - ours["jobs"] == {"trams"}
    assert "enriched/trams_stops" in found["assets"]
    assert not any(name in one for one in found["assets"])
    assert found["schedules"] == ours["schedules"]
    assert found["sensors"] == ours["sensors"]
    assert found["checks"] == ours["checks"]


def test_a_plugin_with_the_name_of_a_source_does_not_take_its_place(
    ours: dict[str, set[str]], tmp_path: Path
) -> None:
    plugins.write(tmp_path, "flights")
    with plugins.installed(tmp_path):
        assert names(build_definitions())["jobs"] == ours["jobs"]
        (broken,) = broken_sources()
        words = "another source is called 'flights': rename or uninstall isobar_flights"
        assert words in str(broken)


def test_of_two_plugins_with_one_name_neither_loads_into_the_tables_of_the_other(
    ours: dict[str, set[str]], tmp_path: Path
) -> None:
    """The one whose module came first in the alphabet took over what the other had stored."""
    plugins.write(tmp_path, "buses")
    plugins.write(tmp_path, "coaches", {"__init__.py": declared().replace('"{name}"', '"buses"')})
    (tmp_path / "isobar_coaches-1.0.dist-info" / "entry_points.txt").write_text(
        "[isobar.sources]\nbuses = isobar_coaches\n"
    )
    with plugins.installed(tmp_path):
        assert names(build_definitions())["jobs"] == ours["jobs"]
        (broken,) = broken_sources()
    assert "rename or uninstall isobar_buses and isobar_coaches" in str(broken)


def test_an_invalid_setting_of_ours_switches_off_that_source_only(
    ours: dict[str, set[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOOKINGS_TIME_ZONE", "Mars/North")
    with plugins.installed(tmp_path):
        found = names(build_definitions())
        (broken,) = broken_sources()
    assert "BOOKINGS_TIME_ZONE" in broken.problem
    assert ours["jobs"] - found["jobs"] == {"bookings", "bookings_audit", "refresh_hotel_bookings"}


@pytest.mark.parametrize("name", ["buses", "flights"])
def test_a_disabled_source_is_not_loaded(
    ours: dict[str, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A plug-in is not even imported: it might hang there."""
    plugins.write(tmp_path, "buses", {"__init__.py": "import os; os._exit(3)"})
    monkeypatch.setenv("ISOBAR_DISABLE_SOURCES", f"buses, nosuch,{name},{others()}")
    with plugins.installed(tmp_path):
        found = names(build_definitions())
        assert broken_sources() == []
    assert (name in found["jobs"]) is False
    assert ours["jobs"] - found["jobs"] <= {"flights", "flights_rebuild"}


def test_variables_of_env_that_nothing_reads_are_named(tmp_path: Path) -> None:
    """Incident: `ISOBAR_SOURCE=live` in .env, and everything stayed simulated without a word."""
    found = sources().values()
    (tmp_path / ".env").write_text(
        "ISOBAR_SOURCE=live\nISOBAR_SOURCES=live\nSHIPMENTS_CURENCY=USD\nALERT_URLS_FILE=x\n"
        "OPEN_METEO_API_KEY=x\nHTTPS_PROXY=x\nPGTZ=UTC\nDATABSE_URL=x\n"
    )
    assert unread_variables(tmp_path, found) == [], "an installed package has no list of all"
    example = (PROJECT / ".env.example").read_text()
    (tmp_path / ".env.example").write_text(example)
    misspelt = ["ISOBAR_SOURCE", "SHIPMENTS_CURENCY", "DATABSE_URL"]
    assert unread_variables(tmp_path, found) == misspelt
    (tmp_path / ".env").write_text(example)
    assert unread_variables(tmp_path, found) == []


def test_every_job_of_a_source_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon ends the run by it."""
    monkeypatch.setenv("ISOBAR_RUN_SECONDS", "77")
    definitions = build_definitions()
    for name in sources():
        assert definitions.resolve_job_def(name).tags["dagster/max_runtime"] == "77"
