"""Shared fixtures of the drills."""

from collections.abc import Iterator

import pytest

from pipelines_tests.drills.fuzz import Verdicts


@pytest.fixture
def verdicts() -> Iterator[Verdicts]:
    """Counts examples; some of them are accepted, and at least a twentieth is rejected.

    The more examples are drawn, the fewer of them are valid: one in a hundred of a thousand.
    """
    counted = Verdicts()
    yield counted
    assert counted.accepted >= 2, vars(counted)
    assert counted.rejected > (counted.accepted + counted.rejected) / 20, vars(counted)
