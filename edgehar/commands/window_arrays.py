"""Windows that a user keeps in an .npy file, or in an .npz file for a model that has several inputs."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.npz import read_npz
from edgehar.models.bundle.ziplimits import DAMAGE
from edgehar.models.errors import BundleError, DataError, UsageError

ENDINGS: Final = (".npy", ".npz")
"""How the names of such files end."""

_ZIP: Final = b"PK"
_ARCHIVE_BYTES: Final = 2**28
"""Of all arrays of an .npz file, unpacked: they are held in memory."""


def read_windows(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Return the array of an .npy file, or those of an .npz file by their names; pickles are refused.

    Of an .npy file no more is read than is used.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        If it does not hold arrays of numbers, or too many.
    """
    if not path.is_file():
        raise UsageError(f"--data {path}: expected an .npy file, found none", next_step="Save it with numpy.save.")
    try:
        with path.open("rb") as stream:
            if stream.read(len(_ZIP)) == _ZIP:
                return _archive(path)
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        raise DataError(
            f"{path}: expected an .npy file of numbers, got something else ({str(error)[:120]})",
            next_step="Save the inputs with numpy.save, or several with numpy.savez.",
        ) from error
    return np.asarray(found)


def _archive(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive, after their size is known."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_ARCHIVE_BYTES + 1)
        return read_npz(content, where=str(path), most_bytes=_ARCHIVE_BYTES)
    except BundleError as error:
        raise DataError(
            error.message, next_step="Save some hundred windows of each input, as numbers, with numpy.savez."
        ) from error
