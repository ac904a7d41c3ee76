"""Models of records: what a field means and rejects, and the table whose columns the fields are."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import types
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import BaseModel

if TYPE_CHECKING:
    import pandas as pd
    from pydantic.fields import FieldInfo
    from sqlalchemy import MetaData, Table
    from sqlalchemy.types import TypeEngine

    from pipelines.ingest.contract import RecordValidator

#: What PostgreSQL stores at most: a bigint, and digits of a numeric.
MAX_INTEGER, MAX_DIGITS = 2**63 - 1, 1_000
UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
#: Half of a pair, in JSON.
LONE_SURROGATE = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}",
    re.IGNORECASE,
)
#: What pydantic says of a value: it should be a valid number, unable to parse string as a number.
SHOULD = re.compile(r"should [^,]*")


def Field(  # noqa: N802 - it stands where pydantic's own does
    default: Any = ..., *, otherwise: str | None = None, **options: Any
) -> Any:
    """Declare a field of a record, as pydantic's `Field` does.

    `description` says what the field means, with its unit: it becomes the comment of the column.
    `otherwise` completes the reason of a reject, as in "level_cm is not a water level: 9999"; by
    default it says what pydantic does.
    """
    if otherwise:
        options["json_schema_extra"] = {"otherwise": otherwise}
    return pydantic.Field(default, **options)


def otherwise(field: FieldInfo, message: str) -> str:
    """Return what completes the reason of a reject, by default what pydantic says of the value."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and isinstance(words := extra.get("otherwise"), str):
        return words
    if should := SHOULD.search(message):
        return should[0]
    return (
        f"is not valid ({message.removeprefix('Value error, ').removeprefix('Assertion failed, ')})"
    )


def table_of(
    model: type[BaseModel],
    name: str,
    *,
    key: str | Sequence[str],
    metadata: MetaData | None = None,
    comment: str | None = None,
) -> Table:
    """Return the table whose columns are the fields of a model, and `delivery_id`.

    Args:
        model: The record. Descriptions of fields are the comments of columns. A field that may be
            None is a column that may be null.
        name: Schema and name, such as `tides.readings`.
        key: The field or fields that identify a row: the primary key.
        metadata: The collection that the table belongs to, by default one of its own.
        comment: By default the model's docstring.

    Raises:
        ValueError: A field of the key is not in the model or may be None, or a type has no column.
    """
    from sqlalchemy import Column, Table

    from pipelines.warehouse.tables import delivery_id_column, source_metadata

    keys = (key,) if isinstance(key, str) else tuple(key)
    if unknown := [one for one in keys if one not in model.model_fields]:
        raise ValueError(f"the key of {name} has no field {unknown[0]!r} in {model.__name__}")
    columns = []
    for field, info in model.model_fields.items():
        kind, may_be_null = _column_type(info.annotation, info.metadata, f"{name}.{field}")
        if field in keys and may_be_null:
            raise ValueError(f"the key of {name} may be None: {field!r} in {model.__name__}")
        about = info.description or f"The field {info.alias or field}, as sent."
        columns.append(
            Column(
                field,
                kind,
                primary_key=field in keys,
                nullable=may_be_null,
                autoincrement=False,
                comment=about,
            )
        )
    schema, _, own = name.rpartition(".")
    return Table(
        own,
        source_metadata() if metadata is None else metadata,
        *columns,
        delivery_id_column(),
        schema=schema,
        comment=comment or (model.__doc__ or f"Records of {own}.").strip(),
    )


