"""Commands with hostile plug-ins installed: each is named, and the project's own sources go on."""

import json
from collections.abc import Mapping
from pathlib import Path

from pipelines_tests import plugins
from pipelines_tests.command import isobar
from pipelines_tests.hostile_plugins import ENDLESS, HOSTILE, OF_CLI, OF_COMMANDS, Hostile
from pipelines_tests.others import others

SECRET = "sk-very-secret"
#: An asset that only the last step of each source's job refreshes.
REFRESHED = (
    *("bookings.events", "flights.itineraries", "shipments.articles", "solar.readings"),
    *("weather.observations", "metrics.hotel_bookings_by_stay_night", "enriched.itineraries"),
)


def test_every_other_source_runs_beside_hostile_plugins(state: Path, tmp_path: Path) -> None:
    every: Mapping[str, Hostile] = {**HOSTILE, **OF_COMMANDS}
    for name, one in {**every, **OF_CLI, "endless": ENDLESS}.items():
        plugins.write(tmp_path, name, one.files)
    (state / "schedules.toml").write_text('[schedules.tides_hourly]\ncron = "5 * * * *"\n')
    variables = {
        "PYTHONPATH": str(tmp_path),
        "INVALID_SECRET_TOKEN": SECRET,
        "ISOBAR_STATEMENT_SECONDS": "2",
        "ISOBAR_SCHEDULES": "",
    }
    done = isobar(state, "run", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert SECRET not in said
    lines = done.stderr.splitlines()
    for name, one in every.items():
        found = [line for line in lines if f"The source {name} is broken, the others go on" in line]
        assert len(found) == 2, (name, found)
        assert all(one.message in line for line in found), (name, found)
        assert f"\n{name} " in done.stdout, "it is in the closing table"
    assert "failed:" not in done.stdout, done.stdout
    assert f"warning: enriched.endless_stops: {ENDLESS.message}" in done.stdout
    assert "ISOBAR_STATEMENT_SECONDS" in done.stdout
    assert "enriched.endless_stops" in done.stdout
    for asset in (*REFRESHED, *(f"enriched.{name}_stops" for name in OF_CLI)):
        assert f"\n{asset} " in done.stdout
    assert "schedules.tides_hourly" in done.stderr

    seen = isobar(state, "status", "--json", **variables)
    problems = {one["key"]: one for one in json.loads(seen.stdout)["problems"]}
    for name in every.keys() - {"raising_sandbox", "bad_view"}:
        assert every[name].message in problems[f"status:source:{name}"]["what"]
    assert "isobar migrate" in problems["status:database"]["remedy"], "which names bad_view"
    assert ENDLESS.message in problems["check:enriched.endless_stops:endless_named"]["what"]
    assert SECRET not in seen.stdout + seen.stderr

    shown, listed = isobar(state, "--help", **variables), isobar(state, "sources", **variables)
    for name, one in OF_CLI.items():
        assert f"The source {name} is broken, the others go on: {one.message}" in listed.stdout
    assert "plants" in shown.stdout


def test_a_plugin_that_exits_at_import_can_be_disabled(empty_state: Path, tmp_path: Path) -> None:
    plugins.write(tmp_path, "buses", {"__init__.py": "import os\n\nos._exit(3)"})
    names = f"buses,solar,x,{others()}"
    disabled = {"PYTHONPATH": str(tmp_path), "ISOBAR_DISABLE_SOURCES": names}
    listed = isobar(empty_state, "sources", **disabled)
    lines = {line.split()[0]: line.split() for line in listed.stdout.splitlines()}
    assert [lines[name][3] for name in ("buses", "solar")] == ["disabled"] * 2
    assert isobar(empty_state, "run", "solar", **disabled).returncode == 2
    both = isobar(empty_state, "run", "solar", "shipments", **disabled)
    assert both.returncode == 1
    assert "The source solar is disabled or not installed; it was skipped." in both.stderr
    assert "shipments.articles" in both.stdout
