"""The next item is made while the last one is used: in order, one at a time, to the end or not."""

import threading
import time
from collections.abc import Iterator

import pytest

from pipelines.ingest.prefetch import prefetched

PATIENCE_SECONDS = 10


class Workshop:
    """Makes the numbers from 0 and remembers how many were begun."""

    def __init__(self, count: int, failing: int | None = None) -> None:
        self._count, self._failing = count, failing
        self.begun: list[int] = []

    def numbers(self) -> Iterator[int]:
        for number in range(self._count):
            self.begun.append(number)
            if number == self._failing:
                raise ValueError(f"number {number} broke")
            yield number

    def has_begun(self, count: int) -> bool:
        """Return whether so many items are begun within a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.begun) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        return len(self.begun) >= count


def threads_ahead() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("prefetched")]


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_every_item_comes_once_and_in_order(count: int) -> None:
    assert list(prefetched(Workshop(count).numbers())) == list(range(count))


def test_only_one_item_is_made_ahead_and_none_after_closing() -> None:
    workshop = Workshop(10)
    coming = prefetched(workshop.numbers())
    assert next(coming) == 0
    assert workshop.has_begun(2)
    time.sleep(0.05)
    assert workshop.begun == [0, 1]
    coming.close()  # type: ignore[attr-defined]  # it is a generator
    assert workshop.begun == [0, 1]
    assert not threads_ahead()


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_an_error_reaches_the_consumer_after_the_preceding_items(failing: int) -> None:
    """An error in a thread that nobody joins is an import that ends early and is green."""
    workshop = Workshop(5, failing)
    received: list[int] = []
    with pytest.raises(ValueError, match=f"number {failing} broke"):
        received.extend(prefetched(workshop.numbers()))
    assert workshop.begun == list(range(failing + 1))
    assert not threads_ahead()
