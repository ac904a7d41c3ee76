"""Rows for the columns of a table that a model makes, and keys of records.

A key says which quarantined record a later one is: the table and the texts of its primary key. That
of a bad record is read from those of its values that are valid by themselves.
"""

from __future__ import annotations

import datetime as dt
import math
import types
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import NaiveDatetime

from pipelines.http.json_documents import as_sent
from pipelines.ingest.identifiers import UNSTORABLE
from pipelines.ingest.models import column_type, is_reshaping, sent_as, text_of
from pipelines.warehouse.connection import array_literal

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from pipelines.ingest.contract import RecordValidator

#: What PostgreSQL stores at most: a bigint, and digits of a numeric.
MAX_INTEGER, MAX_DIGITS, MAX_DECIMALS = 2**63 - 1, 1_000, 16_383
#: Of an index of PostgreSQL, which holds a third of a page.
MAX_KEY_BYTES = 2_500
OFFSET = "has an offset, and the column has none"
Key = tuple[str, ...]


def column_rows(validator: RecordValidator, keys: Sequence[str] = ()) -> pd.DataFrame:
    """Return the valid records as rows for the columns of `table_of`; `keys` are those of its key.

    Records with a value that PostgreSQL cannot store are rejected, such as numbers that are too
    large or not finite, texts with NUL, or times with an offset for a column without one.
    """
    import pandas as pd

    good, fields = validator.good(), validator.model.model_fields
    converted = [field for field, one in fields.items() if _is_converted(one.annotation)]
    arrays = {
        field
        for field in converted
        if column_type(fields[field].annotation, fields[field].metadata, field)[0].python_type
        is list
    }
    for field, info in fields.items():
        is_array, is_key = field in arrays, field in keys
        is_naive = NaiveDatetime in (info.annotation, *get_args(info.annotation))
        for index, value in good[field].items():
            words = _why_unstorable(value, is_array=is_array)
            if is_naive and isinstance(value, dt.datetime) and value.tzinfo:
                words = OFFSET
            if is_key and not words and not is_short(text_of(value)):
                words = "is too long for a key"
            if words:
                validator.reject_value(int(str(index)), field, words)
    good = validator.good()
    for field in converted:
        values = [_column_value(value, is_array=field in arrays) for value in good[field]]
        good = good.assign(**{field: pd.Series(values, good.index, dtype=object)})
    return good


def _why_unstorable(value: Any, *, is_array: bool = False) -> str | None:
    """Return why PostgreSQL cannot store a value; None if it can."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return "has characters that cannot be stored" if UNSTORABLE.search(value) else None
    if isinstance(value, int):
        return None if abs(value) <= MAX_INTEGER else "is too large"
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    if isinstance(value, Decimal):
        return _why_no_numeric(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None and value.year in (dt.MINYEAR, dt.MAXYEAR):
            try:
                value.astimezone(dt.UTC)
            except OverflowError:
                return "is not a time of the calendar"
        return None
    if isinstance(value, dt.time):
        return OFFSET if value.tzinfo else None
    if isinstance(value, list | dict):
        parts = map(_why_unstorable, value) if is_array else _why_no_json(value)
        return next(filter(None, parts), None)
    return None


def _why_no_numeric(value: Decimal) -> str | None:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        return "is not a finite number"
    is_stored = abs(value.adjusted()) <= MAX_DIGITS and -exponent <= MAX_DECIMALS
    return None if is_stored else "has too many digits"


def _why_no_json(value: Any) -> Iterator[str | None]:
    """Yield what of the keys and values within a value JSONB cannot store."""
    waiting = [value]
    for one in waiting:
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str | float):
            yield _why_unstorable(one)


def _is_converted(annotation: Any) -> bool:
    """Return whether values of a type need another form for COPY."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType, Annotated):
        return any(map(_is_converted, get_args(annotation)))
    plain = origin or annotation
    is_enum = isinstance(plain, type) and issubclass(plain, Enum)
    return is_enum or plain in (list, dict, dt.time, Decimal, Any)


def _column_value(value: Any, *, is_array: bool) -> Any:
    """Return a value as COPY takes it: an array as a literal, JSON as text, an enum's value."""
    if isinstance(value, Enum | Decimal):  # Arrow's decimals have at most 76 digits
        return text_of(value)
    if isinstance(value, dt.time):
        return value.isoformat()
    if value is None:
        return None
    return array_literal(map(_element, value)) if is_array else as_sent(value)


def _element(value: Any) -> str | None:
    """Return an element of an array as its literal has it."""
    if value is None:
        return None
    return as_sent(value) if isinstance(value, dict | list) else text_of(value)


@cache
def key_reader(
    model: type[BaseModel], table: str, names: tuple[str, ...]
) -> Callable[[Any], Key | None]:
    """Return a function that reads the key of a record which its model may reject, by `names`.

    The key is None if the model has no field for one of them, or if its value is not valid.
    """
    from pydantic import create_model, model_validator

    fields = model.model_fields
    if not names or not set(names) <= set(fields):
        return lambda _: None
    others: dict[str, Any] = {name: (Any, None) for name in fields if name not in names}
    # Rules about several fields would miss the other values.
    rules = model.__pydantic_decorators__.model_validators
    after = [name for name, one in rules.items() if one.info.mode == "after"]
    none: dict[str, Any] = {name: model_validator(mode="after")(_same) for name in after}
    part = create_model(f"KeyOf{model.__name__}", __base__=model, __validators__=none, **others)
    reshapes = is_reshaping(model)
    sent = {path[0] for name in names for path in sent_as(fields[name], name)}

    def read(record: Any) -> Key | None:
        try:
            some = {name: record[name] for name in sent if not reshapes and name in record}
            valid = part.model_validate(deepcopy(record) if reshapes else some)
        except Exception:  # noqa: BLE001 - a validator of the model may raise anything
            return None
        values = [getattr(valid, name) for name in names]
        key = table, *map(text_of, values)
        is_key = all(value is not None for value in values) and is_short(*key)
        return key if is_key and not any(map(UNSTORABLE.search, key)) else None

    return read


def is_short(*texts: str) -> bool:
    """Return whether texts fit into an index, and so can be a key."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) <= MAX_KEY_BYTES


def _same(record: Any) -> Any:
    return record
