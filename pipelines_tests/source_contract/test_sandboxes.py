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
    if any(isinstance(fetcher, FileInbox) for fetcher in source.fetchers)
]


def answers(seed: int) -> dict[str, Any]:
    """Return what each source answers."""
    with sandbox_server(seed=seed, now=lambda: NOON) as url:
        found = {name: requests.get(url + path, timeout=30) for name, path in PATHS.items()}
    for one in found.values():
        one.raise_for_status()
    return {name: one.json() for name, one in found.items()}


def test_answers_depend_on_the_seed_alone() -> None:
    first, other = answers(1), answers(2)
    assert answers(1) == first
    for name, answer in first.items():
        assert answer, name
        # The sky is the same for everybody.
        assert (other[name] == answer) == (name == "weather"), name


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
