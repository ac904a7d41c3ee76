"""Any text where a reader of texts stands: a value, or the one error that it names."""

from decimal import Decimal

from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipelines.failures import Failure, redact
from pipelines.ingest.countries import code_of_country
from pipelines.ingest.identifiers import as_sent, storable
from pipelines.ingest.money import parse_price
from pipelines.sources.shipments.addresses import read_address
from pipelines_tests.drills.fuzz import Verdicts, often, texts

COUNTRIES = sorted({code_of_country(name) or "" for name in ("DE", "GB", "US", "SE", "CH", "JP")})
#: Prices as sources write them: a form, filled in with a currency and an amount.
CURRENCIES = st.sampled_from(["EUR", "GBP", "USD", "SEK", "CHF", "JPY"])
AMOUNTS = st.decimals("0.01", 10**12, places=2)
FORMS = st.sampled_from(["{0} {1:,.2f}", "{1:.2f} {0}", "{0}{1:,.2f}"])
STATUSES = {"parsed", "partly_parsed", "unparsed", "unknown_country", "odd_postcode", "no_postcode"}


@often()
@given(
    texts
    | st.text(alphabet="0123456789.,' \u00a0£€$krFEURhu-", max_size=45)
    | st.builds(str.format, FORMS, CURRENCIES, AMOUNTS),
    st.sampled_from([None, *COUNTRIES]),
)
@example("1" * 40, None)
@example("€1.234,56", "DE")
@example("£35", None)
@example("$ 0.99", "US")
def test_a_price_has_currency_and_amount_or_is_rejected(
    verdicts: Verdicts, text: str, country: str | None
) -> None:
    with verdicts.count(ValueError):
        currency, amount = parse_price(text, country)
        assert len(currency) == 3
        assert amount.is_finite()
        assert amount > 0


@often()
@given(CURRENCIES, AMOUNTS, FORMS)
def test_a_price_that_is_written_is_read_as_it_was(
    currency: str, amount: Decimal, form: str
) -> None:
    assert parse_price(form.format(currency, amount)) == (currency, amount)


@often()
@given(texts | st.text(alphabet="A1b, ;\nß-é\u3012", max_size=500))
@example("1 " * 250)
@example("A1 1AA," * 70)
def test_an_address_is_always_read_and_nothing_is_made_up(text: str) -> None:
    address = read_address(text)
    assert address.status in STATUSES
    words = "".join(text.upper().split())
    for part in (address.street, address.postcode, address.city, address.country):
        assert part is None or part.strip()
        for word in (part or "").replace(",", " ").split():
            assert word.upper() in words


@often()
@given(texts)
def test_what_quarantine_stores_is_given_back(text: str) -> None:
    assume("\\x00" not in text)  # which is how a NUL is stored
    assert "\x00" not in storable(text)
    assert as_sent(storable(text)) == text


@often()
@given(st.lists(texts, max_size=3), texts, texts)
@example(["caf\udce9"], "", "")
def test_no_secret_is_left_and_every_failure_can_be_written(
    secrets: list[str], before: str, after: str
) -> None:
    secrets = [one for one in secrets if one]
    redacted = redact(f"{before}{''.join(secrets)}{after}", secrets)
    assert not any(one in redacted for one in secrets if "*" not in one and len(one) > 3)
    words = str(Failure("trains", redacted, place=after, remedy="Mend it."))
    words.encode()
    assert len(words.split("\n  where: ")) >= 2
    assert all(line.isprintable() for line in words.split("\n"))
