"""The TFLite engine: ai_edge_litert, else tflite_runtime, else the interpreter inside TensorFlow."""

import importlib
import importlib.metadata
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.engines import ENGINES, check_windows, one_line, wrong_ends
from edgehar.models.engines.native_messages import without_information
from edgehar.models.errors import EngineError
from edgehar.models.inputs import TOKEN_TYPE, for_file, input_type
from edgehar.models.installation import install_command
from edgehar.models.quantization import dequantize, quantize

_RUNTIMES: Final = (
    ("ai_edge_litert", "ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime", "tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow", "tensorflow.lite", "tensorflow"),
)

_INTEGERS: Final = ("int8", "uint8", "int16")
"""Types of quantized inputs and outputs."""


def runtime_version() -> str:
    """Return the library that would be used and its version.

    Raises
    ------
    EngineError
        If none is installed, or the only one cannot work with the NumPy that is.
    """
    return _find_interpreter()[1]


def _find_interpreter() -> tuple[Any, str]:
    """Return the first importable Interpreter class, and its library with version."""
    for package, module, distribution in _RUNTIMES:
        try:
            interpreter = importlib.import_module(module).Interpreter
        except ImportError:
            continue
        if package == "tflite_runtime" and int(np.__version__.partition(".")[0]) >= 2:
            raise EngineError(
                f"engine litert: tflite_runtime needs numpy<2, numpy {np.__version__} is installed",
                next_step=f"Run: {install_command('edge-legacy')}.",
            )
        return interpreter, f"{package} {_version(distribution)}"
    raise EngineError(
        "engine litert: expected ai-edge-litert, tflite-runtime or tensorflow, none is installed",
        next_step=f"Run: {ENGINES['litert'].install}.",
    )


def _version(distribution: str) -> str:
    """Return the version of an installed library; one that was copied into place has none that can be read."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "of an unknown version"


def open_interpreter(content: bytes, *, file: str) -> tuple[Any, str]:
    """Return an interpreter over the bytes of a file, ready to run, and its library with version.

    Raises
    ------
    EngineError
        If no runtime is installed, or the one that is refuses the file.
    """
    interpreter_class, runtime = _find_interpreter()
    try:
        with without_information():
            interpreter = interpreter_class(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise EngineError(
            f"engine litert: {runtime} refuses {file} ({one_line(error)})",
            next_step="Update the runtime, or compile for it again with `har compile`.",
        ) from error
    return interpreter, runtime


def ends_of(interpreter: Any, *, file: str, runtime: str) -> tuple[list[Any], list[Any]]:
    """Return what an interpreter over a file says of its inputs and outputs.

    Raises
    ------
    EngineError
        If it cannot say it: a name may be no text.
    """
    try:
        return interpreter.get_input_details(), interpreter.get_output_details()
    except (ValueError, RuntimeError) as error:
        raise EngineError(
            f"engine litert: {runtime} cannot read the inputs and outputs of {file} ({one_line(error)})",
            next_step="Compile the file again with `har compile`.",
        ) from error


class TfliteModel:
    """One interpreter over the bytes of a .tflite file; not for several threads at a time.

    Parameters
    ----------
    content
        The file.
    file
        Its name, for messages.
    architecture
        What the file must take and give.

    Raises
    ------
    EngineError
        If no runtime is installed, the one that is refuses the file, or it is not a file of the architecture.
    """

    def __init__(self, content: bytes, *, file: str, architecture: Architecture) -> None:
        self._file, self._architecture = file, architecture
        self._interpreter, self.runtime = open_interpreter(content, file=file)
        self._input, self._output = self._checked_ends(architecture)
        self._places = self._input["index"], self._output["index"]

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs of windows (n, window_length, channels), one after the other."""
        values = self._to_input(windows)
        if len(values) == 1:
            return self._from_output(self._invoke(values))
        outputs = np.empty((len(values), *self._output["shape"][1:]), self._output["dtype"])
        for index in range(len(values)):
            outputs[index] = self._invoke(values[index : index + 1])[0]
        return self._from_output(outputs)

    def _invoke(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the output of one window (1, window_length, channels)."""
        interpreter, (input_index, output_index) = self._interpreter, self._places
        try:
            # Fused recurrent operators keep their state between invocations.
            interpreter.reset_all_variables()
            interpreter.set_tensor(input_index, values)
            interpreter.invoke()
            output: NDArray[Any] = interpreter.get_tensor(output_index)
        except (ValueError, RuntimeError) as error:
            raise EngineError(
                f"engine litert: {self.runtime} cannot run {self._file} ({one_line(error)})",
                next_step="Update the runtime, or compile for it again with `har compile`.",
            ) from error
        return output

    def _checked_ends(self, architecture: Architecture) -> tuple[Any, Any]:
        """Return what is known of the input and the output, held to the architecture."""
        inputs, outputs = ends_of(self._interpreter, file=self._file, runtime=self.runtime)
        expected = (1, *architecture.input_shape), (1, *architecture.output_shape)
        found = [(tuple(map(int, end["shape"])), np.dtype(end["dtype"]).name) for end in (*inputs, *outputs)]
        floats = input_type(architecture).name, "float32"
        fits = len(inputs) == len(outputs) == 1 and all(
            shape == wanted and (dtype == plain or holds_integers(end))
            for end, wanted, plain, (shape, dtype) in zip((*inputs, *outputs), expected, floats, found, strict=True)
        )
        if not fits:
            raise wrong_ends("litert", self._file, expected, str(found))
        return inputs[0], outputs[0]

    def _to_input(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Return windows as the artifact takes them."""
        return to_end(values, self._input, self._architecture)

    def _from_output(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities."""
        return from_end(outputs, self._output)


class LiteRTEngine:
    """Runs a .tflite artifact window by window, an interpreter for each thread; see `edgehar.models.engines.Engine`."""

    name = "litert"

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry, *, threads: int = 1) -> None:
        self.artifact, self.quantization = artifact.file, artifact.quantization
        self._bundle = bundle
        content = bundle.files[artifact.file]
        architecture = bundle.manifest.architecture
        self._models = [TfliteModel(content, file=artifact.file, architecture=architecture) for _ in range(threads)]
        self.runtime = self._models[0].runtime

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n_windows, n_classes) probabilities of windows (n_windows, window_length, channels) in g."""
        values = check_windows(windows, self._bundle)
        if len(self._models) == 1 or len(values) < 2:
            return self._models[0].predict(values)
        shares = np.array_split(values, len(self._models))
        with ThreadPoolExecutor(len(self._models)) as pool:
            parts = pool.map(TfliteModel.predict, self._models, shares)
            return np.concatenate(list(parts))


def holds_integers(end: Any) -> bool:
    """Whether an input or output holds integers that can be turned into numbers and back."""
    scale, _ = end["quantization"]
    return np.dtype(end["dtype"]).name in _INTEGERS and bool(np.isfinite(scale)) and float(scale) > 0


def to_end(values: NDArray[np.float32], end: Any, architecture: Architecture) -> NDArray[Any]:
    """Return samples as an input takes them: floats, tokens, or integers that stand for numbers."""
    scale, zero_point = end["quantization"]
    if end["dtype"] in (np.float32, TOKEN_TYPE):
        return for_file(values, architecture)
    return quantize(values, scale=scale, zero_point=zero_point, dtype=end["dtype"])


def from_end(outputs: NDArray[Any], end: Any) -> NDArray[np.float32]:
    """Return what an output gives, as numbers."""
    scale, zero_point = end["quantization"]
    if end["dtype"] == np.float32:
        return outputs
    return dequantize(outputs, scale=scale, zero_point=zero_point)
