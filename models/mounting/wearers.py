"""Mountings by wearer: found once, kept in the user's own folder, used whenever the wearer is named."""

import os
import re
from pathlib import Path

from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting.rotation import Mounting, read_mounting

_NAME = re.compile(r"\w[\w .@+-]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def file_of_wearer(name: str) -> Path:
    """Return where a wearer's mounting is kept: ``$XDG_CONFIG_HOME/edgehar/mountings/NAME.json``.

    Raises
    ------
    UsageError
        If the name cannot be that of a file.
    """
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")) or _RESERVED.fullmatch(name):
        raise UsageError(
            f"--wearer: expected a name of letters, digits, spaces or .@+-_, at most 64, got {printable(name, 80)!r}",
            next_step="Choose another name, or name a file with --mounting.",
        )
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "edgehar" / "mountings" / f"{name}.json"


def mounting_of_wearer(name: str) -> Mounting:
    """Return a wearer's mounting.

    Raises
    ------
    UsageError
        If none is kept for this name.
    DataError
        If the file that is kept holds something else.
    """
    path = file_of_wearer(name)
    if not path.is_file():
        raise UsageError(
            f"--wearer: expected a mounting of {printable(name, 64)}, none is kept ({path})",
            next_step=f"Find it: har live --calibrate --wearer {printable(name, 64)!r} --port PORT.",
        )
    return read_mounting(path)
