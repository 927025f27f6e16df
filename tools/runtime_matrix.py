"""Ask every runtime that is here what it makes of our files, and print a table: who loads what, and how near it comes.

Usage: .venv/bin/python tools/runtime_matrix.py [--models A,B] [--runtimes A,B] [--json] [--out docs/runtimes.md]

Runtimes of other environments are those of tools/make_runtime_environments.sh (HAR_RUNTIMES names another folder of
them). Models are the named ones, and some with masks, with weights of a fixed seed; each file is given golden windows
one after the other, without a reset between them, and its outputs are held to the NumPy oracle's. Files that carry
state are given the samples one by one, and what they gave back.
"""

import argparse
import datetime
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Dense,
    Masking,
    SimpleRNN,
    named_architecture,
)
from edgehar.models.architecture.stateful import STATEFUL
from edgehar.models.bundle.golden import golden_inputs
from edgehar.models.errors import CompileError
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import compile_model
from edgehar.pipeline.compilers.onnx_options import OnnxOptions
from edgehar.pipeline.inspection.checks import Outcome, Trial, try_files

ROOT = Path(__file__).parents[1]
PLACE = Path(os.environ.get("HAR_RUNTIMES") or ROOT / ".venv-runtimes")
MODELS = ("simple_rnn", "lstm", "gru", "bi_gru", "cnn", "cnn_gru", "tcn", "attention")


def masked(name: str, *layers: object) -> Architecture:
    """Return a model that masks steps of its window."""
    return Architecture(name, 40, 3, (Masking("Masking", 0.0), *layers, Dense("Output", 12, "softmax")))


MASKED = {
    each.name: each
    for each in (
        masked("masked_rnn", SimpleRNN("RNN_1", 32, return_sequences=True), SimpleRNN("RNN_2", 32)),
        masked("masked_lstm", LSTM("LSTM_1", 32, return_sequences=True), LSTM("LSTM_2", 32)),
        masked("masked_gru", GRU("GRU_1", 32, return_sequences=True), GRU("GRU_2", 32)),
        masked("masked_bi_gru", Bidirectional("BiGRU_1", "GRU", 32, True), GRU("GRU_1", 32)),
    )
}
"""Models with masks, each as its runtime has to leave steps out."""

WINDOWS = 8
TOLERANCES = {"float32": 1e-5, "int8": 0.2, "int8-weights": 0.2}
"""Most that a file may be from the oracle of the unrounded weights to count as agreeing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: format, quantization, and whether it is the fast form of ONNX."""

    name: str
    format: str
    quantization: str
    fast: bool = False


