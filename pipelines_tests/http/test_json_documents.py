"""JSON as sources send it: what is read can be kept."""

import datetime as dt

import pytest

from pipelines.http.json_documents import parse_json
from pipelines.ingest.contract import Reject
from pipelines.sources.solar.transform import read_response
from pipelines_tests.sources.solar.made_up import ONE_DAY


@pytest.mark.parametrize("depth", [*range(500, 1_000, 20), 100_000])
def test_nesting_at_the_parser_limit_rejects_only_its_record(depth: int) -> None:
    """It was read, and putting it into quarantine needed more of the stack than there was."""
    now, items = dt.datetime.now(dt.UTC), parse_json(b"[" * depth + b"]" * depth)

    def further_down(frames: int) -> list[Reject]:
        if frames:
            return further_down(frames - 1)
        return read_response(items, plant_id=1, zone="UTC", window=ONE_DAY, now=now).rejects

    assert len(further_down(100)) == 1


def test_a_string_without_end_is_found_in_time() -> None:
    """Each of its quotation marks was tried as the beginning of another string."""
    with pytest.raises(ValueError, match="brackets are not closed"):
        parse_json(b"[" * 3_000 + b'"' + b'\\"' * 300_000)
