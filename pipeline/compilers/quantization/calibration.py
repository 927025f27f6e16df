"""Calibration windows: what integer models take the scales of their activations from, of training subjects alone."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import make_windows

WINDOWS_PER_ACTIVITY: Final = 20
"""Enough for the ranges to settle: with 40 or 80, no scale of the LSTMs of USC-HAD moves by more than 4 %."""


def calibration_windows(
    bundle: Bundle, dataset: Dataset, *, per_activity: int = WINDOWS_PER_ACTIVITY
) -> NDArray[np.float32]:
    """Choose windows that show a bundle's model everything it tells apart.

    Parameters
    ----------
    bundle
        Of the data set it was trained on, only its training subjects are used: integers may not peek at the people it
        is judged on. Of another data set, everybody is.
    dataset
        Recordings of the model's activities; stretches of others are left out.
    per_activity
        How many of each, evenly over all there are.

    Returns
    -------
    ndarray of shape (n, window_length, channels), float32, in g

    Raises
    ------
    DataError
        If an activity has no window.
    """
    manifest = bundle.manifest
    spec = manifest.window
    windows = make_windows(
        dataset, window_length=spec.length, hop=spec.hop, rate_hz=spec.rate_hz, activities=manifest.labels
    )
    usable = np.ones(len(windows), bool)
    if dataset.name == manifest.provenance.dataset:
        trained = [str(name) for name in manifest.provenance.configuration.get("train_subjects", ())]
        usable = np.isin(windows.subjects, trained)
    chosen, missing = [], []
    for index, label in enumerate(manifest.labels):
        found = np.flatnonzero(usable & (windows.labels == index))
        if len(found):
            chosen.append(found[np.linspace(0, len(found) - 1, min(per_activity, len(found))).astype(int)])
        else:
            missing.append(label)
    if missing:
        raise DataError(
            f"{dataset.name}: expected calibration windows of every activity, got none of {', '.join(missing)} "
            "by the subjects the model was trained on",
            next_step="Calibrate with the recordings the model was trained on.",
            missing=tuple(missing),
        )
    return windows.batch(np.concatenate(chosen))
