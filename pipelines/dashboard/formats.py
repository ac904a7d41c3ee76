"""Numbers, dates and headings for people; dates in the form of the visitor's browser.

Texts are in English, so the month of a date is, too: of the visitor's form, they have the order of
day and month, and the clock of 12 or 24 hours. Tables and inputs use the form as it is.
"""

import math
import re
from functools import cache
from typing import Any

import pandas as pd
import streamlit as st
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_skeleton

#: Shown for a number that is not known.
UNKNOWN = "—"
AGE_UNITS = ((86_400 * 2, 86_400, "days"), (3_600 * 2, 3_600, "h"), (0, 60, "min"))
#: The order of a date for a visitor whose browser does not say its language.
BRITISH = "en-GB"
#: Ends of names of columns, and the units or words that they stand for.
ENDINGS = {
    "_kwh": ", kWh",
    "_wh_per_m2": ", Wh/m²",
    "_celsius": ", °C",
    "_kmh": ", km/h",
    "_minutes": ", min",
    "_hours": ", h",
    "_pct": ", %",
    "_at": ", UTC",
    "_on": "",
    "_local": ", local",
}


def as_number(value: Any, unit: str = "", decimals: int = 0, *, sign: bool = False) -> str:
    """Write a number for people: thousands separated, millions short, `%` of a share."""
    if value is None or pd.isna(value):
        return UNKNOWN
    if unit == "%":
        return as_percent(value, sign=sign)
    number, short = float(value), ""
    if abs(number) >= 1_000_000:
        number, short, decimals = number / 1_000_000, " million", 1
    text = f"{number:{'+' if sign else ''},.{decimals}f}"
    if unit in ("£", "€", "$"):
        return f"{unit}{text}{short}" if number >= 0 and not sign else f"{text}{short} {unit}"
    return f"{text}{short} {unit}".rstrip()


def as_percent(share: Any, *, sign: bool = False) -> str:
    """Write a share of 1 in percent, with two significant digits; only all of it is 100 %."""
    if share is None or pd.isna(share):
        return UNKNOWN
    percent = 100 * float(share)
    if 99.5 <= percent < 100:
        return f"{'+' if sign else ''}{math.floor(10 * percent) / 10:.1f} %"
    decimals = 0 if percent == 0 else max(0, 1 - math.floor(math.log10(abs(percent))))
    return f"{percent:{'+' if sign else ''},.{min(decimals, 2)}f} %"


def as_day(day: Any, *, has_year: bool = True) -> str:
    """Write a date for people: `25 Nov 2026`, or `Nov 25, 2026` for a visitor from the US."""
    if day is None or pd.isna(day):
        return UNKNOWN
    return format_skeleton("yMMMd" if has_year else "MMMd", day, locale=_english())


def as_time(at: Any) -> str:
    """Write an instant for people, with its age: `25 Nov, 04:17 UTC (3 h ago)`."""
    if at is None or pd.isna(at):
        return UNKNOWN
    moment = pd.Timestamp(at).tz_convert("UTC")
    now = pd.Timestamp.now("UTC")
    age = max(0.0, (now - moment).total_seconds())
    size, name = next((size, name) for least, size, name in AGE_UNITS if age >= least)
    day = as_day(moment, has_year=moment.year != now.year)
    return f"{day}, {moment:{clock()}} UTC ({age // size:.0f} {name} ago)"


def day_format(*, has_year: bool = True, has_weekday: bool = False) -> str:
    """Return the format of a date for charts, as of `strftime`."""
    is_month_first = _english().date_formats["medium"].pattern.startswith("M")
    day = "%b %-d" if is_month_first else "%-d %b"
    comma = "," if is_month_first else ""
    weekday = f"%a{comma} " if has_weekday else ""
    return f"{weekday}{day}{f'{comma} %Y' if has_year else ''}"


def clock() -> str:
    """Return the format of a time of day, as of `strftime`."""
    return "%-I:%M %p" if "a" in _english().time_formats["short"].pattern else "%H:%M"


def input_format() -> str:
    """Return the format of inputs of dates, as Streamlit names it: `DD/MM/YYYY`."""
    pattern = _locale(visitor()).date_formats["short"].pattern
    order = re.sub(r"[^dMy]", "", re.sub(r"([dMy])\1+", r"\1", pattern))
    letters = {"d": "DD", "M": "MM", "y": "YYYY"}
    if order not in ("dMy", "Mdy", "yMd"):
        order = "yMd"
    separator = next((one for one in pattern if one in "./-"), "-")
    return separator.join(letters[one] for one in order)


def heading(name: str) -> str:
    """Return the name of a column as a heading: `Price amount`, `Energy, kWh`."""
    for ending, words in ENDINGS.items():
        if name.endswith(ending):
            name = name.removesuffix(ending) + words
            break
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def visitor() -> str:
    """Return the language tag of the visitor's browser, such as `de-DE`."""
    return st.context.locale or BRITISH


def _english() -> Locale:
    """Return English as it is written where the visitor is."""
    return _english_of(_locale(visitor()).territory or "GB")


@cache
def _english_of(territory: str) -> Locale:
    try:
        return Locale.parse(f"en_{territory}")
    except UnknownLocaleError:
        return Locale.parse(BRITISH, sep="-")


@cache
def _locale(tag: str) -> Locale:
    """Return the locale of a language tag; one without a territory has its most likely one."""
    try:
        found = Locale.parse(tag, sep="-")
        likely = get_global("likely_subtags").get(found.language, BRITISH.replace("-", "_"))
        return found if found.territory else Locale.parse(likely)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(BRITISH, sep="-")
