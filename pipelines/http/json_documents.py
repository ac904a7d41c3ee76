"""Parse JSON from sources without losing data; each source validates the content itself."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

SENT_TWICE = " (sent twice)"
#: Python raises for integers with more than about 4,300 digits.
MAX_DIGITS = 4000
#: Every decimal of so many digits, without an exponent, is a float of its own.
FLOAT_DIGITS = 15
#: Parsing with this many fewer stack frames ensures that the result can be serialized, too.
SPARE_FRAMES = 200
#: In a document that is nested too deeply to be parsed, values below this level become text.
MAX_DEPTH = 100
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


class LongNumber(float):
    """A float that, as a text, has all the digits that were sent."""

    def __new__(cls, digits: str) -> "LongNumber":
        """Keep the digits."""
        number = super().__new__(cls, digits)
        number.digits = digits
        return number

    digits: str

    def __str__(self) -> str:
        """Return the number as it was sent, which pydantic makes a decimal from."""
        return self.digits


def as_sent(value: Any) -> str:
    """Return a parsed value as JSON, its numbers with all the digits that were sent."""
    if _has_long_number(value):
        with suppress(RecursionError):  # as deep as only hostile documents are
            return _with_digits(value)
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON has not; bytes are no text when read again."""
    return {"hex": value.hex()} if isinstance(value, bytes) else str(value)


def _has_long_number(value: Any) -> bool:
    waiting = [value]
    for one in waiting:
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, LongNumber):
            return True
    return False


def _with_digits(value: Any) -> str:
    """Return JSON as `json.dumps` does, which writes every float rounded."""
    if isinstance(value, dict):
        return (
            f"{{{', '.join(f'{as_sent(key)}: {_with_digits(one)}' for key, one in value.items())}}}"
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_with_digits, value))}]"
    return value.digits if isinstance(value, LongNumber) else as_sent(value)


def parse_json(body: bytes) -> Any:
    """Parse JSON; if an object repeats a key, keep all its values.

    The first value is kept under the key with `SENT_TWICE` appended, so that nothing is lost
    silently. If the values differ, the true one is unknown: the key itself then holds an object
    with all of them, which no reader accepts as a value. An integer of absurd length becomes a
    string, so that it affects only its record and not the whole document. So does a value that is
    nested too deeply: a string with its JSON. A number with more digits than a float has is a
    `LongNumber`, of which a decimal keeps all.

    Raises `ValueError`.
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
                    if len({*map(as_sent, values)}) > 1:
                        found[key] = {"sent twice": values}
        return found

    loads = partial(json.loads, object_pairs_hook=keep_all, parse_float=_number)

    def read(content: bytes) -> Any:
        try:
            return loads(content)
        except (json.JSONDecodeError, UnicodeError):
            raise
        except ValueError:  # an integer with too many digits
            return loads(content, parse_int=_integer)

    try:
        return _further_down(SPARE_FRAMES, lambda: read(body))
    except RecursionError:
        return read(_flattened(body))


def _flattened(body: bytes) -> bytes:
    """Replace each value that is nested deeper than `MAX_DEPTH` with a string of its JSON."""
    kept: list[bytes] = []
    depth = behind = start = 0
    for token in TOKENS.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth == MAX_DEPTH:
                start = token.start()
        elif token[0] in (b"]", b"}"):
            if depth == MAX_DEPTH:
                text = body[start : token.end()].decode("utf-8", "backslashreplace")
                kept += [body[behind:start], json.dumps(text).encode()]
                behind = token.end()
            depth -= 1
    if depth:
        raise ValueError("brackets are not closed")
    return b"".join([*kept, body[behind:]])


def _further_down(frames: int, read: Callable[[], Any]) -> Any:
    return _further_down(frames - 1, read) if frames else read()


def _number(digits: str) -> float:
    number = float(digits)
    is_exact = len(digits) <= FLOAT_DIGITS and "e" not in digits.lower()
    return number if is_exact or repr(number) == digits else LongNumber(digits)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits
