"""Every notation of an event that is accepted, every one that is rejected, and why."""

import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from pipelines.ingest.contract import Reject, as_json, shown
from pipelines.ingest.csv_files import Batch, CsvFile
from pipelines.ingest.feeds import Context
from pipelines.ingest.identifiers import NULLS
from pipelines.sources.bookings import Settings
from pipelines.sources.bookings.transform import (
    COLUMNS,
    LINES,
    OTHERWISE,
    STORED_AS,
    newest_event_at,
    of_objects,
    read_events,
    unknown_keys,
)
from pipelines_tests.sources.bookings import made_up

GOOD = made_up.event(0x37, id=1)
ROOM: str = GOOD["room_reservation_id"]
AS_SENT = {stored: sent for sent, stored in STORED_AS.items()}
#: A zone whose times are later in UTC, as others are earlier.
AWAY = "America/New_York"


def event(**values: Any) -> dict[str, Any]:
    return {**GOOD, **values}


def reason(column: str, text: str) -> str:
    return f"{column} {OTHERWISE[column]}: {shown(text)}"


@dataclass(frozen=True)
class Events:
    """What was made of events: rows, with the names that were sent, and rejects."""

    rows: pd.DataFrame
    rejects: list[Reject]


def read(batch: Batch, zone: str = "UTC") -> Events:
    """Parse a batch with this zone of times without one."""
    settings = Settings(time_zone=zone)
    parsed = read_events(batch, Context(source="bookings", settings=settings))
    assert parsed.read == len(parsed.rows["stage_events"]) + len(parsed.rejects)
    rows = parsed.rows["stage_events"].rename(columns=AS_SENT)
    return Events(rows, [*parsed.rejects])


def of_events(*events: Any, zone: str = "UTC") -> Events:
    """Parse events of a response."""
    return read(of_objects(events), zone)


def of_file(content: str | bytes, zone: str = "UTC") -> list[Events]:
    """Parse the batches of a file."""
    data = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    file = CsvFile(data, LINES, source="bookings", name="bookings.csv")
    return [read(batch, zone) for batch in file.batches()]


def only_row(events: Events) -> Mapping[str, Any]:
    assert [one.words for one in events.rejects] == []
    (row,) = events.rows.to_dict("records")
    return {str(name): value for name, value in row.items()}


def only_reasons(events: Events) -> tuple[str, ...]:
    assert len(events.rows) == 0
    (reject,) = events.rejects
    return reject.words


def utc(iso: str) -> dt.datetime:
    return dt.datetime.fromisoformat(iso).replace(tzinfo=dt.UTC)


#: What is accepted as whole numbers, dates and times, by what it means.
INTEGERS = {
    0: ("0",),
    17: ("17", "17.0", "17.00", "  17\t", "\u00a017", "0017"),
    999_999_999_999_999_999: ("999999999999999999",),
    123_456_789_012_345_679: ("123456789012345679.0",),
}
NIGHTS = {
    "2022-08-01": ("2022-08-01", "  2022-08-01\t"),
    "2022-06-26": ("26-06-2022",),
    "2022-02-01": ("01-02-2022",),
    "2024-02-29": ("2024-02-29",),
    "1950-01-01": ("1950-01-01",),
    "2050-12-31": ("31-12-2050",),
}
INSTANTS = {
    "2022-07-31 12:00:40": ("2022-07-31 12:00:40", "2022-07-31T12:00:40", "  2022-07-31 12:00:40 "),
    "2022-07-31 12:00": ("2022-07-31 12:00", "2022-07-31T12:00"),
    "2022-07-31 12:00:40.500": ("2022-07-31 12:00:40.5", "2022-07-31 12:00:40,5"),
    "2022-07-31 12:00:40.123456": ("2022-07-31T12:00:40.123456",),
    "2022-06-24 13:00": ("24-06-2022 13:00",),
    "2022-06-24 09:05": ("24-06-2022 9:05", "24-06-2022 09:05"),
    "2022-02-01": ("01-02-2022 00:00",),
    "1950-01-01": ("1950-01-01 00:00:00",),
    "2050-12-31 23:59:59.999999": ("2050-12-31 23:59:59.999999",),
}
#: As ISO 8601 and databases write them, by what they are in UTC.
INSTANTS_WITH_ZONE = {
    "2022-07-31 12:00:40": ("2022-07-31T12:00:40Z", "2022-07-31 12:00:40+00:00"),
    "2022-07-31 12:00:40.123456": ("2022-07-31 12:00:40.123456Z", "2022-07-31T12:00:40.1234560Z"),
    "2022-07-31 12:00:40.500": ("2022-07-31T12:00:40.5-0000", "2022-07-31T12:00:40,5Z"),
    "2022-07-31 07:00:40": ("2022-07-31T12:00:40+05:00", "2022-07-31T12:00:40+0500"),
    "2022-07-31 05:30": ("2022-07-31T02:00-03:30",),
    "2023-01-01 04:30": ("2022-12-31T23:30:00-05:00",),
    "2050-12-31 23:00": ("2051-01-01T01:00:00+02:00",),
    "2026-02-01 10:00": ("2026-02-01 10:00:00+00",),
    "2026-02-01 10:00:00.250": ("2026-02-01 12:00:00.25+02",),
    "2026-02-01 10:00:07": (
        *("2026-02-01 06:30:07-03:30", "2026-02-01T10:00:07z", "2026-02-01 10:00:07 UTC"),
        "2026-02-01 12:00:07 +0200",
    ),
}


