"""Arrays that are longer than memory: segments left in the file they are mapped from, indices kept in nameless files.

Pages of a file that is only read can be dropped by the system whenever memory is short, and are read again when needed.
"""

import mmap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.importing.spool import Spool

LONG: Final = 2**20
"""Rows from which on an array of indices is kept in a file."""
_CHUNK: Final = 2**18

Samples = npt.NDArray[np.float32]
Starts = npt.NDArray[np.int64]


def joined(segments: Sequence[Samples]) -> tuple[Samples, Starts]:
    """Return an array that holds all segments, and the row of each: the mapped file they lie in, if it is one.

    Segments of several files, or in memory, are copied one after the other.

    Examples
    --------
    >>> held, starts = joined([np.zeros((2, 3), np.float32), np.ones((3, 3), np.float32)])
    >>> held.shape, starts.tolist()
    ((5, 3), [0, 2])
    """
    files = [_mapped_rows(segment) for segment in segments]
    first = files[0] if files else None
    if first is None or any(file is not first for file in files):
        lengths = np.array([len(segment) for segment in segments], np.int64)
        return np.concatenate(segments), np.cumsum(lengths) - lengths
    origin, row = first.__array_interface__["data"][0], first.strides[0]
    places = [(segment.__array_interface__["data"][0] - origin) // row for segment in segments]
    return first, np.array(places, np.int64)


def taken(values: npt.NDArray[Any], of_row: Starts) -> npt.NDArray[Any]:
    """Return ``values[of_row]``, mapped from a nameless file where that is long.

    Examples
    --------
    >>> taken(np.array(["a", "b"]), np.array([0, 0, 1])).tolist()
    ['a', 'a', 'b']
    """
    if len(of_row) < LONG:
        return np.asarray(values[of_row])
    spool = Spool(values.dtype)
    for start in range(0, len(of_row), _CHUNK):
        spool.append(values[of_row[start : start + _CHUNK]])
    return spool.view(0, len(of_row))


def _mapped_rows(segment: Samples) -> Samples | None:
    """Return the rows of the read-only file that a segment is a view of; None where it is of none."""
    if segment.flags.writeable or not segment.flags.c_contiguous:
        return None
    found: Any = segment
    while isinstance(found.base, np.ndarray):
        found = found.base
    is_mapped = isinstance(found, np.memmap) or isinstance(getattr(found.base, "obj", found.base), mmap.mmap)
    fits = found.ndim == 2 and found.dtype == segment.dtype and found.shape[1:] == segment.shape[1:]
    return found if is_mapped and fits and found.flags.c_contiguous else None
