"""Which architectures the C engine runs, and the layers it runs for each: its compiler asks, and firmware projects."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgehar.models.architecture import (
    DIRECTIONS,
    GRU,
    LSTM,
    Architecture,
    AveragePooling1D,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Layer,
    Masking,
    MaxPooling1D,
    Recurrent,
    SelfAttention,
    Shape,
    SimpleRNN,
    TemporalBlock,
    chain_shapes,
    is_standard,
)
from edgehar.models.fused import ActivatedBranches, fused
from edgehar.models.portable.forks import MOST_ENDS
from edgehar.models.portable.rules import MAXIMUM_INPUTS, broken_rule
from edgehar.models.portable.tables import (
    ATTENTION,
    END,
    FLOAT32,
    FORK,
    GATES,
    HEADS,
    HIDDEN,
    INT8,
    JOIN,
    RECURRENT,
    CLayer,
    CModel,
    Matrix,
)

QUANTIZATIONS: Final = (FLOAT32, INT8)
_HEADS: Final = "softmax, sigmoid or linear"
_TAKES: Final = (
    "SimpleRNN, LSTM, GRU, Bidirectional, Conv1D, TemporalBlock, SelfAttention, pooling, Flatten, Dense, branches and "
    "Masking"
)
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
        ``centre`` takes the layer's offset from its input, ``head`` hands on what the layer has added up, ``branches``
        is a fork or the end of a branch; else empty.
    path
        What the names of the layer's weights begin with before its own: the branches that it is in.
    rows
        The rows of the layer's kernel that are this part's, where several parts share them: (0, 0) for all. The first
        of them has the bias.
    """

    layer: Layer
    structure: CLayer
    prefix: str = ""
    role: str = ""
    path: str = ""
    rows: tuple[int, int] = (0, 0)


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what the engine cannot step through, as a clause; None if it runs the architecture."""
    if quantization not in QUANTIZATIONS:
        return f"it knows the quantizations {' and '.join(QUANTIZATIONS)}"
    found = _first_obstacle(fused(architecture).layers, (architecture.window, architecture.channels))
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
    mask = 0.0 if masking(architecture) is not None else None
    return CModel(architecture.window, architecture.channels, layers, step_layers(layers), mask=mask)


def masking(architecture: Architecture) -> Masking | None:
    """Return the layer that says which samples are skipped, None where there is none."""
    return next((layer for layer in architecture.layers[:1] if isinstance(layer, Masking)), None)


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
        Paths and names of layers whose input is taken an offset from before zeros stand outside of it.
    """
    shape: Shape = (architecture.window, architecture.channels)
    found = list(_parts_of_chain(fused(architecture).layers, shape, centred, is_whole=True))
    ends = step_layers([part.structure for part in found])
    for index, part in enumerate(found):
        # Behind it there are more layers for every sample, which wait for the window's end.
        is_early = index + 1 < ends and part.structure.kind in RECURRENT and _ends(part.layer)
        is_alone = part.prefix != "forward_"
        yield replace(part, structure=replace(part.structure, hands_last=True)) if is_early and is_alone else part


def _parts_of_chain(
    layers: Sequence[Layer], shape: Shape, centred: Container[str], path: str = "", *, is_whole: bool = False
) -> Iterator[Part]:
    """Yield what the engine runs for a chain of layers; ``is_whole`` where the last of them is the model's."""
    for part in _parts_in_place(layers, shape, centred, path, is_whole=is_whole):
        yield part if part.path else replace(part, path=path)


