"""The country of an address, and its other parts."""

import re
from dataclasses import dataclass, replace

from pipelines.ingest.countries import code_of_country, territories
from pipelines.sources.shipments.addresses.words import (
    Split,
    code_of,
    split_postcode,
    states,
)


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
