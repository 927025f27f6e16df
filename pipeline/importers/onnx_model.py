"""An ONNX file -> a foreign model, and how onnxruntime computes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import ModelFileError, UsageError
from edgehar.models.isolation import Isolation
from edgehar.pipeline.importers.model import ForeignModel, build, refuse_without_stream
from edgehar.pipeline.importers.onnx_file import OnnxModel, OnnxState, read_onnx
from edgehar.pipeline.importers.onnx_layers import LAYOUTS, Walk
from edgehar.pipeline.importers.source import SourceFile

RUNTIME: Final = "onnxruntime"
_TIMEOUT_S: Final = 120.0


def read_onnx_model(source: SourceFile, window: int | None) -> tuple[ForeignModel, Callable[..., Any]]:
    """Return the model of a file, and what computes its outputs.

    Raises
    ------
    ModelFileError
        If it cannot be read or expressed.
    UsageError
        If the length of a window is open, and is not said.
    """
    with Isolation(timeout_s=_TIMEOUT_S) as isolation:
        model = isolation.run(read_onnx, source.content, where=source.where)
    if len(model.input_shape) != 3:
        raise ModelFileError(
            f"{source.where}: expected an input of windows (windows, steps, features), got {len(model.input_shape)} "
            "dimensions",
            next_step="Export the model for such an input.",
        )
    problem: ModelFileError | UsageError | None = None
    for axes in LAYOUTS:
        try:
            shape = _input_shape(model, axes, window, source.where)
            parts = Walk(model, axes, shape, source.where).layers()
            architecture = build(Path(source.where).stem, shape, parts, where=source.where)
        except (ModelFileError, UsageError) as error:
            problem = problem or error
            continue
        weights = {f"{part.layer.name}/{key}": value for part in parts for key, value in part.weights.items()}
        framework, carries_state = f"onnx by {model.producer}", bool(model.states)
        foreign = ForeignModel(architecture, weights, framework, source.where, source.digest, carries_state)
        refuse_without_stream(foreign)
        return foreign, _outputs(source, model, axes)
    raise problem or ModelFileError(f"{source.where}: expected a model")


def _input_shape(model: OnnxModel, axes: str, window: int | None, where: str) -> tuple[int, int]:
    """Return the steps and channels of a window."""
    steps, channels = (model.input_shape[axes.index(letter)] for letter in "LC")
    if channels is None:
        raise ModelFileError(f"{where}: expected a known number of features, the file leaves it open")
    if steps is None and window is None:
        raise UsageError(
            f"{where}: expected windows of a known length, the model takes any",
            next_step="Say how many steps a window has, such as --window 100.",
        )
    if steps is not None and window not in (None, steps):
        raise UsageError(f"{where}: expected --window {steps}, as the model has it, got {window}")
    return (steps or window or 0, channels)


def _outputs(source: SourceFile, model: OnnxModel, axes: str) -> Callable[..., Any]:
    """Return what computes a file's outputs, in a process of its own."""

    def outputs(windows: NDArray[np.float32]) -> tuple[NDArray[Any], str]:
        with Isolation(timeout_s=_TIMEOUT_S) as isolation:
            ends = model.input_name, model.input_shape, model.output_name
            if model.states:
                return isolation.run(_run_stream, source.content, ends, model.states, axes, windows)
            return isolation.run(_run, source.content, *ends[:2], axes, windows)

    return outputs


def _run(
    content: bytes, name: str, shape: tuple[int | None, ...], axes: str, windows: NDArray[np.float32]
) -> tuple[NDArray[Any], str]:
    """Compute a file's outputs with onnxruntime; a fixed number of windows is fed that many at a time."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    at_once = shape[axes.index("N")] or len(windows)
    found = []
    for start in range(0, len(windows), at_once):
        part = windows[start : start + at_once]
        fed = np.concatenate([part, np.repeat(part[-1:], at_once - len(part), axis=0)])
        ordered = np.ascontiguousarray(fed.transpose(["NLC".index(letter) for letter in axes]))
        found.append(np.asarray(session.run(None, {name: ordered})[0])[: len(part)])
    return np.concatenate(found), f"onnxruntime {onnxruntime.__version__}"


def _run_stream(
    content: bytes,
    ends: tuple[str, tuple[int | None, ...], str],
    states: tuple[OnnxState, ...],
    axes: str,
    windows: NDArray[np.float32],
) -> tuple[NDArray[Any], str]:
    """Compute the outputs of windows in a row, the states handed from each to the next, all streams alike."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    name, shape, output = ends
    streams = shape[axes.index("N")] or 1
    values = {state.name: np.zeros([size or streams for size in state.shape], np.float32) for state in states}
    found = []
    for window in windows:
        fed = np.repeat(window[np.newaxis], streams, axis=0)
        ordered = np.ascontiguousarray(fed.transpose(["NLC".index(letter) for letter in axes]))
        given, *after = session.run([output, *(state.output for state in states)], {name: ordered, **values})
        values = {state.name: value for state, value in zip(states, after, strict=True)}
        found.append(np.asarray(given)[0])
    return np.stack(found), f"onnxruntime {onnxruntime.__version__}"
