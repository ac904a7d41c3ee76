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


class Everything(BaseModel):
    """Things, one row each."""

    number: int = Field(description="Number of the thing.")
    name: Name | None = None
    size_m: float | None = None
    price_eur: Decimal | None = None
    at: AwareDatetime | None = None
    local: NaiveDatetime | None = None
    day: dt.date | None = None
    opens: dt.time | None = None
    is_new: bool | None = None
    state: Literal["on", "off"] | None = None
    colour: Colour | None = None
    uuid: UUID | None = None
    tags: list[str] | None = None
    more: dict[str, Any] | None = None
    others: list[Any] | None = None
    code: Annotated[str, Field(max_length=8)] | None = None
    parts: list[str | None] | None = None
    colours: list[Colour] | None = None
    ratios: list[float] | None = None
    sizes: list[int] | None = None
    nested: list[dict[str, Any]] | None = None


def test_each_type_has_its_column_and_descriptions_are_comments(owner: psycopg.Connection) -> None:
    table = table_of(Everything, "public.things", key=("number",))
    make_table(owner, table)
    rows = owner.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = 'public.things'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert [kind for _, kind, _ in rows] == [
        *("bigint", "text", "double precision", "numeric", "timestamp with time zone"),
        *("timestamp without time zone", "date", "time without time zone", "boolean", "text"),
        *("text", "uuid", "text[]", "jsonb", "jsonb", "text", "text[]", "text[]"),
        *("double precision[]", "bigint[]", "jsonb[]", "bigint"),
    ]
    assert [name for name, _, is_required in rows if is_required] == ["number", "delivery_id"]
    comments = (table.comment, table.c.number.comment, table.c.code.comment)
    assert comments == ("Things, one row each.", "Number of the thing.", "The field code, as sent.")


@pytest.mark.parametrize("name", ["order", "Colour", "delivery_id", "straße"])
def test_a_column_that_would_need_quotation_marks_is_named(name: str) -> None:
    """Incident: it passed the check, and its first load said `syntax error at or near "order"`."""
    model = create_model("Odd", thing_id=int, **{name: (str, ...)})  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=f"cannot have a column '{name}'.* alias='{name}'"):
        table_of(model, "public.things", key="thing_id")
    with pytest.raises(ValueError, match="the table 'things' is no schema and name"):
        table_of(Everything, "things", key="number")


@pytest.mark.parametrize("name", ["raw", "record"])
def test_fields_that_staged_rows_have_are_rejected_where_they_are_declared(name: str) -> None:
    """Incident: the text of the whole record was stored as the value of a field `raw`."""
    model = create_model("Odd", thing_id=int, **{name: (str, ...)})  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=f"Odd has a field '{name}', which Isobar uses"):
        Rows(model, table="things.things")


GOOD = {
    "number": 1,
    "name": "N",
    "size_m": 1.5,
    "price_eur": "2.50",
    "at": "0001-01-01T00:00:00Z",
    "local": "2026-01-01T00:00",
    "day": "2026-01-01",
    "opens": "08:30:00",
    "is_new": True,
    "state": "on",
    "colour": "red",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "tags": ['a,"b"', "c\\d", ""],
    "more": {"a": [1, None], "b": "😀", "c": "\\u0000"},
    "others": [1, {"c": 2}],
    "code": 'a,"b"\n',
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
    ("code", "a\x00"),
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
    delivery = Delivery("levels", "all", "", 0, dt.datetime.now(dt.UTC))
    runner = Runner(Owner(metadata=table.metadata), feed, warehouse, None)
    loaded = runner.load(Content(delivery=delivery, document=records))
    assert loaded is not None
    assert (loaded.read, loaded.loaded, loaded.rejected) == (len(records), 3, len(BAD))
    rows = owner.execute("SELECT * FROM bookings.everything ORDER BY number").fetchall()
    assert rows[0][:-1] == (
        *(1, "N", 1.5, Decimal("2.50"), dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        *(dt.datetime.fromisoformat("2026-01-01T00:00"), dt.date(2026, 1, 1), dt.time(8, 30)),
        *(True, "on", "red", UUID(int=1)),
        *(GOOD["tags"], GOOD["more"], GOOD["others"], GOOD["code"]),
        *(GOOD["parts"], GOOD["colours"], GOOD["ratios"], GOOD["sizes"], GOOD["nested"]),
    )
    assert rows[1][:-1] == (99, *[None] * 20)
    assert rows[2][3] == Decimal(10) ** 300
    codes = owner.execute("SELECT reason_codes[1] FROM ops.quarantine ORDER BY record_number")
    assert [code for (code,) in codes] == [f"{key}_invalid" for key, _ in UNSTORABLE]


BAD = [*enumerate(UNSTORABLE, 2)]
