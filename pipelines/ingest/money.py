"""Parse prices as people write them: an ISO 4217 currency and an exact decimal."""

import re
from decimal import Decimal
from functools import cache

LONGEST = 40
#: Of the direction of writing, invisible.
MARKS = re.compile("[\u200e\u200f\u061c]")
#: Digits before the decimals, as the columns of prices have them.
MAX_DIGITS = 14
_SIGN = r"[^\s\d.,'\u2019+-]{1,4}|[^\s\d.,'\u2019+-]{1,3}\."
_GROUPED = (
    r"[1-9][0-9]{0,2}(?:(?P<group>[,.'\u2019\u00a0\u2009\u202f ])[0-9]{3})(?:(?P=group)[0-9]{3})*"
)
#: Thousands, and then groups of two: a lakh is 1,00,000.
_LAKHS = r"(?P<lakhs>[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})"
OF_LAKHS = frozenset({"BDT", "INR", "LKR", "NPR", "PKR"})
#: How people write currencies that English has another symbol for.
RUPEES = ("Rs.", "Rs")
WRITTEN = {"US$": "USD", **dict.fromkeys(RUPEES, "INR")}
_PRICE = re.compile(
    rf"(?P<before>{_SIGN})?\s*(?P<whole>{_LAKHS}|{_GROUPED}|[0-9]+)"
    r"(?:(?P<point>[.,])(?P<cents>[0-9]{1,2}))?"
    rf"\s*(?P<after>{_SIGN})?"
)


def parse_price(text: str, country: str | None = None) -> tuple[str, Decimal]:
    """Parse `£1,234.50`, `35 €` or `1.234,50 EUR`; the currency is ISO 4217, the amount exact.

    `country` (ISO 3166 alpha-2) resolves ambiguous symbols; without it `$` is USD. A separator
    before three digits separates thousands. Raises `ValueError` for anything but one price with one
    currency, such as a range, a sign, words or nothing (`£0`).
    """
    match = _PRICE.fullmatch(MARKS.sub("", text).strip()) if len(text) <= LONGEST else None
    if match is None:
        raise ValueError(f"{text[:LONGEST]!r} is not a price")
    before, whole, lakhs, group, point, cents, after = match.group(
        "before", "whole", "lakhs", "group", "point", "cents", "after"
    )
    if bool(before) == bool(after):
        raise ValueError(f"{text!r} has {'more than one' if before else 'no'} currency")
    sign = before or after
    currency = _currency(sign, country)
    if currency is None:
        raise ValueError(f"{text!r} has a currency symbol that is ambiguous or unknown: {sign!r}")
    if lakhs:
        if currency not in OF_LAKHS:
            raise ValueError(f"{text!r} is grouped by lakhs, as {currency} is not")
        whole = whole.replace(",", "")
    if group:
        if point == group:
            raise ValueError(f"{text!r} has the same separator for thousands and decimals")
        if group in ".," and not point and decimals_of(currency) == 3:
            raise ValueError(f"{text!r} is ambiguous: thousands, or three decimals of {currency}")
        whole = whole.replace(group, "")
    if len(whole) > MAX_DIGITS:
        raise ValueError(f"{text!r} is larger than any price")
    amount = Decimal(f"{whole}.{cents or '00'}")
    if not amount:
        raise ValueError(f"{text!r} is nothing, and no price")
    return currency, amount


@cache
def _currency(sign: str, country: str | None) -> str | None:
    """Return the currency of a symbol or code, by the Unicode CLDR."""
    from babel.numbers import get_territory_currencies

    if country is not None:
        for code in get_territory_currencies(country):
            if sign in _local_symbols(code, country):
                return str(code)
    if sign in RUPEES and country not in (None, "IN"):
        return None  # of Pakistan, Sri Lanka, Nepal or others
    return _symbols().get(sign) or WRITTEN.get(sign)


@cache
def _symbols() -> dict[str, str]:
    """Return codes, and the symbols that English uses for a single currency."""
    from babel.numbers import get_currency_symbol, list_currencies

    codes = {code: code for code in list_currencies()}
    return {get_currency_symbol(code, locale="en"): code for code in codes} | codes


def _local_symbols(code: str, country: str) -> set[str]:
    """Return how a country writes its currency, in each of its languages."""
    from babel import Locale, UnknownLocaleError
    from babel.languages import get_official_languages
    from babel.numbers import get_currency_symbol

    found = set()
    for language in get_official_languages(country, de_facto=True):
        try:
            found.add(get_currency_symbol(code, locale=Locale.parse(f"{language}_{country}")))
        except UnknownLocaleError:
            continue
    return found


def decimals_of(currency: str) -> int:
    """Return how many decimals the amounts of a currency have, by the Unicode CLDR."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency))
