"""Columns that are longer than memory: arrays appended to a nameless temporary file, read back in blocks or mapped.

The file has no name, so that nothing is left of it when the program ends, however it ends. Short columns stay in
memory.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from edgehar.models.errors import DataError
from edgehar.pipeline.data.blocks import BLOCK_ROWS

_IN_MEMORY_BYTES: Final = 2**23
_FEWEST_MAPPED: Final = 2**20


class Spool:
    """An array of rows that grows at its end.

    Parameters
    ----------
    dtype
        Of every value.
    columns
        Values in a row; None for a one-dimensional array.
    folder
        Where the temporary file lives; by default where the system keeps such.
    kept
        A file that stays, instead of a temporary one, and how many rows of it are taken over.

    Examples
    --------
    >>> spool = Spool(np.float64)
    >>> spool.append(np.array([1.0, 2.0])); spool.append(np.array([3.0]))
    >>> len(spool), spool.read(1, 3).tolist()
    (3, [2.0, 3.0])
    """

    def __init__(
        self,
        dtype: npt.DTypeLike,
        *,
        columns: int | None = None,
        folder: Path | None = None,
        kept: tuple[Path, int] | None = None,
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._row = (columns,) if columns else ()
        self._bytes = self._dtype.itemsize * (columns or 1)
        self._file: Any = (
            tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=None if folder is None else str(folder))  # noqa: SIM115
            if kept is None
            else kept[0].open("r+b" if kept[1] else "w+b")
        )
        self._folder = folder
        self._length = 0 if kept is None else kept[1]
        self._mapped: npt.NDArray[Any] | None = None

    def __del__(self) -> None:
        """Close the file; views of it stay."""
        self._file.close()

    def __len__(self) -> int:
        """Rows so far."""
        return self._length

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add rows at the end; a full disk is a DataError."""
        try:
            self._file.seek(self._length * self._bytes)
            self._file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
        except OSError as error:
            where = self._folder or tempfile.gettempdir()
            raise DataError(
                f"expected room for temporary files in {where}, but {error.strerror or error}",
                next_step="Make room there, or write the store where there is some.",
                path=str(where),
            ) from error
        self._length += len(rows)

    def to_disk(self) -> None:
        """Bring all rows to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows as an array of their own."""
        stop = min(stop, self._length)
        self._file.seek(start * self._bytes)
        content = bytearray((stop - start) * self._bytes)
        self._file.readinto(content)
        return np.frombuffer(content, self._dtype).reshape(-1, *self._row)

    def blocks(self, start: int = 0, stop: int | None = None, *, overlap: int = 0) -> Iterator[npt.NDArray[Any]]:
        """Yield rows in blocks; each but the first begins with the last ``overlap`` rows of the one before."""
        end = self._length if stop is None else stop
        for at in range(start, end, BLOCK_ROWS):
            yield self.read(max(start, at - overlap), min(end, at + BLOCK_ROWS))

    def view(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows as a read-only view of the file, which stays until the view is gone.

        The file is mapped ahead of its end, in growing steps, so that thousands of views share a few mappings.
        """
        if self._mapped is None or len(self._mapped) < stop:
            rows = max(2 * stop, _FEWEST_MAPPED)
            os.ftruncate(self._file.fileno(), rows * self._bytes)
            mapped = mmap.mmap(self._file.fileno(), rows * self._bytes, access=mmap.ACCESS_READ)
            self._mapped = np.frombuffer(mapped, self._dtype).reshape(-1, *self._row)
        self._file.flush()
        return self._mapped[start:stop]


class Column(Protocol):
    """What can be read in blocks."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows as an array of their own."""

    def blocks(self, start: int = 0, stop: int | None = None, *, overlap: int = 0) -> Iterator[npt.NDArray[Any]]:
        """Yield rows in blocks."""


class Scaled:
    """A column multiplied by a number while it is read."""

    def __init__(self, column: Column, factor: float) -> None:
        self._column, self._factor = column, factor

    def __len__(self) -> int:
        """Rows in the column."""
        return len(self._column)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return rows as an array of their own."""
        return np.asarray(self._column.read(start, stop) * self._factor)

    def blocks(self, start: int = 0, stop: int | None = None, *, overlap: int = 0) -> Iterator[npt.NDArray[Any]]:
        """Yield rows in blocks."""
        for block in self._column.blocks(start, stop, overlap=overlap):
            yield block * self._factor


class Workspace:
    """Where an import keeps what it reads: the samples and times of all recordings, and columns on the way there.

    Parameters
    ----------
    folder
        Where temporary files live; by default where the system keeps such.
    channels
        Values in a sample.
    samples, times
        Files that keep the samples and times of recordings, and how many rows of them are taken over.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        channels: int = 3,
        samples: tuple[Path, int] | None = None,
        times: tuple[Path, int] | None = None,
    ) -> None:
        self._folder = folder
        self.channels = channels
        self.samples = Spool(np.float32, columns=channels, folder=folder, kept=samples)
        self.times = Spool(np.float64, folder=folder, kept=times)

    def column(self, dtype: npt.DTypeLike = np.float64, *, columns: int | None = None) -> Spool:
        """Return an empty column that is needed for a while."""
        return Spool(dtype, columns=columns, folder=self._folder)
