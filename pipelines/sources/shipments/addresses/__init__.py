"""Parse postal addresses into their parts: a pure function of text.

The country is found first, then street, postcode and city by a list of small rules, of which the
first match wins. Nothing is looked up: this cannot know whether a postcode or a city exists.
Therefore `parsed` is only what has a single reading; an address for which another one is as good is
`partly_parsed`.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.ingest.countries import code_of_country, territories
from pipelines.ingest.identifiers import NOTHING
from pipelines.sources.shipments.addresses.words import (
    Split,
    as_postcode,
    clean_city,
    code_of,
    follows_city,
    follows_link,
    is_city_too,
    is_region,
    may_be_city,
    pattern,
    split_postcode,
    states,
)

#: To be raised with every change here or of `countries`: the next run reads again.
PARSER_VERSION = 8
SEPARATORS = re.compile(r"[,;\n\r،؛，、；|]| [•·] ")
#: As web shops export letters: `M&uuml;nchen`.
ENTITY = re.compile(r"&#?[0-9A-Za-z]+;")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PLAIN_STREET = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]* \d{1,5}")
#: Countries with a city of the same name.
CITY_STATES = frozenset(
    ("DJ", "GI", "GT", "HK", "KW", "LU", "MC", "MO", "MX", "PA", "SG", "SM", "TN", "VA")
)
#: Stands for such a street, so that addresses that differ in it are parsed once.
ANY_STREET = "\0 1"
#: Countries of which the city has their name.
ONE_CITY = ("GI", "HK", "MC", "MO", "SG", "VA")
#: In these countries, a name of both a state and a city is the state after another name.
STATES_ARE_WRITTEN = ("CA", "IN", "US")
EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
#: State and city at the beginning of an address in these scripts.
LARGE_TO_SMALL = re.compile(
    r"(北海道|[^\W\d]{2,3}[省県府都]|[^\W\d]{2,8}自治区|[^\W\d]{1,3}(?:도|특별자치도))? ?"
    r"([^\W\d]{1,7}?(?:자치시|특별시|광역시|[시군](?= )|[市区町村]|地区|自治州|縣..?[市鎮鄉]))"
)


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
class Parts:
    """The country of an address, and its other parts, which may stand behind it, as in Russia."""

    texts: tuple[str, ...]
    country: str | None = None
    code: str | None = None
    comes_first: bool = False
    is_doubtful: bool = False

    def postcodes(self) -> list[tuple[int, Split]]:
        """Return the postcodes with the numbers of their parts; the first part is a street."""
        numbered = [*enumerate(self.texts)][len(self.texts) > 1 :]
        found = ((number, split_postcode(part, self.code)) for number, part in numbered)
        return [(number, split) for number, split in found if split]


@dataclass(frozen=True)
class Place:
    """Street, postcode and city of an address."""

    street: tuple[str, ...]
    postcode: str | None
    city: str | None
    is_doubtful: bool = False
    is_odd: bool = False


def read_address(text: str) -> Address:
    """Parse an address like `Street 1, 10115 Berlin, Germany`. Never raises."""
    text = ENTITY.sub(lambda one: html.unescape(one[0]), INVISIBLE.sub("", text))
    written = (" ".join(part.split()) for part in SEPARATORS.split(text))
    texts = tuple(part for part in written if part.strip(" .-") and not _is_nothing(part))
    is_plain = len(texts) > 2 and PLAIN_STREET.fullmatch(texts[0])
    parts, place, status = _read((ANY_STREET, *texts[1:]) if is_plain else texts)
    street = ", ".join(filter(None, place.street)) or None
    found = (one and one.replace(ANY_STREET, texts[0]) for one in (street, place.city))
    street, city = found if is_plain else (street, place.city)
    return Address(street, place.postcode, city, parts.country, parts.code, status)


@lru_cache(maxsize=20_000)
def _read(texts: tuple[str, ...]) -> tuple[Parts, Place, str]:
    parts = find_country(texts)
    place = find_place(parts)
    if not place.city or _is_code(place.city, parts.code):
        return parts, replace(place, city=None), "unparsed"
    if parts.code is None:
        return parts, place, "unknown_country"
    if place.is_odd:
        return parts, place, "odd_postcode"
    before = place.street[-1] if place.street else ""
    is_doubtful = parts.is_doubtful or place.is_doubtful or _is_odd(place.city, parts.code)
    if place.postcode is None:  # Ndola, Copperbelt, Zambia: the city may be a province
        is_doubtful |= may_be_city(before) and len(before.split()) < 3
    fine = "parsed" if place.postcode else "no_postcode"
    return parts, place, "partly_parsed" if is_doubtful else fine


def _is_nothing(part: str) -> bool:
    """Return whether a part is what programs write for a missing value."""
    return all(word in NOTHING for word in part.split())


def _is_code(city: str, code: str | None) -> bool:
    """Return whether a city is the code of a country or state: GBR, MN."""
    codes = (states(one)[0] for one in ((code,) if code else ("AU", "BR", "CA", "US")))
    is_short = re.fullmatch("[A-Z]{2,3}", city) is not None
    return is_short and (code_of_country(city) is not None or any(city in one for one in codes))


def _is_odd(city: str, code: str) -> bool:
    """Return whether a city may be something else, or has a state or a country behind it."""
    said = city.split()
    is_name = may_be_city(re.sub(r" \d{1,2}$", "", city))  # Dublin 2
    has_street = re.search("[\u3040-\ud7af].*(?: |.{6})", city)
    is_code = city.upper() in {code, *states(code)[0]}
    if not is_name or has_street or is_code or len(city) < 2 or len(said) > 5:
        return True
    if is_region(city, code):
        return not is_city_too(city, code)
    ends = [" ".join(said[number:]) for number in range(len(said))]
    ends = [end for end in ends if city == end or not follows_link(city, end)]
    meant = {code_of(end) for end in ends if len(end) > 3} - {None}
    is_other = bool(meant) and not (meant == {code} and code in CITY_STATES)
    return is_other or any(is_region(end, code) for end in ends)  # Erfurt Thüringen


def find_country(texts: tuple[str, ...]) -> Parts:
    """Find the country of an address: at its end, before a postcode there, or at its beginning."""
    if len(texts) > 1 and texts[-1].casefold() in ("channel islands", "west indies"):
        texts = texts[:-1]
    if found := _at_end(texts) or _at_start(texts):
        return _of_territory(found)
    *others, last = texts or ("",)
    split = split_postcode(others[-1], None) if others else None
    if split and split.rest and not any(c.isdigit() for c in last):
        return Parts(tuple(others), last)  # 1234 Somewhere, Narnia
    return Parts(texts)


def _at_end(texts: tuple[str, ...]) -> Parts | None:
    *body, last = texts or ("",)
    if code := code_of(last):
        return _of_whole_part(Parts(tuple(body), last, code))
    words = last.split()
    for count in range(len(words)):  # Germany 10115; South Africa, 8001
        name = " ".join(words[:count]) if count else body[-1] if body else ""
        number = " ".join(words[count:])
        code = code_of(name) if any(c.isdigit() for c in number) and len(name) > 3 else None
        split = split_postcode(number, code) if code else None
        if split and not split.rest:
            return Parts((*(body if count else body[:-1]), split.postcode), name, code)
    for count in range(min(6, len(words) - 1), 0, -1):  # 75001 Paris France
        name, rest = " ".join(words[-count:]).strip("()"), " ".join(words[:-count])
        is_name = len(name) > 3 or not name.isascii() or name in ("USA", "UAE", "UK")
        code = code_of(name) if is_name or (len(name) == 3 and name.isupper()) else None
        if code is None:
            continue
        found = Parts((*body, rest), name, code)
        has_postcode = bool(found.postcodes() or split_postcode(rest, code))
        if is_name or has_postcode:  # LONDON E1 7AA GBR
            return replace(found, is_doubtful=not has_postcode)
    return None


def _of_whole_part(found: Parts) -> Parts | None:
    """Return a country that is the last part, unless it may equally be a state: CA, Georgia."""
    postcodes = [split for _, split in found.postcodes()]
    name = (found.country or "").upper()
    if name in states("US")[0] and not postcodes:
        return None  # San Francisco, CA
    if name in states("US")[0]:
        is_zip = re.fullmatch(r"\d{5}(-\d{4})?", postcodes[-1].postcode) is not None
        return replace(found, is_doubtful=is_zip and not postcodes[-1].behind)
    return replace(found, is_doubtful=name == "GEORGIA" and not postcodes)


def _at_start(texts: tuple[str, ...]) -> Parts | None:
    first = texts[0] if texts else ""
    if (code := code_of(first)) and len(texts) > 1:
        return Parts(texts[1:], first, code, comes_first=True)
    for count in range(min(7, len(first)), 1, -1):  # 中国广东省
        name, rest = first[:count].strip(), first[count:].strip()
        code = code_of_country(name) if not name.isascii() else None
        if rest and code in ("CN", "HK", "JP", "KR", "MO", "TW"):
            return Parts((rest, *texts[1:]), name, code, comes_first=True)
    return None


def _of_territory(found: Parts) -> Parts:
    """Return the territory instead, if one is written under its state: Guadeloupe, France."""
    state = found.code or ""
    if not territories(state):
        return found
    name = found.texts[-1] if found.texts and not found.comes_first else ""
    code = code_of_country(name) if len(name) > 3 else None
    if code and code in territories(state):
        return replace(found, texts=found.texts[:-1], country=name, code=code)
    region = [split.region for _, split in found.postcodes()][-1:]
    if region and region[0] and region[0] in territories(state):  # San Juan, PR 00901, USA
        return replace(found, code=region[0])
    return found


def find_place(parts: Parts) -> Place:
    """Parse street and place of an address without its country."""
    place = next(filter(None, (rule(parts) for rule in RULES)), Place((), None, None))
    return replace(place, city=clean_city(place.city or "", parts.code))


def _east_asian(parts: Parts) -> Place | None:
    """Parse an address in Chinese, Japanese or Korean script, from the largest unit on."""
    words = " ".join(parts.texts).replace("〒", " 〒").split()
    numbers = [word for word in (*words[:1], *words[-1:]) if as_postcode(word, parts.code)]
    rest = [word for word in words if word not in numbers]
    text = (" " if parts.code == "KR" else "").join(rest)
    found = LARGE_TO_SMALL.match(text)
    if found is None or len(EAST_ASIAN.findall(text)) * 2 < len(text) - text.count(" "):
        return None
    is_doubtful = found[1] == "東京都" or not (found[1] or is_region(found[2], parts.code))
    postcode = as_postcode(numbers[0], parts.code) if numbers else None
    return Place((text[found.end() :].strip(),), postcode, found[2], is_doubtful)


def _only_a_country(parts: Parts) -> Place | None:
    """Parse an address without further parts, or of Singapore, whose city is its country."""
    if not parts.texts:
        return Place((), None, None)
    *street, last = parts.texts
    split = split_postcode(last, parts.code)
    rest = split.rest if split else last
    if parts.code in ONE_CITY and (split or not may_be_city(rest)):
        is_named = code_of(rest) == parts.code
        street += [rest] if rest and not is_named else []
        return Place(tuple(street), split and split.postcode, rest if is_named else parts.country)
    return None


def _from_large_to_small(parts: Parts) -> Place | None:
    """Parse an address after its country or postcode: Россия, 101000, Москва."""
    texts, code, postcode = list(parts.texts), parts.code, None
    first = split_postcode(texts[0], code)
    is_doubtful = bool(follows_city(code)) and not parts.comes_first
    if not parts.comes_first:  # 1011 Budapest, Fő utca 1, Hungary
        is_street = first is None or first.before or any(c.isdigit() for c in first.behind)
        if is_street or len(texts) < 2 or parts.postcodes():
            return None
    for number, text in enumerate(texts):
        split = split_postcode(text, code)
        if split and not (split.before and split.behind):
            postcode = split.postcode
            texts = [*filter(None, (split.rest,)), *texts[:number], *texts[number + 1 :]]
            break
    named = [text for text in texts if not is_region(text, code) or is_city_too(text, code)]
    is_doubtful |= len(named) > 1 and may_be_city(named[1])
    return Place(tuple(named[1:]), postcode, named[0] if named else None, is_doubtful)


def _one_part(parts: Parts) -> Place | None:
    """Parse a part that contains everything, `Street 2 10115 Berlin`, or just a city."""
    if len(parts.texts) > 1:
        return None
    (text,) = parts.texts
    words = text.split()
    split = split_postcode(text, parts.code) or Split(text, "", "")
    for number in range(1, len(words) - 1) if not split.behind else ():
        ahead, inner = words[:number], split_postcode(" ".join(words[number:]), parts.code)
        is_place = inner and inner.behind and not any(c.isdigit() for c in inner.behind)
        if inner and is_place and not pattern("number").search(" ".join(ahead)):
            is_sure = follows_city(parts.code) is False and len(inner.behind.split()) < 2
            return Place((" ".join(ahead),), inner.postcode, inner.behind, not is_sure)
    if any(c.isdigit() for c in split.rest):  # it contains a street whose end is unknown
        return Place((split.rest,), split.postcode or None, None)
    return Place((), split.postcode or None, split.rest, len(split.rest.split()) > 2)


def _last_postcode(parts: Parts) -> tuple[int, Split, bool]:
    """Return the last postcode with the number of its part, and whether it is in doubt."""
    found = [(number, one) for number, one in parts.postcodes() if _may_be_beside(one)]
    if not found:
        return 0, Split("", "", ""), True
    number, split = found[-1]
    is_short = len(split.postcode) < 5
    is_contrary = split.before if follows_city(parts.code) is False else split.behind
    if is_short and follows_city(parts.code) is not None and is_contrary:  # 1200 Broadway
        return number, split, True
    is_road = is_short and not split.rest and not split.postcode.isdigit()  # M25
    return number, split, is_road or len({one.postcode for _, one in found}) > 1


def _may_be_beside(split: Split) -> bool:
    """Return whether a number is a postcode and not that of a house: 10000 Sunset Blvd."""
    return not split.behind or may_be_city(re.sub(r" \d{1,2}$", "", split.behind))  # 1200 Wien 20


def _beside_postcode(parts: Parts) -> Place | None:
    """Parse an address with city and postcode in one part: 10115 Berlin; Springfield, IL 62701."""
    number, split, is_doubtful = _last_postcode(parts)
    city, code, before = split.rest, parts.code, parts.texts[:number]
    previous = before[-1] if before else ""
    if not city:
        return None
    if is_region(city, code) and not split.region and previous:
        is_too = is_city_too(city, code)
        is_name = may_be_city(previous) and (len(before) > 1 or not is_too)
        if is_name and (not is_too or code in STATES_ARE_WRITTEN):
            return None  # Albany, New York 12207
        is_doubtful |= may_be_city(previous)  # Centro, Puebla or Tehuacán, Puebla
    elif len(before) > 2 and follows_city(code) and not states(code)[1] and not split.region:
        is_doubtful |= may_be_city(previous)
    unknown = any(not is_region(text, code) for text in parts.texts[number + 1 :])
    is_doubtful |= (unknown and may_be_city(previous)) or bool(split.before and split.behind)
    return Place(before, split.postcode, city, is_doubtful)


def _postcode_alone(parts: Parts) -> Place | None:
    """Parse an address whose postcode stands alone or beside a state: Bedford, MK40 1LA."""
    number, split, is_doubtful = _last_postcode(parts)
    if not split.postcode:
        return None
    code = parts.code
    before, behind = parts.texts[:number], parts.texts[number + 1 :]
    unknown = [text for text in behind if not is_region(text, code) or is_city_too(text, code)]
    if unknown and not split.rest and (len(before) < 2 or not follows_city(code)):
        is_doubtful |= len(unknown) > 1 or (len(before) > 1 and may_be_city(before[-1]))
        return Place(before, split.postcode, unknown[0], is_doubtful)  # SW1A 2AA, London
    city, left = _city_before(before, code)
    is_stated = len(left) + 1 < len(before) or bool(split.region or split.rest)
    if left and may_be_city(left[-1]):
        is_unknown = is_region(city, code) or not states(code)[1]
        is_doubtful |= is_region(left[-1], code) or (is_unknown and not is_stated)
    is_doubtful |= bool(unknown) or (not left and not (is_stated and may_be_city(city)))
    return Place(left, split.postcode, city, is_doubtful)


def _without_postcode(parts: Parts) -> Place | None:
    city, left = _city_before(parts.texts, parts.code)
    words = [word for word in city.split() if sum(c.isdigit() for c in word) < 3]
    is_odd = len(words) < len(city.split())
    if not words and left:
        return Place(left[:-1], None, left[-1], is_odd=True)
    return Place(left, None, " ".join(words).strip(" -–") or None, is_odd=is_odd)


def _city_before(before: tuple[str, ...], code: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the city at the end of some parts, and the parts before it."""
    left = before
    while len(left) > 1 and is_region(left[-1], code) and may_be_city(left[-2]):
        if is_city_too(left[-1], code) and not (len(left) > 2 and code in STATES_ARE_WRITTEN):
            break
        left = left[:-1]
    again = split_postcode(left[-1], code) if left else None  # 75001 Paris, 75001
    return ((again and again.rest) or left[-1], left[:-1]) if left else ("", ())


RULES: tuple[Callable[[Parts], Place | None], ...] = (
    _only_a_country,
    _east_asian,
    _from_large_to_small,
    _one_part,
    _beside_postcode,
    _postcode_alone,
    _without_postcode,
)
