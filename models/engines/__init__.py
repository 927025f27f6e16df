"""One protocol for everything that turns windows into probabilities, and a lazy table of those there are."""

import importlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Conv1D,
    SelfAttention,
    TemporalBlock,
    every_layer,
)
from edgehar.models.bundle import WEIGHTS, Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.errors import DataError, EngineError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.inputs import are_tokens, with_channels
from edgehar.models.installation import install_command

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """A loaded model. Its state is reset before every window: the order of windows changes nothing."""

    name: str
    """Name in the table of engines."""

    runtime: str
    """The library that computes, with its version, such as ``ai_edge_litert 2.3.0``."""

    artifact: str
    """File of the bundle that is run."""

    quantization: str
    """Quantization of that file."""

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the class probabilities of every window.

        Parameters
        ----------
        windows : ndarray of shape (n_windows, window_length, channels), in g
            Converted to float32. Of a model of tokens, whole numbers of shape (n_windows, window_length).

        Returns
        -------
        ndarray of shape (n_windows, n_classes), float32

        Raises
        ------
        DataError
            If the shape is not the model's, or a value is not finite.
        """


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """Where an engine lives, which artifact format it runs, and the extra that brings what it needs."""

    module: str
    attribute: str
    format: str
    extra: str = ""

    @property
    def install(self) -> str:
        """The command that installs what it needs."""
        return install_command(self.extra)


WEIGHTS_FORMAT: Final = "weights"
"""Format of `weights.npz` itself, which the NumPy engine runs without a compiled artifact."""

ENGINES: Final = {
    "litert": EngineEntry("edgehar.models.engines.litert", "LiteRTEngine", "tflite", extra="edge"),
    "onnxruntime": EngineEntry("edgehar.models.engines.onnxruntime", "ONNXRuntimeEngine", "onnx", extra="onnx"),
    "native": EngineEntry("edgehar.models.engines.native", "NativeEngine", "c", extra="native"),
    "numpy": EngineEntry("edgehar.models.engines.numpy", "NumPyEngine", WEIGHTS_FORMAT),
}
"""Every engine by name."""


def load_engine(bundle: Bundle, name: str = "auto", quantization: str = "float32", *, threads: int = 1) -> Engine:
    """Return an engine that runs one of the bundle's artifacts.

    Parameters
    ----------
    name
        A name of `ENGINES`, or ``auto``: of the installed ones that have an artifact of this quantization, the one
        measured fastest. If that one cannot be loaded after all, a warning says so and the next one is taken.
    quantization
        Of the artifact: ``float32`` unless the bundle holds others.
    threads
        Processor threads that windows are spread over; one window runs on one thread.

    Raises
    ------
    UsageError
        If there is no such engine, the bundle has no artifact of this format and quantization, or threads are no count.
    EngineError
        If the engine is not installed, or refuses the artifact; with ``auto``, if no engine can be loaded.
    """
    if name == "auto":
        return _load_fastest(bundle, quantization, threads)
    return _load(bundle, name, quantization, threads)


def _load(bundle: Bundle, name: str, quantization: str, threads: int) -> Engine:
    """Return the engine of this name."""
    entry = _entry(name)
    artifact = _artifact(bundle, name, quantization)
    if threads < 1:
        raise UsageError(f"threads: expected at least 1, got {threads}", next_step="Pass 1, or leave it out.")
    engine_class: Callable[..., Engine] = getattr(importlib.import_module(entry.module), entry.attribute)
    return engine_class(bundle, artifact, threads=threads)


def fastest_first(architecture: Architecture) -> tuple[str, ...]:
    """Return the engines from the fastest to the slowest for one window of this model, as measured.

    The C engine, where there is a compiler, keeps a small model in the first-level cache and starts no runtime. Of the
    runtimes, onnxruntime is ahead with LSTM and GRU, two times so with many windows, and LiteRT with all others.
    Convolutions and attention alone are what runtimes were made for: both are ahead of the C engine there
    (docs/decisions/0004-fastest-engine-by-measurement.md).
    """
    layers = tuple(every_layer(architecture.layers))
    gated = any(isinstance(layer, LSTM | GRU | Bidirectional) for layer in layers)
    runtimes = ("onnxruntime", "litert") if gated else ("litert", "onnxruntime")
    wide = any(isinstance(layer, Conv1D | TemporalBlock | SelfAttention) for layer in layers)
    if wide and not architecture.is_recurrent:
        return (*runtimes, "native", "numpy")
    return ("native", *runtimes, "numpy")


def missing_reason(name: str) -> str | None:
    """Return None if the engine's library can be used here, else why not."""
    entry = _entry(name)
    try:
        importlib.import_module(entry.module).runtime_version()
    except EngineError as error:
        return str(error)
    return None


