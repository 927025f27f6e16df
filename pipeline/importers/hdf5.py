"""The arrays and names of an HDF5 file: bounded, without links to elsewhere, read in a process of its own.

The HDF5 library is C code that was not made for strangers' files: it runs where a crash harms nothing.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import EngineError, ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.models.isolation import Isolation

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"

MAXIMUM_ARRAY_BYTES: Final = 64 * 2**20
"""Bytes of all arrays: as many as a bundle's weights may have."""

MAXIMUM_OBJECTS: Final = 20_000
"""Groups and arrays of a file."""

_DEEPEST: Final = 32
_NOT_THE_MODEL: Final = ("optimizer", "optimizer_weights")
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Hdf5Contents:
    """Everything of a file that a model can be made of.

    Parameters
    ----------
    arrays
        By their path, such as ``layers/dense/vars/0``.
    texts
        Attributes that are texts or lists of texts, by ``path@name``; ``@name`` stands at the root.
    """

    arrays: dict[str, NDArray[Any]]
    texts: dict[str, list[str]]

    def text(self, name: str) -> str | None:
        """Return an attribute that is one text, or None."""
        found = self.texts.get(name)
        return None if found is None or len(found) != 1 else found[0]


def read_hdf5(content: bytes, *, where: str) -> Hdf5Contents:
    """Return the arrays and texts of a file; what an optimizer left there is passed over.

    Raises
    ------
    ModelFileError
        If it is no HDF5 file, is larger than the limits, or refers to anything outside itself.
    """
    try:
        with Isolation(timeout_s=_TIMEOUT_S) as isolation:
            return isolation.run(_read, content, where)
    except EngineError as error:
        raise ModelFileError(
            f"{where}: {error.message}", next_step="Do not use this file: it is damaged, or made to do harm."
        ) from error


def _read(content: bytes, where: str) -> Hdf5Contents:
    """Read the file; runs in the other process."""
    import h5py

    found = Hdf5Contents({}, {})
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _add_texts(file, "", found, where)
            for path, entry in _walk(file, "", where, h5py):
                _add_texts(entry, path, found, where)
                if isinstance(entry, h5py.Dataset):
                    found.arrays[path] = _read_array(entry, path, found, where)
    except ModelFileError:
        raise
    except Exception as error:  # h5py passes on whatever the library says of a damaged file.
        raise ModelFileError(
            f"{where}: expected a whole HDF5 file, got one that cannot be read ({printable(str(error), 160)})",
            next_step="The file is damaged: save the model again.",
        ) from error
    return found


def _walk(group: Any, prefix: str, where: str, h5py: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every group and array with its path, held to the limits; links are refused."""
    if depth > _DEEPEST:
        raise _hostile(where, f"groups of more than {_DEEPEST} levels")
    for number, name in enumerate(group):
        if number > MAXIMUM_OBJECTS:
            raise _hostile(where, f"more than {MAXIMUM_OBJECTS:,} entries")
        path = f"{prefix}{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _hostile(where, f"a link at {printable(path, 80)!r}")
        if not prefix and name in _NOT_THE_MODEL:
            continue
        entry = group[name]
        yield path, entry
        if isinstance(entry, h5py.Group):
            yield from _walk(entry, f"{path}/", where, h5py, depth + 1)


def _read_array(entry: Any, path: str, found: Hdf5Contents, where: str) -> NDArray[Any]:
    """Return one array, after its size is known."""
    if entry.external is not None or entry.is_virtual:
        raise _hostile(where, f"data in another file at {printable(path, 80)!r}")
    if entry.dtype.kind not in "fiub":
        raise _hostile(where, f"no numbers at {printable(path, 80)!r}")
    total = entry.nbytes + sum(array.nbytes for array in found.arrays.values())
    if total > MAXIMUM_ARRAY_BYTES or len(found.arrays) > MAXIMUM_OBJECTS:
        raise ModelFileError(
            f"{where}: expected weights of at most {MAXIMUM_ARRAY_BYTES:,} bytes, it has {total:,} and more",
            next_step="Save a smaller model, or do not use this file.",
        )
    return np.asarray(entry[()])


def _add_texts(entry: Any, path: str, found: Hdf5Contents, where: str) -> None:
    """Add the attributes of a group that are texts."""
    for name in entry.attrs:
        if math.prod(entry.attrs.get_id(name).shape or ()) > MAXIMUM_OBJECTS:
            raise _hostile(where, f"an attribute of more than {MAXIMUM_OBJECTS:,} entries")
        values = np.atleast_1d(np.asarray(entry.attrs[name], object)).ravel().tolist()
        decoded = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
        if all(isinstance(value, str) for value in decoded):
            found.texts[f"{path}@{name}"] = decoded


def _hostile(where: str, got: str) -> ModelFileError:
    """Return the error of a file that no framework writes."""
    return ModelFileError(
        f"{where}: expected nothing but groups and arrays of numbers as Keras writes them, got {got}",
        next_step="Do not use this file.",
    )
