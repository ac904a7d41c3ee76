"""Data contracts of sources: valid records become a frame, others rejects with all reasons.

`RecordValidator` validates a list of records by a model of the source, and `violations` makes the
reasons for tabular files.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import AfterValidator, AliasPath, BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from pipelines.http.json_documents import as_sent
from pipelines.ingest.identifiers import UNSTORABLE, cleaned, intact_name, storable
from pipelines.ingest.models import (
    NUMBERS,
    TIMES,
    is_reshaping,
    is_sent_as,
    missing_texts,
    otherwise,
    rule_of,
    sent_as,
    sent_keys,
)
from pipelines.ingest.reasons import TOO_MANY_FIELDS, Reason, not_an_object

if TYPE_CHECKING:
    import pandas as pd
    from pydantic_core import ErrorDetails

MAX_DRIFT = 20
#: Types of values that pydantic reads as what they are, by the types of a field.
PLAIN: dict[tuple[Any, ...], set[type]] = {
    NUMBERS: {int, float, Decimal, NoneType},
    TIMES: {dt.date, dt.datetime, dt.time, NoneType},
    (int,): {int, NoneType},
}
#: A float beyond it may be another whole number.
MAX_EXACT = 2**53
PARSED_AT_ONCE = 1_000
#: A valid name or key, as defined by `is_name`.
Name = Annotated[
    str,
    Field(
        strict=True,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
        json_schema_extra={"otherwise": "is not a name"},
    ),
    AfterValidator(intact_name),
]


@dataclass(frozen=True)
class Reject:
    """One rejected record: its number in the delivery, its position, its text, and the reasons.

    `key` says what it is about, if known: of a row, the table and the values of its primary key.
    """

    record: int
    position: str
    raw: str
    reasons: tuple[Reason, ...]
    key: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Make it what PostgreSQL can store, whatever a model or a parser says of it."""
        stored = {
            "position": writable(self.position),
            "raw": UNSTORABLE.sub("?", storable(self.raw)),
            "reasons": tuple(
                one._replace(code=writable(one.code), words=writable(one.words))
                for one in self.reasons
            ),
            "key": None if any(map(UNSTORABLE.search, self.key or ())) else self.key,
        }
        for name, value in stored.items():
            object.__setattr__(self, name, value)

    @property
    def words(self) -> tuple[str, ...]:
        """The reasons in words."""
        return tuple(one.words for one in self.reasons)

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons."""
        return [one.code for one in self.reasons]

    @property
    def is_final(self) -> bool:
        """Whether reading it again cannot make it valid."""
        return any(one.is_final for one in self.reasons)


class RecordValidator:
    """Validates the records of one list in a delivery by a model.

    The columns of `frame` are the model's values, named after the fields, None where a record was
    rejected, and `record`, the number from `first_record` on.
    """

    def __init__(
        self, records: Sequence[Any], *, name: str, model: type[BaseModel], first_record: int = 0
    ) -> None:
        import pandas as pd

        self.name, self.records, self.first_record = name, records, first_record
        self.model = model
        fields = list(model.model_fields)
        #: The fields by the keys that the source sends.
        self.keys = sent_keys(model)
        #: The fields by where a record may have their values.
        self._places = {
            place: field
            for field, info in model.model_fields.items()
            for place in sent_as(info, field)
        }
        self._is_reshaping = is_reshaping(model)
        self._missing = missing_texts(model)
        self._reasons: dict[int, list[Reason]] = {}
        nothing, values_of = (None,) * len(fields), _values_of(fields)
        rows: list[tuple[Any, ...]] = []
        several = TypeAdapter(list[model])  # type: ignore[valid-type]
        for start in range(0, len(records), PARSED_AT_ONCE):
            parsed = self._parse(several, start)
            rows += [nothing if one is None else values_of(one) for one in parsed]
        self._reject_coerced(NUMBERS, _is_no_number, "should be a number")
        self._reject_coerced((int,), _is_inexact, "is no exact whole number")
        if "val_temporal_unit" not in model.model_config:  # it says that times are numbers
            words = "should be a date or a time instead of a number"
            self._reject_coerced(TIMES, _is_number, words)
        #: How many records have which keys.
        self._shapes = Counter([tuple(one) for one in records if isinstance(one, dict)])
        if any(None in keys for keys in self._shapes):  # as csv.DictReader collects them
            for index, record in enumerate(records):
                if isinstance(record, dict) and None in record:
                    self._reject_one(index, TOO_MANY_FIELDS)
        self.frame = pd.DataFrame(rows, pd.RangeIndex(len(records)), fields, dtype=object)
        self.frame["record"] = range(first_record, first_record + len(records))

    def _parse(self, several: TypeAdapter[Any], start: int) -> Sequence[BaseModel | None]:
        """Parse a batch of records; a rejected one becomes None, and its reasons are recorded."""
        some = self.records[start : start + PARSED_AT_ONCE]
        own = [*map(self._own, some)] if self._is_reshaping or self._missing else some
        try:
            parsed: Sequence[BaseModel] = several.validate_python(own)
        except Exception:  # noqa: BLE001 - a validator of the model may raise anything
            return [self._parse_one(index) for index in range(start, start + len(some))]
        return parsed

    def _parse_one(self, index: int) -> BaseModel | None:
        """Parse a record; if the model rejects it, record the first reason of each field."""
        record = self.records[index]
        try:
            try:
                return self.model.model_validate(self._own(record))
            except ValidationError as error:
                if not (meant := self._meant(record, error)):
                    raise
                return self.model.model_validate(self._own(record) | meant)
        except ValidationError as error:
            found: dict[tuple[str | int, ...], Reason] = {}
            for one in error.errors(include_url=False, include_context=False):
                place = self._place_of(one["loc"])
                if place not in found:
                    found[place] = self._reason(record, place, one)
            for reason in found.values():
                self._reject_one(index, reason)
        except Exception as error:  # noqa: BLE001 - as above
            words = f"the model's own code failed: {type(error).__name__}: {error}"
            self._reject_one(index, Reason("record_invalid", words))
        return None

    def _reject_coerced(
        self, types: tuple[Any, ...], is_wrong: Callable[[Any], bool], words: str
    ) -> None:
        """Reject values, also in lists, that pydantic reads as what they are not.

        It reads true as 1, 1_0 as 10, and 20260101 as a time of 1970. Fields with a validator that
        runs before it are skipped.
        """
        fields = {} if self._is_reshaping else self.model.model_fields
        for field, info in fields.items():
            if not is_sent_as(self.model, field, types):
                continue
            code, places = f"{field}_invalid", sent_as(info, field)
            key = places[0][0] if places == [places[0][:1]] else None  # the usual and fast case
            if key is not None:
                sent = {type(one.get(key)) for one in self.records if isinstance(one, dict)}
                if sent <= PLAIN[types]:
                    continue
            for index, record in enumerate(self.records):
                if not isinstance(record, dict):
                    continue
                value: Any = _sent_value(record, places)[1] if key is None else record.get(key)
                is_list = isinstance(value, list) and info.annotation not in types
                if any(map(is_wrong, value)) if is_list else is_wrong(value):
                    others = [one for one in self._reasons.get(index, ()) if one.code != code]
                    self._reasons[index] = others  # pydantic's is about what it made of the value
                    self.reject_value(index, field, otherwise(info, words))

    def _own(self, record: Any) -> Any:
        """Return a record as the model is given it, which may change it: `records` stay as sent.

        Texts that mean a missing value are None.
        """
        if self._is_reshaping:
            record = deepcopy(record)
        for place, texts in self._missing.items():
            _, sent = _sent_value(record if isinstance(record, dict) else {}, [place])
            if isinstance(sent, str) and sent.strip() in texts:
                record = _without(record, place)
        return record

    def _meant(self, record: Any, error: ValidationError) -> dict[str, Any]:
        """Return values that pydantic rejects as other programs mean them: times, and markers."""
        found: dict[str, Any] = {}
        is_plain = isinstance(record, dict) and not self._is_reshaping
        for one in error.errors(include_url=False, include_context=False) if is_plain else ():
            key = one["loc"][0] if one["loc"] else ""
            value, field = record.get(key), self._places.get((key,))
            if not isinstance(value, str) or field is None:
                continue
            annotation = self.model.model_fields[field].annotation
            if not cleaned(value) and NoneType in get_args(annotation):
                found[str(key)] = None
            elif one["type"].startswith("datetime") and (at := _as_time(value)):
                found[str(key)] = at
        return found

    def _place_of(self, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Return where a field is whose value is wrong at a location, or its first key."""
        for length in range(len(location), 1, -1):
            if location[:length] in self._places:
                return location[:length]
        return location[:1]

    def _reason(self, record: Any, place: tuple[str | int, ...], error: ErrorDetails) -> Reason:
        words = error["msg"]
        if not place and isinstance(record, dict):  # a validator of the model
            return Reason("record_invalid", rule_of(words))
        if not place:
            return not_an_object(record)
        key, field = ".".join(map(str, place)), self._places.get(place)
        if error["type"] == "missing":
            code = "missing" if error["loc"] == place else "invalid"  # or within its value
            missing = ".".join(map(str, error["loc"]))
            return Reason(f"{field or 'record'}_{code}", f"the key {missing!r} is missing")
        why = otherwise(self.model.model_fields[field], words) if field else words
        value = record.get(key, error["input"]) if isinstance(record, dict) else error["input"]
        return Reason(f"{field or 'record'}_invalid", f"{key} {why}: {shown(value)}")

    def reject(self, bad: Iterable[int], code: str, words: str) -> None:
        """Reject rows of `good()` by index; {key} in `words` is replaced by the value sent."""
        for index in bad:
            sent = {key: shown(value) for key, value in self.records[index].items()}
            self._reject_one(index, Reason(code, words.format_map(sent)))

    def reject_value(self, index: int, field: str, words: str) -> None:
        """Reject a row for the value of a field; `words` complete the reason."""
        record = self.records[index]
        places = sent_as(self.model.model_fields[field], field)
        place, value = _sent_value(record if isinstance(record, dict) else {}, places)
        text = f"{'.'.join(map(str, place))} {words}: {shown(value)}"
        self._reject_one(index, Reason(f"{field}_invalid", text))

    def good(self) -> pd.DataFrame:
        """Return the valid rows, in the order of the source."""
        return self.frame.drop(index=list(self._reasons)) if self._reasons else self.frame

    def reasons(self) -> dict[int, list[Reason]]:
        """Return the reasons of each rejected record, by its index."""
        return self._reasons

    def rejects(
        self, key: Callable[[Any], tuple[str, ...] | None] = lambda _: None
    ) -> list[Reject]:
        """Return the rejects, in the order of the source; `key` reads the key of a record."""
        return [
            Reject(
                self.first_record + index,
                f"{self.name}[{index}]",
                as_json(self.records[index]),
                tuple(reasons),
                key(self.records[index]),
            )
            for index, reasons in sorted(self._reasons.items())
        ]

    def rejected_records(self) -> list[Any]:
        """Return the rejected records as they were sent, in the order of the source."""
        return [self.records[index] for index in sorted(self._reasons)]

    def drift(self, document: str) -> list[str]:
        """Return unexpected and missing keys with their counts; none of a model that reshapes."""
        if self._is_reshaping:
            return []
        expected = {str(place[0]) for place in self._places}
        seen: Counter[str] = Counter()
        for keys, count in self._shapes.items():
            seen.update(dict.fromkeys(keys, count))
        total = self._shapes.total()
        unknown = [
            f"unknown key {shown(key)} in {seen[key]} of {total} {self.name}"
            for key in sorted(seen.keys() - {*expected, None}, key=str)
        ]
        missing = []
        for key, field in self.keys.items():
            choices = {str(one[0]) for one in sent_as(self.model.model_fields[field], field)}
            if count := sum(n for shape, n in self._shapes.items() if choices.isdisjoint(shape)):
                missing.append(
                    f'{document}: key "{key}" is missing in {count} of {total} {self.name}'
                )
        return missing + drift_of(document, unknown, f"unknown keys in {self.name}")

    def _reject_one(self, index: int, reason: Reason) -> None:
        self._reasons.setdefault(index, []).append(reason)


