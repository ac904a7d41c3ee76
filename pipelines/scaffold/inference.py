"""Propose models, keys and types from sample data. What the data cannot decide is a doubt."""

from __future__ import annotations

import datetime as dt
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, combinations, count, product
from typing import Any

import pandas as pd

from pipelines.ingest.contract import is_name
from pipelines.ingest.identifiers import NO_TEXT, WORDS
from pipelines.ingest.models import is_column_name

#: Records of a sample, fields tried as a key, and levels of a document that are looked at.
MAX_RECORDS, MAX_KEY_CANDIDATES, MAX_DEPTH = 1_000, 20, 3
#: Share of values that may be bad in a sample; of more than a few values, one may be.
MAX_BAD, FEW = 0.1, 4
#: Bytes of a name, which PostgreSQL cuts at 63.
MAX_NAME = 55
#: Texts that may be longer are no names or keys. Digits that a float keeps.
LONG_TEXT, FLOAT_DIGITS = 100, 15
#: Names that stand for something else where models are.
TAKEN = frozenset(("dt", "isobar", "int", "float", "str", "bool", "list", "dict"))
LIKE_A_KEY = re.compile(r"(^|_)(id|key|code|no|nr|number|uuid|sku|ref)$")
LIKE_A_TIME = re.compile(r"(^|_)(at|time|date|day|on|hour|timestamp)($|_)")
LIKE_MONEY = re.compile(r"(^|_)(amount|cost|fee|price|total)($|_)")
CURRENCY = re.compile(r"(^|_)(eur|usd|gbp|chf|sek|nok|dkk|pln|czk|jpy|cny|inr|aud|cad)($|_)")
CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?"
LOCAL_DATE = r"[0-3]?\d([./-])[0-3]?\d\1\d{4}( \d\d?:\d\d.*)?"
LOCAL_NUMBER = r"[+-]?\d{1,3}(\.?\d{3})*,\d+|[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
PARSE = "As it is, it is a text. A pydantic.BeforeValidator can parse it."
#: Types by what their texts look like, each with the doubt that it leaves. The last two are dates
#: and numbers as people write them, which no type reads.
TYPES = (
    ("int", r"[+-]?(0|[1-9]\d{0,17})", ""),
    ("float", r"[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|-?inf", ""),
    ("bool", "(?i:true|false)", ""),
    ("dt.date", r"\d{4}-\d\d-\d\d", ""),
    ("AwareDatetime", CLOCK + r" ?(Z|z|UTC|[+-]\d\d(:?\d\d)?)", ""),
    ("NaiveDatetime", CLOCK, "without a UTC offset, stored as sent: in which time zone?"),
    ("local date", LOCAL_DATE, f"a date, of the day or of the month first? {PARSE}"),
    ("local number", LOCAL_NUMBER, f"a number with commas? {PARSE}"),
)
#: Types of a sample whose sender writes numbers without quotation marks.
NUMBERS = (int, float, Decimal)
TIMES = ("dt.date", "AwareDatetime", "NaiveDatetime", "local date")


@dataclass
class ProposedField:
    """A field of a record: what it is called, its type, and what is in doubt."""

    name: str
    sent: str
    kind: str
    is_optional: bool
    doubts: list[str] = field(default_factory=list)
    #: Texts that mean a missing value.
    missing: list[str] = field(default_factory=list)


@dataclass
class ProposedRecords:
    """Records of one kind: where their list is, their fields, and the key; empty if not sure."""

    at: str
    name: str
    fields: list[ProposedField]
    key: tuple[str, ...]
    count: int
    doubts: list[str]


def propose(content: Any, name: str) -> list[ProposedRecords]:
    """Propose records for a parsed sample: a list, or a document with lists of objects.

    Raises `ValueError` if there is no list of objects in it.
    """
    lists = sorted(_lists(content), key=lambda one: -len(one[1]))
    if not lists:
        raise ValueError("there is no list of records in it")
    found: list[ProposedRecords] = []
    for at, records in lists:
        plain = identifier(at.rpartition(".")[2] or name)
        found += [_propose_records(at, _unique(plain, {one.name for one in found}), records)]
    return found