def pairs(texts: Mapping[Any, Sequence[str]], read: Callable[[Any], Any]) -> list[tuple[str, Any]]:
    """Each text with its meaning."""
    return [(text, read(one)) for one, some in texts.items() for text in some]


NAIVE, ZONED = pairs(INSTANTS, utc), pairs(INSTANTS_WITH_ZONE, utc)
#: What is accepted in each column, and what it means.
RIGHT: dict[str, list[tuple[str, Any]]] = {
    "id": [
        *pairs(INTEGERS, int),
        *((text, None) for text in ("", " ", "\u00a0", "\t  ", "\\N", "NULL", "#N/A")),
    ],
    "hotel_id": pairs(INTEGERS, int),
    "event_timestamp": NAIVE + ZONED,
    "status": [
        *((text, "booking") for text in ("1", "1.0")),
        *((text, "cancellation") for text in ("2", "2.0", " 2 ")),
    ],
    "room_reservation_id": [
        (text, UUID(ROOM))
        for text in (ROOM, ROOM.upper(), f"  {ROOM}\t", "0498D45a-263C-433c-90D5-aee300BFec37")
    ],
    "night_of_stay": pairs(NIGHTS, dt.date.fromisoformat),
}


@pytest.mark.parametrize("column", RIGHT)
def test_each_notation_of_a_right_value_is_read(column: str) -> None:
    """Ids of 17 digits and more that went through floating point met those of others."""
    lines = [
        ";".join(str(event(**{column: text})[name]) for name in COLUMNS)
        for text, _ in RIGHT[column]
    ]
    (together,) = of_file("\n".join([";".join(COLUMNS), *lines]))
    assert together.rejects == []
    for (text, meaning), row in zip(RIGHT[column], together.rows.to_dict("records"), strict=True):
        for found in (row[column], only_row(of_events(event(**{column: text})))[column]):
            is_uuid = column == "room_reservation_id"
            assert (UUID(found) if is_uuid else found) == meaning, text


@pytest.mark.parametrize("column", ["id", "hotel_id"])
def test_a_bad_number_changes_none_beside_it(column: str) -> None:
    """Beside a missing one, others went through floating point: odd ones became even."""
    numbers = [20_261_125_215_136_120 + n for n in range(50)] + [2**63 - 1]
    found = of_events(*(event(**{column: n}) for n in numbers), event(**{column: "y"}))
    assert found.rows[column].tolist() == numbers
    assert [one.words for one in found.rejects] == [(reason(column, "y"),)]


def test_a_number_that_json_may_have_rounded_is_rejected() -> None:
    (sent,) = json.loads('[{"id": 9007199254740993.0}]')
    assert only_reasons(of_events(event(**sent)))[0].startswith("id is not a whole number")


@pytest.mark.parametrize("zone", ["Asia/Tashkent", AWAY])
@pytest.mark.parametrize("first", [0, 8, len(NAIVE)])
def test_one_batch_may_mix_all_time_formats(zone: str, first: int) -> None:
    """A form that was guessed from the first rows made the others missing, or months of days."""
    inside = NAIVE[:-2]
    forms = [(text, at.replace(tzinfo=ZoneInfo(zone))) for text, at in inside] + ZONED
    turned = [*forms[first:], *forms[:first]]
    events = of_events(*(event(event_timestamp=text) for text, _ in turned), zone=zone)
    assert events.rejects == []
    assert events.rows["event_timestamp"].tolist() == [instant for _, instant in turned]


def test_an_hour_that_clocks_skip_is_no_time_without_an_offset() -> None:
    berlin = "Europe/Berlin"
    for text in ("2022-03-27 02:30:00", "2022-03-27T02:00", "27-03-2022 2:59"):
        reasons = only_reasons(of_events(event(event_timestamp=text), zone=berlin))
        assert reasons == (reason("event_timestamp", text),)
        assert len(of_events(event(event_timestamp=text)).rows) == 1
    row = only_row(of_events(event(event_timestamp="2022-03-27T02:30:00+01:00"), zone=berlin))
    assert row["event_timestamp"] == utc("2022-03-27 01:30")


