"""JSON as sources send it, read without losing a word; what it should say is not known here."""

import json
from typing import Any

SENT_TWICE = " (sent twice)"
MOST_DIGITS = 4000
"""Python refuses to read integers with more than some 4,300."""


def parse_json(body: bytes) -> Any:
    """Parse JSON; where an object has a key twice, the first value is kept beside the last.

    It is under the key with `SENT_TWICE` behind it, so that nothing is lost without a word. An
    integer of absurd length becomes a text, so that it costs its record and not the document.
    Raises `ValueError`, and `RecursionError` where it is nested too deep.
    """

    def keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, value in reversed(pairs):
                found.update({f"{key}{SENT_TWICE}": value} if key in seen else {})
                seen.add(key)
        return found

    try:
        return json.loads(body, object_pairs_hook=keep_all)
    except (json.JSONDecodeError, UnicodeError):
        raise
    except ValueError:  # an integer with too many digits
        return json.loads(body, object_pairs_hook=keep_all, parse_int=_integer)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits
