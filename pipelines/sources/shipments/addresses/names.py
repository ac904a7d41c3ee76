"""Words that identify the street, the city or the region of an address."""

import re
from functools import lru_cache

from pipelines.sources.shipments.addresses import regions
from pipelines.sources.shipments.addresses.regions import is_city_too, is_region
from pipelines.sources.shipments.addresses.words import pattern

BEHIND = re.compile(r",? +(?:cedex(?: \d{1,2})?|cdx)$", re.IGNORECASE)
#: Words after which a name continues: Palma de Mallorca.
LINKS = (
    *("de", "del", "della", "di", "da", "do", "dos", "das", "la", "le", "les", "el", "of", "upon"),
    *("und", "y", "e", "à", "in", "am", "im"),
)
WARD = re.compile(r"[^\W\d]+-(?:gu|ku|dong|ro|gil|cho|chome)\b", re.IGNORECASE)


@lru_cache(maxsize=50_000)
def is_name(part: str) -> bool:
    """Return whether a part may be the name of a town."""
    return (
        not any(c.isdigit() for c in part)
        and not pattern("street").search(part)
        and not WARD.search(part)
    )


def may_be_street(part: str) -> bool:
    """Return whether a part may belong to a street: it is not the name of a town."""
    return not is_name(part)


def clean_city(city: str) -> str:
    """Return a city's name without additions of postal services."""
    return pattern("mark").sub("", BEHIND.sub("", city.strip(" -–.:"))).strip(" -–")


def without_number(city: str) -> tuple[str | None, bool]:
    """Return a city without a number that is not a postcode, and whether it had one."""
    words = [word for word in city.split() if sum(c.isdigit() for c in word) < 3]
    return " ".join(words).strip(" -–") or None, len(words) < len(city.split())


@lru_cache(maxsize=50_000)
def cut_region(text: str, code: str | None) -> tuple[str, str | None]:
    """Split off a region after a name: behind it, after a dash or in brackets."""
    if code is None or not text:
        return text, None
    bracketed = re.fullmatch(r"(.+?)\s*[(\[](.+?)[)\]]", text)
    if bracketed and is_region(bracketed[2], code):
        return bracketed[1], bracketed[2]
    city, slash, state = text.rpartition("/")  # Brasília/DF
    is_lower = text.islower()
    if slash and city.strip() and is_state_code(state.strip(), code):
        return city.strip(), state.strip()
    words = text.split()
    for count in range(min(4, len(words)), 0, -1):
        name, rest = " ".join(words[-count:]), words[:-count]
        bare = name.strip(" -–/()")
        is_short = count == 1 and is_state_code(bare.upper() if is_lower else bare, code)
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


def is_state_code(word: str, code: str | None) -> bool:
    """Return whether a word in capitals is a state's code: IL, N.Y."""
    return word.isupper() and word.replace(".", "") in regions.state_codes(code)


def _has_state_beside(code: str | None) -> bool:
    """Return whether the country writes a state in the line of the city."""
    form = str(regions.rules(code).get("fmt", ""))
    return re.search(r"%C[^%]*%S", form) is not None


def without_region(text: str, code: str | None) -> tuple[str, bool]:
    """Return a name without the region after it, and whether there was one."""
    name, region = cut_region(text.strip(" -–"), code)
    return name.strip(" -–"), region is not None


def is_only_region(name: str, code: str | None) -> bool:
    """Return whether a name is that of a region and not of a city."""
    is_named = is_region(name, code) and not is_city_too(name, code)
    return is_named or is_odd_region(name)


@lru_cache(maxsize=50_000)
def is_odd_region(name: str) -> bool:
    """Return whether a name contains a word for a region: Co. Kildare, Свердловская область."""
    return pattern("region").search(name) is not None and not pattern("mark").match(name)


def is_ambiguous(name: str, code: str | None) -> bool:
    """Return whether a name is that of a region and may be that of a city."""
    return is_region(name, code) and is_city_too(name, code)
