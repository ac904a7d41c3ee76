"""Parse JSON from sources without losing data; each source validates the content itself."""

import json
import re
from contextlib import suppress
from itertools import chain
from typing import Any

SENT_TWICE = " (sent twice)"
#: What is nested deeper could not be serialized everywhere.
MAX_DEPTH, TOO_DEEP = 200, "it is nested too deeply"
NESTED = frozenset({dict, list})


def as_sent(value: Any) -> str:
    """Return a parsed value as JSON, with characters as they were sent."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON has not; bytes are no text when read again."""
    return {"hex": value.hex()} if isinstance(value, bytes) else str(value)


def parse_json(body: bytes) -> Any:
    """Parse JSON; if an object repeats a key, keep all its values.

    The first one is then under the key with `SENT_TWICE` appended. If they differ, the true one is
    unknown: the key itself has an object with the others, which no reader accepts as a value. An
    integer of absurd length becomes a string, which affects its record alone.

    Raises `ValueError`, also for what is nested too deeply to be written again.
    """
    try:
        with suppress(ValueError):  # of a document, or of an integer
            found = json.loads(body)
            ends = body.count(b'":') + len(re.findall(rb'"\s+:', body))
            if _number_of_keys(found) == ends and b"\0" not in body:  # else it is UTF-16
                return found  # no key came twice; to see which ones did takes half as long again
        found = None  # or there would be two of it
        found = json.loads(body, object_pairs_hook=_keep_all, parse_int=_integer)
        _number_of_keys(found)  # which raises if it is too deep
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    return found


def _keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        sent: dict[str, list[Any]] = {}
        for key, value in pairs:
            sent.setdefault(key, []).append(value)
        for key, values in sent.items():
            if len(values) > 1:
                found[f"{key}{SENT_TWICE}"] = values[0]
                if len({*map(as_sent, values)}) > 1:
                    found[key] = {"sent twice": values[1:]}
    return found


def _number_of_keys(value: Any) -> int:
    """Return how many keys its objects have. Raises `RecursionError` beyond `MAX_DEPTH` levels."""
    lists, objects, keys = [[value]], list[dict[str, Any]](), 0
    for _ in range(MAX_DEPTH + 1):
        keys += sum(map(len, objects))
        around = [*lists, *map(dict.values, objects)]
        if NESTED.isdisjoint(map(type, chain.from_iterable(around))):  # many are plain values
            return keys
        nested = [one for one in chain.from_iterable(around) if type(one) in NESTED]
        lists = [one for one in nested if isinstance(one, list)]
        objects = [one for one in nested if isinstance(one, dict)]
    raise RecursionError


def _integer(digits: str) -> int | str:
    with suppress(ValueError):  # it has more than some 4,300 digits
        return int(digits)
    return digits
