"""Street, postcode and city: the parts of an address without its country."""

from dataclasses import replace

from pipelines.ingest.countries import plain_name
from pipelines.sources.shipments.addresses import east_asian, regions
from pipelines.sources.shipments.addresses.country import CITY_STATES, Country, code_of
from pipelines.sources.shipments.addresses.names import (
    WARD,
    clean_city,
    is_ambiguous,
    is_name,
    is_odd_region,
    is_only_region,
    may_be_street,
    without_number,
    without_region,
)
from pipelines.sources.shipments.addresses.one_part import Place, read_part
from pipelines.sources.shipments.addresses.postcodes import (
    FoundPostcode,
    best_postcode,
    find_candidates,
    is_misplaced,
    is_number,
    split_postcode,
)
from pipelines.sources.shipments.addresses.regions import is_city_too, is_region
from pipelines.sources.shipments.addresses.words import pattern

#: In these countries, a name of both a state and a city is the state after another name.
STATES_ARE_WRITTEN = ("CA", "US")
#: Countries that consist of one city.
ONE_CITY = ("GI", "MC", "SG", "VA")


def find_place(country: Country) -> Place:
    """Parse street and place of an address; if the country is one city, its name is the city."""
    place = _place_in(country)
    name, code = country.name, country.code
    if (
        name is None
        or len(name) < 4
        or code not in (*ONE_CITY, "HK", "MO")
        or (place.city and plain_name(place.city) in name)
    ):
        return place
    is_none = place.city is None or not is_name(place.city) or place.is_odd
    if not is_none and code not in ONE_CITY:
        return place
    if place.city and code in ONE_CITY and code_of(place.city) == code:
        return place
    street = (*place.street, place.city) if place.city else place.street
    return Place(street, place.postcode, name.strip(" ."), is_doubtful=False)


def _place_in(country: Country) -> Place:
    code, body = country.code, country.body
    if not body:
        is_city = code in CITY_STATES and len(country.name or "") > 3
        return Place((), None, country.name if is_city else None, is_doubtful=True)
    if east_asian.is_east_asian(" ".join(body), code):
        read = east_asian.read(" ".join(body), code)
        if read is not None:
            return Place((read.street,), read.postcode, read.city, read.is_doubtful)
    elif any(written := [east_asian.is_east_asian(part, code) for part in body]):
        others = tuple(part for part, is_so in zip(body, written, strict=True) if not is_so)
        numbers = tuple(part for part in others if is_number(part))
        parts = [part for part, is_so in zip(body, written, strict=True) if is_so]
        read = east_asian.read(" ".join((*parts, *numbers)), code)
        if read is not None:
            street = (*(part for part in others if part not in numbers), read.street)
            return Place(street, read.postcode, read.city, is_doubtful=True)
    if country.comes_first:
        return _from_large_to_small(body, code)
    found = best_postcode(body, code)
    if len(body) == 1:
        return read_part(body[0], code, found)
    if found is None:
        if turned := _turned_round(body, code):
            return turned
        if single := _in_the_middle(body, code):
            return single
        return _without_postcode(body, code)
    return _with_postcode(body, code, found)


def _with_postcode(body: tuple[str, ...], code: str | None, found: FoundPostcode) -> Place:
    number = found.number
    before, behind = list(body[:number]), list(body[number + 1 :])
    before += [found.house] if found.house else []
    is_contrary = is_misplaced(found, code)
    candidates = find_candidates(body, code)
    others = {one.postcode for one in candidates if is_contrary or not is_misplaced(one, code)}
    is_doubtful = len(others - {found.postcode}) > 0 or (is_contrary and len(found.postcode) < 5)
    unknown = [part for part in behind if not is_region(part, code) and not is_odd_region(part)]
    rest = " ".join(part for part in (found.before, found.behind) if part)
    if len(found.postcode) < 5 and not found.postcode.isdigit() and not rest:
        is_doubtful = True  # a road may be called like the short form of a postcode: M25
    if found.before and found.behind:
        is_doubtful = True
    if rest:
        city, has_region = without_region(rest, code)
        if (ward := WARD.match(city)) and len(ward[0]) < len(city):
            before.append(ward[0])
            city = city[ward.end() :].strip()
        is_doubtful |= bool(unknown)
        if not has_region and found.region is None and is_only_region(city, code):
            while (
                len(before) > 1
                and is_region(before[-1], code)
                and not is_city_too(before[-1], code)
            ):
                before.pop()
            if len(before) > 1 or (before and not may_be_street(before[0])):
                is_doubtful |= (
                    len(before) == 1 or not is_name(before[-1]) or is_city_too(city, code)
                )
                city = before.pop()
                city, _ = without_region(city, code)
            else:
                is_doubtful = True
        elif is_ambiguous(city, code) and not found.behind and before:
            is_doubtful |= is_name(before[-1])  # Centro, Puebla or Tehuacán, Puebla
            is_city = is_ambiguous(before[-1], code) and regions.has_cities(code)
            is_before_state = len(before) > 1 and code in STATES_ARE_WRITTEN
            if is_city or (is_before_state and is_name(before[-1])):  # New Delhi, Delhi
                city = before.pop()
        elif (
            len(before) > 2
            and bool(regions.follows_city(code))
            and not regions.names(code)
            and not found.region
            and is_name(before[-1])
        ):
            is_doubtful = True
        if found.region and not city:
            city, before = _city_before(before, code)
        return Place(tuple(before), found.postcode, clean_city(city), is_doubtful)
    if unknown and (len(before) < 2 or not regions.follows_city(code)):
        city = behind[0] if behind[0] in unknown else unknown[0]  # SW1A 2AA, London
        is_doubtful |= len(unknown) > 1 or (len(before) > 1 and is_name(before[-1]))
        return Place(tuple(before), found.postcode, clean_city(city), is_doubtful)
    is_doubtful |= bool(unknown)
    if behind and not found.region and (len(before) < 2 or not regions.follows_city(code)):
        cities = [part for part in behind if is_ambiguous(part, code)]
        if cities and before and (may_be_street(before[-1]) or len(before) < 2):
            return Place(tuple(before), found.postcode, clean_city(cities[0]), is_doubtful)
    if found.region:
        city, before_left = _city_before(before, code)
        is_doubtful |= not before_left and len(before) < 2 and may_be_street(city)
        return Place(tuple(before_left), found.postcode, clean_city(city), is_doubtful)
    known = len(before)
    city, before_left = _city_before(before, code)
    if regions.is_large_to_small(code) and len(before_left) > 1:
        is_doubtful = True
    has_skipped = known - len(before_left) > 1
    if not before_left and not has_skipped:
        is_doubtful |= not (known == 1 and is_name(city) and bool(behind))
    if not regions.names(code) and len(before_left) > 1 and is_name(before_left[-1]):
        is_doubtful = True
    if before_left and is_region(before_left[-1], code):
        is_doubtful = True
    if not has_skipped and is_ambiguous(city, code) and before_left and is_name(before_left[-1]):
        is_doubtful = True
    return Place(tuple(before_left), found.postcode, clean_city(city), is_doubtful)


