"""Anything from a source, up to the tables; anything from an analyst, up to the answer."""

import datetime as dt
import gzip
import itertools
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipelines.failures import Failure, PermanentFailure
from pipelines.http.client import HttpClient, JsonResponse
from pipelines.http.json_documents import parse_json
from pipelines.postgres.roles import ANALYST
from pipelines.postgres.server import Connections
from pipelines.sources.flights import archive
from pipelines.sources.solar.load import load_response
from pipelines.testing.fake_source import FakeSource
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.fuzz import Verdicts, changed, changes_of, json_values, often, sent
from pipelines_tests.logins import login
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    bring_up_to_date,
    flights_document,
    itinerary,
)
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar.made_up import ONE_DAY, day_of_items, register

UNSOUND = """
SELECT feed, name, read_count, loaded_count, unchanged_count, rejected_count, quarantined
FROM ops.deliveries
CROSS JOIN LATERAL (
    SELECT count(*) AS quarantined FROM ops.quarantine
    WHERE quarantine.delivery_id = deliveries.delivery_id) AS counted
WHERE read_count <> loaded_count + unchanged_count + rejected_count
   OR rejected_count <> quarantined
"""
DAYS = itertools.count()
#: What a failure says that nobody foresaw.
FAULTS = ("could not be read", "fault of Isobar", "did not take the load")


def see_named(failure: Failure) -> None:
    assert not any(words in str(failure) for words in FAULTS), str(failure)


@pytest.fixture
def sound(owner: psycopg.Connection) -> Iterator[None]:
    """Afterwards every delivery adds up, and what it rejected is in quarantine."""
    yield
    assert owner.execute(UNSOUND).fetchall() == []


def as_sent(document: Any) -> JsonResponse:
    content = sent(document)
    at = dt.datetime.combine(MONDAY + dt.timedelta(days=next(DAYS)), dt.time(), dt.UTC)
    return JsonResponse("http://source", content, parse_json(content), at)


@pytest.mark.usefixtures("sound")
@often(150, 20)
@given(changed(flights_document([itinerary(n, [1 + n % 3, 1]) for n in range(8)]), most=6))
def test_any_flight_document_is_loaded_or_rejected(warehouse: Warehouse, document: Any) -> None:
    assume(isinstance(document, dict))  # others are rejected before they are archived
    with warehouse.transaction("flights") as connection:
        archive.keep(connection, as_sent(document))
    for failure in bring_up_to_date(warehouse)[1]:
        if all(isinstance(document.get(key), list) for key in ("itineraries", "legs")):
            see_named(failure)


def record_of(source: Any, number: int) -> dict[str, Any]:
    return bookings.event(number) if source is bookings else shipments.line(number)


INBOXES = [bookings, shipments]


@pytest.mark.usefixtures("sound")
@often(300, 40)
@given(
    st.sampled_from(INBOXES).flatmap(
        lambda one: st.tuples(st.just(one), st.lists(changes_of(record_of(one, 1)), max_size=12))
    ),
    st.sampled_from(["surrogatepass", "backslashreplace"]),
)
def test_any_inbox_file_is_loaded_or_rejected(
    warehouse: Warehouse, tmp_path: Path, drawn: tuple[Any, list[dict[str, str]]], errors: str
) -> None:
    source, changes = drawn
    good = [record_of(source, number) for number in range(20)]
    lines = [*good, *(record_of(source, 50 + n) | one for n, one in enumerate(changes))]
    content = source.text_of(lines).encode("utf-8", errors)
    try:
        outcome = source.deliver(warehouse, tmp_path, content, name=f"{next(DAYS)}.csv")
    except PermanentFailure as failure:
        see_named(failure)
    else:
        assert outcome is not None
        assert outcome.read >= len(good)


@pytest.mark.usefixtures("sound")
@often(300, 20)
@given(st.binary(max_size=300), st.booleans(), st.sampled_from(INBOXES))
def test_any_inbox_bytes_are_loaded_or_rejected(
    warehouse: Warehouse, tmp_path: Path, content: bytes, is_packed: bool, source: Any
) -> None:
    header = source.text_of([record_of(source, 1)])
    content = header.encode() + content
    content = gzip.compress(content)[: len(content)] if is_packed else content
    try:
        source.deliver(warehouse, tmp_path, content, name=f"{next(DAYS)}.csv")
    except PermanentFailure as failure:
        see_named(failure)


@pytest.mark.usefixtures("sound")
@often(150, 20)
@given(changed(day_of_items(), most=8))
def test_any_plant_response_is_loaded_or_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, document: Any
) -> None:
    answer = as_sent(document)
    if not isinstance(answer.document, list):
        return  # which the client rejects
    plant = register(owner, f"Plant {next(DAYS)}", zone="Europe/Paris")
    try:
        load_response(warehouse, plant, ONE_DAY, answer, run_id=None, now=dt.datetime.now(dt.UTC))
    except PermanentFailure as failure:
        see_named(failure)