def runnable(bundle: Bundle) -> list[tuple[str, str, str]]:
    """Return every (engine, artifact file, quantization) the bundle has files for, installed or not."""
    found = []
    for name, entry in ENGINES.items():
        if entry.format == WEIGHTS_FORMAT:
            found.append((name, WEIGHTS, "float32"))
        found += [(name, art.file, art.quantization) for art in bundle.manifest.artifacts if art.format == entry.format]
    return found


def check_windows(windows: NDArray[Any], bundle: Bundle) -> NDArray[np.float32]:
    """Return windows as contiguous float32 of the model's shape.

    Raises
    ------
    DataError
        If the shape is not the model's, a value is not finite, or there is no such token.
    """
    values = shaped_windows(windows, bundle)
    check_finite(values)
    vocabulary = bundle.manifest.architecture.vocabulary
    if vocabulary is not None and not are_tokens(values, vocabulary):
        raise DataError(
            f"windows: expected whole numbers from 0 to {vocabulary - 1}, the tokens that the model knows, got others",
            next_step="Number the tokens as in training, with one number for all unknown ones.",
        )
    return values


def shaped_windows(windows: NDArray[Any], bundle: Bundle) -> NDArray[np.float32]:
    """Return windows, or one alone, as contiguous float32 (n, ...); DataError if the shape is not the model's."""
    architecture = bundle.manifest.architecture
    values = with_channels(np.ascontiguousarray(windows, np.float32), architecture)
    if values.shape[1:] != (architecture.window, architecture.channels):
        expected = ", ".join(map(str, architecture.input_shape))
        raise DataError(
            f"windows: expected shape (n, {expected}), got {np.shape(windows)}",
            next_step="Slice the recording with the model's window length.",
            shape=np.shape(windows),
        )
    return values


def check_finite(values: NDArray[np.float32]) -> None:
    """Raise DataError if a value is not finite."""
    if not np.isfinite(values).all():
        raise DataError(
            "windows: expected finite acceleration in g, got NaN or infinity",
            next_step="Leave out windows with missing samples.",
        )


def one_line(error: Exception) -> str:
    """Return what a runtime said, short enough for a sentence."""
    return printable(" ".join(str(error).split()), 160)


def wrong_ends(engine: str, file: str, expected: object, found: str) -> EngineError:
    """Return the error of a file whose input or output is not that of the architecture."""
    return EngineError(
        f"engine {engine}: expected {file} to take and give arrays of shapes {expected}, got {printable(found)}",
        next_step="The file is of another model: compile it again with `har compile`.",
        file=file,
    )


def _entry(name: str) -> EngineEntry:
    """Return the table's entry, or say which names there are."""
    if name not in ENGINES:
        raise UsageError(
            f"engine: expected one of auto, {', '.join(ENGINES)}, got {name!r}",
            next_step="Choose one of these names.",
            name=name,
        )
    return ENGINES[name]


def _artifact(bundle: Bundle, name: str, quantization: str) -> ArtifactEntry | None:
    """Return the artifact an engine shall run; None for the weights themselves."""
    engine_format = ENGINES[name].format
    if engine_format == WEIGHTS_FORMAT and quantization == "float32":
        return None
    artifact = bundle.manifest.artifact(format=engine_format, quantization=quantization)
    if artifact is None:
        there = sorted({q for engine, _, q in runnable(bundle) if engine == name})
        raise UsageError(
            f"engine {name}: expected a {engine_format} artifact of quantization {quantization!r} in the bundle, "
            f"it has {', '.join(there) or 'none of this format'}",
            next_step="Choose one of these, or add it with `har compile`.",
            quantization=quantization,
        )
    return artifact


def _load_fastest(bundle: Bundle, quantization: str, threads: int) -> Engine:
    """Return the fastest engine that can be loaded; say which one was passed over, unless it is just not installed."""
    able = {name for name, _, there in runnable(bundle) if there == quantization}
    candidates = [name for name in fastest_first(bundle.manifest.architecture) if name in able]
    if not candidates:
        there = sorted({found for _, _, found in runnable(bundle)})
        raise UsageError(
            f"quantization: expected one of {', '.join(there)}, got {quantization!r}",
            next_step="Choose one of these, or add it with `har compile`.",
            quantization=quantization,
        )
    problem: EngineError | None = None
    for name in candidates:
        if missing_reason(name) is not None:
            continue
        try:
            engine = _load(bundle, name, quantization, threads)
        except EngineError as error:
            problem = error
            _log.warning("%s; trying the next engine", error.message)
        else:
            return engine
    if problem is not None:
        raise problem
    raise EngineError(
        f"engine: expected one of {', '.join(candidates)} to run {quantization}, none is installed",
        next_step=f"Install one: {ENGINES[candidates[0]].install}.",
    )
