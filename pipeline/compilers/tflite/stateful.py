"""Lower a model to a TFLite flatbuffer that takes samples of one stream and its states, as tensors and no variables.

For one sample at a time the file has no loop: it is the cells, one after the other, and any runtime reads it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Layer, Recurrent, Weights, layer_weights
from edgehar.models.architecture.stateful import NEXT, STATEFUL, stateful_obstacle, states_of
from edgehar.models.bundle import FLOAT_TOLERANCE, CompiledArtifact
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.inputs import input_type
from edgehar.models.stateful.litert import TfliteStream
from edgehar.models.stateful.stream import whole_windows
from edgehar.pipeline.compilers import tflite as windows
from edgehar.pipeline.compilers.quantization.prerounding import preround
from edgehar.pipeline.compilers.tflite import feedforward, integer
from edgehar.pipeline.compilers.tflite import operators as op
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Subgraph, Tensor
from edgehar.pipeline.compilers.tflite.integer.stateful import lower_stateful_integer
from edgehar.pipeline.compilers.tflite.loop import State
from edgehar.pipeline.compilers.tflite.recurrent import continued_stack, one_step
from edgehar.pipeline.compilers.tflite.storage import INT8_STORAGES, STORAGES, as_float32, shared_scales

QUANTIZATIONS: Final = windows.QUANTIZATIONS
INPUT: Final = "Input"
OUTPUT: Final = "Output"


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what keeps this architecture from being lowered at this quantization, or None."""
    if quantization not in QUANTIZATIONS:
        return f"with states as inputs and outputs it knows the quantizations {', '.join(QUANTIZATIONS)}"
    found = stateful_obstacle(architecture)
    return integer.obstacle(architecture) if found is None and quantization == windows.INTEGER else found


def lower(
    architecture: Architecture,
    weights: Weights,
    quantization: str,
    calibration: NDArray[Any] | None,
    *,
    block: int,
) -> CompiledArtifact:
    """Return the artifact that takes ``block`` samples at a time; see `edgehar.pipeline.compilers.compile_model`."""
    if quantization in INT8_STORAGES and calibration is not None:
        weights = preround(architecture, weights, calibration, shared_scales)
    storage = STORAGES.get(quantization, as_float32)
    model = FlatbufferModel(storage, joins_kernels=quantization not in INT8_STORAGES)
    of_block = replace(architecture, window=block)
    if quantization == windows.INTEGER:
        samples, output = lower_stateful_integer(model, of_block, weights, windows.required_calibration(calibration))
    else:
        samples, output = _lower(model, of_block, weights)
    file, content = f"stateful.{quantization}.tflite", model.finish()
    expected = None
    if quantization != "float32":
        stream = TfliteStream(content, file=file, quantization=quantization, architecture=architecture)
        expected = whole_windows(stream, architecture, golden_inputs(architecture))
    return CompiledArtifact(
        file=file,
        format=STATEFUL["tflite"],
        quantization=quantization,
        route="direct",
        input=windows.tensor_spec(samples),
        output=windows.tensor_spec(output),
        content=content,
        expected=expected,
        tolerance=windows.TOLERANCES.get(quantization, FLOAT_TOLERANCE),
    )


def _lower(model: FlatbufferModel, architecture: Architecture, weights: Weights) -> tuple[Tensor, Tensor]:
    """Lower a model whose window is a block of samples; return its input and output."""
    graph, states = model.subgraph("main"), states_of(architecture)
    samples = graph.tensor(INPUT, (1, *architecture.input_shape), input_type(architecture))
    before = {state.name: graph.tensor(state.name, (1, state.units)) for state in states}
    after: list[Tensor] = []
    values = samples
    for is_recurrent, group in groupby(architecture.layers, key=lambda layer: isinstance(layer, Recurrent)):
        layers: list[Any] = list(group)
        if is_recurrent:
            first = len(after)
            count = sum(layer.states for layer in layers)
            own = [before[state.name] for state in states[first : first + count]]
            values, following = _advanced(model, graph, layers, weights, values, own)
            after += following
        else:
            values = _per_sample(graph, layers, weights, values)
    values = op.reshape(graph, values, (1, *architecture.output_shape))
    if values in after:
        values = op.add(graph, values, op.number(graph, 0.0))
    output = graph.renamed(values, OUTPUT) if values.name != OUTPUT else values
    following = [graph.renamed(each, state.name + NEXT) for each, state in zip(after, states, strict=True)]
    graph.set_interface([samples, *before.values()], [output, *following])
    return samples, output


def _advanced(
    model: FlatbufferModel,
    graph: Subgraph,
    layers: Sequence[Recurrent],
    weights: Weights,
    values: Tensor,
    states: Sequence[Tensor],
) -> tuple[Tensor, list[Tensor]]:
    """Lower consecutive recurrent layers: to a loop over the block, or without one for a sample alone."""
    if values.shape[1] > 1:
        return continued_stack(model, graph, layers, weights, values, [State.of(state) for state in states])
    sample = op.reshape(graph, values, (1, values.shape[-1]))
    output, after = one_step(graph, layers, weights, sample, states)
    return (op.reshape(graph, output, (1, 1, output.shape[-1])) if layers[-1].return_sequences else output), after


def _per_sample(graph: Subgraph, layers: Sequence[Layer], weights: Weights, values: Tensor) -> Tensor:
    """Lower layers that take each sample by itself."""
    for layer in layers:
        values = feedforward.LOWERINGS[type(layer)](graph, layer, layer_weights(layer, weights), values)
    return values
