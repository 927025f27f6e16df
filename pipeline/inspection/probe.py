"""Load and run files in a process of their own: a script for any Python that has a runtime, not part of the package.

Reads one line of JSON (the runtime, the files as hexadecimal, and windows to run), answers one line of JSON for each
file, as soon as it is done: a process that dies says by silence which file killed it.
"""

import importlib
import importlib.metadata
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def _interpreter(package: str) -> Any:
    """Return a function that runs a file with a TFLite interpreter."""
    interpreter_class = importlib.import_module(f"{package}.interpreter").Interpreter

    def run(content: bytes, windows: Any) -> Any:
        interpreter = interpreter_class(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        wanted, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        outputs = []
        for window in windows:
            interpreter.set_tensor(
                wanted["index"], _to_integers(window[None], wanted["dtype"], wanted["quantization"][0])
            )
            interpreter.invoke()
            outputs.append(_to_floats(interpreter.get_tensor(given["index"])[0], given["quantization"][0]))
        return outputs

    return run


def _compiled_model() -> Any:
    """Return a function that runs a file with LiteRT's CompiledModel, by its signature."""
    library = importlib.import_module("ai_edge_litert.compiled_model")

    def run(content: bytes, windows: Any) -> Any:
        model = library.CompiledModel.from_buffer(content)
        (key,) = model.get_signature_list()
        (wanted,), (given,) = (
            details.values() for details in (model.get_input_tensor_details(key), model.get_output_tensor_details(key))
        )
        (taken,), (result,) = model.create_input_buffers(0), model.create_output_buffers(0)
        outputs = []
        for window in windows:
            taken.write(_to_integers(window[None], wanted["dtype"], 0.0))
            model.run_by_index(0, [taken], [result])
            flat = result.read(int(np.prod(given["shape"])), np.float32)
            outputs.append(np.reshape(flat, given["shape"][1:]))
        return outputs

    return run


def _micro() -> Any:
    """Return a function that runs a file with tflite-micro."""
    runtime = importlib.import_module("tflite_micro.python.tflite_micro").runtime

    def run(content: bytes, windows: Any) -> Any:
        interpreter = runtime.Interpreter.from_bytes(content)
        wanted, given = interpreter.get_input_details(0), interpreter.get_output_details(0)
        outputs = []
        for window in windows:
            interpreter.set_input(_to_integers(window[None], wanted["dtype"], _micro_scale(wanted)), 0)
            interpreter.invoke()
            outputs.append(_to_floats(interpreter.get_output(0)[0], _micro_scale(given)))
        return outputs

    return run


def _onnx() -> Any:
    """Return a function that runs a file with onnxruntime."""
    library = importlib.import_module("onnxruntime")

    def run(content: bytes, windows: Any) -> Any:
        options = library.SessionOptions()
        options.log_severity_level = 4
        session = library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        taken = session.get_inputs()[0]
        dtype = np.int32 if taken.type == "tensor(int32)" else np.float32
        return session.run(None, {taken.name: _to_integers(windows, dtype, 0.0)})[0]

    return run


def _openvino() -> Any:
    """Return a function that runs a TFLite or ONNX file with OpenVINO, in float32."""
    core = importlib.import_module("openvino").Core()

    def run(content: bytes, windows: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ("model.tflite" if content[4:8] == b"TFL3" else "model.onnx")
            file.write_bytes(content)
            model = core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return [model(window[None])[0][0] for window in windows]

    return run


def _reference() -> Any:
    """Return a function that runs a file with the reference evaluator of ONNX."""
    onnx = importlib.import_module("onnx")
    evaluator_class = importlib.import_module("onnx.reference").ReferenceEvaluator

    def run(content: bytes, windows: Any) -> Any:
        evaluator = evaluator_class(onnx.load_from_string(content))
        return evaluator.run(None, {evaluator.input_names[0]: windows})[0]

    return run


RUNTIMES = {
    "ai-edge-litert": lambda: _interpreter("ai_edge_litert"),
    "ai-edge-litert CompiledModel": _compiled_model,
    "tflite-runtime": lambda: _interpreter("tflite_runtime"),
    "tflite-micro": _micro,
    "onnxruntime": _onnx,
    "openvino": _openvino,
    "onnx ReferenceEvaluator": _reference,
}


def main() -> None:
    """Answer whether the runtime is there, and what it makes of each file."""
    # Python puts a script's own folder on its path; there, modules are called as packages of runtimes are.
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != own]
    request = json.loads(sys.stdin.readline())
    try:
        run = RUNTIMES[request["runtime"]]()
    except ImportError:
        _answer(installed=None)
        return
    _answer(installed=importlib.metadata.version(request["runtime"].partition(" ")[0]))
    windows = np.array(request["windows"], np.float32)
    for content in request["files"]:
        try:
            outputs = np.asarray(run(bytes.fromhex(content), windows), np.float64)
            _answer(error=None, outputs=outputs.tolist())
        except Exception as error:
            _answer(error=" ".join(f"{error}".split())[:160] or type(error).__name__, outputs=None)


def _to_integers(values: Any, dtype: Any, scale: float) -> Any:
    """Return what the file takes: floats, tokens without an axis of channels, or integers of a symmetric scale."""
    if np.dtype(dtype) == np.float32:
        return values
    if np.dtype(dtype) == np.int32:
        return np.ascontiguousarray(values[..., 0].astype(np.int32))
    limits = np.iinfo(dtype)
    rounded = np.copysign(np.floor(np.abs(values / scale) + 0.5), values)
    return np.clip(rounded, limits.min, limits.max).astype(dtype)


def _to_floats(values: Any, scale: float) -> Any:
    """Return the probabilities."""
    return values if values.dtype == np.float32 else values * scale


def _micro_scale(details: Any) -> float:
    """Return the scale of an input or output of tflite-micro."""
    scales = details["quantization_parameters"]["scales"]
    return float(scales[0]) if len(scales) else 0.0


def _answer(**facts: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
