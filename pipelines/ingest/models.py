"""Models of records: what a field means and rejects, and the table whose columns the fields are."""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic import AliasChoices, AliasPath, BaseModel

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from sqlalchemy import MetaData, Table
    from sqlalchemy.types import TypeEngine

#: What pydantic's `Field` knows.
ARGUMENTS = signature(pydantic.Field).parameters.keys()
#: What pydantic says of a value: it should be a valid number, unable to parse string as a number.
SHOULD = re.compile(r"should [^,]*")
#: Types of numbers, for which pydantic also takes true.
NUMBERS = (int, float, Decimal)
#: What columns cannot be called: each table of Isobar or PostgreSQL has them, or a statement.
TAKEN = ("delivery_id", "stored", "excluded", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
#: Types of dates and times, for which pydantic also takes numbers, as seconds since 1970.
TIMES = (
    *(dt.date, dt.datetime, dt.time, pydantic.AwareDatetime, pydantic.NaiveDatetime),
    *(pydantic.PastDate, pydantic.FutureDate, pydantic.PastDatetime, pydantic.FutureDatetime),
)


def Field(  # noqa: N802 - it stands where pydantic's own does
    default: Any = ...,
    *,
    otherwise: str | None = None,
    missing: Sequence[str] = (),
    **options: Any,
) -> Any:
    """Declare a field of a record, as pydantic's `Field` does.

    `description` is what the field means, with its unit: the comment of the column. `otherwise`
    completes the reason of a reject, as in "level_cm is not a water level: 9999". `missing` are
    texts that the sender writes for a missing value, such as "n/a". Raises `TypeError` for an
    argument that pydantic does not know.
    """
    if unknown := options.keys() - ARGUMENTS:
        raise TypeError(f"Field has no argument {', '.join(sorted(unknown))}")
    if isinstance(missing, str):
        raise TypeError(f"missing is a list of texts, such as missing=({missing!r},)")
    said = {"otherwise": otherwise, "missing": [*missing]}
    if extra := {name: value for name, value in said.items() if value}:
        options["json_schema_extra"] = extra
    return pydantic.Field(default, **options)


def missing_texts(model: type[BaseModel]) -> dict[tuple[str | int, ...], frozenset[str]]:
    """Return the texts that mean a missing value, by where a record may have the field's value."""
    found = dict[tuple[str | int, ...], frozenset[str]]()
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict) and isinstance(texts := extra.get("missing"), list):
            places = [*sent_as(info, name), (name,)]
            found |= dict.fromkeys(places, frozenset(map(str, texts)))
    return found


def otherwise(field: FieldInfo, message: str) -> str:
    """Return what completes the reason of a reject, by default what pydantic says of the value."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and isinstance(words := extra.get("otherwise"), str):
        return words
    if should := SHOULD.search(message):
        return should[0]
    return f"is not valid ({rule_of(message)})"


def rule_of(message: str) -> str:
    """Return what a validator has raised, of what pydantic makes of it."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def table_of(
    model: type[BaseModel], name: str, *, key: str | Sequence[str], metadata: MetaData | None = None
) -> Table:
    """Return the table whose columns are the fields of a model, and `delivery_id`.

    Args:
        model: The record. Its docstring is the comment, descriptions of fields are those of
            columns. A field that may be None is a column that may be null.
        name: Schema and name, such as `tides.readings`.
        key: The field or fields that identify a row: the primary key.
        metadata: The collection that the table belongs to, by default one of its own.

    Raises:
        ValueError: A field of the key is not in the model or may be None, a type has no column, or
            a name would need quotation marks.
    """
    from sqlalchemy import Column, Table

    from pipelines.warehouse.tables import delivery_id_column, source_metadata

    if re.fullmatch("[a-z_][a-z0-9_]*[.][a-z_][a-z0-9_]*", name) is None:
        raise ValueError(
            f"the table {name!r} is no schema and name without quotation marks: tides.readings is"
        )
    keys = (key,) if isinstance(key, str) else tuple(key)
    if unknown := [one for one in keys if one not in model.model_fields]:
        raise ValueError(f"the key of {name} has no field {unknown[0]!r} in {model.__name__}")
    columns = []
    for field, info in model.model_fields.items():
        if not is_column_name(field):
            raise ValueError(
                f"{name} cannot have a column {field!r}, which is a word of SQL or of Isobar, or"
                f" not in lower case: name the field {field.lower()}_, and say alias={field!r}"
            )
        kind, may_be_null = column_type(info.annotation, info.metadata, f"{name}.{field}")
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
        comment=(model.__doc__ or f"Records of {own}.").strip(),
    )


