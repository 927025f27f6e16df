"""Change a bundle on the disk: read, change and write it as one step, so that two changes at once both stay."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgehar.models.bundle.bundle import Bundle
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.bundle.reading import read_bundle
from edgehar.models.bundle.writing import check_not_released
from edgehar.models.errors import BundleError
from edgehar.models.files import alone


def update_bundle(path: Path, change: Callable[[Bundle], Bundle], *, of: Bundle) -> Bundle:
    """Apply a change to the bundle that stands at ``path`` now, and return it as written there.

    Long work, such as compiling, is done before: ``change`` only adds its result.

    Parameters
    ----------
    path
        A bundle's folder.
    change
        Returns the bundle with the change made, such as one with another artifact.
    of
        The bundle that the change was worked out for.

    Raises
    ------
    BundleError
        If another model has taken the bundle's place meanwhile, or the bundle is installed with the package.
    """
    check_not_released(path)
    with alone(path):
        there = read_bundle(path)
        if _model(there.manifest) != _model(of.manifest):
            raise BundleError(
                f"{path}: expected the model {of.manifest.model_id}, another one has taken its place meanwhile",
                next_step="Nothing was written. Run this again for the model that is there now.",
                path=path,
            )
        return change(there).save(path, lock=False)


def _model(manifest: Manifest) -> tuple[object, ...]:
    """Return what a bundle's artifacts, metrics and decoder are made for."""
    return (
        manifest.weights.sha256,
        manifest.architecture,
        manifest.normalization,
        manifest.labels,
        replace(manifest.window, hop=1),
    )
