"""Countries in addresses: ISO 3166-1 alpha-2 codes by name, territories, and short postcodes.

`countries.json` has:

- `languages`: official languages of countries. The first language that knows a name decides.
- `names`: old, official, short and colloquial names that CLDR does not have, by code.
- `territories`: by the code of a state, territories with their own code that may be written under
  that state, as in `Guadeloupe, France`, with the first characters of their postcodes.
- `short_postcodes`: countries where part of a postcode may stand alone, as `SW1A` of `SW1A 2AA`:
  patterns of that part and of the rest.
- `time_zones`: the IANA time zone of each country in which all clocks show the same time.
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from pipelines.ingest.data_files import read_json

#: Prefixes of a country's full name: Republic of, Kingdom of.
OF_A_STATE = re.compile(
    r"^(?:(?:federal |islamic |democratic |united |co operative )*"
    r"(?:republic|kingdom|state|commonwealth|union|principality|grand duchy)\b(?: of)?"
    r"|furstentum|konigreich|koninkrijk|(?:royaume|principaute|reino|principado) (?:de|du|d)"
    r"|republi(?:ca|k|ka|que)\b(?: de| del| di| of| da| do| du)?(?: la| el)?|repubblica(?: di"
    r"| del)?"
    r"|ประเทศ|جمهورية|دولة|مملكة|المملكة|سلطنة|республика|република) ?"
)
NO_NAMES = ("EU", "EZ", "UN", "QO", "ZZ", "XA", "XB")


def code_of_country(name: str) -> str | None:
    """Return the code for a country name or ISO code, or None."""
    plain = plain_name(name)
    code = _code_of(plain)
    if code is None and (bare := OF_A_STATE.sub("", plain)) != plain and len(bare) > 2:
        code = _code_of(bare)
    return code


def territories(state: str) -> dict[str, list[str]]:
    """Return the territories that may be written under a state, and how their postcodes begin."""
    found: dict[str, list[str]] = _data()["territories"].get(state, {})
    return found


def short_postcode(code: str) -> tuple[str, str] | None:
    """Return patterns of the part of a country's postcode that may stand alone, and of the rest."""
    found = _data()["short_postcodes"].get(code)
    return None if found is None else (found[0], found[1])


def time_zone_of(code: str | None) -> str | None:
    """Return the IANA time zone of a country, or None if its clocks differ or it is unknown."""
    found: str | None = _data()["time_zones"].get(code)
    return found


def _data() -> dict[str, Any]:
    return read_json("pipelines.ingest", "countries")


@lru_cache(maxsize=10_000)
def _code_of(plain: str) -> str | None:
    """Return the code for a normalized name: the first one of all lists that have it."""
    found = (_codes_of(place).get(plain) for place in range(len(_data()["languages"]) + 2))
    return next((code for code in found if code is not None), None)


@cache
def _codes_of(place: int) -> dict[str, str]:
    """Return a list of codes by normalized name: our own names, each language, and aliases.

    A language takes milliseconds to read, and most names are found in the first ones. What it
    inherits has no names of countries, and merging that would take five times as long.
    """
    from babel import localedata
    from babel.core import get_global

    languages = _data()["languages"]
    if place == 0:
        named = _data()["names"].items()
        return {plain_name(name): code for code, names in named for name in names}
    codes: dict[str, str] = {}
    if place <= len(languages):
        own = localedata.load(languages[place - 1], merge_inherited=False)
        for code, name in own["territories"].items():
            if re.fullmatch("[A-Z]{2}", code) and code not in NO_NAMES:
                codes.setdefault(plain_name(name), code)
                codes.setdefault(code.casefold(), code)
        return codes
    for alias, meant in get_global("territory_aliases").items():
        if alias.isalpha() and len(meant) == 1:  # GBR, UK; not states that were dissolved
            codes.setdefault(alias.casefold(), meant[0])
    return codes


def plain_name(name: str) -> str:
    """Normalize a name: no case, accents, punctuation, articles; `&` is `and`, `Saint` is `St`."""
    letters = name.casefold().replace("&", " and ").replace("ı", "i")
    if not letters.isascii():
        decomposed = unicodedata.normalize("NFKD", letters)
        letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = re.sub(r"[^\w\s]|_", " ", letters)
    plain = " ".join(word for word in words.split() if word != "the")
    plain = re.sub(r"\bsaint\b", "st", plain)
    return re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", plain)  # u s a
