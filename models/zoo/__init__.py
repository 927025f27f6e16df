"""Released models: bundles that are installed with the package, each known by a name such as ``lstm``.

Wherever a model is asked for, a path or a name may be given. What exists as a path is never taken for a name.
"""

import os
from pathlib import Path
from typing import Final

from edgehar.models.bundle.names import MANIFEST
from edgehar.models.errors import UsageError

DEFAULT: Final = "lstm"
"""Used where a model is needed and none is named."""

_FOLDER: Final = Path(__file__).resolve().parent


def released_names() -> tuple[str, ...]:
    """Return the names of the released models, the default one first."""
    found = sorted(file.parent.name for file in _FOLDER.glob(f"*/{MANIFEST}"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


def released_bundle(name: str) -> Path:
    """Return the folder of a released model.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in released_names():
        raise UsageError(
            f"expected a released model ({', '.join(released_names()) or 'none is installed'}), got {name!r}",
            next_step="Name one of these, or a bundle's folder or zip.",
        )
    return _FOLDER / name


def find_bundle(model: str | os.PathLike[str]) -> Path:
    """Return where a model is that is given by its path or by the name of a released one.

    A path that exists wins. What is neither is returned as the path it would be, for reading it says what is missing.

    Examples
    --------
    >>> find_bundle("no/such/folder").as_posix()
    'no/such/folder'
    """
    text = os.fspath(model)
    if not os.path.lexists(text) and text in released_names():
        return _FOLDER / text
    return Path(text)