def _parts_in_place(
    layers: Sequence[Layer], shape: Shape, centred: Container[str], path: str, *, is_whole: bool
) -> Iterator[Part]:
    """Yield the same, with the paths of layers in branches alone."""
    flattened, given = 0, shape
    for index, (layer, before) in enumerate(zip(layers, (None, *layers), strict=False)):
        inputs, last = shape[-1], is_whole and index + 1 == len(layers)
        if f"{path}{layer.name}" in centred:
            yield Part(layer, CLayer("dense", _zeros(inputs, inputs)), role="centre")
        if isinstance(layer, Flatten) and len(shape) > 1:
            flattened = shape[0]
        elif isinstance(layer, Dense) and flattened:
            yield from _after_flatten(layer, flattened, inputs // flattened, last=last)
            flattened = 0
        elif isinstance(layer, Dense) and isinstance(before, Branches) and _flattens(before, given):
            yield from _shared_dense(before, layer, given, centred, path, last=last)
        elif isinstance(layer, Branches):
            given = shape
            if not _flattens(layer, shape):
                yield from _parts_of_branches(layer, shape, centred, path)
        elif not isinstance(layer, Masking):
            yield from _parts_of(layer, shape, last=last)
        shape = layer.output_shape(shape)


def _parts_of_branches(layer: Branches, shape: Shape, centred: Container[str], path: str) -> Iterator[Part]:
    """Yield a fork, and every branch with its end."""
    activation = layer.activation if isinstance(layer, ActivatedBranches) else "linear"
    end, join = CLayer(END, None), CLayer(JOIN, None, activation=activation)
    yield Part(layer, CLayer(FORK, None, joins=layer.merge), role="branches")
    for number, branch in enumerate(layer.branches, start=1):
        yield from _parts_of_chain(branch, shape, centred, f"{path}{layer.name}/")
        yield Part(layer, join if number == len(layer.branches) else end, role="branches")


def _flattens(layer: Branches, shape: Shape) -> bool:
    """Whether a branch ends in a Flatten of steps: no vector of them is made, but what a Dense layer makes of it."""
    return any(_ends_flat(branch, shape) for branch in layer.branches)


def _ends_flat(branch: Sequence[Layer], shape: Shape) -> bool:
    """Whether a branch over such an input ends in a Flatten of steps."""
    return bool(branch) and isinstance(branch[-1], Flatten) and len(chain_shapes(branch[:-1], shape)[-1]) > 1


def _shared_dense(
    layer: Branches, dense: Dense, shape: Shape, centred: Container[str], path: str, *, last: bool
) -> Iterator[Part]:
    """Yield branches of which some end flat, and the Dense layer behind them: each has rows of it, a sum joins them."""
    yield Part(layer, CLayer(FORK, None, joins="sum"), role="branches")
    first = 0
    for number, branch in enumerate(layer.branches, start=1):
        flat = _ends_flat(branch, shape)
        chain = branch[:-1] if flat else branch
        *steps, inputs = chain_shapes(chain, shape)[-1]
        taps = steps[0] if flat else 1
        yield from _parts_of_chain(chain, shape, centred, f"{path}{layer.name}/")
        kernel = _zeros(taps * inputs, dense.units, taps=taps)
        own = CLayer("dense_over_time" if flat else "dense", kernel)
        yield Part(dense, own, rows=(first, first + taps * inputs))
        first += taps * inputs
        activation = "linear" if last or number < len(layer.branches) else dense.activation
        join = CLayer(JOIN, None, activation=activation)
        yield Part(layer, join if number == len(layer.branches) else CLayer(END, None), role="branches")
    if last:
        head = CLayer("dense", _zeros(dense.units, dense.units), activation=HEADS[dense.activation])
        yield Part(dense, head, role="head")


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


def _first_obstacle(layers: Sequence[Layer], shape: Shape) -> str | None:
    """Return what of the layers, or of their order, the engine has not."""
    problem = _obstacle_behind_mask(layers) or _obstacle_in_chain(layers, shape, is_whole=True)
    if problem is not None:
        return problem
    if len(chain_shapes(layers, shape)[-1]) > 1:
        return "it needs a layer that makes one vector of all steps, and an output layer behind it"
    return None if isinstance(layers[-1], Dense) else f"it needs a Dense layer with {_HEADS} at the end"


def _obstacle_behind_mask(layers: Sequence[Layer]) -> str | None:
    """Return what of a masked model the engine has not."""
    for layer in layers[1:]:
        if isinstance(layer, Masking):
            return f"layer {layer.name} masks steps behind other layers, it takes a Masking as the first layer"
        if isinstance(layers[0], Masking) and isinstance(layer, Branches):
            return f"layer {layer.name} are branches behind a mask, it takes recurrent and Dense layers there"
    return None


def _obstacle_in_chain(layers: Sequence[Layer], shape: Shape, *, is_whole: bool = False) -> str | None:
    """Return what of a chain the engine has not; ``is_whole`` where its last layer is the model's."""
    flattened = False
    for index, layer in enumerate(layers):
        last = is_whole and index + 1 == len(layers)
        problem = _obstacle_of(layer, shape, last=last)
        if isinstance(layer, Branches) and _flattens(layer, shape):
            behind = layers[index + 1] if index + 1 < len(layers) else None
            if layer.merge != "concat" or not isinstance(behind, Dense):
                problem = (
                    f"layer {layer.name} joins branches that end in Flatten, it takes a concatenation with a Dense "
                    "layer behind it, or a Dense layer in each branch"
                )
        if problem is not None:
            return problem
        if flattened and not isinstance(layer, Dense):
            return f"layer {layer.name} comes after Flatten, where it takes Dense"
        if len(shape) == 1 and not isinstance(layer, Dense | Flatten | Branches):
            return f"layer {layer.name} comes after the last step, where it takes Dense and branches"
        flattened = isinstance(layer, Flatten) and len(shape) > 1
        shape = layer.output_shape(shape)
    return None


def _ends(layer: Layer) -> bool:
    """Whether a layer makes one vector of all steps."""
    return isinstance(layer, GlobalAveragePooling1D) or getattr(layer, "return_sequences", None) is False


def _obstacle_of(layer: Layer, shape: Shape, *, last: bool) -> str | None:
    """Return what of a layer that is given this shape the engine has not."""
    if isinstance(layer, Branches):
        most = 2 if layer.merge == "mul" else MOST_ENDS
        if len(layer.branches) > most:
            return f"layer {layer.name} joins {len(layer.branches)} branches, it takes at most {most}"
        return next(filter(None, (_obstacle_in_chain(branch, shape) for branch in layer.branches)), None)
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
    elif not isinstance(layer, TemporalBlock | SelfAttention | GlobalAveragePooling1D | Flatten | Masking):
        return f"layer {layer.name} is a {layer.kind}, it takes {_TAKES}"
    return None
