"""Prices as people write them: an ISO 4217 currency and an exact decimal."""

import re
from decimal import Decimal

LONGEST = 40
CURRENCIES = {"£": "GBP", "€": "EUR", "$": "USD"}
_SIGN = r"[£€$]|[A-Z]{3}"
_GROUPED = r"\d{1,3}(?:(?P<group>[,.'\u00a0\u202f ])\d{3})(?:(?P=group)\d{3})*"
_PRICE = re.compile(
    rf"(?P<before>{_SIGN})?\s*(?P<whole>{_GROUPED}|\d+)(?:(?P<point>[.,])(?P<cents>\d{{1,2}}))?"
    rf"\s*(?P<after>{_SIGN})?"
)


def parse_price(text: str) -> tuple[str, Decimal]:
    """Read `£1,234.50`, `35 €` or `1.234,50 EUR`; the currency is ISO 4217, the amount exact.

    Raises `ValueError` for whatever is not wholly one price with one currency: a range, a sign,
    words. A single separator before three digits separates thousands.
    """
    match = _PRICE.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise ValueError(f"{text!r} is not a price")
    signs = [sign for sign in (match["before"], match["after"]) if sign]
    if len(signs) != 1:
        raise ValueError(f"{text!r} has {'no' if not signs else 'more than one'} currency")
    if match["point"] and match["point"] == match["group"]:
        raise ValueError(f"{text!r} separates thousands and decimals alike")
    whole = re.sub(r"\D", "", match["whole"])
    currency = CURRENCIES.get(signs[0], signs[0])
    return currency, Decimal(f"{whole}.{match['cents'] or '00'}")
