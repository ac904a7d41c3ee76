"""Prices, and what only looks like one."""

from decimal import Decimal

import pytest

from pipelines.core.money import parse_price


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("£35", "GBP", "35.00"),
        ("£1,234.50", "GBP", "1234.50"),
        ("35 €", "EUR", "35.00"),
        ("$1.234,50", "USD", "1234.50"),
        ("1 234,50 €", "EUR", "1234.50"),
        ("1\u00a0234\u202f567,5 €", "EUR", None),
        ("USD 12.3", "USD", "12.30"),
        ("£1,234", "GBP", "1234.00"),
        ("£1,234,567", "GBP", "1234567.00"),
        (" £7 ", "GBP", "7.00"),
    ],
)
def test_a_price_is_a_currency_and_an_exact_amount(
    text: str, currency: str, amount: str | None
) -> None:
    if amount is None:
        with pytest.raises(ValueError, match="not a price"):
            parse_price(text)
        return
    assert parse_price(text) == (currency, Decimal(amount))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "free",
        "35",
        "£",
        "£-5",
        "35-40 €",
        "£35 €",
        "kr 100",
        "£1.2.3",
        "£1,23,456",
        "£1,234,50",
    ],
)
def test_what_is_not_wholly_a_price_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"price|currency|alike"):
        parse_price(text)
