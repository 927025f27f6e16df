"""Lower a model to the C engine's tables: a blob that `native` runs here, and that firmware headers are made from."""

from typing import Any

from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.bundle import FLOAT_TOLERANCE, CompiledArtifact
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.portable.blob import pack_model
from edgehar.models.portable.fixed_point import SUM_BITS, VALUE_BITS
from edgehar.models.portable.integer_reference import predict
from edgehar.models.portable.rules import check_bounds
from edgehar.models.portable.tables import INT8, SAMPLE_BITS, CModel, output_type
from edgehar.models.stepping import QUANTIZATIONS, obstacle, step_layers
from edgehar.pipeline.compilers.c99.lowering import float_layers, integer_layers, least_sample_bits, sample_bits
from edgehar.pipeline.compilers.c99.masks import mask_number, unmasked

__all__ = ["QUANTIZATIONS", "lower", "obstacle", "supports", "tables"]


def supports(architecture: Architecture, quantization: str) -> bool:
    """Whether the engine can step through this architecture."""
    return obstacle(architecture, quantization) is None


def lower(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None
) -> CompiledArtifact:
    """Return the artifact; see `edgehar.pipeline.compilers.compile_model`."""
    model = tables(architecture, weights, quantization, calibration)
    integer = quantization == INT8
    shapes = (1, architecture.window, architecture.channels), (1, architecture.classes)
    number = "int16" if integer else "float32"
    output_bits = SUM_BITS if model.gives_numbers else VALUE_BITS
    scales = (2.0**-model.sample_bits, 2.0**-output_bits) if integer else (0.0, 0.0)
    return CompiledArtifact(
        file=f"model.{quantization}.harc",
        format="c",
        quantization=quantization,
        route="direct",
        input=TensorSpec("samples", number, shapes[0], scales[0], 0),
        output=TensorSpec(
            "numbers" if model.gives_numbers else "probabilities", output_type(model), shapes[1], scales[1], 0
        ),
        content=pack_model(model),
        expected=predict(model, golden_inputs(architecture)) if integer else None,
        tolerance=0.0 if integer else FLOAT_TOLERANCE,
    )


def tables(
    architecture: Architecture, weights: Weights, quantization: str, calibration: NDArray[Any] | None = None
) -> CModel:
    """Return the tables the C engine runs.

    Parameters
    ----------
    architecture, weights
        The model; it takes raw g.
    quantization
        One of `QUANTIZATIONS`.
    calibration : ndarray of shape (n_windows, window_length, channels), in g, or None
        Windows of training subjects, for whose inputs int8 rows are rounded; without any they are rounded one by one.

    Raises
    ------
    CompileError
        If the weights are too large for 32-bit arithmetic.
    """
    integer = quantization == INT8
    bits = SAMPLE_BITS
    if integer:
        bits = max(sample_bits(unmasked(architecture, calibration)), least_sample_bits(architecture, weights))
    layers = (
        integer_layers(architecture, weights, calibration, bits) if integer else float_layers(architecture, weights)
    )
    model = CModel(
        window=architecture.window,
        channels=architecture.channels,
        layers=layers,
        step_layers=step_layers(layers),
        sample_bits=bits,
        mask=mask_number(architecture, bits, integer=integer),
    )
    check_bounds(model)
    return model
