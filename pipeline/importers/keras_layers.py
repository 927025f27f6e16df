"""The layers of Keras -> layers of this project with their weights, or a refusal by the layer's name and option."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edgehar.models.architecture import (
    GRU,
    LSTM,
    MERGES,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Masking,
    MaxPooling1D,
    Recurrent,
    RepeatVector,
    Reshape,
    Reverse,
    SelfAttention,
    Shape,
    SimpleRNN,
    chain_shapes,
)
from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.folding import fold
from edgehar.pipeline.importers.keras_activations import ACTIVATION_LAYERS, activation_of
from edgehar.pipeline.importers.keras_chain import TOKENS
from edgehar.pipeline.importers.keras_description import KerasChain, KerasLayer, SideInput
from edgehar.pipeline.importers.keras_file import WeightSource
from edgehar.pipeline.importers.keras_graph import ATTENTION, JOINING
from edgehar.pipeline.importers.keras_normalizations import NORMALIZATION_LAYERS
from edgehar.pipeline.importers.keras_weights import Arrays, filled, taken
from edgehar.pipeline.importers.model import Converted, unique_names
from edgehar.pipeline.importers.options import Options

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
    places = [layer.place for layer in chain.every_layer]
    names = unique_names(each.name for each in chain.every_layer)
    return _Conversion(weights, where, dict(zip(places, names, strict=True))).chain(chain.layers, input_shape)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """Where weights come from, and what each layer is called."""

    weights: WeightSource
    where: str
    names: Mapping[tuple[str, int], str]

    def chain(self, layers: Sequence[KerasLayer], shape: Shape) -> list[Converted]:
        """Return the layers of a chain that takes values of a shape."""
        found: list[Converted] = []
        for layer in layers:
            name = self.names[layer.place]
            place = f"{self.where}: layer {name} ({printable(layer.kind, 60)})"
            if layer.branches:
                parts = [self._joined(layer, name, place, shape)]
            elif layer.side is not None:
                parts = _selected(layer.side, name, shape)
            else:
                arrays = self.weights.arrays(layer.kind, layer.name, layer.number, _INNER.get(layer.kind, ()))
                parts = _convert(layer, name, place, arrays, shape)
            for part in parts:
                shape = _shape_after(part.layer, shape, place)
                found.append(part)
        return fold(found)

    def _joined(self, layer: KerasLayer, name: str, where: str, shape: Shape) -> Converted:
        """Return branches and how they are joined."""
        chains = [self.chain(branch, shape) for branch in layer.branches]
        ends = [chain_shapes([part.layer for part in chain], shape)[-1] for chain in chains]
        options = Options(where, layer.options)
        merge = _MERGING[layer.kind]
        if layer.kind == "Concatenate":
            options.only("axis", -1, len(ends[0]))
        options.finish()
        if len({end[:-1] if merge == "concat" else end for end in ends}) > 1:
            raise ModelFileError(
                f"{where}: joins outputs of the shapes {', '.join(map(str, ends))}, expected such that match",
                next_step="Bring them to one shape before they are joined.",
                layer=name,
            )
        if merge == "concat" and all(len(chain) == 1 and chain[0].selects for chain in chains):
            return _selecting(
                name, *(np.concatenate([chain[0].weights[key] for chain in chains], axis=-1) for key in _OF_DENSE)
            )
        return Converted(
            Branches(name, merge, tuple(tuple(part.layer for part in chain) for chain in chains)),
            {
                f"{part.layer.name}/{key}": value
                for chain in chains
                for part in chain
                for key, value in part.weights.items()
            },
        )


def _selected(side: SideInput, name: str, shape: Shape) -> list[Converted]:
    """Return what takes the features of one of several inputs from a window."""
    kernel = np.eye(shape[-1], dtype=np.float32)[:, side.first : side.first + side.features]
    selecting = _selecting(name, kernel, np.zeros(side.features, np.float32))
    return [selecting] if side.has_steps else [Converted(GlobalAveragePooling1D(f"{name}_mean")), selecting]


def _selecting(name: str, kernel: Any, bias: Any) -> Converted:
    """Return a dense layer that takes some features, each once or times a factor."""
    return Converted(Dense(name, kernel.shape[-1]), {"kernel": kernel, "bias": bias}, selects=True)


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
        known = ", ".join(sorted((*_CONVERTERS, *JOINING)))
        raise ModelFileError(
            f"{where}: this layer cannot be expressed, expected layers of {known}",
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


def _recurrent(kind: type[Recurrent]) -> Callable[[str, Options, Arrays, Shape], list[Converted]]:
    """Return the converter of a recurrent layer."""

    def convert(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
        layer = _cell(kind, name, options)
        options.only("zero_output_for_mask", False, None)
        own = [filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]
        return [Converted(Reverse(f"{name}_reversed")), *own] if options.flag("go_backwards", False) else own

    return convert


def _cell(kind: type[Recurrent], name: str, options: Options) -> Recurrent:
    """Return a recurrent layer of these options, whichever way it walks."""
    choices: dict[str, Any] = {"activation": activation_of(options, default="tanh", cell=True)}
    if kind is not SimpleRNN:
        gates = activation_of(options, name="recurrent_activation", default="sigmoid", cell=True)
        choices["recurrent_activation"] = gates
    if kind is GRU:
        choices["reset_after"] = options.flag("reset_after", True)
    for option in ("return_state", "time_major"):
        options.only(option, False)
    # Which state a window begins with is a matter of who runs the model.
    options.flag("stateful", False)
    return kind(name, options.count("units"), options.flag("return_sequences", False), **choices)


def _bidirectional(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a layer that walks both ways."""
    forward, backward = (_inner(options, key) for key in ("layer", "backward_layer"))
    merge = options.choice("merge_mode", "concat", MERGES)
    if forward is None or forward[0] not in _CELLS:
        options.refuse("layer", None if forward is None else forward[0], ", ".join(_CELLS))
    kind, inner = forward
    for each in (inner, *(() if backward is None else (backward[1],))):
        each.only("stateful", False)
    cell, use_bias = _cell(_CELLS[kind], name, inner), inner.flag("use_bias", True)
    inner.only("go_backwards", False)
    inner.finish()
    if backward is not None:
        other = _cell(_CELLS.get(backward[0], _CELLS[kind]), name, backward[1])
        backward[1].only("go_backwards", True)
        if backward[0] != kind or other != cell or backward[1].flag("use_bias", True) != use_bias:
            options.refuse("backward_layer", backward[0], "the same layer as forwards")
    layer = Bidirectional(
        name,
        kind,
        cell.units,
        cell.return_sequences,
        merge=merge,
        activation=cell.activation,
        recurrent_activation=getattr(cell, "recurrent_activation", "sigmoid"),
        reset_after=getattr(cell, "reset_after", True),
    )
    return [filled(layer, options, arrays, shape, use_bias=use_bias)]


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
    layer = Dense(name, options.count("units"), activation_of(options))
    return [filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]


