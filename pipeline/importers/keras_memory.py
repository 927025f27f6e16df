"""A Keras model in memory: its configuration and its weights, in the words of its files."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import ModelFileError
from edgehar.pipeline.importers.keras_file import KerasModel

IN_MEMORY = "the model in memory"


class MemoryWeights:
    """The weights of the layers of a model in memory."""

    def __init__(self, model: Any) -> None:
        self._layers = {layer.name: layer for layer in model.layers}

    def arrays(self, kind: str, name: str, number: int, inner: Sequence[str]) -> list[NDArray[Any]]:
        """Return a layer's arrays; see `edgehar.pipeline.importers.keras_file.WeightSource`."""
        from keras import ops

        weights = self._layers[name].weights
        return [np.array(ops.convert_to_numpy(weight)) for weight in weights if "float" in str(weight.dtype)]


def read_keras_memory(model: Any) -> KerasModel:
    """Read a model in memory.

    Raises
    ------
    ModelFileError
        If it is no model of Keras, or was never built.
    """
    if not hasattr(model, "to_json") or not hasattr(model, "layers"):
        raise ModelFileError(
            f"model: expected a path or a Keras model, got a {type(model).__name__}",
            next_step="Pass the path of a .keras, .h5 or .onnx file; save a PyTorch model with torch.onnx.export.",
        )
    if not getattr(model, "built", True):
        raise ModelFileError(
            "model: expected a model that was built, this one has no weights yet",
            next_step="Begin it with keras.Input((steps, features)), or call it once.",
        )
    import keras

    return KerasModel(json.loads(model.to_json()), MemoryWeights(model), str(keras.__version__))
