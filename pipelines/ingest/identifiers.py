"""Names and identifiers as senders and spreadsheets damage them: one meaning for every source."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: What PostgreSQL cannot store in a text.
UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
#: The stored form of a NUL character.
NUL = "\\x00"
#: What databases and spreadsheets write for a missing value.
NULLS = frozenset({"\\N", "NULL", "null", "#N/A"})
#: And programs that have no other number for it, and spreadsheets for a formula that failed.
MARKERS = NULLS | {
    *("nan", "NaN", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"),
    *("#NV", "#N/D", "#NOME?", "#RIF!", "#VALORE!", "#BEZUG!", "#WERT!", "#ZAHL!"),
    *("#¿NOMBRE?", "#¡REF!", "#¡VALOR!", "#¡NUM!", "#VALOR!", "#NOM?", "#VALEUR!"),
}
#: And words of programs and people, which may be words.
WORDS = frozenset({"N/A", "n/a", "None", "<NA>", "(null)", "undefined", "NaT"})
#: All of them, where no text is expected.
NOTHING = MARKERS | WORDS
#: Where any text is expected: what is never a word.
NO_TEXT = NULLS | {"nan", "NaN"}
#: A column that is too narrow, and a text as programs write it for a spreadsheet to keep its zeros.
TOO_NARROW, AS_TEXT = re.compile("^##+$"), re.compile(r'="([^"]*)"')
SIGNS = ("#", "=")
#: Spaces that look like the usual one.
SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")
#: Invisible, but part of how Persian and Indic words are written.
JOINERS = "\u200c\u200d"
#: A long number as spreadsheets show it: its last digits are lost.
DAMAGED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}")
IS_DAMAGED = "is a number whose digits a spreadsheet has lost"
#: Of an identifier: a number as programs write it that made one of it, and a letter that was lost.
UNSURE = re.compile(r"[0-9]{5,}\.0|.*\ufffd.*")


def visible(text: str) -> str:
    """Return a text in NFC, trimmed, with usual spaces and without invisible characters."""
    if not text.isascii():
        seen = (one for one in text if one in JOINERS or unicodedata.category(one) != "Cf")
        text = SPACES.sub(" ", unicodedata.normalize("NFC", "".join(seen)))
    return text.strip()


def cleaned(text: str) -> str:
    """Return a text as `visible` does; empty for a null marker."""
    text = visible(text)
    if text.startswith(SIGNS):
        text = found[1].strip() if (found := AS_TEXT.fullmatch(text)) else text
        text = TOO_NARROW.sub("", text)
    return "" if text in MARKERS else text


def cleaned_all(texts: pd.Series) -> pd.Series:
    """Clean each distinct text of a column that is not as it should be."""
    texts = texts.str.strip()
    is_odd = texts.isin(MARKERS) | ~texts.str.isascii() | texts.str.startswith(SIGNS)
    if is_odd.any():
        odd = texts[is_odd]
        texts = texts.mask(is_odd, odd.map({one: cleaned(one) for one in odd.unique()}))
    return texts


@lru_cache(maxsize=10_000)  # names come again and again
def intact_name(text: str) -> str:
    """Return a name of a document cleaned. Raises `ValueError` if nothing of it is left."""
    if not (text := cleaned(text)):
        raise ValueError("is missing")
    if DAMAGED.fullmatch(text):
        raise ValueError(IS_DAMAGED)
    return text


def storable(raw: str) -> str:
    """Replace NUL characters, which PostgreSQL cannot store."""
    return raw.replace("\x00", NUL)


def as_sent(raw: str) -> str:
    """Restore the original text from its stored form."""
    return raw.replace(NUL, "\x00")
