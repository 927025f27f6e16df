"""The layers of Keras -> layers of this project with their weights, or a refusal by the layer's name and option."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    ACTIVATION_NAMES,
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    Recurrent,
    Shape,
    SimpleRNN,
)
from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.keras_chain import KerasChain, KerasLayer
from edgehar.pipeline.importers.keras_file import WeightSource
from edgehar.pipeline.importers.model import Converted, unique_names
from edgehar.pipeline.importers.options import Options

Arrays = list[NDArray[Any]]

_DROPPED: Final = (
    "Dropout",
    "SpatialDropout1D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "InputLayer",
)
"""Layers that do something while a model is trained, and nothing afterwards."""

_CODE: Final = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "FlaxLayer", "JaxLayer")
"""Layers that are code, or load it."""


def convert_layers(
    chain: KerasChain, input_shape: tuple[int, int], weights: WeightSource, *, where: str
) -> list[Converted]:
    """Return the layers of a chain in this project's terms.

    Raises
    ------
    ModelFileError
        If a layer or one of its options cannot be expressed, or its weights are not there.
    """
    found: list[Converted] = []
    shape: Shape = input_shape
    seen: Counter[str] = Counter()
    for layer, name in zip(chain.layers, unique_names(each.name for each in chain.layers), strict=True):
        place = f"{where}: layer {name} ({printable(layer.kind, 60)})"
        arrays = weights.arrays(layer.kind, layer.name, seen[layer.kind], _INNER.get(layer.kind, ()))
        seen[layer.kind] += 1
        for part in _convert(layer, name, place, arrays, shape):
            shape = _shape_after(part.layer, shape, place)
            found.append(part)
    return found


def _convert(layer: KerasLayer, name: str, where: str, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Return what stands for one layer: nothing, one layer or several."""
    if layer.kind in _DROPPED:
        return []
    if layer.kind in _CODE:
        raise ModelFileError(
            f"{where}: is code of its own, which is never executed",
            next_step="Replace it by layers of Keras, such as Rescaling or Activation, and save the model again.",
            layer=name,
        )
    if layer.kind not in _CONVERTERS:
        raise ModelFileError(
            f"{where}: this layer cannot be expressed, expected layers of {', '.join(sorted(_CONVERTERS))}",
            next_step="Replace it and train again.",
            layer=name,
            kind=layer.kind,
        )
    options = Options(where, layer.options)
    converted = _CONVERTERS[layer.kind](name, options, arrays, shape)
    options.finish()
    return converted


def _shape_after(layer: Any, shape: Shape, where: str) -> Shape:
    """Return the shape that a layer makes of another."""
    try:
        after: Shape = layer.output_shape(shape)
    except ValueError as error:
        raise ModelFileError(
            f"{where}: cannot take an input of shape {shape} ({printable(str(error), 120)})",
            next_step="The layers do not fit one another: save the model again.",
        ) from error
    return after


def _filled(layer: Any, options: Options, arrays: Arrays, shape: Shape, *, use_bias: bool = True) -> Converted:
    """Return a layer with its weights in Keras order; a bias that is not used is zero."""
    expected = layer.weight_shapes(shape)
    given = {name: size for name, size in expected.items() if use_bias or not name.endswith("bias")}
    trained = [array for array in arrays if array.dtype.kind == "f"][: len(given)]
    if [array.shape for array in trained] != list(given.values()):
        shapes = ", ".join(str(array.shape) for array in trained) or "none"
        raise ModelFileError(
            f"{options.where}: expected weights of the shapes {', '.join(map(str, given.values()))}, got {shapes}",
            next_step="The file lacks weights: save the whole model again with model.save('my.keras').",
        )
    own = {name: np.asarray(array, np.float32) for name, array in zip(given, trained, strict=True)}
    return Converted(layer, {name: own.get(name, np.zeros(size, np.float32)) for name, size in expected.items()})