def _sent_value(
    record: dict[str, Any], places: Sequence[tuple[str | int, ...]]
) -> tuple[tuple[str | int, ...], Any]:
    """Return the first place of a field that a record has, and the value there; else None."""
    for place in places:
        key, *rest = place
        found = record.get(str(key), PydanticUndefined)
        if rest:
            found = AliasPath(str(key), *rest).search_dict_for_path(record)
        if found is not PydanticUndefined:
            return place, found
    return places[0], None


def _without(found: Any, place: Sequence[str | int]) -> Any:
    """Return an object or list with None at a place; what is changed is copied."""
    if not place:
        return None
    copied: Any = copy(found)
    copied[place[0]] = _without(found[place[0]], place[1:])
    return copied


def _is_no_number(value: Any) -> bool:
    """Return whether a value is a boolean, or a text with what only Python reads: 1_000."""
    return isinstance(value, bool) or (isinstance(value, str) and "_" in value)


def _is_inexact(value: Any) -> bool:
    """Return whether a value may be another whole number: 1.000, or a float beyond its digits."""
    is_lost = isinstance(value, float) and abs(value) > MAX_EXACT
    return is_lost or (isinstance(value, str) and bool(_THOUSANDS.fullmatch(value)))


def _is_number(value: Any) -> bool:
    """Return whether a value is a number or a boolean, or a text that is a number."""
    is_text = isinstance(value, str)
    return bool(_NUMBER.fullmatch(value)) if is_text else isinstance(value, int | float | Decimal)


