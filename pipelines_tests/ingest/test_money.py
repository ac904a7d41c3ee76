"""Prices, and what only looks like one."""

from decimal import Decimal

import pytest

from pipelines.ingest.money import parse_price


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        *(("£35", "GBP", "35.00"), ("£1,234.50", "GBP", "1234.50"), ("35 €", "EUR", "35.00")),
        *(("$1.234,50", "USD", "1234.50"), ("1\u00a0234,50\u00a0€", "EUR", "1234.50")),
        *(("1\u202f234\u202f567,5 €", "EUR", "1234567.50"), ("1'234.50 CHF", "CHF", "1234.50")),
        *(("USD 12.3", "USD", "12.30"), ("£1,234,567", "GBP", "1234567.00")),
        *(("¥12,000", "JPY", "12000.00"), ("₹99", "INR", "99.00"), ("A$20", "AUD", "20.00")),
        *(("KWD 12.50", "KWD", "12.50"), (" £7 ", "GBP", "7.00")),
        *(("\u200e\u20ac12", "EUR", "12.00"), ("CHF 1\u2019234.50", "CHF", "1234.50")),
        *(("₹12,34,567.5", "INR", "1234567.50"), ("PKR 1,23,456", "PKR", "123456.00")),
        *(("Rs. 99,999", "INR", "99999.00"), ("US$1,234", "USD", "1234.00")),
    ],
)
def test_a_price_is_a_currency_and_an_exact_amount(text: str, currency: str, amount: str) -> None:
    assert parse_price(text) == (currency, Decimal(amount))


@pytest.mark.parametrize(
    "text",
    [
        "", "free", "35", "£", "£-5", "-£5", "35-40 €", "£35 €", "kr 100", "35 FOO", "£1.2.3",
        "£1,23,456", "£1,234,50", "1\u00a0234\u202f567 €", "£1,234.567", "KWD 1.234", "£ 3 5",
        "£\u0663\u0665", "£1e9", "£" + "9" * 60, "from £35",
        "£0", "0,00 €", "£0.005", "£0,500", "€012.345",
    ],
)  # fmt: skip
def test_text_that_is_not_entirely_a_price_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"price|currency|alike|thousands|lakhs"):
        parse_price(text)


@pytest.mark.parametrize(
    ("text", "country", "currency"),
    [("kr 100", "SE", "SEK"), ("100 kr", "NO", "NOK"), ("$5", "CA", "CAD"), ("£5", "SE", "GBP")],
)
def test_the_country_decides_an_ambiguous_sign(text: str, country: str, currency: str) -> None:
    assert parse_price(text, country)[0] == currency


def test_rupees_of_another_country_are_not_those_of_india() -> None:
    with pytest.raises(ValueError, match="ambiguous or unknown"):
        parse_price("Rs. 5,000", "PK")
