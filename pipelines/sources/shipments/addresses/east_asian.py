"""Parse addresses in Chinese, Japanese or Korean script, from the largest unit to the smallest."""

import re
from dataclasses import dataclass

from pipelines.ingest.countries import code_of_country

COUNTRIES = ("CN", "HK", "JP", "KR", "MO", "TW")
WRITING = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
NUMBER = {
    "CN": r"(?<!\d)\d{6}(?!\d)",
    "JP": r"(?<![\d-])\d{3}[-‐－−ー]?\d{4}(?![\d-])",
    "KR": r"(?<![\d-])(?:\d{5}|\d{3}-\d{3})(?![\d-])",
    "TW": r"^\D?\d{3}(?:\d{2,3})?(?!\d)|(?:(?<!\d)\d{5,6}|\s\d{3})$",
}
LARGE = {
    "JP": r"(?:東京都|北海道|京都府|大阪府|[^\W\d]{2,3}県)",
    "CN": r"(?:[^\W\d]{2,3}省|[^\W\d]{2,8}自治区)",
    "KR": r"(?:[가-힣]{1,3}(?:도|특별자치도))",
    "TW": r"(?:台灣省?|臺灣省?|福建省)",
}
CITY = {
    "JP": r"[^\W\d]{1,5}?(?:市|区|(?:郡[^\W\d]{1,5}?)?[町村])",
    "CN": r"[^\W\d]{1,7}?(?:市|地区|自治州|盟)",
    "KR": r"[가-힣]{1,4}(?:특별자치시|특별시|광역시|시|군)(?=[\s가-힣]|$)",
    "TW": r"[^\W\d]{2}(?:市|縣[^\W\d]{1,3}?[市鎮鄉])",
    "HK": r"(?:香港島?|九龍|九龙|新界)",
    "MO": r"(?:澳門|澳门|氹仔|路環)",
}
MUNICIPALITIES = ("北京市", "上海市", "天津市", "重庆市")


@dataclass(frozen=True)
class Read:
    """The parts of such an address."""

    street: str
    postcode: str | None
    city: str | None
    is_doubtful: bool


def is_east_asian(text: str, code: str | None) -> bool:
    """Return whether an address of the country is written in these scripts."""
    letters = sum(c.isalpha() for c in text)
    return code in COUNTRIES and len(WRITING.findall(text)) * 2 > letters > 0


def country_before(part: str) -> tuple[str, str] | None:
    """Return a country's name at the start of a part, without a blank after it, and the rest."""
    if not WRITING.search(part):
        return None
    for count in range(min(7, len(part)), 1, -1):
        name = part[:count].strip()
        code = code_of_country(name)
        if code in COUNTRIES and (len(name) > 2 or code != "KR"):
            return name, part[count:].strip()
    return None


def read(text: str, code: str | None) -> Read | None:
    """Parse an address without its country; None if no city is found."""
    form = code or ""
    rest, postcode = text, None
    if form in NUMBER and (found := re.search(NUMBER[form], text)):
        postcode = re.sub(r"[‐－−ー]", "-", found[0]).strip("〒 ")
        rest = text[: found.start()] + " " + text[found.end() :]
    rest = re.sub(r"[〒()（）]|^\s*邮编|邮政编码[:：]?|邮编[:：]?|우편번호", " ", rest).strip()
    if code != "KR":
        rest = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", rest)
    large = re.match(LARGE.get(form, r"(?!)"), rest)
    behind = rest[large.end() :].strip() if large else rest
    city = re.match(CITY[form], behind)
    if city is None:
        return None
    name, street = city[0], behind[city.end() :].strip()
    # For a ward of Tokyo, either may be given as the city.
    is_doubtful = large is not None and large[0] == "東京都"
    is_doubtful |= large is None and form == "CN" and name not in MUNICIPALITIES
    return Read(street, postcode, name, is_doubtful)
