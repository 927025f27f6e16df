"""Load and run files in a process of their own: a script for any Python that has a runtime, not part of the package.

Reads one line of JSON (runtime, and the files as hexadecimal), answers one line of JSON for each file, as soon as it is
done: a process that dies says by silence which file killed it.
"""

import importlib
import importlib.metadata
import json
import sys
from typing import Any

import numpy as np


def _interpreter(package: str) -> Any:
    """Return a function that runs a file with a TFLite interpreter."""
    interpreter_class = importlib.import_module(f"{package}.interpreter").Interpreter

    def run(content: bytes) -> Any:
        interpreter = interpreter_class(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
        wanted = interpreter.get_input_details()[0]
        interpreter.set_tensor(wanted["index"], np.zeros(wanted["shape"], wanted["dtype"]))
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return run


def _micro() -> Any:
    """Return a function that runs a file with tflite-micro."""
    runtime = importlib.import_module("tflite_micro.python.tflite_micro").runtime

    def run(content: bytes) -> Any:
        interpreter = runtime.Interpreter.from_bytes(content)
        wanted = interpreter.get_input_details(0)
        interpreter.set_input(np.zeros(wanted["shape"], wanted["dtype"]), 0)
        interpreter.invoke()
        return interpreter.get_output(0)

    return run


def _onnx() -> Any:
    """Return a function that runs a file with onnxruntime."""
    library = importlib.import_module("onnxruntime")

    def run(content: bytes) -> Any:
        options = library.SessionOptions()
        options.log_severity_level = 4
        session = library.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        wanted = session.get_inputs()[0]
        shape = [size if isinstance(size, int) else 1 for size in wanted.shape]
        return session.run(None, {wanted.name: np.zeros(shape, np.float32)})[0]

    return run


RUNTIMES = {
    "ai-edge-litert": lambda: _interpreter("ai_edge_litert"),
    "tflite-runtime": lambda: _interpreter("tflite_runtime"),
    "tflite-micro": _micro,
    "onnxruntime": _onnx,
}


def main() -> None:
    """Answer whether the runtime is there, and what it makes of each file."""
    request = json.loads(sys.stdin.readline())
    try:
        run = RUNTIMES[request["runtime"]]()
    except ImportError:
        _answer(installed=None)
        return
    _answer(installed=importlib.metadata.version(request["runtime"]))
    for content in request["files"]:
        try:
            _answer(error=None, outputs=int(run(bytes.fromhex(content)).size))
        except Exception as error:
            _answer(error=" ".join(f"{error}".split())[:160] or type(error).__name__)


def _answer(**facts: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
