"""What a source promises, and what becomes of records that break it.

`RecordValidator` takes a list of records out of a JSON document and sorts them: good ones as a
frame, bad ones with position, raw text and every reason. Keys that nobody promised, or that are
gone, are named as drift. A pydantic model of the source defines the values;
`violations` does the same for tabular files, by a pandera schema.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema

MAX_DRIFT = 20
PARSED_AT_ONCE = 1_000
#: What can be a name or a key, as `is_name` has it.
Name = Annotated[
    str,
    Field(
        strict=True,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        description="is not a name",
    ),
]


@dataclass(frozen=True)
class Reject:
    """One rejected record: its number in the delivery, its position, its text, and the reasons.

    `key` is what it is about, where that is known.
    """

    record: int
    position: str
    raw: str
    reasons: tuple[str, ...]
    key: tuple[str, ...] | None = None


class RecordValidator:
    """The records of one list in a delivery, and the verdict on each of them.

    `model` defines a record: its fields are the promised keys, and the description of
    a field completes the reason of a reject, as in "stops is not a count: -1". `frame` has the
    values of the model as columns, None in what it rejects, and `record`, a number that is unique
    in the delivery when each list begins at another `first_record`.
    """

    def __init__(
        self,
        records: Sequence[Any],
        *,
        name: str,
        model: type[BaseModel],
        first_record: int = 0,
    ) -> None:
        import pandas as pd

        self.name, self.records, self.first_record = name, records, first_record
        self.keys = list(model.model_fields)
        self._reasons: dict[int, list[str]] = {}
        nothing, values_of = (None,) * len(self.keys), _values_of(self.keys)
        rows: list[tuple[Any, ...]] = []
        several = TypeAdapter(list[model])  # type: ignore[valid-type]
        for start in range(0, len(records), PARSED_AT_ONCE):
            parsed = self._parse(several, model, start)
            rows += [nothing if one is None else values_of(one) for one in parsed]
        columns = zip(*rows, strict=True) if rows else [()] * len(self.keys)
        self.frame = pd.DataFrame(
            {
                key: pd.Series(values, dtype=object)
                for key, values in zip(self.keys, columns, strict=True)
            },
            index=pd.RangeIndex(len(records)),
        )
        self.frame["record"] = range(first_record, first_record + len(records))

    def _parse(
        self, several: TypeAdapter[Any], model: type[BaseModel], start: int
    ) -> Sequence[BaseModel | None]:
        """Some records by the model; None for those that it rejects, whose reasons are noted."""
        some = self.records[start : start + PARSED_AT_ONCE]
        try:
            parsed: Sequence[BaseModel] = several.validate_python(some)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            first = {one["loc"][:2]: one["type"] for one in reversed(wrong)}
            for (place, *field), kind in reversed(first.items()):
                index = start + int(place)
                self._reject_one(index, self._reason(model, index, kind, *map(str, field)))
            return [
                None if index in self._reasons else model.model_validate(record)
                for index, record in enumerate(some, start)
            ]
        return parsed

    def _reason(self, model: type[BaseModel], index: int, kind: str, field: str = "") -> str:
        record = self.records[index]
        if not field:
            return f"not an object but {type(record).__name__}"
        if kind == "missing":
            return f"the key {field!r} is missing"
        return f"{field} {model.model_fields[field].description}: {shown(record[field])}"

    def reject(self, bad: Iterable[int], reason: str) -> None:
        """Reject rows of `good()` by their index; {key} in `reason` shows what was sent."""
        for index in bad:
            self._reject_one(index, reason.format_map(_Shown(self.records[index])))

    def good(self) -> pd.DataFrame:
        """Return the valid rows, in the order of the source."""
        return self.frame.drop(index=list(self._reasons)) if self._reasons else self.frame

    def rejects(self) -> list[Reject]:
        """Return the rejects, in the order of the source."""
        return [
            Reject(
                self.first_record + index,
                f"{self.name}[{index}]",
                as_json(self.records[index]),
                tuple(reasons),
            )
            for index, reasons in sorted(self._reasons.items())
        ]

    def rejected_records(self) -> list[Any]:
        """Return the rejected records as they were sent, in the order of the source."""
        return [self.records[index] for index in sorted(self._reasons)]

    def drift(self, document: str) -> list[str]:
        """Keys that are not as promised, each with how often: nothing when all is as it was."""
        shapes = Counter(map(tuple, (one for one in self.records if isinstance(one, dict))))
        seen: Counter[str] = Counter()
        for keys, count in shapes.items():
            seen.update(dict.fromkeys(keys, count))
        total = shapes.total()
        unknown = [
            f"unknown key {shown(key)} in {count} of {total} {self.name}"
            for key, count in sorted(seen.items())
            if key not in self.keys
        ]
        missing = [
            f'{document}: key "{key}" is missing in {count} of {total} {self.name}'
            for key in self.keys
            if (count := total - seen[key])
        ]
        return missing + drift_of(document, unknown, f"unknown keys in {self.name}")

    def _reject_one(self, index: int, reason: str) -> None:
        self._reasons.setdefault(index, []).append(reason)


def _values_of(keys: Sequence[str]) -> Callable[[BaseModel], tuple[Any, ...]]:
    """A function that returns the fields of a parsed record in the order of `keys`."""
    several = attrgetter(*keys)
    return several if len(keys) > 1 else lambda one: (several(one),)


def drift_of(document: str, found: Sequence[str], what: str) -> list[str]:
    """Prefix findings with their document; keep the first `MAX_DRIFT`, count the rest.

    `what` is the plural of what they are.
    """
    lines = [f"{document}: {line}" for line in found[:MAX_DRIFT]]
    if len(found) > MAX_DRIFT:
        lines.append(f"{document}: {len(found) - MAX_DRIFT} more {what}")
    return lines


def violations(
    contract: DataFrameSchema,
    typed: pd.DataFrame,
    sent: pd.DataFrame,
    also: Iterable[tuple[str, Any]] = (),
) -> dict[int, list[str]]:
    """What is wrong with which row, by its index: the words of each column, and what was sent.

    The columns of `contract` have the words in their metadata, as `otherwise`. `also` are further
    columns and rows that break it.
    """
    from pandera.errors import SchemaErrors

    found = set(also)
    try:
        contract.validate(typed, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases[["column", "index"]]
        found |= {*cases.itertuples(index=False, name=None)}
    order = {name: place for place, name in enumerate(contract.columns)}
    reasons: dict[int, list[str]] = {}
    rows = sorted({row for _, row in found})
    values = {name: dict(zip(rows, column, strict=True)) for name, column in sent.loc[rows].items()}
    for column, row in sorted(found, key=lambda case: (case[1], order[case[0]])):
        otherwise = (contract.columns[column].metadata or {})["otherwise"]
        reason = f"{column} {otherwise}: {shown(values[column][row])}"
        reasons.setdefault(int(row), []).append(reason)
    return reasons


def shown(value: Any) -> str:
    """A value as it is shown in messages: quoted, escaped, and not too long."""
    text = as_json(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def as_json(value: Any) -> str:
    """A value as JSON, its letters as they were sent (£50).

    What no terminal shows or UTF-8 does not have is escaped: control characters, halves of
    surrogate pairs, and marks that turn the direction of what follows.
    """
    text = json.dumps(value, default=str, ensure_ascii=False)
    return _UNSHOWABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_UNSHOWABLE = re.compile(
    "[\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff]"
)
_UNNAMEABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


class _Shown(dict[str, str]):
    """A record's values as they are shown in a reason."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__()
        self._record = record

    def __missing__(self, key: str) -> str:
        return shown(self._record[key])


def is_name(value: Any) -> bool:
    """Whether it can be a name or a key: a string, not blank, of 200 characters at most.

    Control characters are rejected (PostgreSQL cannot hold NUL) and halves of surrogate pairs,
    which UTF-8 does not have. The length is what fits into an index page for sure.
    """
    return (
        isinstance(value, str)
        and len(value.strip()) > 0
        and len(value) <= 200
        and _UNNAMEABLE.search(value) is None
    )


def is_text(value: Any, most_characters: int) -> bool:
    """Whether it is a text of some lines: not blank, not too long, no other control characters."""
    return (
        isinstance(value, str)
        and len(value.strip()) > 0
        and len(value) <= most_characters
        and _UNWRITABLE.search(value) is None
    )
