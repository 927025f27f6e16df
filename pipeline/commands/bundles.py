"""A bundle, or a folder of them such as `har train --groups` makes."""

from pathlib import Path

from models.bundle import Bundle, read_bundle
from models.bundle_files import MANIFEST
from models.errors import UsageError


def read_bundles(path: Path) -> list[tuple[Path, Bundle]]:
    """Return the bundle at a path, or all bundles in a folder of bundles, each with its own path.

    Raises
    ------
    BundleError
        If there is none, or one is damaged.
    """
    if path.is_dir() and not (path / MANIFEST).is_file():
        inside = sorted(folder.parent for folder in path.glob(f"*/{MANIFEST}"))
        if inside:
            return [(each, read_bundle(each)) for each in inside]
    return [(path, read_bundle(path))]


def check_unpacked(bundles: list[tuple[Path, Bundle]]) -> None:
    """Refuse to rewrite a zip.

    Raises
    ------
    UsageError
        If one of the bundles is one.
    """
    for path, _ in bundles:
        if path.is_file():
            raise UsageError(
                f"{path}: expected a bundle's folder to write to, got a zip",
                next_step="Unpack it, and zip it again after.",
            )
