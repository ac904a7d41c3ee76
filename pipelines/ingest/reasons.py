"""Why records are rejected: codes for statements, words for people.

`docs/reference.md` lists all codes.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Reason(NamedTuple):
    """Why a record is bad: a code that statements compare, and words for people.

    Of a final reason, reading the record again knows no more; the retry leaves it alone. The code
    of a value is `<field>_invalid` or `<field>_missing`.
    """

    code: str
    words: str
    is_final: bool = False


@dataclass(frozen=True)
class ReasonCode:
    """A reason code for the documentation: what it means, and what to do."""

    code: str
    means: str
    remedy: str


TOO_MANY_FIELDS = Reason("too_many_fields", "it has more fields than the header")
#: The codes that all sources share.
REASON_CODES = (
    ReasonCode(
        "came_before",
        "The key came before with other content; the first one counts.",
        "Ask the sender which one is right.",
    ),
    ReasonCode(
        "record_invalid",
        "The record breaks a rule about several of its fields, which the words state.",
        "Ask the sender to correct the record.",
    ),
    ReasonCode("not_an_object", "The record is not a JSON object.", "Ask the sender."),
    ReasonCode("not_json", "The line is not a JSON value.", "Ask the sender."),
    ReasonCode("not_csv", "The line cannot be split into fields.", "Ask the sender."),
    ReasonCode("too_many_fields", "The record has more fields than the header.", "Ask the sender."),
    ReasonCode("unclosed_quote", "A quotation mark in the line is not closed.", "Ask the sender."),
    ReasonCode(
        "wrong_field_count",
        "The line has more or fewer fields than the header.",
        "Ask the sender; a value with the delimiter in it needs quotation marks.",
    ),
    ReasonCode(
        "<field>_invalid",
        "The field's value breaks the rule that the words state.",
        "Ask the sender to correct the value.",
    ),
    ReasonCode("<field>_missing", "The record lacks the field.", "Ask the sender to add it."),
)


def not_an_object(value: Any) -> Reason:
    """Return the reason of a record that is not a JSON object."""
    return Reason("not_an_object", f"not an object but {type(value).__name__}")
