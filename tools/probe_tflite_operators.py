"""Ask a TFLite runtime for the highest version it has of every operator: the source of pipeline/inspection/runtimes.py.

Usage: .venv/bin/python tools/probe_tflite_operators.py PYTHON   (a Python that has ai_edge_litert or tflite_runtime)
"""

import json
import subprocess
import sys

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

HIGHEST = 24

ASK = """
import json, sys
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter
found = {}
for name, version, content in json.load(sys.stdin):
    try:
        Interpreter(model_content=bytes.fromhex(content))
    except ValueError:
        continue
    found[name] = max(version, found.get(name, 0))
print(json.dumps(found))
"""


def model_with(code: int, version: int) -> bytes:
    """Return a model that declares one operator and uses none: runtimes look it up all the same."""
    operator = schema.OperatorCodeT()
    operator.builtinCode, operator.deprecatedBuiltinCode, operator.version = code, min(code, 127), version
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [operator], [graph], [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def main() -> int:
    """Print the table as JSON."""
    names = {name: code for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    questions = [
        (name, version, model_with(code, version).hex())
        for name, code in names.items()
        for version in range(1, HIGHEST + 1)
    ]
    answer = subprocess.run(
        [sys.argv[1], "-c", ASK], input=json.dumps(questions), capture_output=True, text=True, check=True
    )
    print(json.dumps(json.loads(answer.stdout), indent=4, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
