"""Walk over long arrays in blocks, so that of a file mapped into memory only one block is in memory at a time."""

import mmap
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BLOCK_ROWS: Final = 2**18


def blocks_of(array: npt.NDArray[Any], *, overlap: int = 0) -> Iterator[npt.NDArray[Any]]:
    """Yield consecutive views of an array; pages of a mapped file are given back after each.

    Parameters
    ----------
    array
        Any array of at least one dimension.
    overlap
        How many rows of a block are yielded again at the start of the next, so that steps between rows are all seen.

    Examples
    --------
    >>> [block.tolist() for block in blocks_of(np.arange(3))]
    [[0, 1, 2]]
    """
    mapping = _mapping_of(array)
    for start in range(0, len(array), BLOCK_ROWS):
        yield array[max(0, start - overlap) : start + BLOCK_ROWS]
        if mapping is not None and len(array) > BLOCK_ROWS:
            mapping.madvise(mmap.MADV_DONTNEED)


def _mapping_of(array: npt.NDArray[Any]) -> mmap.mmap | None:
    """Return the file mapping that an array only reads from, where the system can be told to drop its pages."""
    if array.flags.writeable or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    base: Any = array
    while isinstance(base, (np.ndarray, memoryview)):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return base if isinstance(base, mmap.mmap) else None
