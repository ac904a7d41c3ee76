"""Parse street, postcode and city from a single part of an address."""

from dataclasses import dataclass

from pipelines.sources.shipments.addresses import regions
from pipelines.sources.shipments.addresses.names import clean_city, without_region
from pipelines.sources.shipments.addresses.postcodes import (
    MAX_POSTCODE_WORDS,
    FoundPostcode,
    as_postcode,
)
from pipelines.sources.shipments.addresses.words import pattern


@dataclass(frozen=True)
class Place:
    """Place and street of an address."""

    street: tuple[str, ...]
    postcode: str | None
    city: str | None
    is_doubtful: bool = False
    is_odd: bool = False


def read_part(part: str, code: str | None, found: FoundPostcode | None) -> Place:
    """Parse a part that contains everything, `Street 2 10115 Berlin`, or just a city."""
    words = part.split()
    for start in range(len(words)):
        for end in range(min(len(words), start + MAX_POSTCODE_WORDS), start, -1):
            postcode = as_postcode(words[start:end], code)
            city = " ".join(words[end:])
            street = " ".join(words[:start])
            if pattern("box").search(street) or pattern("unit").search(street):
                continue
            if postcode and city and not any(c.isdigit() for c in city):
                name, _ = without_region(city, code)
                is_doubtful = bool(street) and regions.follows_city(code) is not False
                ahead = (street,) if street else ()
                return Place(ahead, postcode, clean_city(name or city), is_doubtful)
    if found is not None:
        rest = found.before or found.behind
        if any(c.isdigit() for c in rest):  # it contains a street whose end is unknown
            return Place((rest,), found.postcode, None)
        is_long = len(rest.split()) > 2  # it may contain a street
        alone = clean_city(without_region(rest, code)[0]) or None
        return Place((), found.postcode, alone, is_doubtful=is_long)
    if any(c.isdigit() for c in part):
        return Place((part,), None, None)
    return Place((), None, clean_city(without_region(part, code)[0]) or part)
