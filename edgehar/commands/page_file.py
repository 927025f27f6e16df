"""The file that a page is written to: what stands there and is no page is not replaced."""

import os
from pathlib import Path
from typing import Final

from edgehar.models.errors import UsageError
from edgehar.reporting.page import is_page

_PAGE_START: Final = 100


def check_page_destination(out: Path) -> None:
    """Refuse a place where no page can be written, before anything is measured.

    Raises
    ------
    UsageError
        If a folder or a file of another kind stands there, or nothing can be written.
    """
    if out.is_dir():
        raise UsageError(f"{out}: expected a file to write the page to, got a folder", next_step="Name a file in it.")
    if out.exists() and not is_page(_beginning(out)):
        raise UsageError(
            f"{out}: expected a new file or an earlier page, got a file of another kind: it would be lost",
            next_step="Choose another --out.",
        )
    folder = next(each for each in (out.parent, *out.parent.parents) if each.exists() or each == each.parent)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(
            f"{out}: expected a place that can be written to, got {folder}", next_step="Choose another --out."
        )


def _beginning(path: Path) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(_PAGE_START)