def _recurrent(kind: type[Recurrent]) -> Callable[[str, Options, Arrays, Shape], list[Converted]]:
    """Return the converter of a recurrent layer."""

    def convert(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
        layer = _cell(kind, name, options)
        options.only("go_backwards", False)
        return [_filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]

    return convert


def _cell(kind: type[Recurrent], name: str, options: Options) -> Recurrent:
    """Return a recurrent layer of these options, whichever way it walks."""
    choices: dict[str, Any] = {}
    options.only("activation", "tanh")
    if kind is not SimpleRNN:
        options.only("recurrent_activation", "sigmoid")
    if kind is GRU:
        choices["reset_after"] = options.flag("reset_after", True)
    for option in ("stateful", "return_state", "time_major"):
        options.only(option, False)
    return kind(name, options.count("units"), options.flag("return_sequences", False), **choices)


def _bidirectional(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a layer that walks both ways."""
    forward, backward = (_inner(options, key) for key in ("layer", "backward_layer"))
    options.only("merge_mode", "concat")
    if forward is None or forward[0] not in _CELLS:
        options.refuse("layer", None if forward is None else forward[0], ", ".join(_CELLS))
    kind, inner = forward
    cell, use_bias = _cell(_CELLS[kind], name, inner), inner.flag("use_bias", True)
    inner.only("go_backwards", False)
    inner.finish()
    if backward is not None:
        other = _cell(_CELLS.get(backward[0], _CELLS[kind]), name, backward[1])
        backward[1].only("go_backwards", True)
        if backward[0] != kind or other != cell or backward[1].flag("use_bias", True) != use_bias:
            options.refuse("backward_layer", backward[0], "the same layer as forwards")
    if isinstance(cell, GRU) and not cell.reset_after:
        inner.refuse("reset_after", False, "True")
    layer = Bidirectional(name, kind, cell.units, cell.return_sequences)
    return [_filled(layer, options, arrays, shape, use_bias=use_bias)]


def _inner(options: Options, key: str) -> tuple[str, Options] | None:
    """Take a layer that another one wraps: its class and its options."""
    entry = options.take(key)
    if not isinstance(entry, dict):
        return None
    kind, values = entry.get("class_name"), entry.get("config")
    if not isinstance(kind, str) or not isinstance(values, dict):
        options.refuse(key, type(entry).__name__, "a layer")
    return kind, Options(options.where, values)


def _dense(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a dense layer, which works on every step of a sequence."""
    layer = Dense(name, options.count("units"), options.choice("activation", "linear", ACTIVATION_NAMES))
    return [_filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]


def _conv1d(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a convolution along time."""
    options.only("data_format", "channels_last", None)
    options.only("groups", 1)
    options.only("strides", 1, [1], (1,))
    layer = Conv1D(
        name,
        options.count("filters"),
        options.count("kernel_size"),
        options.choice("activation", "linear", ACTIVATION_NAMES),
        options.choice("padding", "valid", ("valid", "same", "causal")),
        options.count_or("dilation_rate", 1),
    )
    return [_filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]


def _max_pooling(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert pooling by the maximum."""
    options.only("data_format", "channels_last", None)
    options.only("padding", "valid")
    size = options.count("pool_size")
    if (strides := options.count_or("strides", size)) != size:
        options.refuse("strides", strides, f"{size}, the size of the pool")
    return [Converted(MaxPooling1D(name, size))]


def _global(kind: Any) -> Callable[[str, Options, Arrays, Shape], list[Converted]]:
    """Return the converter of pooling over all steps."""

    def convert(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
        options.only("data_format", "channels_last", None)
        options.only("keepdims", False)
        return [Converted(kind(name))]

    return convert


def _flatten(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert to one vector; a vector stays as it is."""
    options.only("data_format", "channels_last", None)
    return [Converted(Flatten(name))] if len(shape) > 1 else []


_CELLS: Final[dict[str, type[Recurrent]]] = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}

_INNER: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(_CELLS, ("cell",)),
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
}
"""Parts of a layer that hold its weights, where it does not hold them itself."""

_CONVERTERS: Final[dict[str, Callable[[str, Options, Arrays, Shape], list[Converted]]]] = {
    **{kind: _recurrent(layer) for kind, layer in _CELLS.items()},
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Conv1D": _conv1d,
    "MaxPooling1D": _max_pooling,
    "GlobalAveragePooling1D": _global(GlobalAveragePooling1D),
    "GlobalMaxPooling1D": _global(GlobalMaxPooling1D),
    "Flatten": _flatten,
}
