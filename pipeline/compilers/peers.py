"""What the standard converters make of a bundle's weights: each route in a process of its own, for some crash.

A route is also a command: ``python -m edgehar.pipeline.compilers.peers BUNDLE ROUTE FILE`` writes one file.
"""

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgehar.models.architecture import GRU, LSTM, Dense, SimpleRNN
from edgehar.models.bundle import Bundle, CompiledArtifact, read_bundle
from edgehar.models.bundle.manifest import TensorSpec
from edgehar.models.errors import CompileError
from edgehar.models.installation import install_command
from edgehar.models.isolation import python_module, run_to_end

_TIMEOUT_S: Final = 300.0
_REASON_LENGTH: Final = 160
_LOOSE_TOLERANCE: Final = 1.0
"""Peers are measured, not promised: their error is a column of the bench, not a reason to refuse them."""


@dataclass(frozen=True, slots=True)
class Route:
    """A standard way from a Keras model to a file: its name, what it needs, and what it makes."""

    name: str
    package: str
    format: str
    quantization: str
    convert: Callable[[Bundle, Path], None]


@dataclass(frozen=True, slots=True)
class PeerResult:
    """What came of a route: an artifact, or the reason there is none."""

    route: str
    format: str
    quantization: str
    artifact: CompiledArtifact | None
    reason: str | None


def peer_results(bundle: Bundle, path: Path) -> Iterator[PeerResult]:
    """Yield what every standard route makes of the bundle at ``path``, one after the other.

    A route that crashes its process, fails or takes longer than five minutes is a result with its reason.
    """
    for route in ROUTES:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / f"peer.{route.name}.{route.format}"
            reason = _run(route, path, target)
            artifact = _artifact(bundle, route, target) if reason is None else None
        yield PeerResult(route.name, route.format, route.quantization, artifact, reason)


def _run(route: Route, bundle: Path, target: Path) -> str | None:
    """Run one route in a process of its own; return why there is no file, or None if there is one."""
    command = python_module("edgehar.pipeline.compilers.peers", str(bundle), route.name, str(target))
    finished = run_to_end(
        command, timeout_s=_TIMEOUT_S, environment={"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    )
    if finished.failure is not None and "code" in finished.failure.details:
        said = [line.strip() for line in finished.complaints.splitlines() if line.strip()]
        return (said[-1] if said else finished.failure.message)[:_REASON_LENGTH]
    if finished.failure is not None:
        return f"the converter {finished.failure.message}"
    return None if target.is_file() else "the converter wrote no file"


def _artifact(bundle: Bundle, route: Route, file: Path) -> CompiledArtifact:
    """Return a route's file as an artifact that engines can run."""
    architecture = bundle.manifest.architecture
    shapes = architecture.shapes()
    return CompiledArtifact(
        file=file.name,
        format=route.format,
        quantization=route.quantization,
        route=route.name,
        input=TensorSpec("Input", "float32", (1, *shapes[0]), 0.0, 0),
        output=TensorSpec("Output", "float32", (1, *shapes[-1]), 0.0, 0),
        content=file.read_bytes(),
        tolerance=_LOOSE_TOLERANCE,
    )


def _keras_model(keras: Any, bundle: Bundle, *, batch: int | None) -> Any:
    """Return the bundle's model in Keras 3 or legacy Keras, normalisation folded in."""
    architecture, weights = bundle.manifest.architecture, bundle.folded_weights
    inputs = values = keras.Input((architecture.window, architecture.channels), batch_size=batch, name="Input")
    for layer in architecture.layers:
        if not isinstance(layer, SimpleRNN | LSTM | GRU | Dense):
            raise CompileError(f"layer {layer.name}: the peers are compared on recurrent and dense layers only")
        values = getattr(keras.layers, layer.kind)(**asdict(layer))(values)
    model = keras.Model(inputs, values)
    for layer, shape in zip(architecture.layers, architecture.shapes(), strict=False):
        own = [weights[f"{layer.name}/{name}"] for name in layer.weight_shapes(shape)]
        model.get_layer(layer.name).set_weights(own)
    return model


def _tflite(keras_package: str, *, dynamic: bool = False, integer: bool = False) -> Callable[[Bundle, Path], None]:
    """Return a route through TensorFlow's own converter, with the batch fixed to one as its guide says."""

    def convert(bundle: Bundle, target: Path) -> None:
        if keras_package == "tf_keras":
            os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tensorflow as tf

        model = _keras_model(importlib.import_module(keras_package), bundle, batch=1)
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if dynamic or integer:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if integer:
            golden = bundle.golden["windows"]
            converter.representative_dataset = lambda: ([window[np.newaxis]] for window in golden)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        target.write_bytes(converter.convert())

    return convert


def _keras_onnx(bundle: Bundle, target: Path) -> None:
    """Export with Keras, which hands the work to tf2onnx."""
    model = _keras_model(importlib.import_module("keras"), bundle, batch=None)
    # Keras exports what a model did, so it must have done something.
    model(bundle.golden["windows"][:1])
    model.export(target, format="onnx", verbose=False)


ROUTES: Final = (
    Route("tensorflow", "tensorflow", "tflite", "float32", _tflite("keras")),
    Route("tensorflow-dynamic", "tensorflow", "tflite", "int8-weights", _tflite("keras", dynamic=True)),
    Route("tensorflow-int8", "tensorflow", "tflite", "int8", _tflite("keras", integer=True)),
    Route("legacy-keras", "tf_keras", "tflite", "float32", _tflite("tf_keras")),
    Route("keras-onnx", "tf2onnx", "onnx", "float32", _keras_onnx),
)
"""The standard routes, in the order a person would try them."""


def main(arguments: list[str]) -> int:
    """Convert one bundle by one route; say in one line why that failed."""
    bundle_path, name, target = arguments
    route = next(route for route in ROUTES if route.name == name)
    if importlib.util.find_spec(route.package) is None:
        sys.stderr.write(f"needs the package {route.package}, it is not installed: {install_command('peers')}\n")
        return 1
    try:
        route.convert(read_bundle(bundle_path), Path(target))
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        sys.stderr.write(f"{type(error).__name__}: {first}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
