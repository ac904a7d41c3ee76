"""Names of countries, in the languages in which addresses come, to ISO 3166-1 alpha-2 codes."""

import re
import unicodedata
from functools import cache

LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "fi", "pl", "cs", "hu", "ro"),
    *("tr", "el"),
)
"""The first that knows a name decides."""
OTHER_NAMES = {
    "america": "US",
    "bosnia": "BA",
    "burma": "MM",
    "cape verde": "CV",
    "czech republic": "CZ",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "hong kong": "HK",
    "ivory coast": "CI",
    "korea": "KR",
    "macao": "MO",
    "macau": "MO",
    "macedonia": "MK",
    "myanmar": "MM",
    "northern ireland": "GB",
    "palestine": "PS",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "russian federation": "RU",
    "scotland": "GB",
    "swaziland": "SZ",
    "turkey": "TR",
    "uae": "AE",
    "united states of america": "US",
    "vatican": "VA",
    "viet nam": "VN",
    "wales": "GB",
}


def code_of_country(name: str) -> str | None:
    """The code of a country's name or of its ISO code, or None."""
    return _codes().get(_plain(name))


@cache
def _codes() -> dict[str, str]:
    from babel import Locale
    from babel.core import get_global

    codes = dict(OTHER_NAMES)
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if re.fullmatch("[A-Z]{2}", code) and code not in ("EU", "EZ", "UN", "QO", "ZZ"):
                codes.setdefault(_plain(name), code)
                codes.setdefault(code.casefold(), code)
    for alias, meant in get_global("territory_aliases").items():
        if alias.isalpha() and len(meant) == 1:  # GBR, UK; not what fell apart since
            codes.setdefault(alias.casefold(), meant[0])
    return codes


def _plain(name: str) -> str:
    """Without case, accents, punctuation and an article."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    words = re.sub(r"[^\w\s]|_", " ", "".join(c for c in letters if not unicodedata.combining(c)))
    plain = " ".join(words.split()).removeprefix("the ")
    return re.sub(r"\b([a-z]) (?=[a-z]\b)", r"\1", plain)  # u s a
