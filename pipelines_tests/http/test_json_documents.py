"""JSON as sources send it: what is read can be kept."""

import json
from contextlib import suppress

import pytest

from pipelines.http.json_documents import as_sent, parse_json


def test_a_duplicate_key_keeps_both_values_and_is_ambiguous() -> None:
    """The last one was accepted, and landed."""
    assert parse_json(b'{"a": 1, "b": 2, "a": 1}') == {"a": 1, "b": 2, "a (sent twice)": 1}
    parsed = parse_json(b'{"a": 1, "b": 2, "a": 3}')
    assert parsed == {"a": {"sent twice": [3]}, "b": 2, "a (sent twice)": 1}
    nested = b'{"a": 1, "a": 2}'
    for _ in range(60):  # each level was written twice into the next one
        nested = b'{"a": %s, "a": 2}' % nested
    assert len(as_sent(parse_json(nested))) < 60 * len(nested)


@pytest.mark.parametrize("depth", range(500, 1_000, 20))
def test_what_is_parsed_can_be_written_again(depth: int) -> None:
    """It was read, and putting it into quarantine needed more of the stack than there was."""
    sent = "[" * depth + "]" * depth

    def further_down(frames: int, document: object) -> str:
        return further_down(frames - 1, document) if frames else as_sent(document)

    with suppress(ValueError):
        document = parse_json(sent.encode())
        assert json.loads(further_down(100, document)) == document


def test_what_is_nested_too_deeply_is_an_error_that_says_so() -> None:
    assert parse_json(b"[" * 200 + b"]" * 200)
    with pytest.raises(ValueError, match="it is nested too deeply"):
        parse_json(b"[" * 201 + b"]" * 201)
