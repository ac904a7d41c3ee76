"""Records that break the contract, and shapes that drift."""

import csv
import datetime as dt
import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pyarrow import parquet
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NaiveDatetime,
    field_validator,
    model_validator,
)

from pipelines.ingest.column_rows import column_rows, key_reader
from pipelines.ingest.contract import Name, RecordValidator, as_json, shown
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Content, Context
from pipelines.ingest.models import Field
from pipelines.ingest.row_files import Rows


class Car(BaseModel):
    name: Name | None


class Counted(BaseModel, strict=True):
    id: int = Field(ge=0, otherwise="is not a number")
    stops: int = Field(ge=0, otherwise="is not a count")


def test_a_line_with_more_fields_than_the_header_rejects_only_itself() -> None:
    """Incident: `csv.DictReader` collects them under None, and the whole file was rejected."""
    lines = csv.DictReader(["id,name", "1,a", "2,b,extra,fields", "3"])
    validated = RecordValidator([*lines], name="cars", model=Car)
    (reject,) = validated.rejects()
    assert (reject.position, reject.words) == ("cars[1]", ("it has more fields than the header",))
    assert '["extra", "fields"]' in reject.raw
    assert validated.drift("cars.csv") == ['cars.csv: unknown key "id" in 3 of 3 cars']


def test_a_model_violation_is_reported_per_key_in_model_order() -> None:
    good = {"id": 1, "stops": 0}
    bad = [{"stops": True, "id": -1}, {"id": 3}, None]
    records = [good, *bad, *[good] * 2_000, {**good, "id": ""}]
    validated = RecordValidator(records, name="legs", model=Counted, first_record=10)
    assert [(one.record, one.position, one.words) for one in validated.rejects()] == [
        (11, "legs[1]", ("id is not a number: -1", "stops is not a count: true")),
        (12, "legs[2]", ("the key 'stops' is missing",)),
        (13, "legs[3]", ("not an object but NoneType",)),
        (2014, "legs[2004]", ('id is not a number: ""',)),
    ]
    assert len(validated.good()) == 2_001


def compact(sent: Any) -> dt.date:
    return dt.datetime.strptime(sent, "%Y%m%d").date()  # noqa: DTZ007 - a day


class Dated(BaseModel):
    plain: dt.date | None = None
    own: Annotated[dt.date, BeforeValidator(compact)] | None = None
    other: dt.date | None = None
    at: dt.datetime | None = Field(
        default=None, validation_alias=AliasChoices("at", AliasPath("seen", "at"))
    )

    _compact = field_validator("other", mode="before")(compact)


class Lists(BaseModel):
    days: list[dt.date]
    counts: list[int] | None = None
    own: list[Annotated[dt.date, BeforeValidator(compact)]] = []


Level = IntEnum("Level", "LOW")


class Levels(BaseModel):
    level: Level | None = None
    counts: int | None = None


class AllDated(BaseModel):
    day: dt.date

    _compact = field_validator("*", mode="before")(compact)


class Seconds(BaseModel):
    model_config = ConfigDict(val_temporal_unit="seconds")
    at: dt.datetime


def test_a_number_is_a_date_only_to_a_validator_of_the_model() -> None:
    sent = [{name: "20260131"} for name in Dated.model_fields]
    more = [{"seen": {"at": 1e9}}, {"at": "2026-01-31T00:00Z", "seen": {"at": 1}}]
    validated = RecordValidator([*sent, *more], name="days", model=Dated)
    instead = "should be a date or a time instead of a number"
    assert ["".join(one.words) for one in validated.rejects()] == [
        f'plain {instead}: "20260131"',
        f'at {instead}: "20260131"',
        f"seen.at {instead}: 1000000000.0",
    ]
    good = validated.good()
    assert good["own"][1] == good["other"][2] == dt.date(2026, 1, 31)
    assert good["at"][5] == dt.datetime(2026, 1, 31, tzinfo=dt.UTC), "the first one counts"
    day = "2026-01-31"
    lists = [{"days": [day], "own": ["20260131"]}, {"days": [day, 20260131]}]
    validated = RecordValidator([*lists, {"days": [], "counts": [True]}], name="days", model=Lists)
    assert [one.words for one in validated.rejects()] == [
        (f'days {instead}: ["2026-01-31", 20260131]',),
        ("counts should be a number: [true]",),
    ]
    coded = [{"level": True}, {"level": 1}, {"level": "1"}, {"counts": "1_000"}, {"counts": " 7"}]
    found = RecordValidator(coded, name="levels", model=Levels).reasons()
    assert {index: reasons[0].words for index, reasons in found.items()} == {
        0: "level should be a number: true",
        3: 'counts should be a number: "1_000"',
    }
    assert RecordValidator([{"day": "20260131"}], name="days", model=AllDated).reasons() == {}
    assert RecordValidator([{"at": 1767225600}], name="days", model=Seconds).reasons() == {}


