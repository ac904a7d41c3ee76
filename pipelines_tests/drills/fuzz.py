"""Strategies of the fuzz drills: texts, JSON and true documents with changes."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipelines.failures import PermanentFailure
from pipelines_tests.drills.form import LONG

DIGITS = "9" * 300
DEEP: Any = 0
for _ in range(150):  # below the limit of what is parsed, wherever it stands
    DEEP = [DEEP]
ABSURD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 10**400, 1e308, -0.0, float("nan"), float("inf"), "", " ",
    "\x00", "a\x00b", "\ud800", "x" * 201, "é" * 600, [], {}, [None], {"a": 1}, [["a"]], DEEP,
    "'; DROP TABLE flights.legs; --", "=1+1", "%s", "{id}", "{0}", "\\", '"', "a,b", "\\N", "\t",
    "\u00a0", "\u202e", "£", "1.234,56 €", "2026-03-29T01:30", "2026-10-25T01:30", DIGITS,
    "0001-01-01T00:00", "9999-12-31T23:59:59", "2022-07-31T12:00:40+99:99", "1e999", "NaN",
]  # fmt: skip
#: Halves of surrogate pairs and NUL are among them.
texts = st.text(st.characters()) | st.sampled_from([one for one in ABSURD if isinstance(one, str)])
json_values: st.SearchStrategy[Any] = st.sampled_from(ABSURD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def nearly(value: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of values similar to a value, seldom valid ones."""
    if isinstance(value, str):
        written = [re.sub("[0-9]", digit, value) for digit in "09"]
        for day, zone in (("0001-01-01", "+14:00"), ("9999-12-31", "-14:00")):
            moved = re.sub("^[0-9]{4}-[0-9]{2}-[0-9]{2}", day, value)
            written += [moved, f"{moved}{zone}"]
        around = [f"{value}{more}" for more in (" ", "Z", "+99:99", "0", "\x00", "\udcff")]
        return st.sampled_from([*written, *around, value[:-1], value * 30, value.swapcase()])
    if isinstance(value, int | float) and abs(value) < 1e9:
        return st.sampled_from(
            [-value, value + 0.5, value * 1e9, value * 10**20, str(value), [value]]
        )
    return json_values


def changes_of(record: Mapping[str, Any]) -> st.SearchStrategy[dict[str, str]]:
    """Other texts for one or two fields of a record."""
    changes = st.sampled_from([*record]).flatmap(
        lambda name: st.tuples(st.just(name), nearly(str(record[name])) | texts)
    )
    return st.lists(changes, min_size=1, max_size=2).map(dict)


def often(long: int = 1000, short: int = 30) -> Callable[[Any], Any]:
    """Set how many examples a property gets; in the short form they are deterministic.

    What fails is reported as the smallest example, with the line that replays it.
    """
    return settings(
        max_examples=long if LONG else short,
        deadline=None,
        derandomize=not LONG,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


class Verdicts:
    """How many examples of a property were accepted, and how many rejected with a reason."""

    def __init__(self) -> None:
        self.accepted = self.rejected = 0

    @contextmanager
    def count(self, *rejections: type[Exception]) -> Iterator[None]:
        """Count one example: a rejection is a `PermanentFailure` by default."""
        reason = None
        try:
            yield
        except rejections or (PermanentFailure,) as error:  # noqa: B030 - they are classes
            reason = str(error)
        self.accepted += reason is None
        self.rejected += reason is not None
        assert reason is None or reason.strip(), "a rejection without a reason"
        assert reason is None or rejections or "what to do: " in reason, reason


@st.composite
def changed(draw: st.DrawFn, document: Any, most: int = 4) -> Any:
    """A document in which some values are others, gone, or there twice, and new keys are."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, most))):
        way = draw(st.sampled_from(list(_ways(document)) or [()]))
        if not way:
            return copy.deepcopy(draw(json_values))
        inside = document
        for step in way[:-1]:
            inside = inside[step]
        what = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if what == "replace":
            other = nearly(inside[way[-1]]) if draw(st.booleans()) else json_values
            inside[way[-1]] = copy.deepcopy(draw(other))
        elif what == "remove":
            del inside[way[-1]]
        elif isinstance(inside, list):
            inside.insert(way[-1], copy.deepcopy(draw(st.sampled_from(inside))))
        else:
            inside[draw(texts)] = copy.deepcopy(draw(json_values))
    return document


def sent(document: Any) -> bytes:
    return json.dumps(document).encode()


def _ways(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path of each value within a document."""
    within: Any = ()
    if isinstance(document, dict):
        within = document.items()
    elif isinstance(document, list):
        within = enumerate(document)
    if len(way) < 6:
        for step, value in within:
            yield (*way, step)
            yield from _ways(value, (*way, step))
