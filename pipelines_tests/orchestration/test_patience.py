"""A tick that goes on looking in our code server, and looks once anywhere else."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration import patience

Tick = Callable[..., int]


@pytest.fixture
def patient(instance: dg.DagsterInstance) -> Iterator[Path]:
    """Let ticks poll; the file that lets them."""
    file = patience.polling_file(instance.root_directory)
    file.write_text("20")
    yield file
    file.unlink(missing_ok=True)


def looks(found_at: int, failing_at: int = 0) -> tuple[list[int], dg.SensorDefinition]:
    """The looks of a sensor that finds something at one of them, and the sensor."""
    count: list[int] = []

    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        count.append(len(count))
        if len(count) == failing_at:
            raise ValueError("away for a moment")
        return dg.RunRequest() if len(count) >= found_at else dg.SkipReason("nothing")

    made = patience.repeat_every(0.05, look)
    return count, dg.sensor(name="any", job_name="any")(made)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as made:
        yield made


@pytest.fixture
def tick(instance: dg.DagsterInstance) -> Tick:
    """Evaluate a sensor as a tick does; return how many runs it requests."""

    def evaluate(sensor: dg.SensorDefinition, last_at: float | None = 1.0) -> int:
        context = dg.SensorEvaluationContext(
            instance_ref=None,
            last_tick_completion_time=last_at,
            last_run_key=None,
            cursor=None,
            repository_name=None,
            instance=instance,
            sensor_name="any",
        )
        return len(sensor.evaluate_tick(context).run_requests or ())

    return evaluate


@pytest.mark.usefixtures("patient")
def test_a_tick_ends_as_soon_as_there_is_something(tick: Tick) -> None:
    count, sensor = looks(found_at=4)
    assert (tick(sensor), count) == (0, [0]), "the first of a process looks once"
    assert (tick(sensor), count) == (1, [0, 1, 2, 3])


def test_outside_of_the_code_server_it_polls_once(tick: Tick, instance: dg.DagsterInstance) -> None:
    count, sensor = looks(found_at=3)
    assert (tick(sensor), tick(sensor), count) == (0, 0, [0, 1])
    file = patience.polling_file(instance.root_directory)
    file.write_text("20")
    count, sensor = looks(found_at=4)
    assert (tick(sensor), tick(sensor, last_at=None), count) == (0, 0, [0, 1])
    file.unlink()


@pytest.mark.usefixtures("patient")
def test_a_tick_after_a_failure_evaluates_once_to_end_soon(tick: Tick) -> None:
    count, sensor = looks(found_at=10_000, failing_at=2)
    assert tick(sensor) == 0
    with pytest.raises(ValueError, match="away"):
        tick(sensor)
    assert (tick(sensor), len(count)) == (0, 3)


def test_a_tick_ends_when_its_process_is_to_stop(tick: Tick, patient: Path) -> None:
    count, sensor = looks(found_at=10_000)
    assert tick(sensor) == 0
    threading.Timer(0.3, patient.unlink).start()
    began = time.monotonic()
    assert tick(sensor) == 0
    assert time.monotonic() - began < 10
    assert len(count) > 1
    assert tick(sensor) == 0, "and later ones look once"


def test_a_tick_without_anything_ends_in_time(tick: Tick, patient: Path) -> None:
    patient.write_text("0.3")
    count, sensor = looks(found_at=10_000)
    assert (tick(sensor), tick(sensor)) == (0, 0)
    assert 2 < len(count) <= 8