def test_an_hour_that_clocks_show_twice_is_the_first_in_any_order() -> None:
    """Whether an hour is the second was guessed from the order of rows, which is none."""
    texts = ["02:59:59", "01:59:59", "02:00:00", "03:00:00", "02:00:00", "02:59:59"]
    events = [event(event_timestamp=f"2022-10-30 {text}") for text in texts]
    rows = of_events(*events, zone="Europe/Berlin").rows
    assert [one.strftime("%d %H:%M:%S") for one in rows["event_timestamp"]] == [
        *("30 00:59:59", "29 23:59:59", "30 00:00:00"),
        *("30 02:00:00", "30 00:00:00", "30 00:59:59"),
    ]


NO_NUMBERS = [
    *("x", "-1", "+1", "--", "1.5", "17.000", "17.", ".0", "1.0.0", "1e3", "0x10", "1 000"),
    *("1,000", "1_000", "17,0", "nan", "None", "NULL", "true", "\uff11\uff17", "\u0661", "1\x00"),
    *("1\\n", "9223372036854775808", "1" * 30, "9" * 100_000, "1e-999999", "#REF!", "17 18"),
]
NO_TIMES = [
    *("20260201T1000Z", "2026-W05-7T12:00+02", "2026-02-01T10Z"),
    *("", "x", "2022-07-31", "12:00:40", "2022-07-31 ", "2022-07-31 12", "2022-07-31 1:00"),
    *("2022-07-31  12:00", "2022-07-31_12:00", "2022-07-31 12:00:4", "2022-07-31 12:00:40.", "now"),
    *("2022-07-31t12:00:40", "infinity", "2022-07-31 12:00:40 CET", "2022-07-31T12:00+5:00"),
    *("2022-07-31T12:00+99:99", "2022-07-31T12:00+24:00", "2022-07-31T12:00 Europe/Berlin"),
    *("2022-07-31 24:00:00", "2022-07-31 12:60:00", "2022-07-31 12:00:60", "2022-07-31 25:00"),
    *("2022-02-30 12:00:00", "2022-02-30T12:00Z", "30-02-2022 12:00", "2023-02-29 12:00"),
    *("2022-13-01 12:00", "2022-00-10 12:00", "2022-01-00 12:00", "0000-00-00 00:00:00"),
    *("24-06-2022", "24-06-22 13:00", "24/06/2022 13:00", "06-24-2022 13:00", "24.06.2022 13:00"),
    *("24-06-2022T13:00", "24-06-2022 13:00Z", "24-06-2022 24:00", "24-06-2022 13:5", "NaT"),
    *("4-6-22 13:00", "24-06-2022 1:00 PM"),
    *("\u0662022-07-31 12:00", "2022-07-31 12:00\x00"),
]
OTHER_YEARS = [
    *("1949-12-30 00:00:00", "2051-01-02 00:00:00", "0001-01-01 00:00:00", "0000-01-01 00:00:00"),
    *("9999-12-31 23:59:59", "9999-12-31 20:00", "0001-01-01T00:00:00+14:00", "1677-09-21 00:12"),
    *("9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+14:00"),
    *("01-01-0000 0:00", "2262-04-12 00:00:00"),
]
NO_NIGHTS = [
    *("", "x", "2022-08-01 00:00:00", "2022-08-01T00:00:00Z", "2022-8-1", "20220801", "01/08/2022"),
    *("26-06-22", "06-26-2022", "26.06.2022", "26-06-2022 00:00", "2022-08", "44774", "tomorrow"),
    *("2022-02-30", "30-02-2022", "2022-13-01", "2022-00-01", "0000-00-00", "2022-08-01\x00"),
    *("0000-01-01", "01-01-0000", "0001-01-01", "01-01-0001", "9999-12-31", "31-12-9999"),
    *("1949-12-31", "31-12-1949", "2051-01-01", "01-01-2051", "1677-09-21", "2262-04-12"),
]
NO_UUIDS = [
    "00000000-0000-0000-0000-000000000000",
    *("", "x", "123", "None", "nan", ROOM[:-1], f"{ROOM}0", f"{ROOM} {ROOM}", f"{{{ROOM}}}"),
    *(f"urn:uuid:{ROOM}", ROOM.replace("-", ""), ROOM.replace("-", "_"), f"g{ROOM[1:]}"),
    *(ROOM.replace("-", "\u2010"), f"{ROOM[:-1]}\uff17", f"{ROOM}\x00", ROOM.replace("0", "O")),
    *("0498d45-a263c-433c-90d5-aee300bfec37", "0498d45a-263c433c-90d5-aee3-00bfec37"),
]
NO_STATUSES = [
    *("", "0", "3", "12", "-1", "1.5", "booking", "cancellation", "true", "nan", "1 2", "x", "10"),
    *("\uff11", "1e0", "11111111111111111111"),
]
WRONG = {
    "id": [one for one in NO_NUMBERS if one not in NULLS],
    "hotel_id": ["", *NO_NUMBERS],
    "event_timestamp": [*NO_TIMES, *OTHER_YEARS],
    "status": NO_STATUSES,
    "room_reservation_id": NO_UUIDS,
    "night_of_stay": NO_NIGHTS,
}


