"""The folder ``plots`` of a bundle: pictures and their numbers, which no hash covers."""

from pathlib import Path
from typing import Final

from edgehar.models.bundle.container import is_link, read_plain
from edgehar.models.bundle.names import MAXIMUM_PLOT_BYTES, MAXIMUM_PLOTS, PLAIN_NAME, PLOT_ENDINGS, PLOTS
from edgehar.models.errors import BundleError
from edgehar.models.files import settled
from edgehar.models.foreign_text import printable

_EXPECTED: Final = f"{' and '.join(PLOT_ENDINGS)} files"


def read_plots(bundle: Path) -> dict[str, bytes]:
    """Return the files of a bundle's folder ``plots`` by name; none of a zip, or where there is no such folder.

    Hidden files, such as file managers leave behind, are passed over.

    Raises
    ------
    BundleError
        If it is a link, or holds links, folders, other files than pictures and their numbers, or more than the limits.
    """
    folder = settled(bundle) / PLOTS
    if is_link(folder):
        raise _refusal(folder, f"a folder of {_EXPECTED}", "a link")
    if not folder.is_dir():
        return {}
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if len(names) > MAXIMUM_PLOTS:
        raise _refusal(folder, f"at most {MAXIMUM_PLOTS} files", f"{len(names):,}")
    for name in names:
        if not PLAIN_NAME.fullmatch(name) or not name.lower().endswith(PLOT_ENDINGS):
            raise _refusal(folder, f"{_EXPECTED} with plain names", printable(name))
    return {name: read_plain(folder / name, MAXIMUM_PLOT_BYTES, name=f"{PLOTS}/{name}") for name in names}


def _refusal(folder: Path, expected: str, got: str) -> BundleError:
    """Return the error of something that is not copied along."""
    return BundleError(
        f"{folder}: expected {expected}, got {got}",
        next_step="Move what does not belong there out of the bundle, then run this again.",
        path=folder,
    )
