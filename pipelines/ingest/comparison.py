"""Compare the rows of a batch with stored ones as numbers, which is faster than in SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.warehouse.connection import array_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


class Compared(NamedTuple):
    """Of each row of a batch: whether its key is stored, and whether with other content."""

    is_stored: NDArray[Any]
    is_other: NDArray[Any]


def compare(
    rows: pd.DataFrame,
    keys: NDArray[Any],
    stored: Sequence[bytes | None],
    content: Callable[[pd.DataFrame], NDArray[Any]],
) -> Compared:
    """Compare rows with what is stored.

    `keys` are the integer keys of the rows. `stored` are arrays in the format of array_send: the
    stored keys, then columns of their content, null if there are none. `content` returns the same
    columns of rows.
    """
    import numpy as np
    import pandas as pd

    none = np.zeros(len(rows), bool)
    if stored[0] is None:
        return Compared(none, none)
    known, *columns = [column for one in stored if one for column in array_columns(one)]
    places = pd.Index(known).get_indexer(keys)
    is_stored, is_other = places >= 0, none.copy()
    if is_stored.any():
        there = np.column_stack(columns)[places[is_stored]]
        is_other[is_stored] = (content(rows[is_stored]) != there).any(axis=1)
    return Compared(is_stored, is_other)
