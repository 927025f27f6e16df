"""Calibration windows: what integer models take the scales of their activations from, of training subjects alone."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import DataError
from edgehar.models.inputs import are_tokens, with_channels
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import make_windows

WINDOWS_PER_ACTIVITY: Final = 20
"""Enough for the ranges to settle: with 40 or 80, no scale of the LSTMs of USC-HAD moves by more than 4 %."""


MOST_WINDOWS: Final = 512
"""Of an array of inputs."""


def checked_windows(windows: NDArray[Any], architecture: Architecture, *, where: str) -> NDArray[np.float32]:
    """Return a user's inputs as float32.

    Raises
    ------
    DataError
        If they are not windows of the model, or hold what is no number.
    """
    shaped = with_channels(windows, architecture) if windows.ndim > len(architecture.input_shape) else windows
    if (
        shaped.ndim != 3
        or shaped.shape[1:] != (architecture.window, architecture.channels)
        or windows.dtype.kind not in "fiu"
        or not len(windows)
    ):
        expected = ", ".join(map(str, architecture.input_shape))
        raise DataError(
            f"{where}: expected numbers of shape (n, {expected}), got {windows.dtype} of shape {windows.shape}",
            next_step="Save the model's inputs with numpy.save, as the model takes them.",
        )
    values = np.ascontiguousarray(shaped, np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{where}: expected finite numbers, got NaN or infinity", next_step="Leave those windows out.")
    if architecture.vocabulary is not None and not are_tokens(values, architecture.vocabulary):
        raise DataError(
            f"{where}: expected tokens, whole numbers from 0 to {architecture.vocabulary - 1}, got others",
            next_step="Number the tokens as in training.",
        )
    return values


def sampled_windows(architecture: Architecture, windows: NDArray[Any], *, where: str) -> NDArray[np.float32]:
    """Return up to `MOST_WINDOWS` of a user's inputs, evenly over all there are.

    Raises
    ------
    DataError
        If they are not windows of the model, or hold what is no number.
    """
    count = len(windows) if windows.ndim else 0
    chosen = windows[np.linspace(0, count - 1, min(MOST_WINDOWS, count)).astype(int)] if count else windows
    return checked_windows(chosen, architecture, where=where)


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
    check_recognises_activities(manifest, for_what="recordings", gyroscope=True)
    spec = manifest.window
    windows = make_windows(
        dataset,
        window_length=spec.length,
        hop=spec.hop,
        rate_hz=spec.rate_hz,
        activities=manifest.labels,
        channels=len(spec.channels),
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
