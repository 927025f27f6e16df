"""The arrays of one Keras layer -> the weights of ours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Shape
from edgehar.models.errors import ModelFileError
from edgehar.pipeline.importers.model import Converted
from edgehar.pipeline.importers.options import Options

Arrays = list[NDArray[Any]]


def filled(layer: Any, options: Options, arrays: Arrays, shape: Shape, *, use_bias: bool = True) -> Converted:
    """Return a layer with its weights in Keras order; a bias that is not used is zero.

    Raises
    ------
    ModelFileError
        If there are others, or none.
    """
    expected = layer.weight_shapes(shape)
    given = {name: size for name, size in expected.items() if use_bias or not name.endswith("bias")}
    own = dict(zip(given, taken(options, arrays, list(given.values())), strict=True))
    return Converted(layer, {name: own.get(name, np.zeros(size, np.float32)) for name, size in expected.items()})


def taken(options: Options, arrays: Arrays, shapes: Sequence[Shape]) -> list[NDArray[np.float32]]:
    """Return a layer's first arrays, which must have these shapes; what follows is a generator's state.

    Raises
    ------
    ModelFileError
        If there are others, or none.
    """
    trained = [array for array in arrays if array.dtype.kind == "f"][: len(shapes)]
    if [array.shape for array in trained] != list(shapes):
        found = ", ".join(str(array.shape) for array in trained) or "none"
        raise ModelFileError(
            f"{options.where}: expected weights of the shapes {', '.join(map(str, shapes))}, got {found}",
            next_step="The file lacks weights: save the whole model again with model.save('my.keras').",
        )
    return [np.asarray(array, np.float32) for array in trained]
