"""JSON as sources send it: what is read can be kept."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from pipelines.http.json_documents import as_sent, parse_json
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


def test_a_number_keeps_the_digits_that_a_float_has_not() -> None:
    """Of a model with a decimal, long amounts were stored rounded."""
    texts = ["12345678901234567.25", "0.12345678901234567891", "-1.10", "1e3", "0.1"]
    numbers = parse_json(f"[{', '.join(texts)}]".encode())
    decimals = TypeAdapter(list[Decimal]).validate_python(numbers)
    assert decimals == [Decimal(text) for text in texts]
    assert numbers == [float(text) for text in texts]
    assert json.loads(json.dumps(numbers)) == numbers
    assert parse_json(b"[0.30000000000000004, 1234567890123456789]") == [
        0.1 + 0.2,
        1234567890123456789,
    ]


def test_numbers_are_shown_with_the_digits_that_were_sent() -> None:
    """Incident: a record went from quarantine into its table with a rounded amount."""
    text = '{"a": [12345678901234567.25, {"é": "x", "b": 1e-400}], "c": null, "d": 1.5}'
    assert as_sent(parse_json(text.encode())) == text
    deep = "[" * 700 + "12345678901234567.25" + "]" * 700
    assert json.loads(as_sent(parse_json(deep.encode()))) == json.loads(deep)


def test_a_string_without_end_is_found_in_time() -> None:
    """Each of its quotation marks was tried as the beginning of another string."""
    with pytest.raises(ValueError, match="brackets are not closed"):
        parse_json(b"[" * 3_000 + b'"' + b'\\"' * 300_000)
