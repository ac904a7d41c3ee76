"""Numbers and nestings made to break a parser: they cost their own record, or are rejected soon."""

import pytest

from pipelines.failures import TransientFailure
from pipelines.http.client import HttpClient
from pipelines.http.json_documents import parse_json
from pipelines.testing.fake_source import FakeSource, body

DIGITS = "9" * 100_000


def test_an_endless_integer_rejects_its_record_not_the_document() -> None:
    assert parse_json(f'[{DIGITS}, 12, {{"a": 1, "a": 1}}]'.encode()) == [
        DIGITS,
        12,
        {"a": 1, "a (sent twice)": 1},
    ]


def test_nesting_without_end_is_no_answer(source: FakeSource) -> None:
    for bomb in (b"[" * 1_000_000, b'{"a":' * 1_000_000, b"[" * 900 + b"]" * 900):
        source.will(body(bomb))
        with pytest.raises(TransientFailure, match="is not JSON"):
            HttpClient("flights", "FLIGHTS_URL", attempts=1).get_json(source.url)
