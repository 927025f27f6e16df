"""Using a model for programs: open a bundle, classify windows that are already there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.tasks import MULTICLASS
from edgehar.models.engines import Engine, load_engine
from edgehar.models.errors import UsageError
from edgehar.pipeline.data.windows import Windows

Model: TypeAlias = Bundle | str | os.PathLike[str]
"""A model in memory, or the path of a bundle's folder or zip."""


def open_bundle(path: Model) -> Bundle:
    """Open a bundle: its folder, or a zip of it. Every size and hash is checked.

    A bundle that is open already is returned as it is.

    Raises
    ------
    BundleError
        If there is no bundle, or it is damaged.
    """
    return path if isinstance(path, Bundle) else read_bundle(Path(path))


def save_bundle(bundle: Bundle, path: str | os.PathLike[str], *, plots: Mapping[str, bytes] | None = None) -> Bundle:
    """Write a bundle as a folder, whole or not at all, and return it as found there.

    Parameters
    ----------
    bundle
        The model.
    path
        A new folder, or a bundle that is replaced.
    plots
        Pictures to keep in it, by file name. Default: those it was opened with.

    Raises
    ------
    BundleError
        If something other than a bundle stands there.
    """
    return bundle.save(Path(path), plots=plots)


def predict(
    bundle: Model | Engine,
    windows: npt.ArrayLike | Windows,
    *,
    engine: str = "auto",
    quantization: str = "float32",
) -> npt.NDArray[np.float32]:
    """Return the probability of every label for every window.

    Parameters
    ----------
    bundle
        The model, or the path of one. Or an engine from `edgehar.load_engine`, which is loaded once for many calls.
    windows : Windows, or array-like of shape (n, window_length, 3) or (window_length, 3), in g
        Raw acceleration, gravity included, at the model's rate. Of a model of tokens, whole numbers of shape
        (n, window_length) or (window_length,).
    engine, quantization
        What computes, and which artifact of the bundle.

    Returns
    -------
    ndarray of shape (n, n_labels), float32
        In the order of ``bundle.manifest.labels``.

    Raises
    ------
    DataError
        If the windows have another shape than the model's, or a value is not finite.
    EngineError
        If the engine is not installed.
    """
    if isinstance(bundle, Bundle | str | os.PathLike):
        bundle = load_engine(open_bundle(bundle), engine, quantization)
    values: npt.NDArray[Any] = windows.batch() if isinstance(windows, Windows) else np.asarray(windows, np.float32)
    return bundle.predict(values)


def classify(
    bundle: Model, windows: npt.ArrayLike | Windows, *, engine: str = "auto", quantization: str = "float32"
) -> list[str]:
    """Return the most probable label of every window; parameters as for `edgehar.predict`."""
    model = open_bundle(bundle)
    if model.manifest.task != MULTICLASS or len(model.manifest.architecture.output_shape) > 1:
        raise UsageError(
            f"{model.manifest.model_id}: expected a model that gives one label for a window, "
            f"its outputs are those of a {model.manifest.task} model",
            next_step="Use edgehar.predict for its outputs.",
        )
    found = predict(model, windows, engine=engine, quantization=quantization).argmax(axis=1)
    return [model.manifest.labels[index] for index in found]
