"""Every simulated source says the same for the same seed, and something else for another."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.source import FileInbox, Sandbox, Source, sources
from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
#: A request of each source that answers over HTTP.
PATHS = {
    "bookings": "/events",
    "flights": "/flights.json",
    "solar": "/solar?plant-id=1&from=2026-11-18&to=2026-11-20",
    "weather": "/v1/forecast?latitude=52&longitude=13&current=temperature_2m",
}
WITH_FILES = [
    source.name
    for source in sources().values()
    if any(isinstance(fetcher, FileInbox) for fetcher in source.fetch)
]


def answer(path: str, seed: int) -> Any:
    with sandbox_server(seed=seed, now=lambda: NOON) as url:
        found = requests.get(url + path, timeout=30)
        found.raise_for_status()
        return found.json()


@pytest.mark.parametrize("name", PATHS)
def test_answers_depend_on_the_seed_alone(name: str) -> None:
    path = PATHS[name]
    first = answer(path, 1)
    assert first
    assert answer(path, 1) == first
    if name != "weather":  # the sky is the same for everybody
        assert answer(path, 2) != first


def written(source: Source, seed: int, folder: Path) -> dict[str, bytes]:
    options = {one.name: one.default for one in source.sandbox_options}
    module = source.module("sandbox")
    assert module is not None
    parts = module.build(Sandbox(seed, lambda: NOON, lambda: NOON, options))
    folder.mkdir()
    parts.write_files(folder, NOON.date())
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("name", WITH_FILES)
def test_files_depend_on_the_seed_alone(name: str, tmp_path: Path) -> None:
    source = sources()[name]
    first = written(source, 1, tmp_path / "first")
    assert first
    assert written(source, 1, tmp_path / "again") == first
    assert written(source, 2, tmp_path / "other") != first


def test_every_source_is_tried() -> None:
    tried = {*PATHS, *WITH_FILES}
    assert tried == sources().keys()
