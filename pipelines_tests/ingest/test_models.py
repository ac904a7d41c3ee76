"""Tables made of models, and the words of rejects."""

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
import pytest
from pydantic import AwareDatetime, BaseModel, NaiveDatetime, ValidationError, field_validator
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from pipelines.ingest.contract import Name
from pipelines.ingest.models import Field, otherwise, table_of


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
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    owner.execute(str(CreateTable(table).compile(dialect=dialect)).encode())
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


@pytest.mark.parametrize(
    ("key", "problem"),
    [("id", "has no field 'id'"), ("weight_kg", "may be None: 'weight_kg'")],
)
def test_a_key_that_cannot_be_one_is_named(key: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        table_of(Thing, "public.things", key=key)


def test_a_type_without_a_column_is_named() -> None:
    class Odd(BaseModel):
        number: int
        either: int | str

    with pytest.raises(ValueError, match=r"public\.odd\.either has several types"):
        table_of(Odd, "public.odd", key="number")


class Reading(BaseModel):
    level_cm: float = Field(le=2000, otherwise="is not a water level")
    hours: int = Field(ge=0)
    at: AwareDatetime
    code: str

    @field_validator("code")
    @classmethod
    def _known(cls, code: str) -> str:
        if code != "A":
            raise ValueError("no such code")
        return code


def test_the_words_of_a_reject_are_the_models_or_what_pydantic_says() -> None:
    with pytest.raises(ValidationError) as caught:
        Reading.model_validate({"level_cm": 9999, "hours": -1, "at": "2026-01-01", "code": "B"})
    found = {
        str(one["loc"][0]): otherwise(Reading.model_fields[str(one["loc"][0])], one["msg"])
        for one in caught.value.errors()
    }
    assert found == {
        "level_cm": "is not a water level",
        "hours": "should be greater than or equal to 0",
        "at": "should have timezone info",
        "code": "is not valid (no such code)",
    }
