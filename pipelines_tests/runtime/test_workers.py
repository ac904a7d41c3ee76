"""Dagster's configuration when a broker is set; the drill `test_workers` shows its effect."""

from pathlib import Path

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]
from dagster._serdes import ConfigurableClassData
from kombu.utils.url import parse_url

from pipelines.config import PROJECT, Settings
from pipelines.failures import PermanentFailure
from pipelines.runtime.bootstrap import prepare_dagster_home
from pipelines.runtime.celery_launcher import WorkersLauncher
from pipelines_tests.command import isobar

BROKER = "redis://default:secret@127.0.0.1:6379/0"
ELSEWHERE = "postgresql://somebody@127.0.0.1:9/somewhere"
OURS = PROJECT / "dagster.yaml"


def settings(state: Path, **variables: str) -> Settings:
    urls = {"DATABASE_URL": ELSEWHERE, "DAGSTER_POSTGRES_URL": ELSEWHERE}
    return Settings.from_environment({"ISOBAR_HOME": str(state)} | urls | variables)


def launcher(monkeypatch: pytest.MonkeyPatch, broker: str) -> object:
    """Return the launcher that `dagster.yaml` names."""
    monkeypatch.setenv("CELERY_BROKER_URL", broker)
    named = yaml.safe_load(OURS.read_text())["run_launcher"]
    return ConfigurableClassData(named["module"], named["class"], "{}").rehydrate()


def test_runs_are_launched_on_workers_where_a_broker_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(launcher(monkeypatch, BROKER), WorkersLauncher)
    assert isinstance(launcher(monkeypatch, ""), dg.DefaultRunLauncher)


def test_an_operators_own_dagster_yaml_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "dagster" / "dagster.yaml"
    own.parent.mkdir()
    own.write_text("telemetry: {enabled: false}\n")
    prepare_dagster_home(settings(tmp_path, CELERY_BROKER_URL=BROKER))
    assert own.read_text() == "telemetry: {enabled: false}\n"
    own.unlink()
    prepare_dagster_home(settings(tmp_path))
    assert own.samefile(OURS)


@pytest.mark.parametrize("url", ["redis://host:6379/0", "redis://default@host:6379/0"])
def test_the_brokers_password_may_stand_by_itself(tmp_path: Path, url: str) -> None:
    configured = settings(tmp_path, CELERY_BROKER_URL=url, CELERY_BROKER_PASSWORD="a/b@:c%")
    assert configured.celery_broker_url is not None
    parts = parse_url(configured.celery_broker_url.get_secret_value())
    assert (parts["userid"], parts["password"]) == ("default", "a/b@:c%")


@pytest.mark.parametrize("wrong", ["amqp://guest:secret@host//", "secret", "redis://:secret@"])
def test_another_broker_is_rejected_without_printing_its_password(
    tmp_path: Path, wrong: str
) -> None:
    with pytest.raises(PermanentFailure, match="CELERY_BROKER_URL is not the address") as failure:
        settings(tmp_path, CELERY_BROKER_URL=wrong)
    assert "secret" not in str(failure.value)


def test_a_worker_without_a_broker_reports_what_to_set(tmp_path: Path) -> None:
    done = isobar(tmp_path, "serve", "worker")
    assert done.returncode == 1
    assert "redis://" in done.stderr