def _conv1d(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a convolution along time."""
    options.only("data_format", "channels_last", None)
    options.only("groups", 1)
    layer = Conv1D(
        name,
        options.count("filters"),
        options.count("kernel_size"),
        activation_of(options),
        options.choice("padding", "valid", ("valid", "same", "causal")),
        options.count_or("dilation_rate", 1),
        strides=options.count_or("strides", 1),
    )
    return [filled(layer, options, arrays, shape, use_bias=options.flag("use_bias", True))]


def _pooling(kind: type[MaxPooling1D]) -> Callable[[str, Options, Arrays, Shape], list[Converted]]:
    """Return the converter of pooling."""

    def convert(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
        options.only("data_format", "channels_last", None)
        size = options.count("pool_size")
        strides = options.count_or("strides", size)
        padding = options.choice("padding", "valid", ("valid", "same"))
        return [Converted(kind(name, size, strides=0 if strides == size else strides, padding=padding))]

    return convert


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


def _reshape(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert to steps and channels, or to one vector."""
    target = options.take("target_shape")
    if not isinstance(target, list | tuple) or not all(type(size) is int for size in target):
        options.refuse("target_shape", target, "whole numbers")
    sizes, total = list(target), math.prod(shape)
    if sizes.count(-1) == 1:
        rest = -math.prod(sizes)
        sizes[sizes.index(-1)] = total // rest if rest > 0 and total % rest == 0 else 0
    if math.prod(sizes) != total or min(sizes, default=0) < 1 or len(sizes) > 2:
        options.refuse("target_shape", target, f"(steps, channels) or one number, {total:,} numbers in all")
    if len(sizes) == 1:
        return [Converted(Flatten(name))] if len(shape) > 1 else []
    return [Converted(Reshape(name, *sizes))]


def _embedding(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert tokens to vectors."""
    hides = options.flag("mask_zero", False)
    layer = Embedding(name, options.count("input_dim"), options.count("output_dim"), mask_zero=hides)
    return [filled(layer, options, arrays, shape)]


def _masking(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert to a layer that says which steps count."""
    return [Converted(Masking(name, options.number("mask_value", 0.0)))]


def _attention(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert attention of a sequence to itself, with the numbers of all heads side by side."""
    heads, key_size, channels = options.count("num_heads"), options.count("key_dim"), shape[-1]
    options.only("value_dim", key_size, None)
    options.only("output_shape", None, channels, [channels], (channels,))
    options.only("attention_axes", None, [1], (1,))
    options.take("flash_attention")
    use_bias, layer = options.flag("use_bias", True), SelfAttention(name, key_size, heads=heads, residual=False)
    stored = {
        **dict.fromkeys(("query_kernel", "key_kernel", "value_kernel"), (channels, heads, key_size)),
        **dict.fromkeys(("query_bias", "key_bias", "value_bias"), (heads, key_size)),
        "output_kernel": (heads, key_size, channels),
        "output_bias": (channels,),
    }
    order = [key for key in layer.weight_shapes(shape) if use_bias or not key.endswith("bias")]
    own = dict(zip(order, taken(options, arrays, [stored[key] for key in order]), strict=True))
    weights = {
        key: own.get(key, np.zeros(size, np.float32)).reshape(size) for key, size in layer.weight_shapes(shape).items()
    }
    return [Converted(layer, weights)]


def _repeat(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert to a vector for every step."""
    return [Converted(RepeatVector(name, options.count("n")))]


def _time_distributed(name: str, options: Options, arrays: Arrays, shape: Shape) -> list[Converted]:
    """Convert a layer for every step: those that work on the channels do so anyway."""
    inner = _inner(options, "layer")
    if inner is None or inner[0] not in _ON_CHANNELS or len(shape) != 2:
        options.refuse("layer", None if inner is None else inner[0], ", ".join(_ON_CHANNELS))
    kind, own = inner
    converted = [] if kind in _DROPPED else _CONVERTERS[kind](name, own, arrays, shape)
    own.finish()
    return converted


_OF_DENSE: Final = ("kernel", "bias")

_MERGING: Final = {"Concatenate": "concat", "Add": "sum", "Multiply": "mul", "Average": "ave"}
"""How each layer that takes several others joins them."""

_ON_CHANNELS: Final = (
    "Dense",
    *ACTIVATION_LAYERS,
    "BatchNormalization",
    "LayerNormalization",
    "Dropout",
)
"""Layers that give the same for a step alone as for that step of a sequence."""

_CELLS: Final[dict[str, type[Recurrent]]] = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}

_INNER: Final[dict[str, Sequence[str]]] = {
    **dict.fromkeys(_CELLS, ("cell",)),
    "Bidirectional": ("forward_layer/cell", "backward_layer/cell"),
    "TimeDistributed": ("layer",),
    ATTENTION: ("query_dense", "key_dense", "value_dense", "output_dense"),
}
"""Parts of a layer that hold its weights, where it does not hold them itself."""

_CONVERTERS: Final[dict[str, Callable[[str, Options, Arrays, Shape], list[Converted]]]] = {
    **{kind: _recurrent(layer) for kind, layer in _CELLS.items()},
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Conv1D": _conv1d,
    "MaxPooling1D": _pooling(MaxPooling1D),
    "AveragePooling1D": _pooling(AveragePooling1D),
    "GlobalAveragePooling1D": _global(GlobalAveragePooling1D),
    "GlobalMaxPooling1D": _global(GlobalMaxPooling1D),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "RepeatVector": _repeat,
    "TimeDistributed": _time_distributed,
    "Masking": _masking,
    TOKENS: _embedding,
    ATTENTION: _attention,
    **ACTIVATION_LAYERS,
    **NORMALIZATION_LAYERS,
}
