"""JSON as sources send it, read without losing a word; what it should say is not known here."""

import json
from collections.abc import Callable
from typing import Any

SENT_TWICE = " (sent twice)"
#: Python raises for integers with more than some 4,300.
MAX_DIGITS = 4000
#: Read from so much further down the stack, all that is read can be written and shown, too.
SPARE_FRAMES = 200


def parse_json(body: bytes) -> Any:
    """Parse JSON; where an object has a key twice, the first value is kept beside the last.

    It is under the key with `SENT_TWICE` behind it, so that nothing is lost without a word. Where
    the values differ, nobody knows which is true: under the key itself is an object with all of
    them, which no reader takes for a value. An integer of absurd length becomes a text, so that it
    costs its record and not the document.
    Raises `ValueError`, and `RecursionError` where it is nested too deep.
    """

    def keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            sent: dict[str, list[Any]] = {}
            for key, value in pairs:
                sent.setdefault(key, []).append(value)
            for key, values in sent.items():
                if len(values) > 1:
                    found[f"{key}{SENT_TWICE}"] = values[0]
                if any(value != values[0] for value in values[1:]):
                    found[key] = {"sent twice": values}
        return found

    def read() -> Any:
        try:
            return json.loads(body, object_pairs_hook=keep_all)
        except (json.JSONDecodeError, UnicodeError):
            raise
        except ValueError:  # an integer with too many digits
            return json.loads(body, object_pairs_hook=keep_all, parse_int=_integer)

    return _further_down(SPARE_FRAMES, read)


def _further_down(frames: int, read: Callable[[], Any]) -> Any:
    return _further_down(frames - 1, read) if frames else read()


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits
