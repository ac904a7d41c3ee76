"""`isobar plants`, as a person types it, and the plants with which a sandbox begins."""

import re
from pathlib import Path

import psycopg

from pipelines.config import Settings
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.runtime.bootstrap import seed_sandbox
from pipelines_tests.command import isobar

NAMES = "SELECT name FROM solar.plants ORDER BY plant_id"


def settings(server: Connections, database: str, **variables: str) -> Settings:
    """Return settings with a test's database and these variables alone."""
    url = server.url(SUPERUSER, database)
    return Settings.from_environment({"DATABASE_URL": url, "ISOBAR_SOURCES": "sandbox"} | variables)


def test_plants_are_kept_by_commands_from_nothing_on(empty_state: Path) -> None:
    """A fresh sandbox begins with its three plants, whichever command is the first."""

    def plants(*words: str) -> tuple[int, str, str]:
        done = isobar(empty_state, "plants", *words)
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    place = ("--latitude", "-37.5", "--longitude", "145", "--time-zone", "Australia/Melbourne")
    code, out, err = plants("add", "[bold]Łąka :sun:", *place)
    assert (code, out) == (0, "4\n"), err
    assert "Registered the sandbox's solar plants." in err
    code, out, _ = plants("list")
    assert code == 0
    header, first, *_, fourth = out.splitlines()
    assert re.split("  +", header)[-3:] == ["days complete", "days missing", "days not requested"]
    assert first.split()[-3:] == ["0", "1", "2"]
    assert "4   [bold]Łąka :sun:  Australia/Melbourne  -37.5, 145" in fourth

    code, out, err = plants("add", "Sierra Alta")
    assert (code, out) == (1, "")
    assert "'Sierra Alta' was not registered: the name is taken" in err
    assert "where: solar.plants" in err
    assert "what to do: Choose another value; isobar plants list shows" in err

    assert plants("rename", "1", "n" * 50) == (0, "", "Renamed plant 1.\n")
    assert "Plant 2 is retired since 20" in plants("retire", "2")[2]
    assert plants("unretire", "2") == (0, "", "Plant 2 is synced again.\n")
    assert plants("retire", "2")[0] == 0
    assert "First: isobar plants unretire 2" in plants("sync", "2")[2]
    days = ("--from", "2026-11-02", "--to", "2026-11-01")
    assert "--from has to be before --to" in plants("sync", "1", *days)[2]
    assert plants("add", "Numbered", "--id", "40")[:2] == (0, "40\n")
    where = ("--latitude", "-1.5", "--longitude", "2")
    assert plants("set-location", "40", *where) == (0, "", "Plant 40 is at -1.5, 2.\n")
    assert plants("set-capacity", "40", "98.6") == (0, "", "Plant 40 has 98.6 kWp.\n")
    assert plants("set-tariff", "40", "0.0821", "eur")[2] == (
        "A kWh of plant 40 is worth 0.0821 EUR.\n"
    )
    assert "98.6  0.0821 EUR" in plants("list")[1]
    code, out, _ = plants("delete", "3")
    assert (code, out[:11]) == (1, "Delete the "), "nobody said yes"
    assert plants("delete", "40", "--yes")[0] == 0
    assert plants("delete", "3", "--yes") == (0, "", "Deleted plant 3 and 20 readings.\n")
    assert "--latitude and --longitude together" in plants("add", "A", "--latitude", "5")[2]
    assert "and --tariff-currency together" in plants("add", "A", "--tariff-per-kwh", "5")[2]
    code, out, err = plants("delete", "3", "--yes")
    assert (code, out) == (1, "")
    assert "there is no plant 3" in err

    _, out, err = plants("list")
    assert err == ""
    first, second, _ = out.splitlines()[1:]
    assert "n" * 50 in first
    assert second.split()[-4].startswith("20")


def test_live_plants_begin_with_none_and_invalid_ones_are_rejected(
    state: Path, server: Connections, database: str
) -> None:
    live = {"DATABASE_URL": server.url(SUPERUSER, database), "ISOBAR_SOURCES": "live"}
    done = isobar(state, "plants", "list", **live)
    assert (done.returncode, done.stdout) == (0, "No plant is registered.\n"), done.stderr
    for words, message in (
        (["add", "Alta\udcff"], "has control characters or invalid characters"),
        (["add", "Alta", "--latitude", "nan", "--longitude", "0"], "plants_latitude_check"),
        (["rename", "99999999999999999999", "Alta"], "there is no plant 99999999999999999999"),
        (["sync", "7"], "there is no plant 7"),
        (["add", "Alta", "--capacity-kwp", "-5"], "a capacity is a number of kWp above zero"),
        (["set-capacity", "7", "100"], "there is no plant 7"),
    ):
        done = isobar(state, "plants", *words, **live)
        assert (done.returncode, done.stdout) == (1, "")
        assert message in done.stderr
        assert "what to do:" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_tariff_without_a_currency_is_rejected(
    state: Path, server: Connections, database: str, owner: psycopg.Connection
) -> None:
    live = {"DATABASE_URL": server.url(SUPERUSER, database), "ISOBAR_SOURCES": "live"}
    for words, message in (
        (["set-tariff", "1", "0.08"], "Missing argument 'CURRENCY'"),
        (["set-tariff", "1", "0.08", "XQZ"], "'XQZ' is not the code of a currency, such as EUR"),
        (["set-tariff", "1", "8 ct", "EUR"], "'8 ct' is not a number"),
        (["add", "Alta", "--tariff-currency", "EUR"], "Use --tariff-per-kwh and"),
    ):
        done = isobar(state, "plants", *words, **live)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    assert owner.execute(NAMES).fetchall() == []


def test_sandbox_plants_exist_only_with_the_sandbox_service(
    server: Connections, database: str, owner: psycopg.Connection
) -> None:
    for variables in (
        {"ISOBAR_SOURCES": "live"},
        {"ISOBAR_SOURCES": "live", "MONITORING_URL": "http://monitoring-api:5000"},
        {"MONITORING_URL": "http://monitoring-api:5000"},
    ):
        seed_sandbox(settings(server, database, **variables), print)
        assert owner.execute(NAMES).fetchall() == []
    seed_sandbox(settings(server, database), print)
    assert len(owner.execute(NAMES).fetchall()) == 3
    owner.execute("DELETE FROM solar.plants")
    seed_sandbox(settings(server, database), print)
    assert owner.execute(NAMES).fetchall() == []
