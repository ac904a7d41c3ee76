"""`bookings.events` after a file, the same again, others, and bad ones."""

import random
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest import csv_records
from pipelines.ingest.deliveries import unbalanced
from pipelines.sources.bookings import Settings, load
from pipelines.sources.bookings.retry import retry_quarantine
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import (
    ROOM,
    Event,
    counts,
    deliver,
    event,
    quarantined,
    stored,
    text_of,
)

LENIENT = Settings(most_bad=0.9)


@pytest.mark.answers("E55")
def test_duplicate_events_are_not_accepted_again(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """DEF E55: the same event was stored as often as it came."""
    events = [event(1), event(2), event(1)]
    assert counts(deliver(warehouse, tmp_path, events)) == (3, 2, 1, 0)
    before = stored(owner)
    assert deliver(warehouse, tmp_path, events) is None
    assert counts(deliver(warehouse, tmp_path, events, "copy.csv")) == (3, 0, 3, 0)
    assert counts(deliver(warehouse, tmp_path, [event(2), event(3)], "more.csv")) == (2, 1, 1, 0)
    assert stored(owner)[:2] == before


@pytest.mark.answers("E55")
def test_of_two_events_with_one_id_the_second_is_quarantined(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    events = [event(1), event(1, hotel_id=9), *(event(number) for number in range(2, 12))]
    assert counts(deliver(warehouse, tmp_path, events)) == (12, 11, 0, 1)
    later = [event(number) for number in range(1, 20)]
    later[4] = event(5, status=2, night_of_stay="2022-08-09")
    assert counts(deliver(warehouse, tmp_path, later, "later.csv")) == (19, 8, 10, 1)
    assert quarantined(owner) == [
        (
            "line 3",
            "the event came before with other content: hotel_id was 2607",
            text_of([event(1, hotel_id=9)]).splitlines()[1],
        ),
        (
            "line 6",
            (
                "the event came before with other content: status was booking,"
                " night_of_stay was 2022-08-01"
            ),
            text_of([later[4]]).splitlines()[1],
        ),
    ]
    assert stored(owner, "status, hotel_id")[0] == ("booking", 2607)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["bookings.csv", "bookings.csv.gz"])
def test_orders_delimiters_marks_and_packing_give_the_same_rows(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, delimiter: str, name: str
) -> None:
    events = [{"Guest": 'O"Neill', **dict(reversed(event(number).items()))} for number in (1, 2)]
    content = "\ufeff" + text_of(events, delimiter).replace("\n", "\r\n")
    assert counts(deliver(warehouse, tmp_path, content, name)) == (2, 2, 0, 0)
    assert stored(owner, "event_id, hotel_id") == [(1, 2607), (2, 2607)]
    assert owner.execute("SELECT drift FROM ops.deliveries").fetchone() == (
        [f'{name}: unknown column "guest"'],
    )


@pytest.mark.answers("E60")
def test_the_hotel_systems_own_names_of_columns_are_read(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """DEF E60: names differed between the task and what was built."""
    content = text_of([event(1)]).replace("status", "rpg_status").replace("_reservation", "")
    assert counts(deliver(warehouse, tmp_path, content)) == (1, 1, 0, 0)
    assert stored(owner, "status, room_reservation_id") == [("booking", UUID(ROOM.format(1)))]


@pytest.mark.answers("E24")
def test_bad_lines_are_quarantined_completely_and_the_others_load(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    good = [event(number) for number in range(1, 101)]
    lines = text_of(good).splitlines()
    bad = {
        17: "17,2607,2022-07-31 12:00:40,1",
        40: lines[40].replace("2022-08-01", "2022-02-30"),
        41: '"never closed,' + lines[41],
        60: lines[60].replace("2607", "-1") + "\x00",
        90: lines[90].replace("0498d45a", "0498d45g") + " é",
    }
    for number, line in bad.items():
        lines[number] = line
    assert counts(deliver(warehouse, tmp_path, "\n".join(lines))) == (100, 95, 0, 5)
    reported = {position: (reasons, raw) for position, reasons, raw in quarantined(owner)}
    assert reported == {
        "line 18": ("it has 4 fields, and the header 6", bad[17]),
        "line 41": (
            'night_of_stay is no date as 2022-08-01, 1950 to 2050: "2022-02-30"',
            bad[40],
        ),
        "line 42": ("a quotation mark is not closed", bad[41]),
        "line 61": (
            (
                'hotel_id is not a whole number: "-1";'
                ' night_of_stay is no date as 2022-08-01, 1950 to 2050: "2022-08-01\\u0000"'
            ),
            bad[60].replace("\x00", "\\x00"),
        ),
        "line 91": (
            (
                f'room_reservation_id is not a UUID: "{ROOM.format(90).replace("5a", "5g", 1)}";'
                ' night_of_stay is no date as 2022-08-01, 1950 to 2050: "2022-08-01 é"'
            ),
            bad[90],
        ),
    }


@pytest.mark.answers("E28")
def test_a_status_outside_1_and_2_is_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    events = [event(1, status=3), event(2, status="booking"), event(3, status=""), event(4)]
    assert counts(deliver(warehouse, tmp_path, events, settings=LENIENT)) == (4, 1, 0, 3)
    assert stored(owner, "event_id") == [(4,)]


@pytest.mark.answers("E24")
def test_more_than_twenty_bad_lines_reject_a_file(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """E24: one bad line of four kept the other three out."""
    assert counts(deliver(warehouse, tmp_path, [event(1, status=7), *map(event, (2, 3, 4))])) == (
        *(4, 3, 0, 1),
    )
    bad = [event(number, status=7) for number in range(10, 31)]
    assert counts(deliver(warehouse, tmp_path, bad[:20], "few.csv")) == (20, 0, 0, 20)
    with pytest.raises(PermanentFailure, match="21 of 21 records are bad"):
        deliver(warehouse, tmp_path, bad, "many.csv")


@pytest.mark.answers("E24")
@pytest.mark.parametrize(
    "bad",
    [
        {"status": 7},
        {"night_of_stay": "2022-02-30", "room_reservation_id": "none"},
        {"id": "x"},
        {"id": "", "room_reservation_id": "none"},
        {"id": "", "night_of_stay": "2022-02-30"},
        {"id": "", "event_timestamp": "noon"},
    ],
)
def test_a_corrected_line_leaves_quarantine_and_others_stay(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, bad: dict[str, Any]
) -> None:
    """E24: a line stayed in quarantine though the hotel had sent it again, well."""
    lines = [event(1), event(2, **bad), event(3, status=9)]
    assert counts(deliver(warehouse, tmp_path, lines)) == (3, 1, 0, 2)
    assert counts(deliver(warehouse, tmp_path, [event(4)], "others.csv")) == (1, 1, 0, 0)
    assert owner.execute("SELECT count(*) FROM ops.quarantine").fetchone() == (2,)
    assert counts(deliver(warehouse, tmp_path, [event(1), event(2)])) == (*(2, 1, 1, 0),)
    assert owner.execute("SELECT position FROM ops.quarantine").fetchall() == [("line 4",)]
    first = "SELECT loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    assert owner.execute(f"{first} ORDER BY delivery_id").fetchone() == (1, 1, 1)
    with warehouse.engine.connect() as connection:
        assert unbalanced(connection, "bookings") == []


def test_many_conflicts_reject_a_small_file_but_few_do_not(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    deliver(warehouse, tmp_path, [event(number) for number in range(30)])
    outcome = deliver(warehouse, tmp_path, [event(1, hotel_id=1), event(30)], "few.csv")
    assert counts(outcome) == (2, 1, 0, 1)
    many = [event(number, hotel_id=1) for number in range(21)]
    with pytest.raises(PermanentFailure, match="the event came before with other content") as one:
        deliver(warehouse, tmp_path, [*many, event(31)], "many.csv")
    assert "line 2: the event came before with other content: hotel_id was 2607" in str(one.value)
    assert len(stored(owner)) == 31
    mixed = [event(number, hotel_id=2) for number in range(10)]
    mixed += [event(number, status=1 if number < 285 else 7) for number in range(100, 300)]
    outcome = deliver(warehouse, tmp_path, mixed, "mixed.csv")
    assert counts(outcome) == (210, 185, 0, 25), "few conflicts do not add to the bad ones"


def test_naive_times_are_read_in_the_zone_of_the_configuration(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    events = [event(1), event(2, event_timestamp="2022-07-31T12:00:40Z")]
    deliver(warehouse, tmp_path, events, settings=Settings(time_zone="Asia/Tashkent"))
    assert stored(owner, "(event_at AT TIME ZONE 'UTC')::text") == [
        ("2022-07-31 07:00:40",),
        ("2022-07-31 12:00:40",),
    ]


def nameless(events: list[Event]) -> list[Event]:
    return [{name: value for name, value in one.items() if name != "id"} for one in events]


def test_events_without_ids_are_identified_by_their_content(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    events = [event(1), event(2), event(1)]
    assert counts(deliver(warehouse, tmp_path, nameless(events))) == (3, 2, 1, 0)
    assert all(number < 0 for (number,) in stored(owner, "event_id"))
    again = [*events, event("", room_reservation_id=ROOM.format(3))]
    again[0] = event("") | {"room_reservation_id": ROOM.format(1)}
    assert counts(deliver(warehouse, tmp_path, nameless(again), "copy.csv")) == (4, 1, 3, 0)
    assert len(stored(owner)) == 3


@pytest.mark.parametrize("turned", [False, True])
def test_an_event_with_and_without_its_id_is_one_event(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, turned: bool
) -> None:
    files = [[event(1), event(2)], nameless([event(2), event(1), event(3)])]
    for number, events in enumerate(reversed(files) if turned else files):
        deliver(warehouse, tmp_path, events, f"{number}.csv")
    numbers = [number for (number,) in stored(owner, "event_id")]
    assert numbers[1:] == [1, 2]
    assert numbers[0] < 0
    both = [event(4), event("") | {"room_reservation_id": ROOM.format(4)}]
    both = list(reversed(both)) if turned else both
    assert counts(deliver(warehouse, tmp_path, both, "both.csv")) == (2, 1, 1, 0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_first_of_two_claimants_of_an_id_keeps_it(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, turned: bool
) -> None:
    deliver(warehouse, tmp_path, nameless([event(1), event(2)]), "nameless.csv")
    room = {"room_reservation_id": ROOM.format(2)}
    both = [event(1), event(1) | room]
    outcome = deliver(warehouse, tmp_path, both[::-1] if turned else both, settings=LENIENT)
    assert counts(outcome) == (2, 1, 0, 1)
    (named,) = [row for row in stored(owner, "event_id, room_reservation_id") if row[0] == 1]
    assert named[1] == UUID(ROOM.format(2 if turned else 1))
    assert [position for position, _, _ in quarantined(owner)] == ["line 3"]
    traced = "SELECT name FROM ops.deliveries JOIN bookings.events USING (delivery_id)"
    assert owner.execute(f"{traced} WHERE event_id = 1").fetchone() == ("bookings.csv",)


def test_the_id_of_another_event_is_not_given_away(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    nobody, five, other = event(""), event(5), event(5, hotel_id=9)
    nobody |= {"hotel_id": 9, "room_reservation_id": five["room_reservation_id"]}
    outcome = deliver(warehouse, tmp_path, [nobody, five, other], settings=LENIENT)
    assert counts(outcome) == (3, 2, 0, 1)
    numbers = [number for (number,) in stored(owner, "event_id")]
    assert (len(numbers), numbers[1]) == (2, 5)
    assert [position for position, _, _ in quarantined(owner)] == ["line 4"]


def test_equal_content_under_two_ids_is_two_events(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    room = {"room_reservation_id": ROOM.format(1)}
    deliver(warehouse, tmp_path, nameless([event(1)]), "nameless.csv")
    assert counts(deliver(warehouse, tmp_path, [event(1), event(2) | room])) == (2, 2, 0, 0)
    assert stored(owner, "event_id") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (bytes(range(256)) * 40, "no header"),
        (b"\x1f\x8bnonsense", "does not unpack"),
        ("id,hotel_id\n1,2\n".encode("utf-16"), "the file is UTF-16"),
        (b"id,hotel_id,status\n1,2,1\n", "the header lacks event_timestamp"),
        (b"PK\x03\x04 a spreadsheet", "no header"),
    ],
)
def test_a_non_event_file_is_rejected_with_instructions(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(PermanentFailure, match=words) as caught:
        deliver(warehouse, tmp_path, content)
    assert caught.value.remedy
    assert owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (0,)


def test_a_header_alone_is_a_delivery_of_nothing(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    assert counts(deliver(warehouse, tmp_path, text_of([event(1)]).splitlines()[0])) == (0, 0, 0, 0)


def test_an_endless_line_rejects_the_file(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    content = text_of([event(1)]) + "9" * (csv_records.MAX_LINE_BYTES + 10)
    with pytest.raises(PermanentFailure, match="line 3 is longer than 1,048,576 bytes"):
        deliver(warehouse, tmp_path, content)
    assert stored(owner) == []


def test_invalid_utf_8_bytes_affect_only_their_fields(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    lines = [f"{line},Müller" for line in text_of(event(n) for n in range(1, 21)).splitlines()]
    content = "\n".join(lines).encode("latin-1").replace(b"\n5,2607", b"\n5,26\xff07")
    assert counts(deliver(warehouse, tmp_path, content)) == (20, 19, 0, 1)
    ((position, reasons, raw),) = quarantined(owner)
    assert position == "line 6"
    assert reasons == 'hotel_id is not a whole number: "26\\\\xff07"'
    assert raw.endswith("M\\xfcller")


def test_a_file_of_many_blocks_keeps_order_and_line_numbers(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 1000)
    events = [event(number) for number in range(500)]
    events += [event(number, hotel_id=1) for number in range(0, 500, 50)]
    events[250] = event(250, status="?")
    random.Random(1).shuffle(events)
    assert counts(deliver(warehouse, tmp_path, events)) in [(510, 499, 0, 11), (510, 500, 0, 10)]
    lines = text_of(events).splitlines()
    for position, _, raw in quarantined(owner):
        assert raw == lines[int(position.removeprefix("line ")) - 1]
    first = {one["id"]: one["hotel_id"] for one in reversed(events) if one["status"] == 1}
    assert dict(stored(owner, "event_id, hotel_id")) == first


def test_a_retry_loads_mended_records_and_leaves_the_others(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pipelines.sources.bookings import transform

    events = [event(1), event(1, hotel_id=5), event(2, status=3), event(3, status=4)]
    deliver(warehouse, tmp_path, events, settings=LENIENT)
    watermark = "SELECT position FROM ops.watermarks WHERE name = 'bookings.events'"
    assert owner.execute(watermark).fetchone() == (1,)
    monkeypatch.setitem(transform.STATUSES, "3", "cancellation")
    (outcome,) = retry_quarantine(warehouse, LENIENT)
    assert counts(outcome) == (3, 1, 0, 2)
    assert stored(owner, "event_id, status, load_number") == [
        (1, "booking", 1),
        (2, "cancellation", 2),
    ]
    assert [position for position, _, _ in quarantined(owner)] == ["line 5", "line 3"]
    counted = "SELECT read_count, loaded_count, unchanged_count, rejected_count FROM ops.deliveries"
    assert owner.execute(counted).fetchall() == [(4, 2, 0, 2)]
    assert counts(retry_quarantine(warehouse, LENIENT)[0]) == (2, 0, 0, 2)
    assert owner.execute(watermark).fetchone() == (2,)


def test_large_loads_leave_statistics_behind(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "ANALYZE_FROM", 10)
    deliver(warehouse, tmp_path, [event(number) for number in range(20)])
    query = "SELECT reltuples FROM pg_class WHERE oid = 'bookings.events'::regclass"
    assert owner.execute(query).fetchone() == (20,)
