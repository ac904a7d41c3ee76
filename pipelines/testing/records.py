"""Records made from a pydantic model: good ones by number, changed ones, spoiled ones, odd ones.

Values follow the JSON schema of the model, which has the last word. Nothing is drawn at random.
"""

import datetime as dt
import json
import string
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from sqlalchemy import Table

from pipelines.ingest.models import sent_keys

#: A record as a source sends it.
Record = dict[str, Any]
#: The first day and hour of dates and times; long ago, so that it is in the past everywhere.
FIRST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
#: Formats of dates that a validator of the model may parse.
LOCAL_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
#: Values that hardly any field accepts, the plainest ones first.
BAD_VALUES: Sequence[Any] = (
    *("not a value", {"not": "a value"}, None, "", [], 7, True, -1e300, "x" * 100_000, "\x07"),
)
#: Values that many models accept and some tables do not.
ODD_VALUES: Sequence[Any] = (
    *("a\x00b", "", " ", " padded ", "Zoë 東京 🌊", "'); --", '"quoted", twice', "x" * 3_000),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "9999-12-31"),
    *("NaN", "Infinity", "-0", "1e5", "2147483648", "9223372036854775808", "0.123456789012"),
    *("\ud800", 0, -1, 2**31, 2**63, 10**30, 0.123456789012, 1e300, True, None),
)


class CannotGenerate(Exception):
    """No records can be made from a model; the author has to give some."""

    def __str__(self) -> str:
        own = "Give records of your own, with `record` of a subclass of one of drivers_of(source)"
        return f"{super().__str__()}. {own}; and contract(source, drivers=[…])."


