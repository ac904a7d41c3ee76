"""Convert lines of a shipments file to rows: pure functions of data to data.

The contract: one line per article, with tracking_number, carrier, sender_address, receiver_address,
article_name, article_quantity (1 or more), article_price (per piece, at most two decimals, or three
after a point if SHIPMENTS_CURRENCY has them, no currency), sku, status, and perhaps promised_on
(2026-12-24, or empty). A shipment is a tracking number of a carrier. Rules about several lines of
one shipment are checked in SQL.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from itertools import filterfalse
from typing import Any

import pandas as pd

from pipelines.ingest.contract import is_name, is_text, shown, violations
from pipelines.ingest.csv_files import Batch
from pipelines.ingest.feeds import Context, Parsed
from pipelines.ingest.identifiers import (
    DAMAGED,
    IS_DAMAGED,
    NOTHING,
    UNSURE,
    WORDS,
    cleaned_all,
    storable,
)
from pipelines.ingest.money import decimals_of
from pipelines.ingest.parsers import Csv
from pipelines.ingest.reasons import Reason
from pipelines.warehouse.connection import RECORD

COLUMNS = (
    "tracking_number",
    "carrier",
    "sender_address",
    "receiver_address",
    "article_name",
    "article_quantity",
    "article_price",
    "sku",
    "status",
    "promised_on",
)
OPTIONAL = ("promised_on",)
#: What senders write for no promised day, beside nothing and `n/a`.
NO_DAYS = ("0000-00-00", "0001-01-01", "1900-01-01", "1970-01-01", "9999-12-31")
NO_PROMISE = frozenset(("", *NO_DAYS, *NOTHING))
KEY = ("tracking_number", "carrier", "sku")
IDENTIFIERS = ("tracking_number", "sku")
#: Statuses as carriers write them, in lower case and with _ between words.
OTHER_WORDS = {
    "canceled": "cancelled",
    "delivered": "delivery",
    "dl": "delivery",
    "in": "inbound_scan",
    "inbound": "inbound_scan",
    "inboundscan": "inbound_scan",
    "intransit": "in_transit",
    "it": "in_transit",
    "returned_to_sender": "returned",
    "sc": "scanned",
    "scan": "scanned",
    "tr": "in_transit",
    "transit": "in_transit",
}
MAX_PIECES = 1_000_000
MAX_ADDRESS_CHARACTERS = 500
MAX_AMOUNT = 99_999_999.99
NAMES = ("tracking_number", "carrier", "article_name", "sku", "status")
ADDRESSES = ("sender_address", "receiver_address")
#: What a value is that violates the contract.
OTHERWISE = {
    **dict.fromkeys(NAMES, "is not a name"),
    **dict.fromkeys(ADDRESSES, "is not an address"),
    "article_quantity": f"is not a whole number from 1 to {MAX_PIECES:,}",
    "article_price": "is not an amount, or has more decimals than its currency",
    "promised_on": "is not a date such as 2026-12-24",
}


def read_lines(batch: Batch, context: Context) -> Parsed:
    """Convert records of a file to rows of `stage_lines` and rejects."""
    statuses = parse_statuses(context.settings.statuses)
    given = batch.sent.reindex(columns=COLUMNS, fill_value="")
    sent = given.apply(cleaned_all)
    quantities = _whole_numbers(sent["article_quantity"])
    amounts = _amounts(sent["article_price"], context.settings.currency)
    is_address = partial(is_text, max_length=MAX_ADDRESS_CHARACTERS)
    good = {name: _each(sent[name], is_name) for name in NAMES}
    good |= {name: _each(sent[name], is_address) for name in ADDRESSES}
    good["article_quantity"] = quantities.between(1, MAX_PIECES).fillna(value=False).astype(bool)
    good["article_price"] = amounts.astype("float64").le(MAX_AMOUNT)
    days = {text: _date(text) for text in sent["promised_on"].unique().tolist()}
    good["promised_on"] = _each(
        sent["promised_on"], lambda text: bool(days[text]) or text[:10] in NO_PROMISE
    )
    reasons = violations(good, OTHERWISE, given)
    for name in IDENTIFIERS:
        is_unsure = sent[name].str.fullmatch(UNSURE) | sent[name].isin(WORDS)
        is_damaged = sent[name].str.fullmatch(DAMAGED)
        for row in sent.index[is_unsure | is_damaged]:
            problem = IS_DAMAGED if is_damaged[row] else "is no identifier, or has lost a letter"
            words = f"{name} {problem}: {shown(sent.at[row, name])}"
            reasons.setdefault(row, {})[name] = Reason(f"{name}_invalid", words)
    normalized = {raw: normalize_status(raw, statuses) for raw in sent["status"].unique()}
    rows = sent.drop(columns=["article_quantity", "article_price"]).assign(
        status=sent["status"].map(normalized),
        status_raw=sent["status"],
        promised_on=sent["promised_on"].map(days),
        quantity=quantities,
        unit_price=amounts,
        record=batch.sent[RECORD],
    )
    rows = rows.drop(index=list(reasons))
    rows["raw"] = [storable(batch.raw(row)) for row in rows.index]
    why = {row: violated.values() for row, violated in reasons.items()}
    return batch.parsed({"stage_lines": rows}, why, lambda row: _key(sent, row))


#: Parses files of shipments.
parse = Csv(columns=COLUMNS, read=read_lines, optional=OPTIONAL)


def normalize_status(raw: str, statuses: Mapping[str, str]) -> str:
    """Normalize a status; one without letters or digits stays as sent.

    `statuses` maps statuses in their normalized form to known ones, before `OTHER_WORDS` does.
    """
    words = normalize_words(raw)
    return statuses.get(words) or OTHER_WORDS.get(words, words) or raw


def parse_statuses(pairs: str | None) -> dict[str, str]:
    """Parse SHIPMENTS_STATUSES: the known status of each further one, by its normalized form."""
    found = (pair.partition("=") for pair in (pairs or "").split(",") if pair.strip())
    return {normalize_words(status): meaning.strip() for status, _, meaning in found}


def normalize_words(raw: str) -> str:
    """Return words in lower case with _ between them: In-Transit becomes in_transit."""
    return re.sub(r"[\s_./-]+", "_", raw.strip().lower()).strip("_")


def _each(values: pd.Series, is_good: Callable[[Any], bool]) -> pd.Series:
    """Return which values are good; each distinct one is tested once."""
    return ~values.isin([*filterfalse(is_good, values.unique().tolist())])


def _whole_numbers(texts: pd.Series) -> pd.Series:
    """Parse `2`, and `2.0` from spreadsheets; `2.000` may be two thousand and is missing."""
    is_whole = texts.str.match(r"^[0-9]{1,9}(?:\.0{1,2})?$")
    return pd.to_numeric(texts.where(is_whole), errors="coerce").astype("Int64")


def _date(text: str) -> str | None:
    """Return `2026-12-24` of it or of it with a time behind it; None for anything else.

    No year before 2000 or from 2100 on is a promise.
    """
    if found := re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=$|[T ][0-9:.]+(?:Z|[+-][0-9:]+)?$)", text):
        with suppress(ValueError):
            day = date.fromisoformat(found[0])
            return day.isoformat() if 2000 <= day.year < 2100 else None
    return None


def _amounts(texts: pd.Series, currency: str | None) -> pd.Series:
    """Parse `25`, `25.5` and `25,50` into `25.00`, `25.50`; anything else is missing.

    This includes `1,250`, in which the comma may separate thousands. `1.250` is an amount of a
    currency with three decimals, such as KWD.
    """
    decimals = r"[.,][0-9]{1,2}"
    if currency and decimals_of(currency) == 3:
        decimals += r"|\.[0-9]{3}"
    pattern = re.compile(rf"([0-9]{{1,8}})({decimals})?")

    def amount(text: str) -> str | None:
        found = pattern.fullmatch(text)
        return f"{found[1]}.{(found[2] or '')[1:]:0<2}" if found else None

    return texts.map({one: amount(one) for one in texts.unique().tolist()}).astype("str")


def _key(sent: pd.DataFrame, index: int) -> tuple[str, ...] | None:
    """Return the key of the article that a bad line is about, or of its parcel, if it has one."""
    key = tuple(str(sent.at[index, name]) for name in KEY)
    if not (is_name(key[0]) and is_name(key[1])):
        return None
    return key if is_name(key[2]) else key[:2]
