"""From an architecture and its weights to files that other runtimes load: one function, and a table of targets.

Recurrent layers are lowered directly, without TensorFlow: to one small loop in TFLite, to the recurrent operators of
ONNX, to tables in C. The standard converters turn them into large loops, or refuse them (docs/decisions).
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Weights
from edgehar.models.architecture.stateful import STATEFUL
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

STATEFUL_FORMATS: Final = {
    STATEFUL["tflite"]: "edgehar.pipeline.compilers.tflite.stateful",
    STATEFUL["onnx"]: "edgehar.pipeline.compilers.onnx.stateful",
}
"""The forms that take samples and states instead of windows, and their modules. The C engine has one form for both."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a model can be compiled to."""

    format: str
    quantization: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A target that a model was not compiled to, and why, as a sentence."""

    target: Target
    reason: str


def needs_calibration(target: Target) -> bool:
    """Whether a target cannot be compiled without calibration windows: its activations become integers of a scale."""
    return target in (Target("tflite", "int8"), Target(STATEFUL["tflite"], "int8"))


def targets(architecture: Architecture, *, stateful: bool = False) -> tuple[Target, ...]:
    """Return every target this architecture can be compiled to, the plain float32 ones first.

    With ``stateful``, those that carry state from sample to sample.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> targets(named_architecture("lstm"))[0]
    Target(format='tflite', quantization='float32')
    """
    found = [
        Target(name, quantization)
        for name, compiler in _compilers(_STREAMING if stateful else FORMATS).items()
        for quantization in compiler.QUANTIZATIONS
        if compiler.obstacle(architecture.deployed, quantization) is None
    ]
    return tuple(sorted(found, key=lambda target: target.quantization != FLOAT32))


def known_quantizations() -> tuple[str, ...]:
    """Return every quantization some format has, the mildest first."""
    return tuple(dict.fromkeys(each for compiler in _compilers(FORMATS).values() for each in compiler.QUANTIZATIONS))


def compile_model(
    architecture: Architecture,
    folded_weights: Weights,
    *,
    format: str,  # noqa: A002
    quantization: str = FLOAT32,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
    block: int = 1,
) -> CompiledArtifact:
    """Compile a model; the same arguments always give the same bytes.

    Parameters
    ----------
    architecture, folded_weights
        The model, with the normalisation folded into its weights: the artifact takes raw g.
    format
        ``tflite``, ``onnx`` or ``c``; or one of `STATEFUL_FORMATS`.
    quantization
        One that `targets` lists for this architecture.
    calibration : ndarray of shape (n_windows, window_length, channels), in g
        Windows of training subjects; needed where activations become integers.
    onnx
        How a model is written as ``onnx``; other formats have no choices.
    block
        How many samples a ``tflite-stateful`` file takes at once: a divisor of the window, which it is held to.

    Raises
    ------
    UsageError
        If there is no such format, or the block is no divisor of the window.
    CompileError
        If the format cannot express the architecture at this quantization, or a weight is missing, misshapen or
        not finite.
    """
    known = {**FORMATS, **STATEFUL_FORMATS}
    if format not in known:
        raise UsageError(
            f"format: expected one of {', '.join(FORMATS)}, got {format!r}",
            next_step="Choose one of these.",
            format=format,
        )
    compiler = importlib.import_module(known[format])
    obstacle = compiler.obstacle(architecture.deployed, quantization)
    if obstacle is not None:
        there = targets(architecture, stateful=format in STATEFUL_FORMATS) or targets(architecture)
        raise CompileError(
            f"{architecture.name} as {format} {quantization}: {obstacle}",
            next_step=f"Choose among {', '.join(f'{target.format} {target.quantization}' for target in there)}.",
            format=format,
            quantization=quantization,
        )
    weights = _checked_weights(architecture, folded_weights)
    options: dict[str, Any] = {"options": onnx or OnnxOptions()} if format in ("onnx", STATEFUL["onnx"]) else {}
    if format == STATEFUL["tflite"]:
        options["block"] = _checked_block(block, architecture.window)
    artifact: CompiledArtifact = compiler.lower(architecture.deployed, weights, quantization, calibration, **options)
    return artifact


def compile_artifacts(
    bundle: Bundle,
    wanted: Sequence[Target] | None = None,
    *,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
    block: int = 1,
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
            block=block,
        )
        for target in wanted
    ]


def compile_possible(
    bundle: Bundle,
    wanted: Sequence[Target],
    *,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
    block: int = 1,
) -> tuple[list[CompiledArtifact], list[LeftOut]]:
    """Return a bundle's model compiled to those of the targets that it can be compiled to, and the others.

    Raises
    ------
    CompileError
        If it can be compiled to none of them.
    """
    made: list[CompiledArtifact] = []
    left_out: list[LeftOut] = []
    first: CompileError | None = None
    for target in wanted:
        try:
            made += compile_artifacts(bundle, [target], calibration=calibration, onnx=onnx, block=block)
        except CompileError as error:
            first = first or error
            left_out.append(LeftOut(target, str(error)))
    if first is not None and not made:
        raise first
    return made, left_out


def compile_bundle(
    bundle: Bundle,
    wanted: Sequence[Target] | None = None,
    *,
    calibration: NDArray[Any] | None = None,
    onnx: OnnxOptions | None = None,
    block: int = 1,
) -> Bundle:
    """Return the bundle with the artifacts of these targets added; without ``wanted``, all float32 ones."""
    return bundle.with_artifacts(compile_artifacts(bundle, wanted, calibration=calibration, onnx=onnx, block=block))


_STREAMING: Final = {**STATEFUL_FORMATS, "c": FORMATS["c"]}


def _compilers(formats: Mapping[str, str]) -> dict[str, Any]:
    """Import the compilers of formats."""
    return {name: importlib.import_module(module) for name, module in formats.items()}


def _checked_block(block: int, window: int) -> int:
    """Return how many samples a file takes at once."""
    if block < 1 or window % block:
        raise UsageError(
            f"block: expected a divisor of the window's {window} samples, got {block}",
            next_step="Leave it out for one sample at a time.",
            block=block,
        )
    return block


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