CALLABLE = """
SELECT
    pronamespace::regnamespace || '.' || proname,
    ARRAY(SELECT format_type(one, NULL) FROM unnest(proargtypes) WITH ORDINALITY AS args (one, n)
          ORDER BY n)
FROM pg_proc
WHERE pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
    AND provolatile <> 'v' AND prorettype <> 'trigger'::regtype
    AND has_function_privilege(oid, 'execute')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
ORDER BY 1
"""
SOME = ["2607", "1", "0", "-1", "2022", "2022-07-31", "2022-08-01", "infinity", "-infinity", "NaN",
        "month", "day", "hour", "year", "night", "event", "TN00000001", "DHL", "UTC", "America",
        "9223372036854775807", "2147483647", "5874897-12-31", "4713-01-01 BC", "1e308",
        "294276-12-31 23:59:59+00", "4714-11-24 BC", "true",
        "0498d45a-263c-433c-90d5-aee300bfec01"]  # fmt: skip
arguments = (
    st.none()
    | st.sampled_from(SOME)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
)


@pytest.fixture
def analyst(
    guarded: str,
    server: Connections,
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
) -> Iterator[psycopg.Connection]:
    """A login that only reads, and something to read."""
    bookings.deliver(warehouse, tmp_path, [bookings.event(number) for number in range(9)])
    shipments.deliver(warehouse, tmp_path, [shipments.line(number) for number in range(9)])
    plant, now = register(owner), dt.datetime.now(dt.UTC)
    load_response(warehouse, plant, ONE_DAY, as_sent(day_of_items()), run_id=None, now=now)
    with login(server, guarded, ANALYST) as connection:
        connection.execute("SET statement_timeout = '60s'")
        yield connection


@often(2000, 100)
@given(st.data())
def test_any_function_arguments_return_rows_or_a_named_error(
    analyst: psycopg.Connection, data: st.DataObject
) -> None:
    functions = analyst.execute(CALLABLE).fetchall()
    assert "metrics.solar_report" in dict(functions)
    name, types = data.draw(st.sampled_from(functions))
    given_values = [data.draw(arguments) for _ in types]
    casts = ", ".join(f"CAST(%s AS {one})" for one in types)
    # The type regclass itself says which relation there is not.
    named = (psycopg.errors.DataError, psycopg.errors.NoDataFound)
    of_names = (psycopg.errors.InvalidName, psycopg.errors.UndefinedTable)
    with suppress(*named, *(of_names if "regclass" in types else ())):
        analyst.execute(f"SELECT * FROM {name}({casts})", given_values).fetchall()


HEADERS = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Location",
           "Retry-After", "Set-Cookie", "Connection", "X")  # fmt: skip
VALUES = ["", "0", "5", "-1", "1e9", "chunked", "gzip", "deflate", "br", "zstd", "gzip, gzip", "x",
          "/flights.json", "http://[", "http://[::1", "//", "ftp://127.0.0.1", "http://127.0.0.1:9/",
          "http://127.0.0.1:99999/", f"http://{'a' * 70}.invalid/", "http://a..b/", "?", "close",
          "text/html; charset=utf-99", "a=b; expires=Mon, 99 Foo", "\u00b2", "%zz"]  # fmt: skip
LINES = st.text(st.characters(max_codepoint=255), max_size=20)


def response(version: bytes, status: str, headers: list[tuple[str, str]], content: bytes) -> bytes:
    written = "".join(f"\r\n{name}: {value}" for name, value in headers)
    return version + f"{status}{written}\r\n\r\n".encode("latin-1") + content


def good_response(document: Any) -> bytes:
    content = sent(document)
    return response(b"HTTP/1.1 ", "200 OK", [("Content-Length", str(len(content)))], content)


any_response = st.builds(
    response,
    st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/9 ", b""]),
    st.sampled_from(
        ["200 OK", "200", "301 x", "302 x", "404 é", "429 x", "500 x", "204 x", "9", ""]
    )
    | LINES,
    st.lists(st.tuples(st.sampled_from(HEADERS), st.sampled_from(VALUES) | LINES), max_size=3),
    st.sampled_from([b'{"a": 1}', gzip.compress(b'{"a": 1}'), b"5\r\n[1,2]\r\n0\r\n\r\n", b""])
    | st.binary(),
)


@often(1000, 40)
@example(good_response({"a": 1}))
@example(good_response([]))
@example(response(b"HTTP/1.0 ", "200 OK", [], b'{"a": 1}'))
@given(any_response | json_values.map(good_response))
def test_any_server_bytes_become_a_response_or_a_named_failure(
    source: FakeSource, verdicts: Verdicts, written: bytes
) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.wfile.write(written)

    source.will(answer)
    client = HttpClient("flights", "FLIGHTS_URL", attempts=1, read_seconds=60)
    with verdicts.count(Failure):
        received = client.get_json(source.url)
        assert received is None or sent(parse_json(received.body)) == sent(received.document)
