"""Numbers, dates and headings for people; tables show dates in the form of the browser."""

import math
from typing import Any

import pandas as pd

#: Shown for a number that is not known.
UNKNOWN = "—"
AGE_UNITS = ((86_400 * 2, 86_400, "days"), (3_600 * 2, 3_600, "h"), (0, 60, "min"))
#: The format of a time of day, as of `strftime`.
CLOCK = "%H:%M"
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
    **{f"_{one}": f", {one.upper()}" for one in ("eur", "gbp", "usd")},
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
    """Write a date for people: `25 Nov 2026`."""
    if day is None or pd.isna(day):
        return UNKNOWN
    return f"{day:{day_format(has_year=has_year)}}"


def as_time(at: Any) -> str:
    """Write an instant for people, with its age: `25 Nov, 04:17 UTC (3 h ago)`."""
    if at is None or pd.isna(at):
        return UNKNOWN
    moment = pd.Timestamp(at).tz_convert("UTC")
    now = pd.Timestamp.now("UTC")
    age = max(0.0, (now - moment).total_seconds())
    size, name = next((size, name) for least, size, name in AGE_UNITS if age >= least)
    day = as_day(moment, has_year=moment.year != now.year)
    return f"{day}, {moment:{CLOCK}} UTC ({age // size:.0f} {name} ago)"


def day_format(*, has_year: bool = True, has_weekday: bool = False) -> str:
    """Return the format of a date for charts, as of `strftime`."""
    return f"{'%a ' if has_weekday else ''}%-d %b{' %Y' if has_year else ''}"


def heading(name: str) -> str:
    """Return the name of a column as a heading: `Price amount`, `Energy, kWh`."""
    for ending, words in ENDINGS.items():
        if name.endswith(ending):
            name = name.removesuffix(ending) + words
            break
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
