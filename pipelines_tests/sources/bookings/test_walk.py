"""How far a row walks: through few files, in an environment that is parsed once."""

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import dagster as dg
import pandas as pd
import pandera.pandas  # noqa: F401 - its first import sets variables, and they are parsed again
import pytest

from pipelines import config
from pipelines.definitions import build_definitions
from pipelines.ingest import inbox as inboxes
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.bookings import counts
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT
from pipelines_tests.sources.bookings.made_up import event, text_of

ROOM = str(event(1)["room_reservation_id"])
CODE = f"{PROJECT / 'pipelines'}/"


def contains(value: Any, depth: int = 3) -> bool:
    """Return whether the reservation of the row is in a value."""
    if isinstance(value, bytes):
        return ROOM.encode() in value
    if isinstance(value, str):
        return ROOM in value
    if isinstance(value, pd.DataFrame):
        return bool((value.astype(str) == ROOM).any(axis=None))
    if depth == 0:
        return False
    parts: Iterable[Any] = ()
    if type(value) in (list, tuple):
        parts = value[:50]
    elif isinstance(value, dict):
        parts = value.values()
    elif hasattr(value, "__dict__") and type(value).__module__.startswith("pipelines."):
        parts = vars(value).values()
    return any(contains(part, depth - 1) for part in parts)


def test_a_row_passes_twelve_files_and_parses_the_environment_once(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.setattr(inboxes, "SETTLE_SECONDS", 0.05)
    (tmp_path / "a.csv").write_text(text_of([event(1)]))
    url = warehouse.engine.url.render_as_string(hide_password=False)
    definitions = build_definitions(
        {
            "warehouse": WarehouseResource(url=url),
            "bookings": source_resource("bookings", inbox=str(tmp_path)),
        }
    )
    walked: set[str] = set()
    parsed: list[str] = []

    def look(frame: FrameType, what: str, value: Any) -> None:
        file = frame.f_code.co_filename
        if not file.startswith(CODE) or what not in ("call", "return"):
            return
        if what == "call" and frame.f_code.co_name == "from_environment":
            parsed.append(file)
        seen = [value] if what == "return" else list(frame.f_locals.values())
        if any(contains(one) for one in seen):
            walked.add(file.removeprefix(CODE))

    config._parsed.cache_clear()
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            assert (
                definitions.resolve_job_def("bookings")
                .execute_in_process(instance=instance)
                .success
            )
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    walked.add(str(Path(counts.__file__)).removeprefix(CODE))  # from there on in SQL
    assert "sources/bookings/transform.py" in walked
    assert len(walked) <= 12, sorted(walked)
    assert len(parsed) == 1
