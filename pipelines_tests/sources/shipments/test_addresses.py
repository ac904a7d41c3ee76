"""Addresses as they come, to their parts."""

import random

import pytest

from pipelines.sources.shipments.addresses import read_address

SHAPES = [
    # as the file writes them
    ("Street 1, 10115 Berlin, Germany", "Street 1", "10115", "Berlin", "DE"),
    ("Street 10, 75001 Paris, France", "Street 10", "75001", "Paris", "FR"),
    ("Street 20, 1000 Brussels, Belgium", "Street 20", "1000", "Brussels", "BE"),
    ("Street 5, 28013 Madrid, Spain", "Street 5", "28013", "Madrid", "ES"),
    ("Street 9, 1016 Amsterdam, Netherlands", "Street 9", "1016", "Amsterdam", "NL"),
    ("Street 15, 1050 Copenhagen, Denmark", "Street 15", "1050", "Copenhagen", "DK"),
    # letters in postcodes
    ("1 Mall, SW1A 2AA London, United Kingdom", "1 Mall", "SW1A 2AA", "London", "GB"),
    ("1 Mall, London, SW1A 2AA, UK", "1 Mall", "SW1A 2AA", "London", "GB"),
    ("1 Mall, SW1A 2AA, London, England", "1 Mall", "SW1A 2AA", "London", "GB"),
    ("1 Mall, London E14, Great Britain", "1 Mall", "E14", "London", "GB"),
    ("Flat 2, 14 High St, Oxford OX1 4AB, UK", "Flat 2, 14 High St", "OX1 4AB", "Oxford", "GB"),
    ("Gracht 1, 1016 BZ Amsterdam, The Netherlands", "Gracht 1", "1016 BZ", "Amsterdam", "NL"),
    ("Gracht 1, 1016bz Amsterdam, Holland", "Gracht 1", "1016BZ", "Amsterdam", "NL"),
    ("2 Square, Dublin 2, D02 X285, Ireland", "2 Square", "D02 X285", "Dublin 2", "IE"),
    ("200 Bay St, Toronto, ON M5V 3L9, Canada", "200 Bay St", "M5V 3L9", "Toronto", "CA"),
    # hyphens, blanks, prefixes
    ("Rua 24, 1000-001 Lisboa, Portugal", "Rua 24", "1000-001", "Lisboa", "PT"),
    ("Rua 24, 1000 Lisboa, Portugal", "Rua 24", "1000", "Lisboa", "PT"),
    ("Ulica 1, 00-950 Warszawa, Polska", "Ulica 1", "00-950", "Warszawa", "PL"),
    ("Gatan 1, SE-111 51 Stockholm, Sweden", "Gatan 1", "111 51", "Stockholm", "SE"),
    ("Str. 5, D-80331 München, Deutschland", "Str. 5", "80331", "München", "DE"),
    ("Strasse 1, CH-8001 Zürich, Schweiz", "Strasse 1", "8001", "Zürich", "CH"),
    ("Odos 1, 105 63 Athens, Greece", "Odos 1", "105 63", "Athens", "GR"),
    ("Shibuya 1-2, Tokyo 150-0002, Japan", "Shibuya 1-2", "150-0002", "Tokyo", "JP"),
    # states
    ("1 Main St, Springfield, IL 62701-1234, USA", "1 Main St", "62701-1234", "Springfield", "US"),
    ("1 Ave NW, Washington DC 20500, U.S.A.", "1 Ave NW", "20500", "Washington", "US"),
    ("5 George St, Sydney NSW 2000, Australia", "5 George St", "2000", "Sydney", "AU"),
    ("Av. 1000, São Paulo - SP, 01310-100, Brazil", "Av. 1000", "01310-100", "São Paulo", "BR"),
    # other orders and separators
    ("1011 Budapest, Fő utca 1, Hungary", "Fő utca 1", "1011", "Budapest", "HU"),
    ("Street 2 10115 Berlin, Germany", "Street 2", "10115", "Berlin", "DE"),
    ("Street 2, 75001 Paris France", "Street 2", "75001", "Paris", "FR"),
    ("Street 1\n10115 Berlin\nGermany", "Street 1", "10115", "Berlin", "DE"),
    ("  Street  1 ;10115  Berlin; GERMANY ", "Street 1", "10115", "Berlin", "DE"),
    ("Rue 1, 75001 Paris, 75001, France", "Rue 1", "75001", "Paris", "FR"),
    ("Street 1, 10115 Berlin, DE", "Street 1", "10115", "Berlin", "DE"),
    ("Street 1, 10115 Berlin, DEU", "Street 1", "10115", "Berlin", "DE"),
    ("Cd. 1, 34433 Beyoğlu/İstanbul, Türkiye", "Cd. 1", "34433", "Beyoğlu/İstanbul", "TR"),
    ("Cd. 1, 34433 Istanbul, Turkey", "Cd. 1", "34433", "Istanbul", "TR"),
]


@pytest.mark.parametrize(("address", "street", "postcode", "city", "code"), SHAPES)
def test_the_usual_shapes_are_read_whole(
    address: str, street: str, postcode: str, city: str, code: str
) -> None:
    read = read_address(address)
    assert (read.street, read.postcode, read.city, read.country_code) == (
        street,
        postcode,
        city,
        code,
    )
    assert read.status == "parsed"


@pytest.mark.parametrize(
    ("address", "street", "city", "code"),
    [
        ("Street 2, Mashhad, Iran", "Street 2", "Mashhad", "IR"),
        ("1 Road, Kowloon, Hong Kong", "1 Road", "Kowloon", "HK"),
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
        ("San Francisco, CA", None, "CA", None, "unknown_country"),
        ("Street 1, Germany", None, None, "Germany", "unparsed"),
        ("Baker Street 221B London NW1 6XE, UK", "NW1 6XE", None, "UK", "unparsed"),
        ("Germany", None, None, "Germany", "unparsed"),
        (",,,", None, None, None, "unparsed"),
        ("\u00a0", None, None, None, "unparsed"),
        ("", None, None, None, "unparsed"),
    ],
)
def test_what_cannot_be_read_says_so_and_raises_nothing(
    address: str, postcode: str | None, city: str | None, country: str | None, status: str
) -> None:
    read = read_address(address)
    assert (read.postcode, read.city, read.country, read.status) == (
        postcode,
        city,
        country,
        status,
    )


def test_random_text_raises_nothing() -> None:
    made_up = random.Random(1)
    pieces = [
        "Street",
        "1",
        "10115",
        "SW1A",
        "2AA",
        "Berlin",
        "Germany",
        ",",
        ", ",
        "\n",
        "-",
        "〒",
    ]
    pieces += ["é", "United", "Kingdom", "CA", "99999999", "\\", "(", "[", "*", "\U0001f4a9", ""]
    for _ in range(5000):
        read = read_address(" ".join(made_up.choices(pieces, k=made_up.randrange(12))))
        assert read.status
        assert read.city != ""
        assert read.street != ""