class Shifted(BaseModel):
    at: Annotated[NaiveDatetime, AfterValidator(lambda at: at.replace(tzinfo=dt.UTC))]


def test_a_time_with_an_offset_is_rejected_where_the_column_has_none() -> None:
    """Incident: PostgreSQL drops the offset without a word."""
    validated = RecordValidator([{"at": "2026-01-31T10:00"}], name="times", model=Shifted)
    assert column_rows(validated).empty
    (reject,) = validated.rejects()
    assert reject.words == ('at has an offset, and the column has none: "2026-01-31T10:00"',)


class Instants(BaseModel):
    at: AwareDatetime
    count: int = 0


def test_times_of_other_programs_are_read_and_no_digits_of_numbers_lost() -> None:
    """PostgreSQL, BigQuery, Snowflake and basic ISO 8601; 1.000 may be a thousand."""
    forms = (
        *("2026-01-02 03:04:05+02", "2026-01-02 01:04:05 UTC", "2026-01-02 03:04:05 +0200"),
        *("20260102T010405Z", "2026-01-02T01:04:05,000Z"),
    )
    counts = ("1.000", 2.0**54, "12.000.000")
    (name,) = RecordValidator([{"name": "NULL"}], name="cars", model=Car).good()["name"]
    assert name is None, "a marker of a value that may be missing"
    sent = [*({"at": one} for one in forms), *({"at": forms[0], "count": one} for one in counts)]
    validated = RecordValidator(sent, name="rows", model=Instants)
    instant = dt.datetime(2026, 1, 2, 1, 4, 5, tzinfo=dt.UTC)
    assert validated.good()["at"].tolist() == [instant] * len(forms)
    assert [one.codes for one in validated.rejects()] == [["count_invalid"]] * len(counts)
    assert validated.rejects()[0].raw == '{"at": "2026-01-02 03:04:05+02", "count": "1.000"}'


class Noted(BaseModel):
    level: float | None
    notes: dict[str, int]


def test_what_parquet_has_otherwise_is_read(tmp_path: Path) -> None:
    """NaN of pandas and Polars for a missing number, and maps."""
    kind = pa.map_(pa.string(), pa.int64())
    table = pa.table({"level": [float("nan")], "notes": pa.array([[("a", 1)]], kind)})
    parquet.write_table(table, tmp_path / "notes.parquet")
    delivery = Delivery("notes", "notes.parquet", "", 1, dt.datetime.now(dt.UTC))
    parse = Rows(Noted, table="notes.notes")
    with (tmp_path / "notes.parquet").open("rb") as file:
        content = Content(delivery=delivery, file=file)
        (parsed,) = parse(content, Context(source="notes", settings=None))
    assert parsed.rejects == []
    assert parsed.rows["notes.notes"]["notes"].tolist() == ['{"a": 1}']


class Nested(BaseModel):
    """Fields of an object within the record; `name` under the first key that comes."""

    station: Name = Field(validation_alias="id")
    level: float = Field(validation_alias=AliasPath("values", "level"))
    depth: float | None = Field(default=None, validation_alias=AliasPath("values", "depth"))
    name: Name = Field(validation_alias=AliasChoices("name", AliasPath("names", 0)))


