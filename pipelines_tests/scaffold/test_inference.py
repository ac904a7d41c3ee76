"""What a sample says of records, and what it leaves in doubt."""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pytest

from pipelines.scaffold.inference import ProposedRecords, identifier, propose


def proposed(records: list[dict[str, Any]]) -> ProposedRecords:
    (found,) = propose(records, "readings")
    return found


def kinds(records: list[dict[str, Any]]) -> dict[str, str]:
    return {one.name: one.kind for one in proposed(records).fields}


def test_types_come_from_the_values() -> None:
    values: dict[str, list[Any]] = {
        "int": ["7"],
        "str": ["01234", "12345678901234567890", None],
        "float": ["2.5", 1e-300 / 3, math.inf],
        "bool": ["true"],
        "dt.date": ["2026-01-31"],
        "AwareDatetime": ["2026-01-31T10:00:00+01:00"],
        "NaiveDatetime": ["2026-01-31 10:00"],
        "list[Any]": [["a"]],
        "dict[str, Any]": [{"a": 1}],
        "Text": ["n" * 150],
        # A float does not keep all their digits.
        "Decimal": [Decimal("99999999999999999.12345"), 2**64 - 1, "0.12345678901234567"],
    }
    for kind, found in values.items():
        assert [kinds([{"level": one}]) for one in found] == [{"level": kind}] * len(found)
    assert kinds([{"price": 3}]) == {"price": "Decimal"}
    assert kinds([{"pier": "1", "level": 2.5}]) == {"pier": "str", "level": "float"}


def test_times_that_are_all_at_midnight_are_days_as_spreadsheets_have_them() -> None:
    days = [dt.datetime(2026, 1, day) for day in (1, 2)]  # noqa: DTZ001 - so they come
    assert kinds([{"day": day} for day in days]) == {"day": "dt.date"}
    assert kinds([{"at": day.replace(hour=day.day - 1)} for day in days]) == {"at": "NaiveDatetime"}


def test_texts_with_line_breaks_are_no_names() -> None:
    assert kinds([{"note": "first"}, {"note": "second\nthird"}]) == {"note": "Text"}


def test_a_few_bad_values_do_not_make_a_number_a_text_and_are_named() -> None:
    levels = [{"id": number, "level": "n/a" if number == 7 else number} for number in range(30)]
    level = proposed(levels).fields[1]
    assert level.kind == "int"
    assert level.doubts == ["1 of 30 are no int, such as 'n/a'"]
    half = [{"level": "n/a" if number % 2 else number} for number in range(30)]
    assert kinds(half) == {"level": "str"}


@pytest.mark.parametrize(
    ("records", "key"),
    [
        ([{"name": "a", "id": 1}, {"name": "b", "id": 2}], ("id",)),
        ([{"at": "2026-01-01", "level": 1.5}, {"at": "2026-01-02", "level": 1.5}], ("at",)),
        (  # that no two times are equal in a sample says little beside a name
            [{"station": name, "at": f"2026-01-0{n}"} for n, name in enumerate("aba", start=1)],
            ("station", "at"),
        ),
        (
            [{"sku": sku, "at": at, "n": 1} for sku in "ab" for at in ("2026-01-01", "2026-01-02")],
            ("sku", "at"),
        ),
        (
            [{"lot_id": lot, "at": at, "n": 9 - at} for lot, at in (("A", 1), ("A", 2), ("B", 1))],
            ("lot_id", "at"),
        ),
        ([{"code": None, "name": "a"}, {"code": "x", "name": "b"}], ("name",)),
        (
            [
                {"Datum": f"{day}.11.2026", "Pegel": f"{day},{len(name)}", "name": name}
                for name in ("A", "BB")
                for day in range(1, 9)
            ],
            ("name", "datum"),
        ),
    ],
)
def test_the_key_is_the_fewest_fields(records: list[dict[str, Any]], key: tuple[str, ...]) -> None:
    assert proposed(records).key == key


DAYS = [f"2026-01-{day:02}" for day in range(1, 29)]


def test_neither_bad_values_nor_duplicates_hide_the_key() -> None:
    records = [{"lot": lot, "at": day} for lot in "AB" for day in DAYS]
    records[3]["at"] = records[4]["at"] = "yesterday"
    assert proposed([*records, records[7], records[7]]).key == ("lot", "at")


def test_a_key_is_proposed_only_if_the_sample_is_sure_of_it() -> None:
    unsure = (
        [{"station": "A"}] * 3,
        [{"level": 812}, {"level": 640}],
        [{"a": a, "b": b, "c": c} for a in "12" for b in "12" for c in "12"],
        [{"station": one, "at": day} for one in (1, 2) for day in DAYS],  # perhaps it is measured
    )
    for records in unsure:
        found = proposed(records)
        assert found.key == ()
        assert found.doubts[0].startswith("no field or pair of them identifies a record")


@pytest.mark.parametrize(
    ("texts", "doubt"),
    [
        (["24.12.2026", "1.1.2027"], "a date, of the day or of the month first?"),
        (["1.234,50", "-3,5"], "a number with commas?"),
    ],
)
def test_dates_and_numbers_of_a_country_are_texts_in_doubt(texts: list[str], doubt: str) -> None:
    (field,) = proposed([{"sent": one} for one in texts * 3]).fields
    assert field.kind == "str"
    assert field.doubts[0].startswith(doubt)
    assert "BeforeValidator" in field.doubts[0]


def test_each_list_of_objects_in_a_document_is_proposed_the_longest_first() -> None:
    document = {"meta": {"n": 1}, "data": {"items": [{"id": 1}, {"id": 2}]}, "units": [{"id": 1}]}
    assert [(one.at, one.name) for one in propose(document, "x")] == [
        ("data.items", "items"),
        ("units", "units"),
    ]
    with pytest.raises(ValueError, match="no list of records"):
        propose({"a": [1, 2]}, "x")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Größe (cm)", "grosse_cm"),
        ("NO₂ µg/m³", "no2_ug_m3"),
        ("stationId", "station_id"),
        ("class", "field_class"),
        ("2nd", "field_2nd"),
        ("🙂", "field"),
    ],
)
def test_names_are_those_of_columns(sent: str, name: str) -> None:
    assert identifier(sent) == name


def test_two_fields_with_the_same_name_are_distinguished() -> None:
    assert [one.name for one in proposed([{"a b": 1, "a-b": 2}]).fields] == ["a_b", "a_b_2"]


def test_a_word_for_a_missing_value_is_proposed_as_such() -> None:
    rows = [{"id": number, "note": text} for number, text in enumerate(["ok", "n/a", "NULL", "no"])]
    note = proposed(rows).fields[1]
    assert (note.kind, note.is_optional, note.missing) == ("str", True, ["n/a"])
    assert note.doubts == ["'n/a' is taken for no value: is it a word?"]
    assert proposed(rows[::3]).fields[1].missing == []
