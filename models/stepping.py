"""Which architectures the C engine runs, and the layers it runs for each: its compiler asks, and firmware projects."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgehar.models.architecture import (
    DIRECTIONS,
    GRU,
    LSTM,
    Activation,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    MaxPooling1D,
    Recurrent,
    SelfAttention,
    Shape,
    SimpleRNN,
    TemporalBlock,
    is_standard,
)
from edgehar.models.portable.rules import MAXIMUM_INPUTS, broken_rule
from edgehar.models.portable.tables import ATTENTION, FLOAT32, GATES, HEADS, HIDDEN, INT8, CLayer, CModel, Matrix

QUANTIZATIONS: Final = (FLOAT32, INT8)
_HEADS: Final = "softmax, sigmoid or linear"
_TAKES: Final = "SimpleRNN, LSTM, GRU, Bidirectional, Conv1D, TemporalBlock, SelfAttention, pooling, Flatten and Dense"
_POOLS: Final = {MaxPooling1D.kind: "max_pool", AveragePooling1D.kind: "average_pool"}
_WHOLE: Final = {GlobalMaxPooling1D.kind: "global_max", GlobalAveragePooling1D.kind: "global_average"}


@dataclass(frozen=True, slots=True)
class Part:
    """A layer of the C engine, and where in the architecture's weights its own are.

    Parameters
    ----------
    layer
        The layer of the architecture.
    structure
        The layer of the engine, all its weights zero.
    prefix
        What the short names of its weights begin with.
    role
        ``centre`` takes the layer's offset from its input, ``head`` hands on what the layer has added up; else empty.
    """

    layer: Layer
    structure: CLayer
    prefix: str = ""
    role: str = ""


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what the engine cannot step through, as a clause; None if it runs the architecture."""
    if quantization not in QUANTIZATIONS:
        return f"it knows the quantizations {' and '.join(QUANTIZATIONS)}"
    found = _first_obstacle(fused(architecture).layers)
    if found is not None:
        return found
    model = skeleton(architecture)
    widest = max(matrix.inputs for layer in model.layers for matrix in layer.matrices)
    if quantization == INT8 and widest > MAXIMUM_INPUTS:
        return f"it takes at most {MAXIMUM_INPUTS} numbers into an int8 layer, this one has {widest}"
    return broken_rule(model)


def skeleton(architecture: Architecture) -> CModel:
    """Return the engine's model of an architecture that has no obstacle, all weights zero."""
    layers = tuple(part.structure for part in parts(architecture))
    return CModel(architecture.window, architecture.channels, layers, step_layers(layers))


def step_layers(layers: Sequence[CLayer]) -> int:
    """Return how many of the engine's layers run for every sample: those up to the one that ends the window."""
    return 1 + max((index for index, layer in enumerate(layers) if layer.kind != "dense"), default=-1)


