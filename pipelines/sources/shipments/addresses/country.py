"""The country of an address, and the remaining parts for its place."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.ingest.countries import code_of_country, has_territory, plain_name, territories
from pipelines.sources.shipments.addresses import east_asian, regions
from pipelines.sources.shipments.addresses.one_part import read_part
from pipelines.sources.shipments.addresses.postcodes import best_postcode, is_number, split_postcode

MAX_COUNTRY_WORDS = 6
#: Countries with a city of the same name.
CITY_STATES = frozenset(
    ("AD", "DJ", "DZ", "GI", "GT", "HK", "KW", "LU", "MC", "MO", "MX", "PA", "SG", "SM", "TN", "VA")
)
NO_COUNTRIES = frozenset(("channel islands", "west indies", "caribbean", "europe"))
TWO_MEANINGS = frozenset(("georgia", "jersey", "mexico", "lebanon"))


@dataclass(frozen=True)
class Country:
    """Country of an address, and its other parts. `comes_first`: it precedes them, as in Russia."""

    name: str | None
    code: str | None
    body: tuple[str, ...]
    comes_first: bool = False
    is_doubtful: bool = False


def find_country(parts: tuple[str, ...]) -> Country:
    """Find the country of an address: at its end, before a postcode there, or at its beginning."""
    if not parts:
        return Country(None, None, ())
    found = _country_at_end(parts)
    if found is None:
        first, code = parts[0], code_of(parts[0])
        if code is None and " " in first:
            number, name = first.split(" ", 1)  # 860000 China
            if (
                is_number(number)
                and (found_code := code_of(name))
                and split_postcode(number, found_code)
            ):
                return Country(name, found_code, (number, *parts[1:]), comes_first=True)
        if code is not None and len(parts) > 1:
            return Country(first, code, parts[1:], comes_first=True)
        head = east_asian.country_before(first)
        if head is not None:
            name, rest = head
            body = ((rest,) if rest else ()) + parts[1:]
            return Country(name, code_of_country(name), body, comes_first=True)
        *rest_of, last = parts
        if rest_of and not any(c.isdigit() for c in last):  # 1234 Somewhere, Nowhereland
            split = split_postcode(rest_of[-1], None)
            if split is not None and (split.before or split.behind):
                return Country(last, None, tuple(rest_of))
        return Country(None, None, parts)
    return _of_territory(found)


def _of_territory(found: Country) -> Country:
    """Return the territory instead, if one is written under its state: Guadeloupe, France."""
    if not found.body or found.code is None:
        return found
    name = found.body[-1]
    code = code_of_country(name) if len(name) > 3 else None
    if code is not None and has_territory(found.code, code) and not found.comes_first:
        return replace(found, name=name, code=code, body=found.body[:-1])
    best = best_postcode(found.body, found.code) if territories(found.code) else None
    if best is not None and best.region is not None and has_territory(found.code, best.region):
        return replace(found, code=best.region)  # San Juan, PR 00901, USA
    return found


@lru_cache(maxsize=50_000)
def code_of(name: str) -> str | None:
    """Return the code of a country that may be written twice: `Schweiz/Suisse`, `Italia (IT)`."""
    code = code_of_country(name)
    if code is not None or len(name) > 80:
        return code
    pieces = [piece for piece in re.split(r"\s*/\s*|\s*\(|\)\s*|\s+[-–]\s+", name) if piece]
    codes = {code_of_country(piece) for piece in pieces}
    return codes.pop() if len(pieces) > 1 and len(codes) == 1 else None


def _country_at_end(parts: tuple[str, ...]) -> Country | None:
    *body, last = parts
    if body and plain_name(last) in NO_COUNTRIES:
        *body, last = body
    code = code_of(last)
    if code is not None:
        return _whole_part(last, code, tuple(body))
    code = code_of(body[-1]) if body and is_number(last) else None
    behind = split_postcode(last, code) if code is not None else None
    if behind is not None and not (behind.before or behind.behind):  # South Africa, 8001
        return Country(body[-1], code, (*body[:-1], last), is_doubtful=len(body[-1]) < 3)
    words = last.split()
    for count in range(min(MAX_COUNTRY_WORDS, len(words) - 1), 0, -1):
        name, rest = " ".join(words[:count]), " ".join(words[count:])  # Germany 10115
        if (
            len(name) > 3
            and is_number(rest)
            and (code := code_of(name.strip(" -–"))) is not None
            and (found := split_postcode(rest.strip(" -–"), code))
            and not (found.before or found.behind)
        ):
            end = (f"{name} {found.postcode}",) if not body or code in CITY_STATES else None
            return Country(name.strip(" -–"), code, (*body, *(end or (found.postcode,))))
    for count in range(min(MAX_COUNTRY_WORDS, len(words) - 1), 0, -1):
        name, rest = " ".join(words[-count:]), " ".join(words[:-count])  # 75001 Paris France
        code = code_of(name.strip("()"))
        if code in east_asian.COUNTRIES and east_asian.WRITING.search(name):
            return Country(name, code, (*body, rest))
        if code is None or (len(name) < 4 and name not in ("USA", "UAE", "UK") and not body):
            continue
        place = best_postcode((*body, rest), code)
        if place is not None and (len(name) > 2 or place.number == len(body)):
            is_code = len(name) < 3 and name != "UK"
            return Country(name.strip("()"), code, (*body, rest), is_doubtful=is_code)
        if len(name) < 4:
            continue
        alone = read_part(rest, code, None)
        if alone.postcode is not None or not any(c.isdigit() for c in rest):  # Bogotá Colombia
            return Country(name, code, (*body, rest), is_doubtful=alone.postcode is None)
    return None


def _whole_part(last: str, code: str, body: tuple[str, ...]) -> Country | None:
    """Return a country that is the last part, unless it may equally be a state's code."""
    found = best_postcode(body, code) if body else None
    is_code = len(last) < 3 and last.upper() != "UK"
    if is_code and last.upper() in regions.state_codes("US"):
        if found is None:
            return None  # San Francisco, CA
        is_doubtful = not (found.behind and not found.before) and _split_us(found.postcode)
        return Country(last, code, body, is_doubtful=is_doubtful)
    is_doubtful = plain_name(last) in TWO_MEANINGS and found is None and code == "GE"
    return Country(last, code, body, is_doubtful=is_doubtful)


def _split_us(postcode: str) -> bool:
    return re.fullmatch(r"\d{5}(-\d{4})?", postcode) is not None