def _city_before(before: list[str], code: str | None) -> tuple[str, list[str]]:
    """Return the city at the end of the parts before a postcode, and the parts before it."""
    left = list(before)
    while len(left) > 1:
        last = left[-1]
        if not (is_region(last, code) or is_odd_region(last)):
            break
        if is_city_too(last, code) and is_region(last, code):
            previous = left[-2]
            is_sure = len(left) > 2 and is_name(previous) and code in STATES_ARE_WRITTEN
            if not is_sure:
                break
        left.pop()
    if not left:
        return "", []
    again = split_postcode(left[-1], code)  # 75001 Paris, 75001
    rest = (again.before or again.behind) if again else ""
    city, _ = without_region(rest or left[-1], code)
    return city or left[-1], left[:-1]


def _without_postcode(body: tuple[str, ...], code: str | None) -> Place:
    city, left = _city_before(list(body), code)
    name, is_odd = without_number(city)
    if name is None and left:
        name, left = left[-1], left[:-1]
    if name is None:
        return Place((*left, city), None, None)
    is_doubtful = bool(left) and is_ambiguous(name, code) and len(left) > 1 and is_name(left[-1])
    if is_odd and regions.follows_city(code) is None:
        return Place(tuple(left), None, name, is_doubtful=True)
    return Place(tuple(left), None, clean_city(name), is_doubtful, is_odd)


def _in_the_middle(body: tuple[str, ...], code: str | None) -> Place | None:
    """Parse an address whose last part is `Street 2 10115 Berlin`."""
    if code is None:
        return None
    place = read_part(body[-1], code, None)
    if place.postcode is None or place.city is None or regions.follows_city(code):
        return None
    return replace(place, street=(*body[:-1], *place.street), is_doubtful=True)


def _turned_round(body: tuple[str, ...], code: str | None) -> Place | None:
    """Parse an address in reverse order: 1011 Budapest, Fő utca 1, Hungary."""
    if not body[0][:1].isdigit() and not pattern("prefix").match(body[0].upper()):
        return None
    found = split_postcode(body[0], code)
    if found is None or found.before:
        return None
    if found.behind:
        if any(c.isdigit() for c in found.behind):
            return None
        city, _ = without_region(found.behind, code)
        is_doubtful = not is_name(found.behind) or bool(regions.follows_city(code))
        return Place(body[1:], found.postcode, clean_city(city), is_doubtful)
    place = _from_large_to_small(body, code)
    return replace(place, is_doubtful=True) if regions.follows_city(code) is False else place


def _from_large_to_small(body: tuple[str, ...], code: str | None) -> Place:
    """Parse an address that starts with country or postcode: Россия, 101000, г. Москва."""
    parts, postcode, is_doubtful = list(body), None, False
    for number, part in enumerate(parts):
        found = split_postcode(part, code)
        if found is None or (found.before and found.behind):
            continue
        if number > 0 and (found.before or found.behind) and number > 2:
            continue
        postcode, rest = found.postcode, found.before or found.behind
        is_doubtful = number not in (0, 1, len(parts) - 1)
        if rest and number > 0:
            parts = [rest, *parts[:number], *parts[number + 1 :]]
        else:
            parts[number : number + 1] = [rest] if rest else []
        break
    if not parts:
        return Place((), postcode, None)
    marked = [part for part in parts if pattern("mark").match(part)]
    if marked:
        city = marked[0]
    else:
        named = [part for part in parts if not is_region(part, code) and not is_odd_region(part)]
        cities = [part for part in parts if is_region(part, code) and is_city_too(part, code)]
        city = cities[0] if cities and cities[0] == parts[0] else (named or parts)[0]
        is_doubtful |= (
            city != parts[0] and not is_region(parts[0], code) and not is_odd_region(parts[0])
        )
        if (
            len(named) > 1
            and not any(c.isdigit() for c in named[1])
            and not pattern("street").search(named[1])
        ):
            is_doubtful = True
    street = tuple(
        part
        for part in parts
        if part != city and not is_region(part, code) and not is_odd_region(part)
    )
    return Place(street, postcode, clean_city(city), is_doubtful)
