"""Addresses as they come, to their parts."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.ingest.countries import plain_name
from pipelines.sources.shipments.addresses import read_address

SHAPES = [
    # as the file writes them
    ("Street 1, 10115 Berlin, Germany", "Street 1", "10115", "Berlin", "DE"),
    # letters in postcodes
    ("1 Mall, SW1A 2AA London, United Kingdom", "1 Mall", "SW1A 2AA", "London", "GB"),
    ("1 Mall, London E14, Great Britain", "1 Mall", "E14", "London", "GB"),
    ("Flat 2, 14 High St, Oxford OX1 4AB, UK", "Flat 2, 14 High St", "OX1 4AB", "Oxford", "GB"),
    ("Gracht 1, 1016 BZ Amsterdam, The Netherlands", "Gracht 1", "1016 BZ", "Amsterdam", "NL"),
    ("2 Square, Dublin 2, D02 X285, Ireland", "2 Square", "D02 X285", "Dublin 2", "IE"),
    ("200 Bay St, Toronto, ON M5V 3L9, Canada", "200 Bay St", "M5V 3L9", "Toronto", "CA"),
    # hyphens, blanks, prefixes
    ("Rua 24, 1000-001 Lisboa, Portugal", "Rua 24", "1000-001", "Lisboa", "PT"),
    ("Gatan 1, SE-111 51 Stockholm, Sweden", "Gatan 1", "111 51", "Stockholm", "SE"),
    ("Shibuya 1-2, Tokyo 150-0002, Japan", "Shibuya 1-2", "150-0002", "Tokyo", "JP"),
    # states
    ("1 Main St, Springfield, IL 62701-1234, USA", "1 Main St", "62701-1234", "Springfield", "US"),
    ("5 George St, Sydney NSW 2000, Australia", "5 George St", "2000", "Sydney", "AU"),
    ("Av. 1000, São Paulo - SP, 01310-100, Brazil", "Av. 1000", "01310-100", "São Paulo", "BR"),
    # other orders and separators
    ("1011 Budapest, Fő utca 1, Hungary", "Fő utca 1", "1011", "Budapest", "HU"),
    ("Street 2 10115 Berlin, Germany", "Street 2", "10115", "Berlin", "DE"),
    ("Street 1\n10115 Berlin\nGermany", "Street 1", "10115", "Berlin", "DE"),
    ("  Street  1 ;10115  Berlin; GERMANY ", "Street 1", "10115", "Berlin", "DE"),
    ("Rue 1, 75001 Paris, 75001, France", "Rue 1", "75001", "Paris", "FR"),
    ("Stra&szlig;e 5, 80331 M&uuml;nchen, Germany", "Straße 5", "80331", "München", "DE"),
    ("1 Road, LONDON E1 7AA GBR", "1 Road", "E1 7AA", "LONDON", "GB"),
    ("Cd. 1, 34433 Beyoğlu/İstanbul, Türkiye", "Cd. 1", "34433", "Beyoğlu/İstanbul", "TR"),
]


@pytest.mark.parametrize(("address", "street", "postcode", "city", "code"), SHAPES)
def test_the_usual_formats_are_parsed_completely(
    address: str, street: str, postcode: str, city: str, code: str
) -> None:
    read = read_address(address)
    found = (read.street, read.postcode, read.city, read.country_code, read.status)
    assert found == (street, postcode, city, code, "parsed")


@pytest.mark.parametrize(
    ("address", "street", "city", "code"),
    [
        ("Street 2, Mashhad, Iran", "Street 2", "Mashhad", "IR"),
        ("2 Square, Dublin 2, Ireland", "2 Square", "Dublin 2", "IE"),
        ("1 Main St, Springfield, IL, USA", "1 Main St", "Springfield", "US"),
        ("Berlin, Germany", None, "Berlin", "DE"),
    ],
)
def test_an_address_without_a_postcode_has_its_city_and_country(
    address: str, street: str | None, city: str, code: str
) -> None:
    """A response that unpacked None crashed on these."""
    read = read_address(address)
    assert (read.street, read.postcode, read.city, read.country_code) == (street, None, city, code)
    assert read.status == "no_postcode"


@pytest.mark.parametrize(
    ("address", "postcode", "city", "country", "status"),
    [
        ("Street 1, 1234 Berlin, Germany", None, "Berlin", "Germany", "odd_postcode"),
        ("Street 1, 1234 Somewhere, Narnia", "1234", "Somewhere", "Narnia", "unknown_country"),
        ("Street 1, Somewhere", None, "Somewhere", None, "unknown_country"),
        ("San Francisco, CA", None, "San Francisco", None, "unknown_country"),
        ("Street 1, Germany", None, None, "Germany", "unparsed"),
        ("Baker Street 221B London NW1 6XE, UK", "NW1 6XE", None, "UK", "unparsed"),
        ("Germany", None, None, "Germany", "unparsed"),
        (",,,", None, None, None, "unparsed"),
        ("\u00a0", None, None, None, "unparsed"),
    ],
)
def test_unparsable_addresses_are_marked_and_raise_nothing(
    address: str, postcode: str | None, city: str | None, country: str | None, status: str
) -> None:
    read = read_address(address)
    found = (read.postcode, read.city, read.country, read.status)
    assert found == (postcode, city, country, status)


OF_THE_WORLD = Path(__file__).with_name("addresses.csv")


def of_the_world() -> list[dict[str, str]]:
    """Addresses of many forms, made up for this, with their true parts."""
    with OF_THE_WORLD.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    return [row | {"address": row["address"].replace("\\n", "\n")} for row in rows]


def is_right(expected: dict[str, str], *, street: bool) -> bool:
    read = read_address(expected["address"])
    postcodes = ((read.postcode or ""), expected["postcode"])
    bare, meant = (text.replace(" ", "").replace("-", "") for text in postcodes)
    place = (bare, read.city or "", read.country_code)
    return place == (meant, expected["city"], expected["country"]) and (
        not street or (read.street or "") == expected["street"]
    )


@pytest.mark.parametrize(
    ("least", "which"),
    [
        pytest.param(0.97, lambda row: True, id="all"),
        pytest.param(0.97, lambda row: row["postcode"], id="with a postcode"),
        pytest.param(0.9, lambda row: not row["address"].isascii(), id="in other letters"),
    ],
)
def test_street_postcode_city_and_country_are_right_for_international_formats(
    least: float, which: Callable[[dict[str, str]], bool]
) -> None:
    rows = [row for row in of_the_world() if which(row)]
    wrong = [row["address"] for row in rows if not is_right(row, street=True)]
    assert 1 - len(wrong) / len(rows) >= least, wrong


def test_no_address_that_counts_as_parsed_is_wrong() -> None:
    """A state was mistaken for the city, and the row said `parsed`: nobody looked at it."""
    rows = of_the_world()
    parsed = [row for row in rows if read_address(row["address"]).status == "parsed"]
    assert [row["address"] for row in parsed if not is_right(row, street=False)] == []
    assert len(parsed) >= 0.9 * sum(bool(row["postcode"]) for row in rows)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(str.upper, id="in capitals"),
        pytest.param(str.lower, id="in small letters"),
        pytest.param(lambda text: f"Acme Trading Ltd, {text}", id="with a company"),
        pytest.param(lambda text: text.replace(", ", ", Riverside Building, ", 1), id="a building"),
        pytest.param(lambda text: text.partition(", ")[2], id="without a street"),
        pytest.param(lambda text: " ".join(text.rsplit(", ", 1)), id="without the last comma"),
        pytest.param(lambda text: text.replace(", ", " "), id="without a comma"),
        pytest.param(lambda text: f"{text}.", id="with a full stop"),
    ],
)
def test_no_other_way_to_write_them_is_parsed_and_wrong(change: Callable[[str], str]) -> None:
    wrong = []
    for row in of_the_world():
        read = read_address(change(row["address"].replace("\n", ", ")))
        place = plain_name(read.city or "x"), read.country_code
        if read.status == "parsed" and place != (plain_name(row["city"]), row["country"]):
            wrong.append((row["address"], read))
    assert wrong == []


def test_a_district_behind_the_city_leaves_the_postcode() -> None:
    read = read_address("Street 1, 1200 Wien 20, Austria")
    assert (read.postcode, read.city, read.status) == ("1200", "Wien 20", "parsed")


@pytest.mark.parametrize("address", ["Box 12, 1000, Austria", "Street 5, 12 345, Sweden"])
def test_what_stands_in_for_a_street_is_in_no_part(address: str) -> None:
    """Incident: with it as the city, no address of the file could be stored."""
    read = read_address(address)
    assert (read.city, read.status) == (address.partition(",")[0], "partly_parsed")


@pytest.mark.parametrize("lines", [", ", "\n", " ,\n", "; "])
def test_commas_and_lines_part_an_address_alike(lines: str) -> None:
    for row in of_the_world():
        text = row["address"].replace("\n", ", ")
        assert read_address(text.replace(", ", lines)) == read_address(text)


@pytest.mark.parametrize(
    "address",
    [
        "1 Main St, Wilmington 19801, DE",  # Delaware, or Germany
        "Atlanta, Georgia",
        "Buckingham Palace, SW1A 1AA, UK",  # no city is named
        "California 94043, USA",
        "Calle 5, Centro, Puebla 72000, México",  # Puebla the city, or Puebla the state
        "丁目1-1, 〒100-0001 東京都千代田区千代田1-1, 日本",
        "12345 Ave X, 54321 Somewhere, 98765 Elsewhere, USA",
        "Ndola, Copperbelt, Zambia",
    ],
)
def test_what_may_be_read_in_two_ways_is_not_parsed(address: str) -> None:
    assert read_address(address).status not in ("parsed", "no_postcode")
