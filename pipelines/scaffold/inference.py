"""Propose models, keys and types from sample data. What the data cannot decide is a doubt."""

from __future__ import annotations

import datetime as dt
import json
import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations, count
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from pipelines.ingest.contract import is_name
from pipelines.ingest.models import is_column_name

#: Records of a sample that are looked at.
MAX_RECORDS = 1_000
#: Levels of a document at which lists are looked for.
MAX_DEPTH = 3
#: Share of values that may be bad in a sample; of more than a few values, one may be.
MAX_BAD, FEW = 0.1, 4
#: Fields that may be tried together as a key.
MAX_KEY_CANDIDATES = 8
LIKE_A_KEY = re.compile(r"(^|_)(id|key|code|no|nr|number|uuid|sku|ref)$")
LIKE_MONEY = re.compile(r"(^|_)(amount|cost|fee|price|total)($|_)")
#: Names that stand for something else where models are.
TAKEN = frozenset(("dt", "isobar", "int", "float", "str", "bool", "list", "dict"))
#: Bytes of a name, which PostgreSQL cuts at 63.
MAX_NAME, MAX_FIELDS = 55, 1_000
CURRENCY = re.compile(r"(^|_)(eur|usd|gbp|chf|sek|nok|dkk|pln|czk|jpy|cny|inr|aud|cad)($|_)")
#: What names of numbers with a fraction end in, so that a reader knows the unit.
UNIT = re.compile(
    r"(^|_)(a|amount|bar|celsius|chf|cm|cm3|cost|count|db|degrees|eur|feet|gbp|gb|grams?|hours|hpa"
    r"|index|kg|km|kmh|kw|kwh|lat|latitude|litres?|lng|lon|longitude|m|m2|m3|mb|meters?|metres?|minutes|mm|mph"
    r"|ms|ohm|pa|pct|percent|ppb|ppm|rate|rating|ratio|score|seconds|sek|share|tonnes?|usd|v|w|wh"
    r"|\w+_per_\w+)$"
)
TIME_TYPES = ("dt.date", "AwareDatetime", "NaiveDatetime")
#: Types of fields that may identify a record.
KEY_TYPES = ("str", "int", *TIME_TYPES)
#: Texts that may be longer are no names or keys.
LONG_TEXT = 100
#: Digits that a float keeps.
FLOAT_DIGITS = 15
LIKE_A_TIME = re.compile(r"(^|_)(at|time|date|day|on|hour|timestamp)($|_)")
WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
#: Dates and numbers as people write them, which no type reads.
LOCAL_DATE = re.compile(r"[0-3]?\d([./-])[0-3]?\d\1\d{4}( \d\d?:\d\d.*)?")
LOCAL_NUMBER = re.compile(r"[+-]?\d{1,3}(\.?\d{3})*,\d+|[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
PARSE = "As it is, it is a text. A pydantic.BeforeValidator can parse it."
AWARE: TypeAdapter[dt.datetime] = TypeAdapter(AwareDatetime)


@dataclass
class ProposedField:
    """A field of a record: what it is called, its type, and what is in doubt."""

    name: str
    sent: str
    kind: str
    is_optional: bool
    example: str
    doubts: list[str] = field(default_factory=list)


@dataclass
class ProposedRecords:
    """Records of one kind: where their list is, their fields, and the key."""

    at: str
    name: str
    fields: list[ProposedField]
    key: tuple[str, ...]
    count: int
    doubts: list[str] = field(default_factory=list)


def propose(content: Any, name: str) -> list[ProposedRecords]:
    """Propose records for a parsed sample: a list, or a document with lists of objects.

    Raises `ValueError` if there is no list of objects in it.
    """
    lists = dict(_lists(content))
    if not lists:
        raise ValueError("there is no list of records in it")
    longest = sorted(lists.items(), key=lambda one: -len(one[1]))
    found: list[ProposedRecords] = []
    for at, records in longest:
        proposed = _propose_records(at, at.rpartition(".")[2] or name, records)
        proposed.name = _unique(proposed.name, {one.name for one in found})
        found.append(proposed)
    return found


def _unique(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number behind it if others have it."""
    numbered = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def identifier(text: str) -> str:
    """Return a name of a field or table: lower case, ASCII, with underscores."""
    plain = text.replace("\u00b5", "u").replace("\u03bc", "u").replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    plain = re.sub(r"\W+|_+", "_", plain).strip("_").lower()[:MAX_NAME].strip("_") or "field"
    is_bad = plain[0].isdigit() or keyword.iskeyword(plain) or plain.startswith("model_")
    is_bad = is_bad or plain in TAKEN or not is_column_name(plain)
    return f"field_{plain}" if is_bad else plain


def _lists(content: Any, at: str = "", depth: int = 0) -> Iterable[tuple[str, list[Any]]]:
    """Yield the lists of objects in a document, each with its place."""
    if isinstance(content, list):
        if any(isinstance(one, dict) for one in content):
            yield at, [one for one in content if isinstance(one, dict)][:MAX_RECORDS]
    elif isinstance(content, dict) and depth < MAX_DEPTH:
        for key, value in content.items():
            if isinstance(key, str) and "." not in key:
                yield from _lists(value, f"{at}.{key}" if at else key, depth + 1)


def _propose_records(at: str, name: str, records: Sequence[Mapping[str, Any]]) -> ProposedRecords:
    names = [*dict.fromkeys(key for record in records for key in record)]
    if len(names) > MAX_FIELDS:
        raise ValueError(f"a record has more than {MAX_FIELDS:,} fields")
    fields, taken = [], set[str]()
    for sent in names:
        proposed = _propose_field(sent, [record.get(sent) for record in records])
        proposed.name = _unique(proposed.name, taken)
        taken.add(proposed.name)
        fields.append(proposed)
    found = ProposedRecords(at, identifier(name), fields, (), len(records))
    good = [record for record in records if _is_good(record, fields)] or records
    by_name = {one.name: [record.get(one.sent) for record in good] for one in fields}
    found.key = _propose_key(fields, by_name)
    if not found.key:
        found.key = (fields[0].name,)
        fields[0].is_optional = False
        found.doubts.append("no fields are unique in the sample: what identifies a record?")
        return found
    for one in fields:
        is_named = LIKE_A_KEY.search(one.name) or LIKE_A_TIME.search(one.name)
        if one.kind == "int" and one.name in found.key and not is_named:
            one.doubts.append("part of the key: does it identify a record, or is it measured?")
    if len(records) < 20:
        found.doubts.append(f"the key is that of {len(records)} records: is it always unique?")
    return found


def _is_good(record: Mapping[str, Any], fields: Sequence[ProposedField]) -> bool:
    """Return whether each value is of the type of its field; bad ones may repeat others."""
    matchers = {kind: matches for kind, matches, _ in TYPES}
    return all(
        one.kind not in matchers or value in (None, "") or matchers[one.kind](str(value))
        for one in fields
        for value in [record.get(one.sent)]
        if not isinstance(value, bool)
    )


def _propose_key(
    fields: Sequence[ProposedField], values: Mapping[str, Sequence[Any]]
) -> tuple[str, ...]:
    """Return the fewest fields that are unique together, of those that are called like a key.

    If none are, times are tried beside them, and then all fields but measured values.
    """
    able = [
        one
        for one in fields
        if not one.is_optional and one.kind in KEY_TYPES
        if not all(LOCAL_NUMBER.fullmatch(str(value)) for value in values[one.name])
    ]
    keys = [one for one in able if LIKE_A_KEY.search(one.name)]
    times = [one for one in able if _is_time(one, values[one.name]) and one not in keys]
    others = [one for one in able if one not in (*keys, *times)]
    for some in (keys, [*keys, *times], [*keys, *times, *others]):
        for size in (1, 2, 3):
            for chosen in combinations(some[:MAX_KEY_CANDIDATES], size):
                together = [*zip(*(map(str, values[one.name]) for one in chosen), strict=True)]
                if len(set(together)) == len(together):
                    return tuple(one.name for one in fields if one in chosen)
    return ()


def _is_time(one: ProposedField, values: Sequence[Any]) -> bool:
    """Return whether a field is a date or a time, by its name, its type or its values."""
    is_named = bool(LIKE_A_TIME.search(one.name)) or one.kind in TIME_TYPES
    return is_named or all(LOCAL_DATE.fullmatch(str(value)) for value in values)


def _propose_field(sent: str, values: Sequence[Any]) -> ProposedField:
    present = [one for one in values if one is not None and one != ""]
    example = json.dumps(present[0], default=str, ensure_ascii=False)[:40] if present else ""
    example = example if example.isprintable() else ascii(example)
    kind, doubts = _propose_type(present)
    name = identifier(sent)
    if kind in ("int", "float", "Decimal") and LIKE_MONEY.search(name):
        is_clear = bool(CURRENCY.search(name))
        kind, doubts = "Decimal", ["in which currency? Put it into the name."]
    else:
        is_clear = kind in ("float", "Decimal") and bool(UNIT.search(name))
    if is_clear:
        doubts = doubts[1:]
    if kind == "str" and any(len(str(one)) > LONG_TEXT for one in present):
        kind, doubts = "Text", [*doubts, "a long text; as a name it would be rejected"]
    elif kind == "str" and not all(is_name(str(one)) for one in present):
        kind, doubts = "Text", [*doubts, "has line breaks; as a name it would be rejected"]
    is_optional = len(present) < len(values)
    if len(present) == len(values) and len(values) < 5:
        doubts.append("is it ever missing?")
    return ProposedField(name, sent, kind, is_optional, example, doubts)


def _propose_type(values: Sequence[Any]) -> tuple[str, list[str]]:
    """Return the type of values in Python, and doubts."""
    if not values:
        return "str", ["it is empty in the sample: which type?"]
    if all(isinstance(one, bool) for one in values):
        return "bool", []
    if any(isinstance(one, dict) for one in values):
        return "dict[str, Any]", ["an object, stored as JSON: are its fields worth columns?"]
    if any(isinstance(one, list) for one in values):
        return "list[Any]", ["a list, stored as JSON"]
    if all(isinstance(one, dt.datetime) for one in values):
        is_aware = all(one.tzinfo is not None for one in values)
        if not is_aware and all(one.time() == dt.time() for one in values):
            return "dt.date", ["always at midnight in the sample: is it a day?"]
        return ("AwareDatetime", []) if is_aware else ("NaiveDatetime", ["in which time zone?"])
    if all(isinstance(one, dt.date) for one in values):
        return "dt.date", []
    finite = [one for one in values if not isinstance(one, float) or math.isfinite(one)]
    kind, doubts = _type_of_texts([str(one) for one in finite or [0.5]])
    if kind != "float" or any(isinstance(one, float) for one in values):
        return kind, doubts
    if all(isinstance(one, str) and one.isdecimal() for one in values):
        return "str", ["digits, more than an integer has: is it a name?"]
    is_longer = any(sum(map(str.isdecimal, str(one))) > FLOAT_DIGITS for one in values)
    is_exact = is_longer or any(isinstance(one, Decimal) for one in values)
    return ("Decimal" if is_exact else "float"), doubts


def _type_of_texts(texts: Sequence[str]) -> tuple[str, list[str]]:
    """Return the first type that nearly all texts have; the others would be rejected."""
    for kind, matches, doubt in TYPES:
        bad = [one for one in texts if not matches(one)]
        if len(bad) <= max(MAX_BAD * len(texts), len(texts) > FEW):
            doubts = [doubt] if doubt else []
            if bad:
                doubts.append(f"{len(bad)} of {len(texts)} are no {kind}, such as {bad[0][:20]!r}")
            return kind, doubts
    if all(LOCAL_DATE.fullmatch(one) for one in texts):
        return "str", [f"a date, of the day or of the month first? {PARSE}"]
    if all(LOCAL_NUMBER.fullmatch(one) for one in texts):
        return "str", [f"a number with commas? {PARSE}"]
    return "str", []


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_aware(text: str) -> bool | None:
    """Return whether a time has an offset; None if it is no time."""
    try:
        AWARE.validate_python(text)
    except ValidationError as error:
        return False if error.errors()[0]["type"] == "timezone_aware" else None
    return True


def _has_offset(text: str, *, expected: bool) -> bool:
    return bool(TIME.fullmatch(text)) and _is_aware(text) is expected


#: Types of texts: how each is matched, and the doubt that it leaves.
TYPES: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("int", lambda text: bool(WHOLE.fullmatch(text)), ""),
    (
        "float",
        lambda text: bool(NUMBER.fullmatch(text)),
        "a number: which unit? Put it into the name.",
    ),
    ("bool", lambda text: text.lower() in ("true", "false"), ""),
    ("dt.date", lambda text: bool(DATE.fullmatch(text)) and _is_date(text), ""),
    ("AwareDatetime", lambda text: _has_offset(text, expected=True), ""),
    (
        "NaiveDatetime",
        lambda text: _has_offset(text, expected=False),
        "without a UTC offset: in which time zone?",
    ),
)
