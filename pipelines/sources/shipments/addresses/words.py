"""Words that identify parts of an address, as patterns; they are listed in `words.json`."""

import re
from functools import cache

from pipelines.ingest.data_files import read_json

#: How the words of `words.json` occur in a text.
PATTERNS = {
    # of a street: if one is in a city's name, that name is in doubt
    "street": r"(?i)\b(?:{street})\b\.?|\bst\.?$|(?:{street_ends})\b",
    # before the number of a flat or the like, which is not a postcode
    "unit": r"(?i)\b(?:{unit})[ .:#]*$",
    # before the number of a post-office box, which is not one either
    "box": r"(?i)\b(?:{box})[ .:#]*(?:de correos? |postale? )?(?:no\.? ?)?$",
    # before a postcode
    "prefix": r"^(?:〒 ?|(?:{prefix})[: .]* ?|[A-Z]{{1,3}}-)",
    # before the name of a city
    "mark": r"(?i)^(?:{mark})",
    # of a region's name
    "region": r"(?i)\b(?:{region})\b\.?|^co\.? (?=\w{{3}})|محافظة|منطقة|จังหวัด|จ\.|(?:^|\s)tỉnh\b",
}


@cache
def pattern(kind: str) -> re.Pattern[str]:
    """Return the compiled pattern of a kind of words."""
    words = {name: "|".join(listed) for name, listed in read_json(__package__, "words").items()}
    return re.compile(PATTERNS[kind].format(**words))
