"""The ONNX engine: onnxruntime on the processor, windows in batches, batches over threads."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import ENGINES, check_windows, one_line, wrong_ends
from edgehar.models.errors import EngineError
from edgehar.models.inputs import for_file, input_type

KINDS: Final = {"float32": "tensor(float)", "int32": "tensor(int32)"}
"""What the library calls the types of inputs and outputs."""

_BATCH: Final = 32
"""Windows in one call: more of them leave the processor's caches, fewer leave its vector units idle."""


def _import_onnxruntime() -> Any:
    """Return the library, or say how to install it."""
    try:
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise EngineError(
            "engine onnxruntime: expected the package onnxruntime, it is not installed",
            next_step=f"Run: {ENGINES['onnxruntime'].install}.",
        ) from error


def runtime_version() -> str:
    """Return the library and its version.

    Raises
    ------
    EngineError
        If it is not installed.
    """
    return f"onnxruntime {_import_onnxruntime().__version__}"


def open_session(content: bytes, *, file: str) -> Any:
    """Return a session over the bytes of a file, on one thread.

    Raises
    ------
    EngineError
        If the library is not installed, or refuses the file.
    """
    library = _import_onnxruntime()
    options = library.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exception types share no base but Exception.
        raise EngineError(
            f"engine onnxruntime: {runtime_version()} refuses {file} ({one_line(error)})",
            next_step="Update the runtime, or compile for it again with `har compile`.",
        ) from error


def ends_of(session: Any, *, file: str) -> tuple[list[tuple[str, str, tuple[Any, ...]]], ...]:
    """Return name, type and shape of every input, and of every output, of a session over a file.

    Raises
    ------
    EngineError
        If the library cannot say them: a name may be no text.
    """
    try:
        return tuple(
            [(end.name, end.type, tuple(end.shape)) for end in ends]
            for ends in (session.get_inputs(), session.get_outputs())
        )
    except Exception as error:  # onnxruntime's own exception types share no base but Exception.
        raise EngineError(
            f"engine onnxruntime: {runtime_version()} cannot read the inputs and outputs of {file} ({one_line(error)})",
            next_step="Compile the file again with `har compile`.",
        ) from error


class ONNXRuntimeEngine:
    """Runs an .onnx artifact; see `edgehar.models.engines.Engine`."""

    name = "onnxruntime"

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry, *, threads: int = 1) -> None:
        self.runtime = runtime_version()
        self.artifact, self.quantization = artifact.file, artifact.quantization
        self._bundle, self._threads = bundle, threads
        self._session = open_session(bundle.files[artifact.file], file=artifact.file)
        self._input, self._output, self._batch = self._checked_ends()

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n_windows, n_classes) probabilities of windows (n_windows, window_length, channels) in g."""
        values = check_windows(windows, self._bundle)
        if 0 < len(values) <= self._batch:
            return self._run(values)
        outputs = np.empty((len(values), *self._bundle.manifest.architecture.output_shape), np.float32)

        def run(start: int) -> None:
            outputs[start : start + self._batch] = self._run(values[start : start + self._batch])

        starts = range(0, len(values), self._batch)
        if self._threads == 1:
            for start in starts:
                run(start)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(run, starts))
        return outputs

    def _run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run one batch."""
        taken = for_file(values, self._bundle.manifest.architecture)
        try:
            (outputs,) = self._session.run([self._output], {self._input: taken})
        except Exception as error:  # onnxruntime's own exception types share no base but Exception.
            raise EngineError(
                f"engine onnxruntime: {self.runtime} cannot run {self.artifact} ({one_line(error)})",
                next_step="Update the runtime, or compile for it again with `har compile`.",
            ) from error
        probabilities: NDArray[np.float32] = outputs
        expected = (len(values), *self._bundle.manifest.architecture.output_shape)
        if probabilities.shape != expected:
            raise wrong_ends(self.name, self.artifact, expected, str(probabilities.shape))
        return probabilities

    def _checked_ends(self) -> tuple[str, str, int]:
        """Return the names of input and output, and the windows the file takes at once, held to the architecture."""
        architecture = self._bundle.manifest.architecture
        expected = (None, *architecture.input_shape), (None, *architecture.output_shape)
        kinds = KINDS[input_type(architecture).name], KINDS["float32"]
        inputs, outputs = ends_of(self._session, file=self.artifact)
        found = [(kind, shape) for _, kind, shape in (*inputs, *outputs)]
        fits = len(inputs) == len(outputs) == 1 and all(
            kind == wanted_kind and _fits(shape, wanted)
            for (kind, shape), wanted, wanted_kind in zip(found, expected, kinds, strict=True)
        )
        if not fits:
            raise wrong_ends(self.name, self.artifact, expected, str(found))
        (taken, _, shape), (given, _, _) = inputs[0], outputs[0]
        return taken, given, 1 if shape[0] == 1 else _BATCH


def _fits(shape: tuple[Any, ...], expected: tuple[int | None, ...]) -> bool:
    """Whether a shape is the expected one; what a file names or leaves open may be anything, a batch also one."""
    if len(shape) != len(expected):
        return False
    batch, *rest = shape
    return (batch == 1 or not isinstance(batch, int)) and all(
        found == wanted or not isinstance(found, int) for found, wanted in zip(rest, expected[1:], strict=True)
    )
