"""A model in OpenVINO: the bundle's ONNX file, in float32, read for one window and for a batch."""

import importlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.frameworks import FrameworkEngine, in_batches
from edgehar.models.engines import check_windows
from edgehar.models.errors import EngineError
from edgehar.models.inputs import for_file

_BATCH: Final = 64


class OpenVINOEngine(FrameworkEngine):
    """Two compiled forms of one file: OpenVINO is quickest where it knows the batch."""

    name = "openvino"

    def prepare(self, threads: int) -> str:
        """Compile the file."""
        openvino = importlib.import_module("openvino")
        artifact = self.bundle.manifest.artifact(format="onnx", quantization="float32")
        if artifact is None:
            raise EngineError(
                "openvino: expected a float32 ONNX file in the bundle, it has none",
                next_step="Add it with `har compile --format onnx`.",
            )
        self.artifact = artifact.file
        core = openvino.Core()
        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        self._requests = {}
        try:
            for count in (1, _BATCH):
                model = core.read_model(self.bundle.files[artifact.file])
                model.reshape([count, *self.bundle.manifest.architecture.input_shape])
                self._requests[count] = core.compile_model(model, "CPU", options).create_infer_request()
        except Exception as error:  # The library raises RuntimeError for all it refuses, and others of its own.
            raise self.refuse(error) from error
        return f"openvino {openvino.__version__.partition('-')[0]}"

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs of windows (n_windows, window_length, channels) in g."""
        values = for_file(check_windows(windows, self.bundle), self.bundle.manifest.architecture)
        return in_batches(values, _BATCH, lambda part: self._requests[len(part)].infer([part])[0].copy())
