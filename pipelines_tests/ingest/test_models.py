"""Tables made of models, and the words of rejects."""

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
import pytest
from pydantic import AwareDatetime, BaseModel, NaiveDatetime, create_model

from pipelines.ingest.contract import Name
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.feeds import Cap, Content, Feed
from pipelines.ingest.models import Field, table_of
from pipelines.ingest.parsers import Json, Records
from pipelines.ingest.row_files import Rows
from pipelines.ingest.runner import Runner
from pipelines_tests.ingest.levels import Levels, Owner, make_table


class Colour(Enum):
    RED = "red"


class Thing(BaseModel):
    """Things, one row each."""

    thing_id: int = Field(description="Number of the thing.")
    name: Name
    weight_kg: float | None = Field(default=None, ge=0, description="Weight, kg.")
    price_eur: Decimal
    seen_at: AwareDatetime
    seen_local: NaiveDatetime
    seen_on: dt.date
    opens: dt.time
    is_new: bool
    state: Literal["on", "off"]
    colour: Colour
    uuid: UUID
    tags: list[str]
    more: dict[str, Any]
    code: Annotated[str, Field(max_length=3)]


def test_each_type_has_its_column_and_descriptions_are_comments(owner: psycopg.Connection) -> None:
    table = table_of(Thing, "public.things", key=("thing_id", "seen_at"))
    make_table(owner, table)
    rows = owner.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = 'public.things'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert {name: kind for name, kind, _ in rows} == {
        "thing_id": "bigint",
        "name": "text",
        "weight_kg": "double precision",
        "price_eur": "numeric",
        "seen_at": "timestamp with time zone",
        "seen_local": "timestamp without time zone",
        "seen_on": "date",
        "opens": "time without time zone",
        "is_new": "boolean",
        "state": "text",
        "colour": "text",
        "uuid": "uuid",
        "tags": "text[]",
        "more": "jsonb",
        "code": "text",
        "delivery_id": "bigint",
    }
    assert [name for name, _, is_required in rows if not is_required] == ["weight_kg"]
    assert [column.name for column in table.primary_key] == ["thing_id", "seen_at"]
    assert table.comment == "Things, one row each."
    assert table.c.weight_kg.comment == "Weight, kg."
    assert table.c.code.comment == "The field code, as sent."


@pytest.mark.parametrize("name", ["order", "user", "Colour", "delivery_id", "ctid", "straße"])
def test_a_column_that_would_need_quotation_marks_is_named(name: str) -> None:
    """Incident: it passed the check, and its first load said `syntax error at or near "order"`."""
    model = create_model("Odd", thing_id=int, **{name: (str, ...)})  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=f"cannot have a column '{name}'.* alias='{name}'"):
        table_of(model, "public.things", key="thing_id")


@pytest.mark.parametrize("name", ["raw", "record"])
def test_fields_that_staged_rows_have_are_rejected_where_they_are_declared(name: str) -> None:
    """Incident: the text of the whole record was stored as the value of a field `raw`."""
    model = create_model("Odd", thing_id=int, **{name: (str, ...)})  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=f"Odd has a field '{name}', which Isobar uses"):
        Rows(model, table="things.things")
    with pytest.raises(ValueError, match="the table 'things' has no schema"):
        Records(model=Thing, table="things")


class Everything(BaseModel):
    number: int
    size_m: float | None = None
    price_eur: Decimal | None = None
    at: AwareDatetime | None = None
    opens: dt.time | None = None
    colour: Colour | None = None
    tags: list[str] | None = None
    more: dict[str, Any] | None = None
    others: list[Any] | None = None
    text: str | None = None
    parts: list[str | None] | None = None
    colours: list[Colour] | None = None
    ratios: list[float] | None = None
    sizes: list[int] | None = None
    nested: list[dict[str, Any]] | None = None


GOOD = {
    "number": 1,
    "size_m": 1.5,
    "price_eur": "2.50",
    "at": "0001-01-01T00:00:00Z",
    "opens": "08:30:00",
    "colour": "red",
    "tags": ['a,"b"', "c\\d", ""],
    "more": {"a": [1, None], "b": "😀", "c": "\\u0000"},
    "others": [1, {"c": 2}],
    "text": 'a,"b"\n',
    "parts": ["a", None, "None", "NULL"],
    "colours": ["red"],
    "ratios": [1.5, -2],
    "sizes": [1],
    "nested": [{"a": 'b"'}, {}],
}
UNSTORABLE: list[tuple[str, Any]] = [
    ("number", 10**30),
    ("size_m", float("inf")),
    ("price_eur", "1E+200000"),
    ("price_eur", "0." + "1" * 20_000),
    ("at", "0001-01-01T00:00:00+14:00"),
    ("opens", "08:30:00+05:00"),
    ("tags", ["\x00"]),
    ("more", {"a": "\ud800"}),
    ("more", {"a": [float("nan")]}),
    ("others", [{"\x00": 1}]),
    ("text", "a\x00"),
    ("ratios", [1.0, float("nan")]),
    ("sizes", [2**70]),
    ("nested", [{"a": "\x00"}]),
]


def test_each_kind_of_value_is_stored_and_one_that_cannot_be_is_rejected_alone(
    stored_levels: Levels, owner: psycopg.Connection
) -> None:
    records = [GOOD, *({**GOOD, "number": n, key: bad} for n, (key, bad) in BAD), {"number": 99}]
    records.append({"number": 100, "price_eur": 1e300})  # incident: no decimal of Arrow
    parse = Json(Records(model=Everything, table="bookings.everything", key="number"))
    table = table_of(Everything, "bookings.everything", key="number")
    make_table(owner, table)
    warehouse = stored_levels.warehouse
    feed = Feed(name="levels", parse=parse, cap=Cap(share=1, few=100))
    loaded = Runner(Owner(metadata=table.metadata), feed, warehouse, None).load(
        Content(
            delivery=Delivery("levels", "all", "", 0, dt.datetime.now(dt.UTC)), document=records
        )
    )
    assert loaded is not None
    assert (loaded.read, loaded.loaded, loaded.rejected) == (len(records), 3, len(BAD))
    rows = owner.execute("SELECT * FROM bookings.everything ORDER BY number").fetchall()
    assert rows[0][:-1] == (
        *(1, 1.5, Decimal("2.50"), dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.time(8, 30), "red"),
        *(GOOD["tags"], GOOD["more"], GOOD["others"], GOOD["text"]),
        *(GOOD["parts"], GOOD["colours"], GOOD["ratios"], GOOD["sizes"], GOOD["nested"]),
    )
    assert rows[1][:-1] == (99, *[None] * 14)
    assert rows[2][2] == Decimal(10) ** 300
    codes = owner.execute("SELECT reason_codes[1] FROM ops.quarantine ORDER BY record_number")
    assert [code for (code,) in codes] == [f"{key}_invalid" for key, _ in UNSTORABLE]


BAD = [*enumerate(UNSTORABLE, 2)]
