"""Settings from the environment and .env: unusable ones are rejected with a message."""

import os
from pathlib import Path

import pytest

from pipelines import config
from pipelines.config import Settings, home, read_dot_env
from pipelines.failures import PermanentFailure
from pipelines.source import sources
from pipelines_tests.command import PROJECT

LIVE = {"ISOBAR_SOURCES": "live"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ISOBAR_HOME": "~nobody-of-this-name/x"}, "ISOBAR_HOME names a user who has no home"),
        ({"BOOKINGS_INBOX": "~nobody-of-this-name"}, "BOOKINGS_INBOX names"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL is not the address of a server: write"),
        ({"DATABASE_URL": "postgresql://u@h:port/x"}, "DATABASE_URL is not the address of a serv"),
        ({"WORKER_RUNS": "0"}, "WORKER_RUNS is invalid: Input should be greater than or equal"),
        ({"ISOBAR_RUN_SECONDS": "long"}, "ISOBAR_RUN_SECONDS is invalid: Input should be a valid"),
        ({"BOOKINGS_TIME_ZONE": "../etc/passwd"}, "BOOKINGS_TIME_ZONE is not a time zone"),
        ({"BOOKINGS_MOST_BAD": "nan"}, "BOOKINGS_MOST_BAD"),
        ({"DATABASE_PASSWORD": "caf\udce9"}, "DATABASE_PASSWORD is not in UTF-8"),
        ({"WEATHER_API_KEY": "\udcff"}, "WEATHER_API_KEY is not in UTF-8"),
        ({"SHIPMENTS_ENCODING": "utf-16"}, "is not an encoding"),
    ],
)
def test_an_invalid_variable_is_rejected_with_a_message(
    variables: dict[str, str], words: str
) -> None:
    ours = LIVE | {"DATABASE_URL": "postgresql://u@h/d"}
    with pytest.raises(PermanentFailure, match=words):
        settings = Settings.from_environment(ours | variables)
        for source in sources().values():
            source.load_settings(settings)


def test_a_folder_with_a_non_utf_8_name_is_accepted() -> None:
    configured = Settings.from_environment(LIVE | {"BOOKINGS_INBOX": "/inbox\udcff"})
    assert sources()["bookings"].load_settings(configured).inbox == Path("/inbox\udcff")


@pytest.mark.parametrize(
    ("variables", "years"),
    [
        ({"ISOBAR_SANDBOX_URL": "http://there"}, 1),
        ({"MONITORING_URL": "http://plants"}, 10),
        (LIVE | {"MONITORING_URL": "http://plants"}, 10),
        ({"ISOBAR_SANDBOX_URL": "http://there", "SYNC_UNTIL_YEAR": "2"}, 2),
    ],
)
def test_simulated_plants_alone_have_one_year(variables: dict[str, str], years: int) -> None:
    settings = sources()["solar"].load_settings(Settings.from_environment(variables))
    assert settings.sync_until_year == years


@pytest.mark.parametrize("content", [b"FLIGHTS_URL=\xff", b"ISOBAR_NUL=\x00"])
def test_a_binary_variable_file_is_rejected_with_a_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(PermanentFailure, match=r"the \.env file cannot be read"):
        read_dot_env(tmp_path / ".env")
    assert "ISOBAR_NUL" not in os.environ


def test_home_is_the_clone_or_else_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home() == PROJECT
    monkeypatch.setattr(config, "PROJECT", tmp_path / "site-packages")
    assert home() == tmp_path
