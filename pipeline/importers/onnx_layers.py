"""The nodes of an ONNX graph -> layers in order: a walk from the input along the one chain that there may be.

Every value is known by its axes: N the windows, L the steps, C the channels, and D the directions that a recurrent node
has an axis for. Reshaping and transposing only move them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    Activation,
    Affine,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    LayerNormalization,
    MaxPooling1D,
    Recurrent,
    Shape,
)
from edgehar.models.errors import ModelFileError
from edgehar.models.foreign_text import printable
from edgehar.pipeline.importers.folding import fold
from edgehar.pipeline.importers.model import Converted
from edgehar.pipeline.importers.onnx_file import OnnxModel
from edgehar.pipeline.importers.onnx_node import OnnxNode
from edgehar.pipeline.importers.onnx_recurrent import recurrent

LAYOUTS: Final = ("NLC", "LNC", "NCL")
"""What the axes of an input may be, the usual ones first."""

_RECURRENT: Final = ("RNN", "LSTM", "GRU")
_PER_STEP: Final = (Dense, Affine, Activation, LayerNormalization)
_ACTIVATIONS: Final = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Selu": "selu",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Exp": "exponential",
}


class Walk:
    """The chain as far as it was walked: the layers, and what the axes of the present value are."""

    def __init__(self, model: OnnxModel, axes: str, input_shape: tuple[int, int], where: str) -> None:
        self.model, self.where, self.input_shape = model, where, input_shape
        self.parts: list[Converted] = []
        self.axes = axes
        self._current = {model.input_name}
        self._seen = {model.input_name}

    def layers(self) -> list[Converted]:
        """Walk to the output and return the layers.

        Raises
        ------
        ModelFileError
            If an operator or one of its options cannot be expressed, or there are branches.
        """
        for node in self.model.nodes:
            taken = [name for name in node.inputs if name in self._seen]
            if not taken or node.kind == "Shape":
                continue
            if (len(taken) > 1 and node.kind not in _RECURRENT) or not set(taken) <= self._current:
                raise self.refusal(node, "takes several values of the chain, expected one chain of operators")
            if node.kind not in _NODES:
                raise self.refusal(node, f"cannot be expressed, expected {', '.join(sorted(_NODES))}")
            _NODES[node.kind](self, node)
            self._current = {name for name in node.outputs if name}
            self._seen |= self._current
        if self.model.output_name not in self._current or self.axes not in ("NC", "NLC"):
            raise ModelFileError(
                f"{self.where}: expected outputs for every window first, got the axes {self.axes}",
                next_step="Export the model so that its output begins with the windows.",
            )
        return fold(self.parts)

    def refusal(self, node: OnnxNode, what: str) -> ModelFileError:
        """Return the error of an operator."""
        return ModelFileError(
            f"{self.where}: operator {node.name} ({printable(node.kind, 40)}) {what}",
            next_step="Export the part of the model that is one chain of recurrent, dense and convolution layers.",
            operator=node.name,
        )

    def constant(self, node: OnnxNode, position: int) -> NDArray[Any]:
        """Return an input that must be an array of the file."""
        name = node.inputs[position] if position < len(node.inputs) else ""
        if name not in self.model.constants:
            raise self.refusal(node, f"computes its input {position}, expected an array in the file")
        return self.model.constants[name]

    def numbers(self, node: OnnxNode, attribute: str, position: int) -> list[int]:
        """Return whole numbers that are an attribute, or an input in newer operator sets."""
        if attribute in node.attributes:
            return [int(each) for each in np.ravel(node.attributes[attribute])]
        return [int(each) for each in np.ravel(self.constant(node, position))]

    def add(self, layer: Any, **weights: NDArray[Any]) -> None:
        """Go on with one more layer."""
        self.parts.append(Converted(layer, weights))

    def name(self, kind: str) -> str:
        """Return a name for the next layer."""
        return f"{kind.lower()}_{len(self.parts) + 1}"


def _recurrent(walk: Walk, node: OnnxNode) -> None:
    """A recurrent node gives its sequence, or its last state."""
    if walk.axes != "LNC":
        raise walk.refusal(node, f"takes values with the axes {walk.axes}, expected steps first")
    used = {name for other in walk.model.nodes for name in other.inputs} | {walk.model.output_name}
    outputs = [name if name in used else "" for name in (*node.outputs, "", "")][:3]
    if bool(outputs[0]) == bool(outputs[1]) or outputs[2]:
        raise walk.refusal(node, "hands on several of its outputs, expected the sequence or the last state alone")
    sequence = bool(outputs[0])
    where = f"{walk.where}: operator {node.name} ({node.kind})"
    part = recurrent(walk.model, node, walk.name(node.kind), sequence=sequence, where=where)
    walk.parts.append(part)
    walk.axes = "LDNC" if sequence else "DNC"


def _transpose(walk: Walk, node: OnnxNode) -> None:
    """Only moves the axes."""
    order = [int(each) for each in node.attributes.get("perm", range(len(walk.axes))[::-1])]
    if sorted(order) != list(range(len(walk.axes))):
        raise walk.refusal(node, "has another number of axes than its input")
    walk.axes = "".join(walk.axes[each] for each in order)


def _squeeze(walk: Walk, node: OnnxNode) -> None:
    """Drops the axis of the one direction."""
    axes = [axis % len(walk.axes) for axis in walk.numbers(node, "axes", 1)]
    if [walk.axes[axis] for axis in axes] != ["D"] or not isinstance(walk.parts[-1].layer, Recurrent):
        raise walk.refusal(node, "drops an axis that is not the one direction of a recurrent layer")
    walk.axes = walk.axes.replace("D", "")


def _reshape(walk: Walk, node: OnnxNode) -> None:
    """Joins directions and channels, or steps and channels."""
    if walk.axes.endswith("DC"):
        walk.axes = walk.axes[:-2] + "C"
    elif walk.axes == "NLC":
        walk.add(Flatten(walk.name("flatten")))
        walk.axes = "NC"
    elif walk.axes != "NC":
        raise walk.refusal(node, f"rearranges values with the axes {walk.axes}")
    # What a shape says is held to the outputs of the runtime; it may be computed, and open.


def _gather(walk: Walk, node: OnnxNode) -> None:
    """Takes the last step of a sequence, or the state of the one direction."""
    axis = int(node.attributes.get("axis", 0)) % len(walk.axes)
    index, letter = walk.constant(node, 1), walk.axes[axis]
    if index.shape != ():
        raise walk.refusal(node, "takes several places, expected one")
    if letter == "D" and int(index) in (0, -1) and isinstance(walk.parts[-1].layer, Recurrent):
        walk.axes = walk.axes.replace("D", "")
    elif letter == "L" and int(index) == -1:
        _keep_last_step(walk, node)
        walk.axes = walk.axes.replace("L", "")
    else:
        raise walk.refusal(node, "takes a part of its input other than the last step")


def _keep_last_step(walk: Walk, node: OnnxNode) -> None:
    """Let the last recurrent layer keep its last step: what stands behind it works on each step by itself."""
    for position in range(len(walk.parts) - 1, -1, -1):
        part = walk.parts[position]
        if isinstance(part.layer, Recurrent):
            walk.parts[position] = replace(part, layer=replace(part.layer, return_sequences=False))
            return
        if not isinstance(part.layer, _PER_STEP):
            break
    raise walk.refusal(node, "takes the last step of what is no forward recurrent layer")


def _gemm(walk: Walk, node: OnnxNode) -> None:
    """A dense layer."""
    kernel = walk.constant(node, 1)
    options = node.attributes
    if options.get("transA", 0) or options.get("alpha", 1.0) != 1.0 or options.get("beta", 1.0) != 1.0:
        raise walk.refusal(node, "has transA, alpha or beta, expected none of them")
    kernel = kernel.T if options.get("transB", 0) else kernel
    has_bias = len(node.inputs) > 2 and node.inputs[2]
    bias = np.broadcast_to(walk.constant(node, 2), kernel.shape[-1:]) if has_bias else np.zeros(kernel.shape[-1])
    _add_dense(walk, node, kernel, bias)


def _matmul(walk: Walk, node: OnnxNode) -> None:
    """A dense layer without its bias, which an Add brings."""
    kernel = walk.constant(node, 1)
    _add_dense(walk, node, kernel, np.zeros(kernel.shape[-1]))


def _add_dense(walk: Walk, node: OnnxNode, kernel: NDArray[Any], bias: NDArray[Any]) -> None:
    """Add a dense layer over the last axis."""
    if kernel.ndim != 2 or not walk.axes.endswith("C") or "D" in walk.axes:
        raise walk.refusal(node, f"takes values with the axes {walk.axes}, expected the channels last")
    walk.add(Dense(walk.name("dense"), kernel.shape[1]), kernel=kernel, bias=np.array(bias))


def _arithmetic(walk: Walk, node: OnnxNode) -> None:
    """A sum, difference, product or quotient with constants, for every channel."""
    position = 1 if node.inputs[1] in walk.model.constants else 0
    if position == 0 and node.kind in ("Sub", "Div"):
        raise walk.refusal(node, "takes a constant less or by the values, expected the values first")
    value, channels = walk.constant(node, position).astype(np.float64), _channels(walk)
    if value.size not in (1, channels) or (value.size > 1 and value.shape[-1] != channels) or walk.axes[-1] != "C":
        raise walk.refusal(node, "takes a constant of another shape than the channels")
    value = np.broadcast_to(value.ravel(), (channels,))
    ones, zeros = np.ones(channels), np.zeros(channels)
    if node.kind in ("Add", "Sub"):
        factor, shift = ones, value if node.kind == "Add" else -value
    else:
        factor, shift = value if node.kind == "Mul" else ones / value, zeros
    walk.add(Affine(walk.name("affine")), factor=factor, shift=shift)


def _channels(walk: Walk) -> int:
    """Return how many channels the present value has."""
    shape: Shape = walk.input_shape
    for part in walk.parts:
        shape = part.layer.output_shape(shape)
    return shape[-1]


def _activation(walk: Walk, node: OnnxNode) -> None:
    """An activation function alone."""
    walk.add(Activation(walk.name(node.kind), _ACTIVATIONS[node.kind]))


def _leaky(walk: Walk, node: OnnxNode) -> None:
    """A leaky relu."""
    slope = float(node.attributes.get("alpha", 0.01))
    if not 0 <= slope < 1:
        raise walk.refusal(node, f"has the slope {slope:g}, expected one from 0 to below 1")
    walk.add(Activation(walk.name("leaky_relu"), "leaky_relu", slope))


def _elu(walk: Walk, node: OnnxNode) -> None:
    """An elu of the slope one."""
    if node.attributes.get("alpha", 1.0) != 1.0:
        raise walk.refusal(node, "has another alpha than 1")
    walk.add(Activation(walk.name("elu"), "elu"))


def _softmax(walk: Walk, node: OnnxNode) -> None:
    """A softmax over the channels."""
    axis = int(node.attributes.get("axis", -1)) % len(walk.axes)
    if walk.axes[axis] != "C":
        raise walk.refusal(node, "is not over the channels")
    walk.add(Activation(walk.name("softmax"), "softmax"))


def _reduce(walk: Walk, node: OnnxNode) -> None:
    """Pooling over all steps."""
    axes = [axis % len(walk.axes) for axis in walk.numbers(node, "axes", 1)]
    if [walk.axes[axis] for axis in axes] != ["L"] or "D" in walk.axes or node.attributes.get("keepdims", 1):
        raise walk.refusal(node, "does not take the mean or the maximum over the steps, without keepdims")
    kind = GlobalAveragePooling1D if node.kind == "ReduceMean" else GlobalMaxPooling1D
    walk.add(kind(walk.name("pool")))
    walk.axes = walk.axes.replace("L", "")


def _conv(walk: Walk, node: OnnxNode) -> None:
    """A convolution along time, with the margins of ``valid``, ``same`` or ``causal``."""
    options, kernel = node.attributes, walk.constant(node, 1)
    size = kernel.shape[-1]
    stride, dilation = (int(np.ravel(options.get(name, [1]))[0]) for name in ("strides", "dilations"))
    reach = (size - 1) * dilation
    before, after = (int(each) for each in options.get("pads", [0, 0]))
    known = {(reach, 0): "causal", (0, 0): "valid"}
    if stride == 1:
        known.setdefault((reach // 2, reach - reach // 2), "same")
    padding = known.get((before, after))
    automatic = options.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"")
    if walk.axes != "NCL" or kernel.ndim != 3 or options.get("group", 1) != 1 or padding is None or automatic:
        raise walk.refusal(node, f"has groups, or pads {before} and {after} steps, expected none, all before, or half")
    bias = walk.constant(node, 2) if len(node.inputs) > 2 else np.zeros(len(kernel))
    layer = Conv1D(walk.name("conv"), len(kernel), size, "linear", padding, dilation, strides=stride)
    walk.add(layer, kernel=kernel.transpose(2, 1, 0), bias=np.array(bias))


def _max_pool(walk: Walk, node: OnnxNode) -> None:
    """Pooling by the maximum, inside the window."""
    options = node.attributes
    (size,), stride = options["kernel_shape"], int(np.ravel(options.get("strides", [1]))[0])
    plain = not any(options.get("pads", [])) and not options.get("ceil_mode", 0)
    if walk.axes != "NCL" or not plain or any(each != 1 for each in options.get("dilations", [1])):
        raise walk.refusal(node, "has pads, dilations or ceil_mode, expected none of them")
    walk.add(MaxPooling1D(walk.name("pool"), int(size), strides=0 if stride == size else stride))


def _batch_normalization(walk: Walk, node: OnnxNode) -> None:
    """An affine map of the channels."""
    scale, bias, mean, variance = (walk.constant(node, position).astype(np.float64) for position in range(1, 5))
    factor = scale / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    if "C" not in walk.axes or walk.axes.index("C") != 1:
        raise walk.refusal(node, f"takes values with the axes {walk.axes}, expected the channels second")
    walk.add(Affine(walk.name("normalization")), factor=factor, shift=bias - mean * factor)


def _nothing(walk: Walk, node: OnnxNode) -> None:
    """An operator that changes nothing once a model is trained."""


_NODES: Final[dict[str, Callable[[Walk, OnnxNode], None]]] = {
    **dict.fromkeys(_RECURRENT, _recurrent),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _reduce),
    **dict.fromkeys(("Identity", "Dropout"), _nothing),
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Softmax": _softmax,
    "Conv": _conv,
    "MaxPool": _max_pool,
    "BatchNormalization": _batch_normalization,
}