def parts(architecture: Architecture, centred: Container[str] = ()) -> Iterator[Part]:
    """Yield the layers of the engine for an architecture that has no obstacle.

    Parameters
    ----------
    architecture
        The model, without layers that only train.
    centred
        Names of layers whose input is taken an offset from before zeros stand outside of it.
    """
    layers, flattened = fused(architecture).layers, 0
    shape: Shape = (architecture.window, architecture.channels)
    for index, layer in enumerate(layers):
        inputs, last = shape[-1], index + 1 == len(layers)
        if layer.name in centred:
            yield Part(layer, CLayer("dense", _zeros(inputs, inputs)), role="centre")
        if isinstance(layer, Flatten) and len(shape) > 1:
            flattened = shape[0]
        elif isinstance(layer, Dense) and flattened:
            yield from _after_flatten(layer, flattened, inputs // flattened, last=last)
            flattened = 0
        else:
            yield from _parts_of(layer, shape, last=last)
        shape = layer.output_shape(shape)


def _parts_of(layer: Layer, shape: Shape, *, last: bool) -> Iterator[Part]:
    """Yield what the engine runs for a layer that is given this shape."""
    inputs = shape[-1]
    if isinstance(layer, Dense):
        activation = HEADS[layer.activation] if last else layer.activation
        yield Part(layer, CLayer("dense", _zeros(inputs, layer.units), activation=activation))
    elif isinstance(layer, SimpleRNN | LSTM | GRU):
        yield Part(layer, _cell(layer, inputs))
    elif isinstance(layer, Bidirectional):
        forward, backward = (_cell(layer.direction(which), inputs) for which in DIRECTIONS)
        yield Part(layer, forward, "forward_")
        yield Part(layer, replace(backward, merge=layer.merge), "backward_")
    elif isinstance(layer, Conv1D):
        yield Part(layer, _convolution(layer, inputs))
    elif isinstance(layer, TemporalBlock):
        yield Part(layer, _convolution(layer.convolution, inputs), "first_")
        around = None if inputs == layer.filters else _zeros(inputs, layer.filters)
        second = replace(_convolution(layer.convolution, layer.filters), kind="residual", recurrent=around)
        yield Part(layer, second, "second_")
    elif isinstance(layer, SelfAttention):
        yield Part(layer, _attention(layer, *shape))
    elif isinstance(layer, MaxPooling1D):
        yield Part(
            layer,
            CLayer(_POOLS[layer.kind], None, pool=layer.pool_size, stride=layer.stride, padding=layer.padding),
        )
    elif isinstance(layer, GlobalAveragePooling1D):
        yield Part(layer, CLayer(_WHOLE[layer.kind], None))


def _after_flatten(layer: Dense, steps: int, channels: int, *, last: bool) -> Iterator[Part]:
    """Yield a dense layer over all steps; the output layer needs another one behind it that hands its sums on."""
    activation = "linear" if last else layer.activation
    kernel = _zeros(steps * channels, layer.units, taps=steps)
    yield Part(layer, CLayer("dense_over_time", kernel, activation=activation))
    if last:
        head = CLayer("dense", _zeros(layer.units, layer.units), activation=HEADS[layer.activation])
        yield Part(layer, head, role="head")


def _cell(layer: Recurrent, inputs: int) -> CLayer:
    """Return a recurrent layer."""
    kind = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[layer.kind]
    kind += "_reset_after" if isinstance(layer, GRU) and layer.reset_after else ""
    outputs = GATES[kind] * layer.units
    return CLayer(kind, _zeros(inputs, outputs), _zeros(layer.units, outputs))


def _attention(layer: SelfAttention, steps: int, inputs: int) -> CLayer:
    """Return a layer of attention over so many steps."""
    return CLayer(
        ATTENTION,
        _zeros(inputs, GATES[ATTENTION] * layer.width),
        _zeros(layer.width, inputs),
        pool=steps,
        heads=layer.heads,
        goes_around=layer.residual,
    )


def _convolution(layer: Conv1D, inputs: int) -> CLayer:
    """Return a convolution."""
    return CLayer(
        "conv",
        _zeros(layer.kernel_size * inputs, layer.filters, taps=layer.kernel_size),
        activation=layer.activation,
        dilation=layer.dilation,
        stride=layer.strides,
        padding=layer.padding,
    )


def _zeros(inputs: int, outputs: int, *, taps: int = 1) -> Matrix:
    """Return a matrix whose weights take no memory."""
    return Matrix(np.broadcast_to(np.float32(0.0), (inputs, outputs)), None, taps=taps)


def fused(architecture: Architecture) -> Architecture:
    """Return an architecture whose activations alone are those of the linear layer before them, where there is one."""
    layers: list[Layer] = []
    for layer in architecture.layers:
        before = layers[-1] if layers else None
        if isinstance(layer, Activation) and isinstance(before, Dense | Conv1D) and before.activation == "linear":
            layers[-1] = replace(before, activation=layer.activation)
        else:
            layers.append(layer)
    return replace(architecture, layers=tuple(layers))


def _first_obstacle(layers: tuple[Layer, ...]) -> str | None:
    """Return what of the layers, or of their order, the engine has not."""
    ended = flattened = False
    for index, layer in enumerate(layers):
        problem = _obstacle_of(layer, last=index + 1 == len(layers))
        if problem is not None:
            return problem
        if flattened and not isinstance(layer, Dense):
            return f"layer {layer.name} comes after Flatten, where it takes Dense"
        if ended and not isinstance(layer, Dense | Flatten):
            return f"layer {layer.name} comes after the last step, where it takes Dense alone"
        flattened = isinstance(layer, Flatten) and not ended
        ended = ended or flattened or _ends(layer)
    if not ended:
        return "it needs a layer that makes one vector of all steps, and an output layer behind it"
    return None if isinstance(layers[-1], Dense) else f"it needs a Dense layer with {_HEADS} at the end"


def _ends(layer: Layer) -> bool:
    """Whether a layer makes one vector of all steps."""
    return isinstance(layer, GlobalAveragePooling1D) or getattr(layer, "return_sequences", None) is False


def _obstacle_of(layer: Layer, *, last: bool) -> str | None:
    """Return what of a layer the engine has not."""
    if isinstance(layer, SimpleRNN | LSTM | GRU | Bidirectional):
        if not is_standard(layer):
            return f"layer {layer.name} has the activation {layer.activation}, it takes tanh and sigmoid in cells"
    elif isinstance(layer, Dense | Conv1D):
        known = HEADS if last else HIDDEN
        if layer.activation not in known:
            expected = f"{_HEADS} in the last layer" if last else f"{', '.join(HIDDEN)} before the last layer"
            return f"layer {layer.name} has the activation {layer.activation}, it takes {expected}"
    elif isinstance(layer, MaxPooling1D):
        if layer.stride < layer.pool_size:
            return f"layer {layer.name} has pools that overlap, it takes a stride of {layer.pool_size} or more"
    elif not isinstance(layer, TemporalBlock | SelfAttention | GlobalAveragePooling1D | Flatten):
        return f"layer {layer.name} is a {layer.kind}, it takes {_TAKES}"
    return None
