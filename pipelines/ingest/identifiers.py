"""Names and identifiers as senders and spreadsheets damage them: one meaning for every source."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: The stored form of a NUL character.
NUL = "\\x00"
#: What databases and spreadsheets write for a missing value.
NULLS = frozenset({"\\N", "NULL", "null", "#N/A"})
#: And programs that have no other number for it.
MISSING = NULLS | {"nan", "NaN"}
#: And what programs and spreadsheets write for nothing, or for a formula that failed.
MARKERS = MISSING | {
    *("N/A", "n/a", "None", "<NA>", "(null)", "undefined", "NaT"),
    *("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"),
    *("#NV", "#N/D", "#NOME?", "#RIF!", "#VALORE!", "#BEZUG!", "#WERT!", "#ZAHL!"),
    *("#¿NOMBRE?", "#¡REF!", "#¡VALOR!", "#¡NUM!", "#VALOR!", "#NOM?", "#VALEUR!"),
}
#: A column that is too narrow, and a text as programs write it for a spreadsheet to keep its zeros.
TOO_NARROW, AS_TEXT = re.compile("^##+$"), re.compile(r'="([^"]*)"')
SIGNS = ("#", "=")
#: Spaces that look like the usual one.
SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")
#: Invisible, but part of how Persian and Indic words are written.
JOINERS = "\u200c\u200d"
#: A long number as spreadsheets show it, or as programs write it that made a number of it.
DAMAGED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}|[0-9]{5,}\.0")
#: What stands for a letter that was lost.
LOST = "\ufffd"
IS_DAMAGED = "is a number whose digits a spreadsheet has lost, or has lost letters"


def cleaned(text: str) -> str:
    """Return a text in NFC, trimmed and without invisible characters; empty for a null marker."""
    if not text.isascii():
        visible = (one for one in text if one in JOINERS or unicodedata.category(one) != "Cf")
        text = SPACES.sub(" ", unicodedata.normalize("NFC", "".join(visible)))
    text = text.strip()
    if text.startswith(SIGNS):
        text = found[1] if (found := AS_TEXT.fullmatch(text)) else text
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


def intact_name(text: str) -> str:
    """Return a name of a document cleaned. Raises `ValueError` if nothing of it is left."""
    if not (text := cleaned(text)):
        raise ValueError("is missing")
    if DAMAGED.fullmatch(text) or LOST in text:
        raise ValueError(IS_DAMAGED)
    return text


def storable(raw: str) -> str:
    """Replace NUL characters, which PostgreSQL cannot store."""
    return raw.replace("\x00", NUL)


def as_sent(raw: str) -> str:
    """Restore the original text from its stored form."""
    return raw.replace(NUL, "\x00")
