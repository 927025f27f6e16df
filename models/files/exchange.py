"""Exchange two folders in one step, where the system has such a step (Linux 3.15, macOS 10.12)."""

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

_CURRENT_FOLDER: Final = -100
"""AT_FDCWD of Linux: names are relative to the current folder."""

_RENAME_EXCHANGE: Final = 2
"""RENAME_EXCHANGE of Linux's renameat2, RENAME_SWAP of macOS's renamex_np."""


def exchange(left: Path, right: Path) -> bool:
    """Exchange what stands at two names; return False, with nothing changed, where that cannot be done in one step."""
    names = os.fsencode(left), os.fsencode(right)
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return bool(library.renamex_np(*names, ctypes.c_uint(_RENAME_EXCHANGE)) == 0)
        here = ctypes.c_int(_CURRENT_FOLDER)
        return bool(library.renameat2(here, names[0], here, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0)
    except (AttributeError, OSError, TypeError):
        return False
