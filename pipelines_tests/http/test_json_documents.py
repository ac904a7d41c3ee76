"""JSON as sources send it: what is read can be kept."""

import pytest

from pipelines.http.json_documents import as_sent, parse_json


def test_a_duplicate_key_keeps_both_values_and_is_ambiguous() -> None:
    """The last one was accepted, and landed."""
    assert parse_json(b'{"a": 1, "b": 2, "a": 1}') == {"a": 1, "b": 2, "a (sent twice)": 1}
    parsed = parse_json(b'{"a": 1, "b": 2, "a": 3}')
    assert parsed == {"a": {"sent twice": [3]}, "b": 2, "a (sent twice)": 1}
    assert parse_json(rb'{"a" :1, "b":"\":", "a":1}') == {"a": 1, "b": '":', "a (sent twice)": 1}
    assert "a (sent twice)" in parse_json('{"a": 1, "a": 1, "b": "∺"}'.encode("utf-16-be"))
    nested = b'{"a": 1, "a": 2}'
    for _ in range(60):  # each level was written twice into the next one
        nested = b'{"a": %s, "a": 2}' % nested
    assert len(as_sent(parse_json(nested))) < 60 * len(nested)


def test_what_is_nested_too_deeply_is_an_error_that_says_so() -> None:
    assert parse_json(b"[" * 200 + b"]" * 200)
    with pytest.raises(ValueError, match="it is nested too deeply"):
        parse_json(b"[" * 201 + b"]" * 201)
