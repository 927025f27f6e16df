"""Importing for programs: somebody else's trained model becomes a bundle."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgehar.models.bundle import Bundle
from edgehar.models.contract import SAMPLE_RATE_HZ
from edgehar.pipeline import importers


def import_model(
    model: str | os.PathLike[str] | Any,
    *,
    labels: Sequence[str] | None = None,
    rate_hz: float = SAMPLE_RATE_HZ,
    window: int | None = None,
    data: npt.NDArray[Any] | Mapping[str, npt.NDArray[Any]] | None = None,
) -> Bundle:
    """Return a bundle of a model that was trained elsewhere; write it with `edgehar.save_bundle`.

    Nothing of a file is executed. Where Keras is installed (for ONNX files, onnxruntime), the outputs are held to those
    it computes, and a difference of more than 1e-5 is refused. What was compared stands in
    ``bundle.manifest.provenance.configuration["imported"]``.

    Parameters
    ----------
    model
        The path of a ``.keras`` file, of an ``.h5`` file that holds a whole model or of an ``.onnx`` file, or a Keras
        model in memory.
    labels
        What the outputs are called, in their order. Default: ``class_0``, ``class_1`` and so on.
    rate_hz
        Samples per second of the windows it was trained on.
    window
        Steps of a window, where the model takes windows of any length.
    data : ndarray of shape (n, steps, features)
        Inputs of your own, on which the outputs are compared as well; of a model with several inputs a mapping from the
        name of each to its array.

    Raises
    ------
    ModelFileError
        If the file cannot be read, a layer or an option cannot be expressed, or the outputs differ.
    UsageError
        If labels, rate or window do not fit the model.
    DataError
        If the data are not windows of the model.
    """
    given = None if data is None else {"the data given": data}
    return importers.import_model(model, labels=labels, rate_hz=rate_hz, window=window, data=given)