KINDS = (
    Kind("TFLite", "tflite", "float32"),
    Kind("TFLite int8", "tflite", "int8"),
    Kind("TFLite --stateful", STATEFUL["tflite"], "float32"),
    Kind("TFLite int8 --stateful", STATEFUL["tflite"], "int8"),
    Kind("ONNX", "onnx", "float32"),
    Kind("ONNX --fast", "onnx", "float32", fast=True),
    Kind("ONNX int8-weights", "onnx", "int8-weights"),
    Kind("ONNX --stateful", STATEFUL["onnx"], "float32"),
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime: its name, the formats it reads, what its probe calls it, and the environment it is in.

    ``reads_integers`` is whether it says the scales of integer inputs and outputs, without which nobody can feed it.
    """

    name: str
    formats: tuple[str, ...]
    distribution: str
    environment: str = ""
    reads_integers: bool = True

    def command(self) -> tuple[str, Sequence[str]]:
        """Return the program to ask, and its arguments where that is no Python."""
        if self.environment == "node":
            return "node", (str(ROOT / "tools/node_probe.mjs"), str(PLACE / "node"))
        return (str(PLACE / self.environment / "bin/python") if self.environment else sys.executable), ()


RUNTIMES = (
    Runtime("LiteRT, Interpreter", ("tflite",), "ai-edge-litert"),
    Runtime("LiteRT, CompiledModel", ("tflite",), "ai-edge-litert CompiledModel"),
    Runtime("LiteRT.js (Node)", ("tflite",), "@litertjs/core", "node", reads_integers=False),
    Runtime("tflite-runtime", ("tflite",), "tflite-runtime", "tflite-runtime"),
    Runtime("tflite-micro", ("tflite",), "tflite-micro", "tflite-micro"),
    Runtime("OpenVINO", ("tflite", "onnx"), "openvino", reads_integers=False),
    Runtime("ONNX Runtime, newest", ("onnx",), "onnxruntime"),
    Runtime("ONNX Runtime, oldest", ("onnx",), "onnxruntime", "onnxruntime-oldest"),
    Runtime("onnxruntime-node", ("onnx",), "onnxruntime-node", "node"),
    Runtime("ONNX ReferenceEvaluator", ("onnx",), "onnx ReferenceEvaluator"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a runtime made of a file: ``difference`` from the oracle, or why there is none."""

    model: str
    kind: str
    runtime: str
    version: str
    agrees: bool
    difference: float | None
    refusal: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join((*MODELS, *MASKED)))
    parser.add_argument("--runtimes", default=None, help="some of the names, separated by semicolons")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    names = chosen.runtimes.split(";") if chosen.runtimes else [runtime.name for runtime in RUNTIMES]
    cells = ask(chosen.models.split(","), names)
    if chosen.json:
        print(json.dumps([asdict(cell) for cell in cells]))
    page = written(cells)
    if chosen.out is not None:
        chosen.out.write_text(page, encoding="utf-8")
    elif not chosen.json:
        print(page)
    return 0


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A compiled file of one model, and what it must give."""

    model: str
    kind: Kind
    trial: Trial
    windows: np.ndarray

    @property
    def container(self) -> str:
        """What the file is read as: tflite or onnx."""
        return self.kind.format.partition("-")[0]


def ask(models: Sequence[str], names: Sequence[str]) -> list[Cell]:
    """Return what runtimes make of every file; each of them is started once for all files of the same windows."""
    files = [file for model in models for file in compiled(model)]
    cells = []
    for runtime in (each for each in RUNTIMES if each.name in names):
        own = [
            file
            for file in files
            if file.container in runtime.formats and (runtime.reads_integers or file.kind.quantization != "int8")
        ]
        if runtime.environment and not (PLACE / runtime.environment).is_dir():
            continue
        groups: dict[bytes, list[File]] = {}
        for file in own:
            groups.setdefault(file.windows.tobytes(), []).append(file)
        for group in groups.values():
            cells += _ask(runtime, group)
    return cells


def _ask(runtime: Runtime, files: Sequence[File]) -> list[Cell]:
    """Return what a runtime makes of files that take the same windows; nothing where it is not installed."""
    program, probe = runtime.command()
    trials = [file.trial for file in files]
    outcomes = try_files(program, runtime.distribution, trials, files[0].windows, probe=probe)
    return [_cell(file, runtime, outcome) for file, outcome in zip(files, outcomes or (), strict=False)]


def compiled(model: str) -> list[File]:
    """Return every kind of file that a model can be."""
    architecture = MASKED[model] if model in MASKED else named_architecture(model).deployed
    weights = seeded_weights(architecture)
    windows = golden_inputs(architecture, WINDOWS)
    oracle = forward(architecture, weights, windows)
    files = []
    for kind in KINDS:
        if kind.fast and model != "simple_rnn":
            continue
        try:
            artifact = compile_model(
                architecture,
                weights,
                format=kind.format,
                quantization=kind.quantization,
                calibration=golden_inputs(architecture),
                onnx=OnnxOptions(fast=kind.fast),
            )
        except CompileError:  # No file, no cell: what a format cannot express is in the documentation of formats.
            continue
        files.append(File(model, kind, Trial(artifact.content, oracle, TOLERANCES[kind.quantization]), windows))
    return files


def _cell(file: File, runtime: Runtime, outcome: Outcome) -> Cell:
    """Return the cell of a file and a runtime."""
    ran = bool(np.isfinite(outcome.difference))
    return Cell(
        file.model,
        file.kind.name,
        runtime.name,
        outcome.version,
        outcome.error is None,
        outcome.difference if ran else None,
        None if ran else outcome.error,
    )


def seeded_weights(architecture: Architecture) -> dict[str, np.ndarray]:
    """Return weights of a fixed seed, as large as those of trained models."""
    generator = np.random.default_rng(7)
    return {
        name: generator.normal(scale=1 / np.sqrt(max(1, shape[-2] if len(shape) > 1 else 9)), size=shape).astype("f")
        for name, shape in architecture.weight_shapes().items()
    }


def written(cells: Sequence[Cell]) -> str:
    """Return the page: a table for each kind of file."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        "# Which runtimes read the files",
        f"Made by `tools/runtime_matrix.py` on {today} ({platform.machine()}, {platform.system()}); do not edit.",
        "",
        f"Each model, with weights of a fixed seed, is given {WINDOWS} golden windows in a row, without a reset.",
        "Files that carry state (`--stateful`) are given the samples one by one; models with masks, windows of which",
        "steps are masked. Models that a format or a quantization cannot express have no column there.",
        "A number is the largest difference of a probability from the NumPy oracle with the unrounded weights.",
        "",
    ]
    for kind in KINDS:
        own = [cell for cell in cells if cell.kind == kind.name]
        if not own:
            continue
        models = list(dict.fromkeys(cell.model for cell in own))
        runtimes = list(dict.fromkeys((cell.runtime, cell.version) for cell in own))
        lines += [f"## {kind.name}", "| runtime | " + " | ".join(models) + " |", "|---" * (len(models) + 1) + "|"]
        refusals = []
        for runtime, version in runtimes:
            row = []
            for model in models:
                cell = next(each for each in own if (each.runtime, each.model) == (runtime, model))
                row.append("refused" if cell.difference is None else f"{cell.difference:.0e}")
                if cell.refusal is not None:
                    refusals.append(f"{runtime}, {model}: {cell.refusal}".replace("|", "/"))
            lines.append(f"| {runtime} {version} | " + " | ".join(row) + " |")
        lines += ["", *(f"- {refusal}" for refusal in dict.fromkeys(refusals)), ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
