"""Numbers and nestings made to break a parser: they cost their own record, or are rejected soon."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pipelines.failures import TransientFailure
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.http.json_documents import parse_json
from pipelines.sources.flights import archive
from pipelines.testing.fake_source import FakeSource, body
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights.made_up import bring_up_to_date, flights_document, itinerary

DIGITS = "9" * 100_000
NUMBERS = [DIGITS, f"-{DIGITS}", "1e999999", "-1e999999", "NaN"]
#: These are 0 and 1 to a reader of JSON, and no number where a file promises integers.
SMALL = ["1e-999999", f"0.{DIGITS}"]


def with_numbers(document: object) -> JsonResponse:
    """An answer in which "HERE 0" and so on are the numbers as they stand in a text."""
    sent = json.dumps(document)
    for place, number in enumerate(NUMBERS):
        sent = sent.replace(f'"HERE {place}"', number)
    body = sent.encode()
    return JsonResponse("http://source", body, parse_json(body), dt.datetime.now(dt.UTC))


def test_an_endless_integer_rejects_its_record_not_the_document() -> None:
    assert parse_json(f'[{DIGITS}, 12, {{"a": 1, "a": 1}}]'.encode()) == [
        DIGITS,
        12,
        {"a": 1, "a (sent twice)": 1},
    ]


@pytest.mark.usefixtures("few_airports")
def test_absurd_flight_numbers_reject_only_their_records(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    document = flights_document([itinerary(n, [1, 1]) for n in range(20)])
    for place in range(len(NUMBERS)):
        document["itineraries"][place]["agent_rating"] = f"HERE {place}"
    with warehouse.transaction("flights") as connection:
        archive.keep(connection, with_numbers(document))
    assert bring_up_to_date(warehouse)[1] == []
    query = "SELECT rejected_count FROM ops.deliveries WHERE feed = 'flights'"
    assert owner.execute(query).fetchall() == [(len(NUMBERS),)]


def test_absurd_booking_numbers_reject_only_their_records(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    bad = [
        bookings.event(1000) | {column: number}
        for column in ("hotel_id", "id", "status")
        for number in [*NUMBERS, *SMALL]
    ]
    good = [bookings.event(n) for n in range(300)]
    outcome = bookings.deliver(warehouse, tmp_path, [*good, *bad])
    assert bookings.counts(outcome) == (300 + len(bad), 300, 0, len(bad))


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: b"[" * 1_000_000,
        lambda: b'{"a":' * 1_000_000,
        lambda: b'[{"id": 1}, ' + b"[" * 900 + b"]" * 900 + b"]",
    ],
    ids=["lists", "objects", "closed"],
)
def test_nesting_without_end_is_no_answer(source: FakeSource, bomb: Callable[[], bytes]) -> None:
    source.will(body(bomb()))
    with pytest.raises(TransientFailure, match="is not JSON"):
        HttpClient("flights", "FLIGHTS_URL", attempts=1).get_json(source.url)