def _as_time(text: str) -> str | None:
    """Return a time of a program as ISO 8601 has it; None if it is none."""
    found = _OTHER_TIME.fullmatch(text.strip())
    if found is None:
        return None
    offset = "+00:00" if found[2] in ("Z", "UTC", "GMT") else found[2]
    with suppress(ValueError):
        return dt.datetime.fromisoformat(f"{found[1].replace(',', '.')}{offset}").isoformat()
    return None


def _values_of(keys: Sequence[str]) -> Callable[[BaseModel], tuple[Any, ...]]:
    """Return a function that returns the fields of a parsed record in the order of `keys`."""
    several = attrgetter(*keys)
    return several if len(keys) > 1 else lambda one: (several(one),)


def drift_of(document: str, found: Sequence[str], what: str) -> list[str]:
    """Prefix findings, called `what`, with their document; keep the first ones, count the rest."""
    lines = [f"{document}: {line}" for line in found[:MAX_DRIFT]]
    if len(found) > MAX_DRIFT:
        lines.append(f"{document}: {len(found) - MAX_DRIFT} more {what}")
    return lines


def violations(
    good: Mapping[str, pd.Series], otherwise: Mapping[str, str], sent: pd.DataFrame
) -> dict[int, dict[str, Reason]]:
    """Return why values are bad, by row and column; `good` says where they are not."""
    reasons: dict[int, dict[str, Reason]] = {}
    for name, is_good in good.items():
        for row, value in sent.loc[~is_good, name].items():
            text = shown(value.strip() if isinstance(value, str) else value)
            reason = Reason(f"{name}_invalid", f"{name} {otherwise[name]}: {text}")
            reasons.setdefault(int(str(row)), {})[name] = reason
    return dict(sorted(reasons.items()))