def _column_type(annotation: Any, notes: Sequence[Any], place: str) -> tuple[TypeEngine[Any], bool]:
    """Return the type of the column for a type of Python, and whether it may be null."""
    import sqlalchemy as sa
    from sqlalchemy.dialects.postgresql import ARRAY, JSONB

    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _column_type(arguments[0], [*arguments[1:], *notes], place)
    if origin in (Union, types.UnionType):
        some = [one for one in arguments if one is not type(None)]
        if len(some) == 1:
            kind, _ = _column_type(some[0], notes, place)
            return kind, len(some) < len(arguments)
        raise ValueError(f"{place} has several types, and a column has one")
    if origin is Literal:
        return _column_type(type(arguments[0]), notes, place)
    if origin is list and arguments and arguments[0] is not Any:
        kind, _ = _column_type(arguments[0], (), place)
        return ARRAY(kind), False
    if origin in (list, dict) or annotation in (list, dict, Any):
        return JSONB(), annotation is Any
    plain: tuple[tuple[type, Any], ...] = (
        (bool, sa.Boolean()),
        (int, sa.BigInteger()),
        (float, sa.Double()),
        (Decimal, sa.Numeric()),
        (dt.datetime, sa.DateTime(timezone=annotation is not pydantic.NaiveDatetime)),
        (dt.date, sa.Date()),
        (dt.time, sa.Time()),
        (UUID, sa.Uuid()),
        (Enum, sa.Text()),
        (str, sa.Text()),
    )
    if annotation in (pydantic.AwareDatetime, pydantic.NaiveDatetime):
        return sa.DateTime(timezone=annotation is pydantic.AwareDatetime), False
    for python, kind in plain:
        if isinstance(annotation, type) and issubclass(annotation, python):
            return kind, False
    raise ValueError(f"{place} is {annotation!r}, for which Isobar knows no type of column")


def column_rows(validator: RecordValidator, model: type[BaseModel]) -> pd.DataFrame:
    """Return the valid records as rows for the columns of `table_of`.

    Records with a value that PostgreSQL cannot store are rejected, so that one of them does not
    fail the whole delivery: whole numbers and decimals that are too large, numbers that are not
    finite, texts with NUL, and times that are in no year in UTC.
    """
    import pandas as pd

    good, fields = validator.good(), model.model_fields
    for field in fields:
        for index, value in good[field].items():
            if words := _why_unstorable(value):
                validator.reject_value(int(str(index)), field, words)
    good = validator.good()
    for field, one in fields.items():
        if _is_converted(one.annotation):
            is_array = _column_type(one.annotation, one.metadata, field)[0].python_type is list
            values = [_column_value(value, is_array=is_array) for value in good[field]]
            good = good.assign(**{field: pd.Series(values, good.index, dtype=object)})
    return good


def _why_unstorable(value: Any) -> str | None:
    """Return why PostgreSQL cannot store a value; None if it can."""
    if isinstance(value, str):
        return "has characters that cannot be stored" if UNSTORABLE.search(value) else None
    if isinstance(value, int):
        return None if abs(value) <= MAX_INTEGER else "is too large"
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    if isinstance(value, Decimal):
        return None if abs(value.adjusted()) <= MAX_DIGITS else "has too many digits"
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None and value.year in (dt.MINYEAR, dt.MAXYEAR):
            try:
                value.astimezone(dt.UTC)
            except OverflowError:
                return "is not a time of the calendar"
        return None
    if isinstance(value, list | dict):
        text = json.dumps(value, default=str)
        is_stored = "\\u0000" not in text and not LONE_SURROGATE.search(text)
        return None if is_stored else "has characters that cannot be stored"
    return None


def _is_converted(annotation: Any) -> bool:
    """Return whether values of a type need another form for COPY."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType, Annotated):
        return any(map(_is_converted, get_args(annotation)))
    plain = origin or annotation
    is_enum = isinstance(plain, type) and issubclass(plain, Enum)
    return is_enum or plain in (list, dict, dt.time, Any)


def _column_value(value: Any, *, is_array: bool) -> Any:
    """Return a value as COPY takes it: an array as a literal, JSON as text, an enum's value."""
    from pipelines.warehouse.connection import array_literal

    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.time):
        return value.isoformat()
    if value is None:
        return None
    return array_literal(map(str, value)) if is_array else json.dumps(value, default=str)
