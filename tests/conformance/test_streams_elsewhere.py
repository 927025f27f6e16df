"""Files that carry state, in runtimes beside those of our engines.

tflite-micro and tflite-runtime need environments of their own: `tools/make_runtime_environments.sh` makes them.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.agreement import largest_error, oracle_outputs
from edgehar.models.architecture.stateful import NEXT, STATEFUL, states_of
from edgehar.models.bundle import Bundle
from edgehar.pipeline.compilers import Target, compile_bundle

STEP = """
import json, sys
import numpy as np
folder, names = sys.argv[1], json.loads(sys.argv[2])
content, windows = open(f"{folder}/model.tflite", "rb").read(), np.load(f"{folder}/windows.npy")
if sys.argv[3] == "tflite-micro":
    from tflite_micro.python.tflite_micro import runtime
    runner = runtime.Interpreter.from_bytes(content, arena_size=100_000)
    def step(values):
        for index, value in enumerate(values):
            runner.set_input(value, index)
        runner.invoke()
        return [runner.get_output(index).copy() for index in range(len(values))]
elif sys.argv[3] == "tflite-runtime":
    from tflite_runtime.interpreter import Interpreter
    signature = Interpreter(model_content=content).get_signature_runner()
    def step(values):
        found = signature(**dict(zip(["Input", *names], values)))
        return [found[name] for name in ["Output", *(f"{name}_next" for name in names)]]
else:
    from ai_edge_litert.compiled_model import CompiledModel
    model = CompiledModel.from_buffer(content)
    taken, given = model.create_input_buffers(0), model.create_output_buffers(0)
    def step(values):
        for buffer, value in zip(taken, values):
            buffer.write(np.ascontiguousarray(value))
        model.run_by_index(0, taken, given)
        sizes = [CLASSES, *(value.size for value in values[1:])]
        return [buffer.read(size, np.float32).reshape(1, -1) for buffer, size in zip(given, sizes)]
CLASSES = int(sys.argv[4])
outputs = []
for window in windows:
    values = [None, *(np.zeros((1, units), np.float32) for units in names.values())]
    for sample in window:
        values[0] = sample[np.newaxis, np.newaxis]
        values = step(values)
    outputs.append(values[0][0].tolist())
print(json.dumps(outputs))
"""


@pytest.fixture(scope="module", params=["simple_rnn", "lstm", "gru"])
def bundle(request: pytest.FixtureRequest, random_bundle) -> Bundle:
    """The named recurrent models with the files that carry state."""
    return compile_bundle(random_bundle(request.param, seed=6), [Target(each, "float32") for each in STATEFUL.values()])


@pytest.mark.parametrize("runtime", ["tflite-micro", "tflite-runtime", "CompiledModel"])
def test_a_tflite_file_gives_what_the_oracle_gives(bundle: Bundle, runtime: str, python_of, tmp_path: Path) -> None:
    python = sys.executable if runtime == "CompiledModel" else python_of(runtime)
    architecture, windows = bundle.manifest.architecture, bundle.golden["windows"][:2]
    (tmp_path / "model.tflite").write_bytes(bundle.files["stateful.float32.tflite"])
    np.save(tmp_path / "windows.npy", windows)
    names = json.dumps({state.name: state.units for state in states_of(architecture)})
    command = [python, "-c", STEP, str(tmp_path), names, runtime, str(architecture.classes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert largest_error(found, oracle_outputs(bundle, windows)) <= 1e-5


def test_an_onnx_file_takes_many_streams_of_any_length(bundle: Bundle) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(bundle.files["stateful.float32.onnx"], providers=["CPUExecutionProvider"])
    windows, architecture = bundle.golden["windows"], bundle.manifest.architecture
    states = {state.name: np.zeros((len(windows), state.units), np.float32) for state in states_of(architecture)}
    names = [each.name for each in session.get_outputs()]
    for start, end in ((0, 1), (1, 8), (8, 200)):
        found = dict(zip(names, session.run(names, {"Input": windows[:, start:end], **states}), strict=True))
        states = {name: found[name + NEXT] for name in states}
    assert largest_error(found["Output"], bundle.golden["oracle"]) <= 1e-5
