"""`har compile`: add compiled artifacts to a bundle."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models.architecture import Architecture
from models.bundle import read_bundle
from models.errors import UsageError
from models.manifest import ArtifactEntry
from pipeline import compilers
from pipeline.compilers import FORMATS, Target, targets


def compile_bundle(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder; it is rewritten whole, or not at all.")],
    format: Annotated[  # noqa: A002
        list[str] | None, typer.Option(help=f"{' or '.join(FORMATS)}; may be repeated. Default: all.")
    ] = None,
    quantization: Annotated[
        list[str] | None, typer.Option(help="Such as float32; may be repeated. Default: float32.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compile a bundle's model to files other runtimes load, and keep them in the bundle.

    A file of the same format and quantization is replaced. Check the result with `har verify`.
    """
    model = read_bundle(bundle)
    if bundle.is_file():
        raise UsageError(
            f"{bundle}: expected a bundle's folder, got a zip", next_step="Unpack it, compile there, and zip it again."
        )
    wanted = _wanted(model.manifest.architecture, format or list(FORMATS), quantization or ["float32"])
    compiled = compilers.compile_bundle(model, wanted).save(bundle)
    added = [entry for entry in compiled.manifest.artifacts if Target(entry.format, entry.quantization) in wanted]
    if as_json:
        typer.echo(json.dumps({"bundle": str(bundle), "artifacts": [_as_json(entry) for entry in added]}))
    else:
        Console().print(_table(added))


def _wanted(architecture: Architecture, formats: list[str], quantizations: list[str]) -> list[Target]:
    """Return the targets asked for, refusing what there is not."""
    there = targets(architecture)
    wanted = [Target(name, quantization) for name in formats for quantization in quantizations]
    missing = [target for target in wanted if target not in there]
    if missing:
        offered = ", ".join(f"{target.format} {target.quantization}" for target in there)
        asked = ", ".join(f"{target.format} {target.quantization}" for target in missing)
        raise UsageError(
            f"{architecture.name}: expected targets among {offered}; got {asked}",
            next_step="Choose --format and --quantization among these.",
        )
    return wanted


def _as_json(entry: ArtifactEntry) -> dict[str, object]:
    """Return what a program wants to know of an artifact."""
    names = ("file", "format", "quantization", "route", "bytes", "sha256")
    return {name: getattr(entry, name) for name in names}


def _table(entries: list[ArtifactEntry]) -> Table:
    """Return the artifacts as a table."""
    table = Table(box=None, pad_edge=False)
    for title in ("artifact", "quantization", "route", "bytes"):
        table.add_column(title, justify="right" if title == "bytes" else "left")
    for entry in entries:
        table.add_row(entry.file, entry.quantization, entry.route, f"{entry.bytes:,}")
    return table