@dataclass(frozen=True)
class ModelRecords:
    """Makes records of one model, which belong to one table."""

    model: type[BaseModel]
    table: Table

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The names of the fields by the keys that the source sends."""
        return sent_keys(self.model)

    @cached_property
    def key(self) -> Sequence[str]:
        """The keys of a record that are the primary key of the table."""
        names = {column.name for column in self.table.primary_key}
        return [key for key, name in self.fields.items() if name in names]

    @cached_property
    def columns(self) -> Sequence[str]:
        """The fields that are stored."""
        return [name for name in self.fields.values() if name in self.table.columns]

    def record(self, number: int, shared: Mapping[str, Any] | None = None) -> Record:
        """Return the good record with a number; `shared` has values of fields of other lists."""
        record = {}
        for key, name in self.fields.items():
            given = [(shared or {})[name]] if name in (shared or {}) else []
            record[key] = self._first_good(key, [*given, *self._values(key, number)])
        if problems := self.problems(record):
            raise CannotGenerate(
                f"{self.model.__name__} rejects the record made from its fields"
                f" ({problems}): {shown(record)}"
            )
        return record

    def changed(self, record: Record, number: int) -> Record | None:
        """Return the record with another value of a field that is not in its key, if it has one."""
        for key, name in self.fields.items():
            if key in self.key or name not in self.columns:
                continue
            for other in range(number + 1, number + 9):
                for value in self._values(key, other):
                    changed = record | {key: value}
                    if not self.problems(changed) and self.row(changed) != self.row(record):
                        return changed
        return None

    def spoiled(self, record: Record, key: str) -> Record | None:
        """Return the record with a value of one field that the model rejects, if there is one."""
        for value in BAD_VALUES:
            if not self._is_good(key, value):
                return record | {key: value}
        return None

    def odd(self) -> Iterator[tuple[str, Any]]:
        """Yield unusual values, some of which the model accepts, with the key that has each."""
        for key, name in self.fields.items():
            if name in self.columns:
                yield from ((key, value) for value in ODD_VALUES)

    def row(self, record: Record) -> tuple[str, ...]:
        """Return what is stored of a good record, as `canonical` formats it."""
        parsed = self.model.model_validate(record)
        values = (canonical(getattr(parsed, name)) for name in self.columns)
        return (self.table.fullname, *values)

    def problems(self, record: Record) -> dict[str, str]:
        """Return why the model rejects a record, by field; empty if it does not."""
        try:
            self.model.model_validate(record)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            return {".".join(map(str, one["loc"][:1])): one["msg"] for one in found}
        except Exception as error:  # noqa: BLE001 - a load rejects the record, whatever it is
            return {"": f"{type(error).__name__}: {error}"}
        return {}

    def _is_good(self, key: str, value: Any) -> bool:
        return not self.problems({key: value}).keys() & {"", key}

    def _first_good(self, key: str, values: Sequence[Any]) -> Any:
        for value in values:
            if self._is_good(key, value):
                return value
        about = json.dumps(self._schema(key))
        raise CannotGenerate(
            f"no value was found that {self.model.__name__}.{self.fields[key]} accepts ({about});"
            f" {shown(values[0]) if values else 'nothing'} is rejected"
        )

    @cached_property
    def _schemas(self) -> Mapping[str, Any]:
        try:
            return self.model.model_json_schema(by_alias=True)
        except PydanticInvalidForJsonSchema as error:
            raise CannotGenerate(f"{self.model.__name__} has no JSON schema: {error}") from error

    def _schema(self, key: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._schemas.get("properties", {}).get(key, {})
        return found

    def _values(self, key: str, number: int) -> list[Any]:
        """Return values that may be good, by number, the likeliest first."""
        return [*_values_of(self._schema(key), self.fields[key], number, self._schemas)]


def canonical(value: Any) -> str:
    """Format a value so that those that PostgreSQL takes for equal are equal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        return f"{number.normalize():f}" if number.is_finite() else str(number)
    if isinstance(value, dt.datetime):
        return (value.astimezone(dt.UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=canonical, sort_keys=True)
    return str(getattr(value, "value", value))


def shown(value: Any) -> str:
    """Format a value for messages, truncated."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:299]}…"


def _alternatives(
    schema: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas of which a value has to match one, null last."""
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not options:
        yield schema
        return
    for option in sorted(options, key=lambda one: one.get("type") == "null"):
        yield from _alternatives(option, root)


def _values_of(
    schema: Mapping[str, Any], name: str, number: int, root: Mapping[str, Any]
) -> Iterator[Any]:
    for one in _alternatives(schema, root):
        if "const" in one:
            yield one["const"]
        elif "enum" in one:
            yield one["enum"][number % len(one["enum"])]
        elif one.get("type") == "null":
            yield None
        elif one.get("type") == "boolean":
            yield number % 2 == 0
        elif one.get("type") in ("integer", "number"):
            yield _number(one, number, is_whole=one["type"] == "integer")
        elif one.get("type") == "array":
            item = next(_values_of(one.get("items", {}), name, number, root), number)
            yield [item] * max(1, one.get("minItems", 1))
        elif one.get("type") == "object":
            parts = one.get("properties", {})
            yield {key: next(_values_of(parts[key], key, number, root)) for key in parts}
        else:
            yield from _texts(one, name, number)


def _number(schema: Mapping[str, Any], number: int, *, is_whole: bool) -> int | float:
    """Return a number within the bounds; as many different ones as there are."""
    step: float = schema.get("multipleOf") or (1 if is_whole else 0.5)
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        lowest = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        highest = schema["exclusiveMaximum"] - step
    if highest is None:
        return max(lowest or 0, step) + number * step
    if lowest is None:
        lowest = min(step, highest - 1000 * step)
    if not is_whole and highest - lowest < 64:
        step = schema.get("multipleOf") or (highest - lowest) / 64 or 1
    value = lowest + number % (int((highest - lowest) / step) + 1) * step
    return int(value) if is_whole else value


def _texts(schema: Mapping[str, Any], name: str, number: int) -> Iterator[Any]:
    """Yield texts of the format that the schema names, then codes of letters and digits."""
    day, hour = FIRST + dt.timedelta(days=number), FIRST + dt.timedelta(hours=number)
    formats: Mapping[str, Sequence[Any]] = {
        "date": [f"{day:{local}}" for local in ("%Y-%m-%d", *LOCAL_DATES)],
        "date-time": (
            *(f"{hour:%Y-%m-%dT%H:%M:%S}{zone}" for zone in ("Z", "")),
            *(f"{hour:{local} %H:%M}" for local in LOCAL_DATES),
        ),
        "time": (f"{number // 60 % 24:02}:{number % 60:02}:00",),
        "uuid": tuple(str(uuid.UUID(int=number + 1, version=kind)) for kind in (4, 1)),
        "email": (f"name{number}@example.org",),
    }
    yield from formats.get(schema.get("format", ""), ())
    yield f"{name} {number}"
    if schema.get("type") != "string":
        yield number
    lengths = range(schema.get("minLength", 1), min(schema.get("maxLength", 12), 12) + 1)
    for length in sorted(lengths, key=lambda one: abs(one - 6)):
        for alphabet in (string.ascii_uppercase, string.ascii_lowercase, string.digits):
            rest, code = number, ""
            for _ in range(length):
                rest, place = divmod(rest, len(alphabet))
                code = alphabet[place] + code
            if rest == 0:
                yield code
