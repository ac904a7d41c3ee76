"""JSON as sources send it: what is read can be kept."""

import datetime as dt
from contextlib import suppress

from pipelines.http.json_documents import parse_json
from pipelines.ingest.contract import Reject
from pipelines.sources.solar.transform import read_answer
from pipelines_tests.sources.solar.made_up import ONE_DAY


def test_what_is_nested_so_deep_that_it_is_just_read_costs_its_record_alone() -> None:
    """It was read, and putting it into quarantine needed more of the stack than there was."""
    now, depth = dt.datetime.now(dt.UTC), 500
    with suppress(RecursionError):
        while items := parse_json(b"[" * depth + b"]" * depth):
            depth += 1

    def further_down(frames: int) -> list[Reject]:
        if frames:
            return further_down(frames - 1)
        return read_answer(items, plant_id=1, zone="UTC", window=ONE_DAY, now=now).rejects

    assert len(further_down(100)) == 1