def is_column_name(name: str) -> bool:
    """Return whether a column can have a name, and be queried without quotation marks."""
    from pipelines.warehouse.connection import OF_RECORD

    return is_plain_name(name) and name not in TAKEN and name not in OF_RECORD


def is_plain_name(name: str) -> bool:
    """Return whether a name needs no quotation marks in SQL."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    return re.fullmatch("[a-z][a-z0-9_]*", name) is not None and name not in RESERVED_WORDS


def sent_as(info: FieldInfo, name: str) -> list[tuple[str | int, ...]]:
    """Return where a record may have the value of a field: its name, its alias, or paths."""
    alias = info.validation_alias or info.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias or name]
    return [tuple(one.path) if isinstance(one, AliasPath) else (one,) for one in choices]


def sent_keys(model: type[BaseModel]) -> dict[str, str]:
    """Return the field by each key that a source sends: the first of several, or of a path."""
    keys: dict[str, str] = {}
    for name, info in model.model_fields.items():
        keys.setdefault(str(sent_as(info, name)[0][0]), name)
    return keys


def is_reshaping(model: type[BaseModel]) -> bool:
    """Return whether a model changes records before it reads its fields, and so their keys."""
    rules = model.__pydantic_decorators__.model_validators.values()
    return any(one.info.mode != "after" for one in rules)


def is_sent_as(model: type[BaseModel], field: str, kinds: Sequence[Any]) -> bool:
    """Return whether a field is of some types, or a list, and no validator changes what is sent."""
    info = model.model_fields[field]
    own = [one.info for one in model.__pydantic_decorators__.field_validators.values()]
    is_changed = any(one.mode != "after" and {field, "*"} & {*one.fields} for one in own)
    return not is_changed and _is_of(kinds, info.annotation, info.metadata)


def _is_of(kinds: Sequence[Any], annotation: Any, notes: Sequence[Any] = ()) -> bool:
    before = (pydantic.BeforeValidator, pydantic.PlainValidator, pydantic.WrapValidator)
    if any(isinstance(one, before) for one in notes):
        return False
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _is_of(kinds, arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        return all(_is_of(kinds, one) for one in arguments if one is not type(None))
    if origin is list:
        return _is_of(kinds, *arguments)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return all(type(one.value) in kinds for one in annotation)
    return annotation in kinds


def may_be_text(annotation: Any) -> bool:
    """Return whether a value of a type can be a text, so that `None` may be a word."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return any(isinstance(value, str) for value in arguments)
    if arguments:
        return any(map(may_be_text, arguments[:1] if origin is Annotated else arguments))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return any(isinstance(member.value, str) for member in annotation)
    return annotation is Any or (isinstance(annotation, type) and issubclass(annotation, str))


def text_of(value: Any) -> str:
    """Return the text from which PostgreSQL reads a value; of an enum it is its value."""
    return str(value.value if isinstance(value, Enum) else value)


def column_type(annotation: Any, notes: Sequence[Any], place: str) -> tuple[TypeEngine[Any], bool]:
    """Return the type of the column for a type of Python, and whether it may be null."""
    import sqlalchemy as sa
    from sqlalchemy.dialects.postgresql import ARRAY, JSONB

    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return column_type(arguments[0], [*arguments[1:], *notes], place)
    if origin in (Union, types.UnionType):
        some = [one for one in arguments if one is not type(None)]
        if len(some) == 1:
            kind, _ = column_type(some[0], notes, place)
            return kind, len(some) < len(arguments)
        raise ValueError(f"{place} has several types, and a column has one")
    if origin is Literal:
        return column_type(type(arguments[0]), notes, place)
    if origin is list and arguments and arguments[0] is not Any:
        kind, _ = column_type(arguments[0], (), place)
        return ARRAY(kind), False
    if origin in (list, dict) or annotation in (list, dict, Any):
        return JSONB(), annotation is Any
    plain: tuple[tuple[type, Any], ...] = (
        (bool, sa.Boolean()),
        (int, sa.BigInteger()),
        (float, sa.Double()),
        (Decimal, sa.Numeric()),
        (pydantic.NaiveDatetime, sa.DateTime()),
        (pydantic.AwareDatetime, sa.DateTime(timezone=True)),
        (dt.datetime, sa.DateTime(timezone=True)),
        (dt.date, sa.Date()),
        (dt.time, sa.Time()),
        (UUID, sa.Uuid()),
        (Enum, sa.Text()),
        (str, sa.Text()),
    )
    for python, kind in plain:
        if isinstance(annotation, type) and issubclass(annotation, python):
            return kind, False
    raise ValueError(f"{place} is {annotation!r}, for which Isobar knows no type of column")
