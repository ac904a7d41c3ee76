"""Rows for the columns of a table that a model makes: what no column holds is rejected."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import types
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pipelines.ingest.models import column_type
from pipelines.ingest.record_keys import UNSTORABLE
from pipelines.warehouse.connection import array_literal

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

    from pipelines.ingest.contract import RecordValidator

#: What PostgreSQL stores at most: a bigint, and digits of a numeric.
MAX_INTEGER, MAX_DIGITS = 2**63 - 1, 1_000
#: Half of a pair, in JSON.
LONE_SURROGATE = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}",
    re.IGNORECASE,
)


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
            is_array = column_type(one.annotation, one.metadata, field)[0].python_type is list
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
    return is_enum or plain in (list, dict, dt.time, Decimal, Any)


def _column_value(value: Any, *, is_array: bool) -> Any:
    """Return a value as COPY takes it: an array as a literal, JSON as text, an enum's value."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):  # Arrow's have at most 76 digits
        return str(value)
    if value is None:
        return None
    return array_literal(map(str, value)) if is_array else json.dumps(value, default=str)
