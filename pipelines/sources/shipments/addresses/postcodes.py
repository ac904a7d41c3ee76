"""Postcodes in the parts of an address, recognized by their format and their neighbours."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.sources.shipments.addresses import regions
from pipelines.sources.shipments.addresses.names import cut_region, is_state_code
from pipelines.sources.shipments.addresses.words import pattern

MAX_POSTCODE_WORDS = 3
HOUSE = re.compile(r"\d{1,4}[a-zA-Z]?(?:[-/]\d{1,4}[a-zA-Z]?)?")


@dataclass(frozen=True)
class FoundPostcode:
    """A postcode in a part, with the text before and after it there, without a region."""

    number: int
    postcode: str
    before: str
    behind: str
    region: str | None
    house: str = ""


def find_candidates(body: Sequence[str], code: str | None) -> list[FoundPostcode]:
    """Return the postcodes at the end or start of a part, except in the first part."""
    found = []
    for number, part in enumerate(body):
        if number == 0 and len(body) > 1:
            continue
        split = split_postcode(part, code)
        if split is not None:
            found.append(split if number == 0 else replace(split, number=number))
    return found


@lru_cache(maxsize=50_000)
def best_postcode(body: tuple[str, ...], code: str | None) -> FoundPostcode | None:
    """Return the postcode of an address: the last one, preferably in its country's form."""
    found = find_candidates(body, code)
    fitting = [one for one in found if not is_misplaced(one, code)]
    return (fitting or found)[-1] if found else None


def is_misplaced(found: FoundPostcode, code: str | None) -> bool:
    """Return whether a numeric postcode precedes a name although the country writes it after."""
    follows = regions.follows_city(code)
    if follows is None or not (found.before or found.behind):
        return False
    is_short = found.postcode.isdigit() and len(found.postcode) < 6
    return is_short and (bool(found.behind) if follows else bool(found.before))


@lru_cache(maxsize=50_000)
def split_postcode(part: str, code: str | None) -> FoundPostcode | None:
    """Return the postcode at the end or start of a part, ignoring a region after it."""
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
    shortened, region = cut_region(spaced, code)
    if region and (found := _split_words(shortened.split(), code)):
        return replace(found, region=region)
    return None


def _split_words(words: list[str], code: str | None) -> FoundPostcode | None:
    for count in range(min(MAX_POSTCODE_WORDS, len(words)), 0, -1):
        first, last = words[:-count], words[-count:]
        before = " ".join(first)
        if postcode := as_postcode(last, code):
            is_state = bool(first) and is_state_code(first[-1], code)
            if is_state or not (pattern("box").search(before) or pattern("unit").search(before)):
                name, region = cut_region(before, code)
                return FoundPostcode(0, postcode, name.strip(" -–"), "", region)
        first, rest = words[:count], words[count:]
        if postcode := as_postcode(first, code):
            behind, region = cut_region(" ".join(rest).strip(" -–"), code)
            return FoundPostcode(0, postcode, "", behind, region)
    return None


@lru_cache(maxsize=50_000)
def _postcode(text: str, code: str | None) -> str | None:
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    bare = pattern("prefix").sub("", text).strip(" .-:")
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


def as_postcode(words: Sequence[str], code: str | None) -> str | None:
    """Return the words as a postcode in capitals, or None."""
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


def is_number(text: str) -> bool:
    """Return whether a text looks like a postcode: digits, and at most a few letters."""
    return any(c.isdigit() for c in text) and len(text) < 13 and len(text.split()) < 4
