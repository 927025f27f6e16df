"""A stack of SimpleRNN layers that keeps its last state, as one Scan in which all layers step together.

Layer k can take its step t as soon as layer k - 1 has: with each layer one step behind the one below, the stack is a
single SimpleRNN whose state is theirs side by side. Its recurrent kernel holds each layer's own on the diagonal, and
next to it the kernel of the layer above. A step of the Scan is Gemm and Tanh, which onnxruntime fuses; its RNN operator
calls tanh number by number instead (docs/decisions/0004-fastest-engine-by-measurement.md). Other runtimes do not know
Scan: it is the form of `OnnxOptions.fast`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgehar.models.architecture import SimpleRNN
from edgehar.pipeline.compilers.onnx.graph import BATCH, OnnxGraph
from edgehar.pipeline.compilers.onnx.values import TIME_FIRST, VECTOR, Values

Arrays = dict[str, NDArray[Any]]


def simple_rnn_stack(layers: Sequence[SimpleRNN], weights: Sequence[Arrays], values: Values, *, steps: int) -> Values:
    """Lower consecutive layers, of which only the last ends the sequence, over at least as many steps as layers."""
    graph, waits = values.graph, len(layers) - 1
    named = list(zip((layer.name for layer in layers), weights, strict=True))
    kernels = [graph.kernel(f"{name}/W", own["kernel"], axis=1) for name, own in named]
    recurrent = [graph.kernel(f"{name}/R", own["recurrent_kernel"], axis=1) for name, own in named]
    biases = [own["bias"].astype(np.float32) for own in weights]
    units = [layer.units for layer in layers]

    together = _diagonal(graph, kernels, recurrent, units)
    bias = graph.constant("together/B", np.concatenate(biases))
    first = _padded(graph, kernels[0], after=sum(units[1:]))
    fresh = graph.node("MatMul", [values.as_(TIME_FIRST), first])
    fresh = graph.node("Add", [fresh, _biases_by_step(graph, biases, bias, steps)])
    state = _scan(graph, _no_state(values, sum(units)), fresh, together, width=sum(units))
    for _ in range(waits - 1):
        state = _step(graph, state, together, bias)
    if waits:
        # Of the last step, only the last layer is wanted.
        above = graph.node("Concat", [kernels[-1], recurrent[-1]], axis=0)
        above = _padded(graph, above, before=sum(units[:-2]), axis=0)
        state = _step(graph, state, above, graph.constant(f"{named[-1][0]}/B", biases[-1]))
    return Values(graph, state, VECTOR)


def _diagonal(graph: OnnxGraph, kernels: list[str], recurrent: list[str], units: list[int]) -> str:
    """Return the recurrent kernel of all layers together."""
    if len(units) == 1:
        return recurrent[0]
    # What a layer's state means for itself, and for the layer above.
    blocks = [graph.node("Concat", [own, above], axis=1) for own, above in zip(recurrent, kernels[1:], strict=False)]
    widths = [own + above for own, above in pairwise(units)]
    rows = [
        _padded(graph, block, before=sum(units[:index]), after=sum(units[index:]) - width)
        for index, (block, width) in enumerate(zip([*blocks, recurrent[-1]], [*widths, units[-1]], strict=True))
    ]
    return graph.node("Concat", rows, axis=0, name="together/R")


def _biases_by_step(graph: OnnxGraph, biases: list[NDArray[Any]], bias: str, steps: int) -> str:
    """Return the biases (steps, 1, units): a layer that has not begun has none, so that its state stays zero."""
    waits = len(biases) - 1
    shape = np.array([steps - waits, 1, sum(len(own) for own in biases)])
    running = graph.node("Expand", [bias, graph.constant("together/running", shape)])
    if not waits:
        return running
    starting = [np.concatenate([own * (index <= step) for index, own in enumerate(biases)]) for step in range(waits)]
    stored = graph.constant("together/starting", np.stack(starting)[:, np.newaxis])
    return graph.node("Concat", [stored, running], axis=0)


def _no_state(values: Values, width: int) -> str:
    """Return zeros (batch, width)."""
    graph, place = values.graph, values.axes.index("N")
    batch = graph.node(
        "Gather", [graph.node("Shape", [values.name]), graph.constant("together/batch", np.array([place]))]
    )
    shape = graph.node("Concat", [batch, graph.constant("together/width", np.array([width]))], axis=0)
    return graph.node("ConstantOfShape", [shape])


def _scan(graph: OnnxGraph, state: str, fresh: str, kernel: str, *, width: int) -> str:
    """Return the state after state = tanh(fresh[t] + state K) for every t."""

    def numbers(name: str) -> Any:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (BATCH, width))

    step = [
        onnx.helper.make_node("Gemm", ["before", kernel, "now"], ["sums"]),
        onnx.helper.make_node("Tanh", ["sums"], ["after"]),
    ]
    body = onnx.helper.make_graph(step, "step", [numbers("before"), numbers("now")], [numbers("after")])
    return graph.node("Scan", [state, fresh], num_scan_inputs=1, body=body)


def _step(graph: OnnxGraph, state: str, kernel: str, bias: str) -> str:
    """Return tanh(state K + b)."""
    return graph.node("Tanh", [graph.node("Gemm", [state, kernel, bias])])


def _padded(graph: OnnxGraph, matrix: str, *, before: int = 0, after: int = 0, axis: int = 1) -> str:
    """Return a matrix with zeros before and after it along an axis."""
    if not before and not after:
        return matrix
    pads = np.zeros((2, 2), np.int64)
    pads[:, axis] = before, after
    return graph.node("Pad", [matrix, graph.constant(f"pads_{axis}_{before}_{after}", pads.ravel())])
