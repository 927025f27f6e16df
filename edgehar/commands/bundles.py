"""A bundle, or a folder of them such as `har train --groups` makes."""

from pathlib import Path

from edgehar.models.bundle import MANIFEST, Bundle, check_not_released, read_bundle
from edgehar.models.errors import UsageError


def read_bundles(path: Path) -> list[tuple[Path, Bundle]]:
    """Return the bundle at a path, or all bundles in a folder of bundles, each with its own path.

    Raises
    ------
    BundleError
        If there is none, or one is damaged.
    UsageError
        If a folder holds bundles of different models.
    """
    if path.is_dir() and not (path / MANIFEST).is_file():
        inside = sorted(file.parent for file in path.glob(f"*/{MANIFEST}") if not file.parent.name.startswith("."))
        if inside:
            return _of_one_model(path, [(each, read_bundle(each)) for each in inside])
    return [(path, read_bundle(path))]


def _of_one_model(path: Path, bundles: list[tuple[Path, Bundle]]) -> list[tuple[Path, Bundle]]:
    """Return the bundles if they can be judged and compiled as one: the same layers, labels and windows."""
    _, first = bundles[0]
    for place, other in bundles[1:]:
        same = [(each.architecture, each.labels, each.window) for each in (first.manifest, other.manifest)]
        if same[0] != same[1]:
            raise UsageError(
                f"{path}: expected bundles of one model, as `har train --groups` makes, got others "
                f"({bundles[0][0].name} and {place.name})",
                next_step="Name one of them.",
                bundles=tuple(each.name for each, _ in bundles),
            )
    return bundles


def check_writable_bundles(bundles: list[tuple[Path, Bundle]]) -> None:
    """Refuse to rewrite a zip, or a model that is released with the package.

    Raises
    ------
    UsageError
        If one of the bundles is a zip.
    BundleError
        If one of them is installed with the package.
    """
    for path, _ in bundles:
        check_not_released(path)
        if path.is_file():
            raise UsageError(
                f"{path}: expected a bundle's folder to write to, got a zip",
                next_step="Unpack it, and zip it again after.",
            )
