"""`har import`: make a bundle of somebody else's trained model."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from edgehar.commands.destination import chosen_destination
from edgehar.commands.terminal_text import escape
from edgehar.commands.window_arrays import read_windows
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.consistency import UNIT
from edgehar.models.contract import SAMPLE_RATE_HZ
from edgehar.pipeline import importers


def import_model(
    model: Annotated[
        Path, typer.Argument(help="The model: a .keras file, an .h5 file of a whole model, or an .onnx file.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="The bundle to write: a new folder.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Names of the outputs in their order. Default: class_0, class_1, ..."),
    ] = None,
    rate: Annotated[
        float, typer.Option(metavar="HZ", help="Samples per second of the windows it was trained on.")
    ] = SAMPLE_RATE_HZ,
    window: Annotated[
        int | None,
        typer.Option(
            metavar="STEPS", min=1, help="Length of a window, where the model takes any. Default: the model's own."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="X.npy",
            help="Inputs of your own (n, steps, features), to compare on as well; of a model with several inputs an "
            ".npz file with an array for each. Default: random ones alone.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the model that stands at --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a bundle of a model that was trained elsewhere, without executing anything of its file.

    Where the framework is installed (Keras, or onnxruntime for ONNX), it computes the same inputs, and a difference of
    more than 1e-5 is refused. Then `har compile`, `har verify`, `har inspect` and `har bench` work on the bundle as on
    any other.
    """
    place = chosen_destination(out, force=force)
    names = None if labels is None else labels.split(",")
    given = None if data is None else {data.name: read_windows(data)}
    bundle = importers.import_model(model, labels=names, rate_hz=rate, window=window, data=given)
    out = place.settled()
    bundle = bundle.save(out)
    if as_json:
        typer.echo(json.dumps(_as_json(out, bundle), ensure_ascii=False))
    else:
        _print(out, bundle)


def _as_json(out: Path, bundle: Bundle) -> dict[str, Any]:
    """Return what a program wants to know."""
    manifest = bundle.manifest
    return {
        "bundle": str(out),
        "model_id": manifest.model_id,
        "task": manifest.task,
        "output_shape": list(manifest.architecture.output_shape),
        "window": manifest.window.length,
        "features": len(manifest.window.channels),
        "unit": manifest.window.unit,
        "rate_hz": manifest.window.rate_hz,
        "labels": list(manifest.labels),
        "parameters": manifest.architecture.parameter_count,
        "layers": [{"kind": layer.kind, "name": layer.name} for layer in manifest.architecture.layers],
        **manifest.provenance.configuration["imported"],
    }


def _print(out: Path, bundle: Bundle) -> None:
    """Print what was imported, and what it was compared with."""
    manifest = bundle.manifest
    window, imported = manifest.window, manifest.provenance.configuration["imported"]
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{escape(manifest.model_id)}[/]  {manifest.architecture.parameter_count:,} parameters, from "
        f"{escape(imported['framework'])}"
    )
    console.print(
        f"windows of {window.length} x {len(window.channels)} at {window.rate_hz:g} Hz, "
        f"{manifest.task} outputs of shape {manifest.architecture.output_shape}, "
        f"labels {escape(', '.join(manifest.labels))}"
    )
    if sides := imported.get("inputs"):
        console.print(
            f"its {len(sides)} inputs stand side by side in a window: "
            + escape("; ".join(f"{each['name']} as {each['features']} of its features" for each in sides))
        )
    if window.unit == UNIT:
        console.print(f"its three features are taken for acceleration in {UNIT}")
    for each in imported["comparisons"]:
        console.print(
            f"compared with {escape(each['framework'])} on {escape(each['inputs'])}, {each['windows']:,} windows: "
            f"largest difference {each['max_abs_error']:.1e}"
        )
    if imported["not_compared"]:
        console.print(f"[yellow]not compared with its source[/]: {escape(imported['not_compared'])}")
    if imported.get("carries_state"):
        console.print(
            f"it carries its state from window to window, as files do that har compile {escape(out)} --stateful "
            "writes; all others begin each window anew"
        )
    console.print(f"wrote {escape(out)}; next: har compile {escape(out)}")
