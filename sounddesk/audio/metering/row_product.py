"""Many short rows times one small matrix: how filters of a fixed length become work for the matrix library."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

# Rows multiplied at once. More would wake the threads of the matrix library, which cost more than they bring here.
_ROWS_AT_ONCE: Final = 128


def row_product(rows: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float[n, k] times float[k, m]: float[n, m]. `rows` should be contiguous."""
    count = len(rows)
    whole = count - count % _ROWS_AT_ONCE
    out = np.empty((count, matrix.shape[1]), dtype=np.result_type(rows, matrix))
    if whole:
        stacks = (-1, _ROWS_AT_ONCE, rows.shape[1])
        np.matmul(rows[:whole].reshape(stacks), matrix, out=out[:whole].reshape(-1, _ROWS_AT_ONCE, matrix.shape[1]))
    if whole < count:
        np.matmul(rows[whole:], matrix, out=out[whole:])
    return out
