"""The TFLite engine: ai_edge_litert, else tflite_runtime, else the interpreter inside TensorFlow."""

import importlib
import importlib.metadata
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.engines import ENGINES, check_windows
from models.errors import EngineError
from models.manifest import ArtifactEntry
from models.quantization import dequantize, quantize

_RUNTIMES: Final = (
    ("ai_edge_litert", "ai_edge_litert.interpreter", "ai-edge-litert"),
    ("tflite_runtime", "tflite_runtime.interpreter", "tflite-runtime"),
    ("tensorflow", "tensorflow.lite", "tensorflow"),
)


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
                next_step="Run: pip install 'edgehar[edge-legacy]'.",
            )
        return interpreter, f"{package} {importlib.metadata.version(distribution)}"
    raise EngineError(
        "engine litert: expected ai-edge-litert, tflite-runtime or tensorflow, none is installed",
        next_step=f"Run: {ENGINES['litert'].install}.",
    )


class LiteRTEngine:
    """Runs a .tflite artifact window by window; see `models.engines.Engine`."""

    name = "litert"

    def __init__(self, bundle: Bundle, artifact: ArtifactEntry, *, threads: int = 1) -> None:
        interpreter_class, self.runtime = _find_interpreter()
        self.artifact, self.quantization = artifact.file, artifact.quantization
        self._bundle = bundle
        try:
            self._interpreter = interpreter_class(model_content=bundle.files[artifact.file], num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise EngineError(
                f"engine litert: {self.runtime} refuses {artifact.file} ({str(error).strip()[:160]})",
                next_step="Update the runtime, or compile for it again with `har compile`.",
            ) from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n_windows, n_classes) probabilities of windows (n_windows, window_length, channels) in g."""
        values = self._to_input(check_windows(windows, self._bundle))
        outputs = np.empty((len(values), self._bundle.manifest.architecture.classes), self._output["dtype"])
        interpreter, input_index, output_index = self._interpreter, self._input["index"], self._output["index"]
        for index in range(len(values)):
            # Fused recurrent operators keep their state between invocations.
            interpreter.reset_all_variables()
            interpreter.set_tensor(input_index, values[index : index + 1])
            interpreter.invoke()
            outputs[index] = interpreter.get_tensor(output_index)[0]
        return self._from_output(outputs)

    def _to_input(self, values: NDArray[np.float32]) -> NDArray[Any]:
        """Quantize the windows if the artifact takes integers."""
        scale, zero_point = self._input["quantization"]
        if self._input["dtype"] == np.float32:
            return values
        return quantize(values, scale=scale, zero_point=zero_point, dtype=self._input["dtype"])

    def _from_output(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """Dequantize the probabilities if the artifact gives integers."""
        scale, zero_point = self._output["quantization"]
        if self._output["dtype"] == np.float32:
            return outputs
        return dequantize(outputs, scale=scale, zero_point=zero_point)
