"""`har compile`: add compiled artifacts to a bundle."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundles import check_unpacked, read_bundles
from edgehar.commands.progress import progress_bar
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import Bundle, update_bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.errors import UsageError
from edgehar.pipeline import compilers
from edgehar.pipeline.compilers import FORMATS, Target
from edgehar.pipeline.compilers.onnx_options import OPSETS, OnnxOptions
from edgehar.pipeline.compilers.quantization.calibration import calibration_windows
from edgehar.pipeline.compilers.selection import wanted_targets
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset


def compile_bundle(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle's folder, rewritten whole or not at all; or a folder of bundles.")
    ],
    format: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option("--format", "--target", help=f"{' or '.join(FORMATS)}; may be repeated. Default: all."),
    ] = None,
    quantization: Annotated[
        list[str] | None,
        typer.Option(
            help="float32, float16, int8-weights, int8-hybrid, int8 or all; may be repeated. Default: float32."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Recordings the model was trained on: integers take their scales from them, and int8 weights are "
            "rounded for them. Default: none; int8 needs them.",
        ),
    ] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="ONNX: write SimpleRNN as a Scan, which onnxruntime runs faster and other runtimes refuse.",
        ),
    ] = False,
    opset: Annotated[
        int, typer.Option(help=f"ONNX: the operator set, {OPSETS[0]} to {OPSETS[-1]}.")
    ] = OnnxOptions().opset,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compile a bundle's model to files other runtimes load, and keep them in the bundle.

    A file of the same format and quantization is replaced. Check the result with `har verify`.
    """
    options = _onnx_options(format, fast=fast, opset=opset)
    found = read_bundles(bundle)
    check_unpacked(found)
    wanted = wanted_targets(found[0][1].manifest.architecture, format, quantization or ["float32"])
    dataset = None if data is None else _dataset(data)
    # All of them, or none: a model that cannot be compiled is found before the first is written.
    compiled = []
    for path, model in found:
        calibration = None if dataset is None else calibration_windows(model, dataset)
        compiled.append(
            (path, model, compilers.compile_artifacts(model, wanted, calibration=calibration, onnx=options))
        )
    added = []
    for path, model, artifacts in compiled:
        there = update_bundle(path, partial(Bundle.with_artifacts, artifacts=artifacts), of=model).manifest.artifacts
        added.append((path, [entry for entry in there if Target(entry.format, entry.quantization) in wanted]))
    if as_json:
        whole = [{"bundle": str(path), "artifacts": [_as_json(entry) for entry in entries]} for path, entries in added]
        typer.echo(json.dumps(whole[0] if bundle == added[0][0] else {"bundles": whole}))
        return
    for path, entries in added:
        if path != bundle:
            Console().print(escape(path.name), style="bold")
        Console().print(_table(entries))


def _onnx_options(formats: list[str] | None, *, fast: bool, opset: int) -> OnnxOptions:
    """Return how ONNX is written; refuse choices for it where it is not written."""
    options = OnnxOptions(fast=fast, opset=opset)
    if formats and "onnx" not in formats and options != OnnxOptions():
        raise UsageError(
            f"--fast and --opset: expected onnx among the formats, got {', '.join(formats)}",
            next_step="Leave them out, or add --format onnx.",
        )
    return options


def _dataset(data: str) -> Dataset:
    """Return the recordings to calibrate with."""
    with progress_bar("reading") as advance:
        return load_dataset(data, progress=advance)


def _as_json(entry: ArtifactEntry) -> dict[str, object]:
    """Return what a program wants to know of an artifact."""
    names = ("file", "format", "quantization", "route", "bytes", "sha256")
    return {name: getattr(entry, name) for name in names}


def _table(entries: list[ArtifactEntry]) -> Table:
    """Return the artifacts as a table."""
    table = Table(box=None, pad_edge=False)
    for title in ("artifact", "quantization", "route", "bytes"):
        number = title == "bytes"
        table.add_column(title, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for entry in entries:
        table.add_row(*map(escape, (entry.file, entry.quantization, entry.route)), f"{entry.bytes:,}")
    return table