def _unique(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number behind it if others have it."""
    numbered = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def identifier(text: str) -> str:
    """Return a name of a field or table: lower case, ASCII, with underscores."""
    plain = text.replace("\u00b5", "u").replace("\u03bc", "u").replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9]{2})(?=[A-Z])", "_", plain)  # but kWh is one word
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
    fields: list[ProposedField] = []
    texts: dict[str, pd.Series] = {}
    good = pd.Series(True, range(len(records)))
    able: list[str] = []
    times: list[str] = []
    has_numbers = any(type(one) in NUMBERS for record in records for one in record.values())
    for key in dict.fromkeys(key for record in records for key in record):
        values = pd.Series([record.get(key) for record in records], dtype=object)
        present = values[values.notna() & (values != "")]
        kind, doubts, bad = _type(present)
        if kind == "int" and has_numbers and {*map(type, present)} == {str}:
            kind, doubts = "str", ["digits in quotation marks, as of codes: is it a number?"]
        one = _propose_field(key, kind, doubts, present)
        one.name = _unique(one.name, {other.name for other in fields})
        markers = (
            {*present[present.isin(NO_TEXT | WORDS)]} if one.kind in ("str", "Text") else set()
        )
        one.missing = sorted(markers & WORDS)
        one.doubts += [f"{text!r} is taken for no value: is it a word?" for text in one.missing]
        one.is_optional = bool(markers) or len(present) < len(values)
        if not one.is_optional and len(values) < 5:
            one.doubts.append("is it ever missing?")
        fields.append(one)
        texts[one.name], good[bad] = values.map(str), False
        is_time = kind in TIMES or LIKE_A_TIME.search(one.name)
        is_key = kind == "str" or LIKE_A_KEY.search(one.name)
        if not one.is_optional and kind in ("str", "int", *TIMES) and (is_time or is_key):
            able.append(one.name)
            times += [one.name] if is_time else []
    table = pd.DataFrame(texts)
    names = _key(able, times, table[good] if good.any() else table)
    doubt = f"a later record with the same {' and '.join(names)} replaces this one: is that right?"
    if not names:
        doubt = "no field or pair of them identifies a record of the sample: what does?"
    return ProposedRecords(at, name, fields, names, len(records), [doubt])


def _key(able: list[str], times: list[str], values: pd.DataFrame) -> tuple[str, ...]:
    """Return a field or a pair that no two different records share; nothing if there is none.

    Those that are called like a key come first, then texts, each alone or with a time. A time alone
    identifies something only where no text can name what it is the time of.
    """
    distinct = values.drop_duplicates()
    keys = [one for one in able if LIKE_A_KEY.search(one)][:MAX_KEY_CANDIDATES]
    texts = [one for one in able if one not in times][:MAX_KEY_CANDIDATES]
    of_texts = (zip(texts, strict=True), product(texts, times), combinations(texts, 2))
    of_times = (zip(times, strict=True), combinations(times, 2))
    candidates = chain(
        *(zip(keys, strict=True), combinations(keys, 2), product(keys, times)),
        *((of_texts if texts else of_times) if len(distinct) > 1 else ()),
    )
    return next((one for one in candidates if not distinct.duplicated([*one]).any()), ())


def _propose_field(sent: str, kind: str, doubts: list[str], present: pd.Series) -> ProposedField:
    name = identifier(sent)
    if kind in ("int", "float", "Decimal") and LIKE_MONEY.search(name):
        kind = "Decimal"
        doubts = [] if CURRENCY.search(name) else ["in which currency? Put it into the name."]
    if kind.startswith("local"):
        kind = "str"
    is_short = all(is_name(one) and len(one) <= LONG_TEXT for one in map(str, present))
    if kind == "str" and not is_short:
        kind = "Text"
        doubts = [*doubts, "long, or with line breaks; as a name it would be rejected"]
    return ProposedField(name, sent, kind, False, doubts)


def _type(present: pd.Series) -> tuple[str, list[str], Any]:
    """Return the type of values, doubts, and the index of those that are of another type."""
    types, none = {*map(type, present)}, present.index[:0]
    if not types:
        return "str", ["it is empty in the sample: which type?"], none
    if dict in types:
        return "dict[str, Any]", ["an object, stored as JSON"], none
    if list in types:
        return "list[Any]", ["a list, stored as JSON"], none
    if types == {dt.datetime} and all(one.time() == dt.time() for one in present):
        return "dt.date", ["always at midnight in the sample: is it a day?"], none
    texts = present.map(lambda one: one.isoformat() if isinstance(one, dt.date) else str(one))
    for kind, pattern, doubt in TYPES:
        bad = texts[~texts.str.fullmatch(pattern)]
        if len(bad) > max(MAX_BAD * len(texts), len(texts) > FEW):
            continue
        doubts = [doubt] if doubt else []
        if kind == "float" and types == {str} and texts.str.isdecimal().all():
            return "str", ["digits, more than an integer has: is it a name?"], none
        if len(bad):
            doubts.append(f"{len(bad)} of {len(texts)} are no {kind}, such as {bad.iloc[0][:20]!r}")
        is_long = texts.str.count(r"\d").max() > FLOAT_DIGITS
        is_exact = Decimal in types or (float not in types and is_long)
        return "Decimal" if kind == "float" and is_exact else kind, doubts, bad.index
    return "str", [], none
