"""Runtimes beside those of our engines, asked by tools/runtime_matrix.py: OpenVINO, Node's, the oldest onnxruntime."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODELS = ("simple_rnn", "lstm", "gru", "cnn", "masked_lstm")
READS = {
    "OpenVINO": {"TFLite", "TFLite --stateful", "ONNX", "ONNX int8-weights", "ONNX --stateful"},
    "LiteRT.js (Node)": {"TFLite", "TFLite --stateful"},
    "ONNX Runtime, oldest": {"ONNX", "ONNX --fast", "ONNX int8-weights", "ONNX --stateful"},
    "onnxruntime-node": {"ONNX", "ONNX --fast", "ONNX int8-weights", "ONNX --stateful"},
    "ONNX ReferenceEvaluator": {"ONNX", "ONNX --fast", "ONNX int8-weights", "ONNX --stateful"},
}
"""Which kinds of files each runtime is claimed to read."""


@pytest.fixture(scope="module")
def matrix() -> list[dict[str, Any]]:
    """What every runtime that is here makes of every file; each file is made once for all of them."""
    done = subprocess.run(
        [
            sys.executable,
            "tools/runtime_matrix.py",
            "--json",
            "--runtimes",
            ";".join(READS),
            "--models",
            ",".join(MODELS),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("runtime", READS)
def test_a_runtime_gives_what_the_oracle_gives(runtime: str, matrix: list[dict[str, Any]]) -> None:
    cells = [cell for cell in matrix if cell["runtime"] == runtime and cell["kind"] in READS[runtime]]
    if not cells:
        pytest.skip(f"{runtime} is not here; run tools/make_runtime_environments.sh, and install edgehar[openvino]")
    assert {cell["kind"] for cell in cells} == READS[runtime]
    assert {cell["model"] for cell in cells} == set(MODELS)
    assert not [cell for cell in cells if not cell["agrees"]]
