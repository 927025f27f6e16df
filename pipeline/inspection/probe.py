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
    """Return a function that opens a file with a TFLite interpreter."""
    interpreter_class = importlib.import_module(f"{package}.interpreter").Interpreter

    def opened(content: bytes) -> Any:
        interpreter = interpreter_class(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        (first, *states), (given, *after) = interpreter.get_input_details(), interpreter.get_output_details()

        def call(values: Any, held: Any) -> Any:
            interpreter.set_tensor(first["index"], _to_integers(values, first["dtype"], first["quantization"][0]))
            for index, state in enumerate(states):
                interpreter.set_tensor(state["index"], held[index].astype(state["dtype"]))
            interpreter.invoke()
            output = _to_floats(interpreter.get_tensor(given["index"]), given["quantization"][0])
            return [output, *(interpreter.get_tensor(each["index"]) for each in after)]

        return [tuple(state["shape"]) for state in states], call

    return opened


def _compiled_model() -> Any:
    """Return a function that opens a file with LiteRT's CompiledModel, by its signature."""
    library = importlib.import_module("ai_edge_litert.compiled_model")

    def opened(content: bytes) -> Any:
        model = library.CompiledModel.from_buffer(content)
        (key,) = model.get_signature_list()
        wanted, given = (
            list(details.values())
            for details in (model.get_input_tensor_details(key), model.get_output_tensor_details(key))
        )
        taken, results = model.create_input_buffers(0), model.create_output_buffers(0)

        def call(values: Any, held: Any) -> Any:
            taken[0].write(_to_integers(values, wanted[0]["dtype"], 0.0))
            for index, value in enumerate(held, start=1):
                taken[index].write(np.ascontiguousarray(value))
            model.run_by_index(0, taken, results)
            return [
                np.reshape(results[index].read(int(np.prod(details["shape"])), np.float32), details["shape"])
                for index, details in enumerate(given)
            ]

        return [tuple(details["shape"]) for details in wanted[1:]], call

    return opened


def _micro() -> Any:
    """Return a function that opens a file with tflite-micro."""
    runtime = importlib.import_module("tflite_micro.python.tflite_micro").runtime

    def opened(content: bytes) -> Any:
        interpreter = runtime.Interpreter.from_bytes(content)
        wanted, given = interpreter.get_input_details(0), interpreter.get_output_details(0)
        states = list(_micro_states(interpreter))

        def call(values: Any, held: Any) -> Any:
            interpreter.set_input(_to_integers(values, wanted["dtype"], _micro_scale(wanted)), 0)
            for index, value in enumerate(held, start=1):
                interpreter.set_input(value.astype(states[index - 1]["dtype"]), index)
            interpreter.invoke()
            after = [interpreter.get_output(index).copy() for index in range(1, len(states) + 1)]
            return [_to_floats(interpreter.get_output(0), _micro_scale(given)), *after]

        return [tuple(state["shape"]) for state in states], call

    return opened


def _onnx() -> Any:
    """Return a function that opens a file with onnxruntime."""
    library = importlib.import_module("onnxruntime")

    def opened(content: bytes) -> Any:
        options = library.SessionOptions()
        options.log_severity_level = 4
        session = library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        taken, *states = session.get_inputs()
        dtype = np.int32 if taken.type == "tensor(int32)" else np.float32

        def call(values: Any, held: Any) -> Any:
            inputs = {state.name: held[index] for index, state in enumerate(states)}
            return session.run(None, {taken.name: _to_integers(values, dtype, 0.0), **inputs})

        return [(1, state.shape[-1]) for state in states], call

    return opened


def _openvino() -> Any:
    """Return a function that opens a TFLite or ONNX file with OpenVINO, in float32."""
    core = importlib.import_module("openvino").Core()

    def opened(content: bytes) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ("model.tflite" if content[4:8] == b"TFL3" else "model.onnx")
            file.write_bytes(content)
            model = core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

        def call(values: Any, held: Any) -> Any:
            found = model([values, *held])
            return [found[index].copy() for index in range(len(model.outputs))]

        return [(1, each.get_partial_shape()[1].get_length()) for each in model.inputs[1:]], call

    return opened


def _reference() -> Any:
    """Return a function that opens a file with the reference evaluator of ONNX."""
    onnx = importlib.import_module("onnx")
    evaluator_class = importlib.import_module("onnx.reference").ReferenceEvaluator

    def opened(content: bytes) -> Any:
        model = onnx.load_from_string(content)
        evaluator = evaluator_class(model)
        shapes = [(1, each.type.tensor_type.shape.dim[-1].dim_value) for each in model.graph.input[1:]]

        def call(values: Any, held: Any) -> Any:
            names, inputs = evaluator.input_names, [values, *held]
            return evaluator.run(None, {name: inputs[index] for index, name in enumerate(names)})

        return shapes, call

    return opened


RUNTIMES = {
    "ai-edge-litert": lambda: _interpreter("ai_edge_litert"),
    "ai-edge-litert CompiledModel": _compiled_model,
    "tflite-runtime": lambda: _interpreter("tflite_runtime"),
    "tflite-micro": _micro,
    "onnxruntime": _onnx,
    "openvino": _openvino,
    "onnx ReferenceEvaluator": _reference,
}
"""What opens a file: it returns the shapes of the states that the file carries, of which most have none, and a function
of an input and states that returns the output and the states after it."""

BATCHED = ("onnxruntime", "onnx ReferenceEvaluator")
"""Those that are given all windows in one call."""


def main() -> None:
    """Answer whether the runtime is there, and what it makes of each file."""
    # Python puts a script's own folder on its path; there, modules are called as packages of runtimes are.
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != own]
    request = json.loads(sys.stdin.readline())
    try:
        opened = RUNTIMES[request["runtime"]]()
    except ImportError:
        _answer(installed=None)
        return
    _answer(installed=importlib.metadata.version(request["runtime"].partition(" ")[0]))
    windows = np.array(request["windows"], np.float32)
    for content in request["files"]:
        try:
            states, call = opened(bytes.fromhex(content))
            is_batched = request["runtime"] in BATCHED and not states
            found = call(windows, [])[0] if is_batched else _outputs(states, call, windows)
            outputs = np.asarray(found, np.float64)
            _answer(error=None, outputs=outputs.tolist())
        except Exception as error:
            _answer(error=" ".join(f"{error}".split())[:160] or type(error).__name__, outputs=None)


def _outputs(states: Any, call: Any, windows: Any) -> Any:
    """Return what a file gives for every window; one that carries states is given the samples one by one."""
    outputs = []
    for window in windows:
        if states:
            held = [np.zeros(shape, np.float32) for shape in states]
            for sample in window:
                output, *held = call(sample[None, None], held)
        else:
            output = call(window[None], [])[0]
        outputs.append(output[0])
    return outputs


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


def _micro_states(interpreter: Any) -> Any:
    """Yield what a file takes beside its first input; tflite-micro does not say how many there are."""
    index = 1
    while True:
        try:
            details = interpreter.get_input_details(index)
        except (IndexError, ValueError, RuntimeError):
            return
        yield details
        index += 1


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