def test_fields_within_objects_are_read_and_rejected_by_their_path() -> None:
    """Incident: one bad record among them stopped its whole file."""
    good = {"id": "a", "values": {"level": "3.5"}, "names": ["x", "y"]}
    sent = [
        good,
        {**good, "values": {"level": "ice", "depth": []}},
        {"id": 7, "values": {}, "name": "z"},
        {"values": 3, "names": ["x"], "more": 1},
    ]
    validated = RecordValidator(sent, name="stations", model=Nested)
    assert validated.good()[["station", "level", "name"]].values.tolist() == [["a", 3.5, "x"]]
    first, second, third = validated.rejects()
    assert re.fullmatch(r'values\.level should be a valid number.*: "ice"', first.words[0])
    assert second.words == ("id is not a name: 7", "the key 'values.level' is missing")
    codes = [one.codes for one in (first, second, third)]
    assert codes[0] == ["level_invalid", "depth_invalid"]
    assert codes[1:] == [["station_invalid", "level_missing"], ["station_missing", "level_missing"]]
    assert validated.drift("rivers") == [
        'rivers: key "id" is missing in 1 of 4 stations',
        'rivers: unknown key "more" in 1 of 4 stations',
    ]
    validated.reject_value(0, "level", "is too low")
    validated.reject_value(0, "name", "is taken")
    reasons = [one.words for one in validated.reasons()[0]]
    assert reasons == ['values.level is too low: "3.5"', 'names.0 is taken: "x"']


class Flattened(BaseModel):
    id: Name
    level: float

    @model_validator(mode="before")
    @classmethod
    def flatten(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        return {**sent, "level": sent["values"].get("level", sent.get("height"))}


def test_a_model_that_reshapes_records_rejects_only_the_bad_ones() -> None:
    """Whatever the model's own code raises belongs to the record that it was called for."""
    sent = [
        {"id": "a", "values": {"level": "3.5"}},
        {"id": "b", "values": {"level": "ice"}},
        {"id": "c"},
        {"id": "d", "values": None},
        "nonsense",
    ]
    validated = RecordValidator(sent, name="stations", model=Flattened)
    assert validated.good()[["id", "level"]].values.tolist() == [["a", 3.5]]
    ice, without, none, nonsense = (one.words[0] for one in validated.rejects())
    assert ice.startswith("level should be a valid number")
    assert without == "the model's own code failed: KeyError: 'values'"
    assert none.startswith("the model's own code failed: AttributeError: ")
    assert nonsense == "not an object but str"
    assert validated.drift("rivers") == []
    read = key_reader(Flattened, "t", ("id",))
    assert [read(one) for one in sent] == [("t", "a"), ("t", "b"), None, None, None]
    nested = key_reader(Nested, "t", ("station", "name"))
    assert nested({"id": "a", "values": 3, "names": ["x"]}) == ("t", "a", "x")
    assert nested({"id": "a", "values": 3}) is None


class Halved(BaseModel):
    id: Name
    level: float

    @model_validator(mode="before")
    @classmethod
    def halve(cls, sent: Any) -> Any:
        sent["level"] = float(sent.pop("twice")) / 2
        return sent


def test_a_model_that_changes_what_it_is_given_sees_each_record_as_sent() -> None:
    """Incident: beside one bad record it was called twice for each, and stored a quarter."""
    sent = [{"id": "a", "twice": "3"}, {"id": "", "twice": "8"}]
    validated = RecordValidator(sent, name="stations", model=Halved)
    assert validated.good()["level"].tolist() == [1.5]
    (reject,) = validated.rejects(key_reader(Halved, "t", ("id",)))
    assert (reject.raw, reject.key) == ('{"id": "", "twice": "8"}', None)
    assert key_reader(Halved, "t", ("id",))(sent[0]) == ("t", "a")


def test_values_are_shown_as_sent_and_escaped_for_terminals() -> None:
    """`£50` was shown as an escape that nobody reads."""
    assert shown("£50 für 東京") == '"£50 für 東京"'
    assert shown("a\x1b\x9b\u202e\ud800") == r'"a\u001b\u009b\u202e\ud800"'
    assert json.loads(as_json({"ü": "\u202e\ufeff"})) == {"ü": "\u202e\ufeff"}
