"""Windows that a user keeps in an .npy file: the inputs of a model, as it takes them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import DataError, UsageError


def read_windows(path: Path) -> NDArray[Any]:
    """Return the array of an .npy file, without reading more of it than is used; pickles are refused.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        If it is not an array of numbers.
    """
    if not path.is_file():
        raise UsageError(f"--data {path}: expected an .npy file, found none", next_step="Save it with numpy.save.")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path}: expected an .npy file of numbers, got something else ({str(error)[:120]})",
            next_step="Save the inputs with numpy.save.",
        ) from error
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path}: expected one array, got an archive of them", next_step="Save it with numpy.save.")
    return found
