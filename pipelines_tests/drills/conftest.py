"""Shared fixtures of the drills."""

from collections.abc import Iterator

import pytest

from pipelines_tests.drills.fuzz import Verdicts


@pytest.fixture
def verdicts() -> Iterator[Verdicts]:
    """Counts examples; a twentieth of them at least are accepted, and as many rejected.

    Otherwise nearly all input is valid, or nearly all is rejected, and the property says little.
    """
    counted = Verdicts()
    yield counted
    least = (counted.accepted + counted.rejected) / 20
    assert counted.accepted > least, vars(counted)
    assert counted.rejected > least, vars(counted)