def shown(value: Any) -> str:
    """Format a value for messages: quoted, escaped and truncated."""
    text = as_json(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def as_json(value: Any) -> str:
    """Format a value as JSON, with letters as they were sent (£50), and escapes of others.

    These are control characters, lone surrogates, and marks of the direction of writing.
    """
    return _UNSHOWABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", as_sent(value))


_UNSHOWABLE = re.compile(
    "[\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff]"
)
_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(\.000)+\s*")
#: Forms of times that pydantic does not read: an offset of hours, behind a space or by name; basic.
_OTHER_TIME = re.compile(
    r"(\d{4}-?\d\d-?\d\d[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?)\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
)
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_UNNAMEABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
_UNWRITABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


def writable(text: str) -> str:
    """Replace control characters but line breaks, and lone surrogates."""
    return _UNWRITABLE.sub("?", text)


def is_name(value: Any) -> bool:
    """Return whether a value can be a name or key: a text that is not blank and fits an index.

    Control characters and lone surrogates are rejected: PostgreSQL or UTF-8 cannot have them.
    """
    return is_text(value, 200, _UNNAMEABLE)


def is_text(value: Any, max_length: int, never: re.Pattern[str] = _UNWRITABLE) -> bool:
    """Return whether a value is text: not blank or too long, no control characters but newlines."""
    is_filled = isinstance(value, str) and len(value) <= max_length and value.strip() != ""
    return is_filled and never.search(value) is None
