"""The next item is made while the last one is used: in order, one at a time, to the end or not."""

import threading
import time
from collections.abc import Iterator

import pytest

from pipelines.ingest.runner import prefetched


def numbers(count: int, begun: list[int], failing: int | None = None) -> Iterator[int]:
    """Make the numbers from 0, and note those that are begun."""
    for number in range(count):
        begun.append(number)
        if number == failing:
            raise ValueError(f"number {number} broke")
        yield number


def threads_ahead() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("prefetched")]


def test_only_one_item_is_made_ahead_and_none_after_closing() -> None:
    begun: list[int] = []
    coming = prefetched(numbers(10, begun))
    assert next(coming) == 0
    deadline = time.monotonic() + 10
    while len(begun) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.05)
    assert begun == [0, 1]
    coming.close()  # type: ignore[attr-defined]  # it is a generator
    assert (begun, threads_ahead()) == ([0, 1], [])


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_an_error_reaches_the_consumer_after_the_preceding_items(failing: int) -> None:
    """An error in a thread that nobody joins is an import that ends early and is green."""
    assert [*prefetched(numbers(500, []))] == [*range(500)]
    begun: list[int] = []
    received: list[int] = []
    with pytest.raises(ValueError, match=f"number {failing} broke"):
        received.extend(prefetched(numbers(5, begun, failing)))
    assert (begun, threads_ahead()) == ([*range(failing + 1)], [])
