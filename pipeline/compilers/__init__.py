"""From an architecture and its weights to files that other runtimes load: one function, and a table of targets.

Recurrent layers are lowered directly, without TensorFlow: to one small loop in TFLite, to the recurrent operators of
ONNX, to tables in C. The standard converters turn them into large loops, or refuse them (docs/decisions).
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.bundle import Bundle, CompiledArtifact
from edgehar.models.errors import CompileError, UsageError
from edgehar.pipeline.compilers.onnx_options import OnnxOptions

FLOAT32: Final = "float32"

FORMATS: Final = {
    "tflite": "edgehar.pipeline.compilers.tflite",
    "onnx": "edgehar.pipeline.compilers.onnx",
    "c": "edgehar.pipeline.compilers.c99",
}
"""Every format, and the module with its ``QUANTIZATIONS``, ``obstacle`` and ``lower``; imported when it is used."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a model can be compiled to."""

    format: str
    quantization: str


def targets(architecture: Architecture) -> tuple[Target, ...]:
    """Return every target this architecture can be compiled to, the plain float32 ones first.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> targets(named_architecture("lstm"))[0]
    Target(format='tflite', quantization='float32')
    """
    found = [
        Target(name, quantization)
        for name, compiler in _compilers().items()
        for quantization in compiler.QUANTIZATIONS
        if compiler.obstacle(architecture.deployed, quantization) is None
    ]
    return tuple(sorted(found, key=lambda target: target.quantization != FLOAT32))


def known_quantizations() -> tuple[str, ...]:
    """Return every quantization some format has, the mildest first."""
    return tuple(dict.fromkeys(each for compiler in _compilers().values() for each in compiler.QUANTIZATIONS))


def compile_model(
    architecture: Architecture,
    folded_weights: Weights,
    *,
    format: str,  # noqa: A002
    quantization: str = FLOAT32,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
) -> CompiledArtifact:
    """Compile a model; the same arguments always give the same bytes.

    Parameters
    ----------
    architecture, folded_weights
        The model, with the normalisation folded into its weights: the artifact takes raw g.
    format
        ``tflite``, ``onnx`` or ``c``.
    quantization
        One that `targets` lists for this architecture.
    calibration : ndarray of shape (n_windows, window_length, channels), in g
        Windows of training subjects; needed where activations become integers.
    onnx
        How a model is written as ``onnx``; other formats have no choices.

    Raises
    ------
    UsageError
        If there is no such format.
    CompileError
        If the format cannot express the architecture at this quantization, or a weight is missing, misshapen or
        not finite.
    """
    if format not in FORMATS:
        raise UsageError(
            f"format: expected one of {', '.join(FORMATS)}, got {format!r}",
            next_step="Choose one of these.",
            format=format,
        )
    compiler = importlib.import_module(FORMATS[format])
    obstacle = compiler.obstacle(architecture.deployed, quantization)
    if obstacle is not None:
        there = ", ".join(f"{target.format} {target.quantization}" for target in targets(architecture))
        raise CompileError(
            f"{architecture.name} as {format} {quantization}: {obstacle}",
            next_step=f"Choose among {there}.",
            format=format,
            quantization=quantization,
        )
    weights = _checked_weights(architecture, folded_weights)
    options = {"options": onnx or OnnxOptions()} if format == "onnx" else {}
    artifact: CompiledArtifact = compiler.lower(architecture.deployed, weights, quantization, calibration, **options)
    return artifact


def compile_artifacts(
    bundle: Bundle,
    wanted: Sequence[Target] | None = None,
    *,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
) -> list[CompiledArtifact]:
    """Return a bundle's model compiled to these targets; without ``wanted``, to all float32 ones."""
    architecture = bundle.manifest.architecture
    if wanted is None:
        wanted = [target for target in targets(architecture) if target.quantization == FLOAT32]
    return [
        compile_model(
            architecture,
            bundle.folded_weights,
            format=target.format,
            quantization=target.quantization,
            calibration=calibration,
            onnx=onnx,
        )
        for target in wanted
    ]


def compile_bundle(
    bundle: Bundle,
    wanted: Sequence[Target] | None = None,
    *,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
) -> Bundle:
    """Return the bundle with the artifacts of these targets added; without ``wanted``, all float32 ones."""
    return bundle.with_artifacts(compile_artifacts(bundle, wanted, calibration=calibration, onnx=onnx))


def _compilers() -> dict[str, Any]:
    """Import every compiler."""
    return {name: importlib.import_module(module) for name, module in FORMATS.items()}


def _checked_weights(architecture: Architecture, weights: Weights) -> dict[str, NDArray[np.float32]]:
    """Return the weights as float32 in the architecture's order, all there, well shaped and finite."""
    checked = {}
    for name, shape in architecture.weight_shapes().items():
        values = np.asarray(weights.get(name, np.empty(0)), np.float32)
        if values.shape != shape:
            found = f"an array of shape {values.shape}" if name in weights else "none"
            raise CompileError(
                f"weight {name}: expected shape {shape}, got {found}",
                next_step="Pass the weights of this very architecture.",
                weight=name,
            )
        if not np.isfinite(values).all():
            raise CompileError(
                f"weight {name}: expected finite numbers, got NaN or infinity",
                next_step="Training diverged: train again with a lower learning rate.",
                weight=name,
            )
        checked[name] = values
    return checked | {name: value for name, value in weights.items() if name.endswith("/offset")}
