"""Lower a model to the C engine's tables: a blob that `native` runs here, and that firmware headers are made from."""

from typing import Any

from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.bundle import FLOAT_TOLERANCE, CompiledArtifact
from edgehar.models.bundle.golden import golden_windows
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.portable.blob import pack_model
from edgehar.models.portable.fixed_point import SAMPLE_ONE, VALUE_BITS
from edgehar.models.portable.integer_reference import predict
from edgehar.models.portable.rules import check_bounds
from edgehar.models.portable.tables import INT8, CModel
from edgehar.models.stepping import QUANTIZATIONS, obstacle, step_layers
from edgehar.pipeline.compilers.c99.lowering import float_layers, integer_layers

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
    number, scales = ("float32", (0.0, 0.0)) if not integer else ("int16", (1 / SAMPLE_ONE, 2.0**-VALUE_BITS))
    return CompiledArtifact(
        file=f"model.{quantization}.harc",
        format="c",
        quantization=quantization,
        route="direct",
        input=TensorSpec("samples", number, shapes[0], scales[0], 0),
        output=TensorSpec("probabilities", "uint16" if integer else number, shapes[1], scales[1], 0),
        content=pack_model(model),
        expected=predict(model, golden_windows(architecture.window, architecture.channels)) if integer else None,
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
    model = CModel(
        window=architecture.window,
        channels=architecture.channels,
        layers=integer_layers(architecture, weights, calibration) if integer else float_layers(architecture, weights),
        step_layers=step_layers(architecture),
    )
    check_bounds(model)
    return model
