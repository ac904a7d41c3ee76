"""Faults between a source and the platform, named as in docs/reliability.md."""

import gzip
import math
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from pipelines.testing.fake_source import Answer, body, cut, drip, silence

#: Faults that occur before a request is sent.
ADDRESSES = ("connection refused", "TLS failure", "connect time-out")
GIGABYTE = 1 << 30
MEGABYTE = b" " * (1 << 20)
HTML = b"<!doctype html><title>Maintenance</title><p>We are back soon."
#: Latin-1, where UTF-8 is promised.
CONFUSED = b'{"note": "caf\xe9", '
ABSURD = -1_000_000
YEARS_AHEAD = 1000


class Spot(NamedTuple):
    """One value of one record in a true answer: `kind` is number, text, time, epoch (seconds).

    `place` is its position where the record has a list of values; `may_be` says whether the
    source has promised it: it may be "null", or "missing".
    """

    record: dict[str, Any]
    key: str
    kind: str
    place: int | None = None
    may_be: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        value = self.record[self.key]
        return value if self.place is None else value[self.place]

    def put(self, value: Any) -> None:
        if self.place is None:
            self.record[self.key] = value
        else:
            self.record[self.key][self.place] = value


class Again(str):
    """A key that an object has a second time, for `json.dumps` to write."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def status(number: int, **headers: str) -> Callable[[bytes], Answer]:
    return lambda _: body(b"no", number, **headers)


def endless(_: bytes) -> Answer:
    """Send a gigabyte of blanks, generated on the way."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(GIGABYTE))
        handler.end_headers()
        for _ in range(GIGABYTE // len(MEGABYTE)):
            handler.wfile.write(MEGABYTE)

    return answer


def in_circles(_: bytes) -> Answer:
    """Redirect to the same address."""
    return lambda handler: body(b"", 302, Location=handler.path)(handler)


@cache
def bomb() -> bytes:
    """A gigabyte of blanks, packed in a megabyte."""
    return gzip.compress(MEGABYTE * 64) * (GIGABYTE // len(MEGABYTE) // 64)


#: From the body of a true answer to what is sent instead.
ANSWERS: dict[str, Callable[[bytes], Answer]] = {
    "read time-out": lambda _: silence(20),
    "slow drip": lambda true: drip(true, seconds_a_byte=0.05),
    "redirect loop": in_circles,
    **{str(number): status(number) for number in (401, 403, 404, 408, 429)},
    "429 with Retry-After": status(429, Retry_After="60"),
    **{str(number): status(number) for number in (500, 502, 503)},
    "error object": lambda _: body(b'{"error": "the backend is away"}'),
    "HTML": lambda _: body(HTML, Content_Type="text/html"),
    "empty body": lambda _: body(b""),
    "truncated": lambda true: cut(true[: len(true) // 2], len(true)),
    "wrong encoding": lambda true: body(true.replace(b"{", CONFUSED, 1)),
    "gzip bomb": lambda _: body(bomb(), Content_Encoding="gzip"),
    "1 GB": endless,
    "wrong content type": lambda true: body(true, Content_Type="image/png"),
}


def _extra(spot: Spot) -> None:
    spot.record["unheard_of"] = 1


def _missing(spot: Spot) -> None:
    if "missing" not in spot.may_be:
        spot.record.pop(spot.key, None)


def _null(spot: Spot) -> None:
    if "null" not in spot.may_be:
        spot.put(None)


def _put(value: Any, *kinds: str) -> Callable[[Spot], None]:
    return lambda spot: spot.put(value) if spot.kind in kinds else None


def _as_string(spot: Spot) -> None:
    if spot.kind in ("number", "epoch"):
        spot.put(str(spot.value))


def _twice(spot: Spot) -> None:
    """Repeat a record with another plausible value."""
    if spot.kind == "number":
        other = Spot({**spot.record, spot.key: deepcopy(spot.record[spot.key])}, *spot[1:])
        other.put(spot.value + 1)
        spot.record[Again(spot.key)] = other.record[spot.key]


def _far(spot: Spot) -> None:
    if spot.kind == "time":
        spot.put(re.sub("20[0-9]{2}", lambda year: str(int(year[0]) + YEARS_AHEAD), spot.value))
    elif spot.kind == "epoch":
        spot.put(spot.value + YEARS_AHEAD * 365 * 86_400)


NUMBERS = ("number", "epoch")
#: Done to one value of each of several records; the others are as they should be.
CONTENT: dict[str, Callable[[Spot], None]] = {
    "extra field": _extra,
    "missing field": _missing,
    "changed type": lambda spot: spot.put({"value": spot.value}),
    "null": _null,
    "NaN": _put(math.nan, *NUMBERS),
    "infinity": _put(math.inf, *NUMBERS),
    "numbers as strings": _as_string,
    "duplicate keys": _twice,
    "out of range": _put(ABSURD, *NUMBERS),
    "far future": _far,
}
FAULTS = (*ADDRESSES, *ANSWERS, *CONTENT)
#: How long a client waits where it waits in vain.
SHORT_WAITS: Mapping[str, Mapping[str, float]] = {
    "connect time-out": {"connect_seconds": 0.2},
    "read time-out": {"read_seconds": 0.2},
    "slow drip": {"attempt_seconds": 1.0},
}


def spoil(fault: str, spots: Sequence[Spot]) -> None:
    for spot in spots:
        CONTENT[fault](spot)


@contextmanager
def busy_port() -> Iterator[int]:
    """A port on loopback that neither accepts nor rejects a further connection."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        time.sleep(0.1)
        yield int(listening.getsockname()[1])
        for one in waiting:
            one.close()
