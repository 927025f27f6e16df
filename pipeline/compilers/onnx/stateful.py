"""Lower a model to an ONNX graph that takes samples and states: any number of streams, any number of samples each."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Recurrent, Weights, layer_weights
from edgehar.models.architecture.stateful import NEXT, STATEFUL, stateful_obstacle, states_of
from edgehar.models.bundle import CompiledArtifact
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.inputs import input_type
from edgehar.pipeline.compilers import onnx as windows
from edgehar.pipeline.compilers.onnx import recurrent
from edgehar.pipeline.compilers.onnx.graph import INPUT, OUTPUT, End, OnnxGraph
from edgehar.pipeline.compilers.onnx.storage import STORAGES, rounded, shared_scales
from edgehar.pipeline.compilers.onnx.values import BATCH_FIRST, Values
from edgehar.pipeline.compilers.onnx_options import OnnxOptions
from edgehar.pipeline.compilers.quantization.prerounding import preround

QUANTIZATIONS: Final = windows.QUANTIZATIONS
STREAMS: Final = "streams"
SAMPLES: Final = "samples"
"""Names of the open dimensions."""


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what keeps this architecture from being lowered at this quantization, or None."""
    return stateful_obstacle(architecture) or windows.obstacle(architecture, quantization)


def lower(
    architecture: Architecture,
    weights: Weights,
    quantization: str,
    calibration: NDArray[Any] | None,
    *,
    options: OnnxOptions,
) -> CompiledArtifact:
    """Return the artifact; see `edgehar.pipeline.compilers.compile_model`."""
    if quantization == windows.INT8 and calibration is not None:
        weights = preround(architecture, weights, calibration, shared_scales)
    graph = OnnxGraph(STORAGES[quantization], opset=options.opset)
    states = states_of(architecture)
    graph.reserve(name for state in states for name in (state.name, state.name + NEXT))

    values = Values(graph, INPUT, BATCH_FIRST[: len(architecture.input_shape) + 1])
    results: dict[str, str] = {}
    for layer in architecture.layers:
        own = layer_weights(layer, weights)
        if isinstance(layer, Recurrent):
            names = [state.name for state in states if state.layer == layer.name]
            values, after = recurrent.continued(layer, own, values, names)
            results |= {name + NEXT: state for name, state in zip(names, after, strict=True)}
        else:
            values = windows.LOWERINGS[type(layer)](layer, own, values)
    output = values.as_(BATCH_FIRST) if "L" in values.axes else values.name

    sample, steps = architecture.input_shape[1:], (SAMPLES,) * (len(architecture.output_shape) - 1)
    taken, number = input_type(architecture), np.dtype(np.float32)
    content = graph.finish(
        architecture.name,
        results=results | {OUTPUT: output},
        takes=[
            End(INPUT, (STREAMS, SAMPLES, *sample), taken),
            *(End(state.name, (STREAMS, state.units), number) for state in states),
        ],
        gives=[
            End(OUTPUT, (STREAMS, *steps, architecture.classes), number),
            *(End(state.name + NEXT, (STREAMS, state.units), number) for state in states),
        ],
    )
    open_ = windows.OPEN_DIMENSION
    return CompiledArtifact(
        file=f"stateful.{quantization}.onnx",
        format=STATEFUL["onnx"],
        quantization=quantization,
        route="direct",
        input=TensorSpec(INPUT, taken.name, (open_, open_, *sample), 0.0, 0),
        output=TensorSpec(OUTPUT, number.name, (open_,) * (1 + len(steps)) + (architecture.classes,), 0.0, 0),
        content=content,
        expected=None
        if quantization == "float32"
        else windows.expected_outputs(architecture, rounded(weights, quantization)),
    )