@pytest.mark.parametrize("column", WRONG)
def test_a_wrong_value_is_rejected_and_quoted(column: str) -> None:
    """By itself, too: one right value beside others may have them read in another way.

    One date of year 0 in a file of millions ended the run, and nothing of it was loaded.
    """
    texts = [one for one in WRONG[column] if ";" not in one]
    lines = [event(), *(event(**{column: text}) for text in texts), event()]
    written = [";".join(str(line[name]) for name in COLUMNS) for line in lines]
    (events,) = of_file("\n".join([";".join(COLUMNS), *written]))
    assert events.rows["record"].tolist() == [2, len(lines) + 1]
    assert [(one.position, one.words) for one in events.rejects] == [
        (f"line {number}", (reason(column, text.strip()),))
        for number, text in enumerate(texts, start=3)
    ]
    for text in WRONG[column][:: max(1, len(WRONG[column]) // 8)]:
        assert only_reasons(of_events(event(**{column: text}))) == (reason(column, text.strip()),)


def test_all_reasons_of_a_line_are_listed_in_column_order() -> None:
    content = (
        "night_of_stay,status,id,hotel_id,room_reservation_id,event_timestamp\n"
        f"2022-08-01,1,1,1,{ROOM},2022-07-31 12:00:40\n"
        "2022-02-30, 3 ,x,,R2D2,yesterday\n"
    )
    (events,) = of_file(content)
    assert events.rows["record"].tolist() == [2]
    (reject,) = events.rejects
    wrong = ("x", "", "yesterday", "3", "R2D2", "2022-02-30")
    assert reject.words == tuple(map(reason, COLUMNS, wrong))


JSON_VALUES: list[Any] = [
    *(True, False, None, 1.5, -1, 0.1, 1e20, float("nan"), float("inf"), 10**30, 10**4_000),
    *([], [1], {}, {"a": 1}, [[[]]], "\ud800", "\udfff\ud83d", "é", "\x00", " ", "null", "[1]"),
]


def as_reported(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode().strip()
    return json.dumps(value)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_of_another_type_costs_its_event_only(column: str) -> None:
    """`true` is 1 to Python, and half a surrogate pair ends a COPY into PostgreSQL."""
    bad = [event(**{column: value}) for value in JSON_VALUES]
    events = of_events(GOOD, *bad, GOOD)
    newest_event_at([*bad, None, {}], Settings(), until=utc("2026-01-01"))  # it raises nothing
    good = [0, len(bad) + 1]
    if column == "id":  # which may be missing
        good += [
            n for n, value in enumerate(JSON_VALUES, start=1) if as_reported(value) in ("", *NULLS)
        ]
    assert events.rows["record"].tolist() == sorted(good)
    assert [one.record for one in events.rejects] == sorted({*range(len(bad) + 2)} - {*good})
    for reject in events.rejects:
        sent = bad[reject.record - 1]
        assert reject.position == f"events[{reject.record}]"
        assert reject.words == (reason(column, as_reported(sent[column])),)
        assert reject.raw == as_json(sent)
        assert "\x00" not in reject.raw
        assert reject.raw.encode("utf-8")


def test_a_record_that_is_no_object_costs_itself_only() -> None:
    bad = [None, 1, "x", [GOOD], True, 1.5]
    events = of_events(*bad, GOOD, None, GOOD)
    assert events.rows["record"].tolist() == [6, 8]
    for reject, (number, sent) in zip(events.rejects, [*enumerate(bad), (7, None)], strict=True):
        assert (reject.position, reject.raw) == (f"events[{number}]", json.dumps(sent))
        assert reject.words == (f"not an object but {type(sent).__name__}",)


def test_unknown_keys_are_counted() -> None:
    events = [{**GOOD, "colour": 1}, {**GOOD, "colour": 1, "\ud800\x1b[31m": 2}, GOOD, None, "x"]
    assert unknown_keys(events, "an answer") == [
        'an answer: unknown key "colour" in 2 of 5 events',
        'an answer: unknown key "\\ud800\\u001b[31m" in 1 of 5 events',
    ]
    assert [one["record"] for one in of_events(*events).rows.to_dict("records")] == [0, 1, 2]
    assert unknown_keys([GOOD, {"id": 1}, {}, None], "an answer") == []
