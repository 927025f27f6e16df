"""Lower a model to a TFLite flatbuffer: static batch of one, built-in operators only, at their lowest versions."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.bundle import FLOAT_TOLERANCE, CompiledArtifact
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.engines.litert import TfliteModel
from edgehar.models.errors import CompileError
from edgehar.pipeline.compilers.quantization.prerounding import preround
from edgehar.pipeline.compilers.tflite import integer
from edgehar.pipeline.compilers.tflite.floating import lower_floating
from edgehar.pipeline.compilers.tflite.graph import FlatbufferModel, Tensor
from edgehar.pipeline.compilers.tflite.storage import INT8_STORAGES, STORAGES, as_float32, shared_scales

INTEGER: Final = "int8"
QUANTIZATIONS: Final = (*STORAGES, INTEGER)

TOLERANCES: Final = {"int8-hybrid": 0.15, INTEGER: 0.02}
"""How far two runtimes may be apart: their integer kernels round differently, and a recurrence carries that along."""


def obstacle(architecture: Architecture, quantization: str) -> str | None:
    """Return what keeps this architecture from being lowered at this quantization, or None."""
    if quantization == INTEGER:
        return integer.obstacle(architecture)
    return None if quantization in STORAGES else f"it knows the quantizations {', '.join(QUANTIZATIONS)}"


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `edgehar.pipeline.compilers.compile_model`."""
    model = FlatbufferModel(STORAGES.get(quantization, as_float32), joins_kernels=quantization not in INT8_STORAGES)
    if quantization == INTEGER:
        window, values = integer.lower_integer(model, architecture, weights, required_calibration(calibration))
    else:
        if quantization in INT8_STORAGES and calibration is not None:
            weights = preround(architecture, weights, calibration, shared_scales)
        window, values = lower_floating(model, architecture, weights)
    file, content = f"model.{quantization}.tflite", model.finish()
    return CompiledArtifact(
        file=file,
        format="tflite",
        quantization=quantization,
        route="direct",
        input=tensor_spec(window),
        output=tensor_spec(values),
        content=content,
        expected=None if quantization == "float32" else _recorded(architecture, file, content),
        tolerance=TOLERANCES.get(quantization, FLOAT_TOLERANCE),
    )


def _recorded(architecture: Architecture, file: str, content: bytes) -> NDArray[np.float32]:
    """Return what the file makes of the golden windows: rounding is part of a quantized model."""
    return TfliteModel(content, file=file, architecture=architecture).predict(golden_inputs(architecture))


def required_calibration(calibration: NDArray[Any] | None) -> NDArray[Any]:
    """Return the calibration windows, or say that integers need them."""
    if calibration is None or not len(calibration):
        raise CompileError(
            f"quantization {INTEGER}: expected calibration windows of training subjects, got none",
            next_step="Pass --data with the recordings the model was trained on.",
        )
    return calibration


def tensor_spec(tensor: Tensor) -> TensorSpec:
    """Describe an input or output for the manifest."""
    scale, zero_point = (
        (0.0, 0) if tensor.scale is None else (float(np.asarray(tensor.scale.scale)), tensor.scale.zero_point)
    )
    return TensorSpec(tensor.name, tensor.dtype.name, tensor.shape, scale, zero_point)
