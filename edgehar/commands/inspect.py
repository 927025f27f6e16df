"""`har inspect`: what is inside a bundle's compiled files, and which runtimes can load them."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.terminal_text import escape
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import UsageError
from edgehar.pipeline.inspection import Inspection, RuntimeFact, TensorFact, inspect_bundle

_FAILED: Final = 1

_MADE_UP: Final = re.compile(r"^$|\.\d+$")
"""Names of tensors that a reader knows nothing of: none, or that of an operator with a number."""


def inspect(
    bundle: BundleArgument,
    tensors: Annotated[bool, typer.Option("--tensors", help="List every tensor, not only the stored ones.")] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not load the files with installed runtimes.")
    ] = False,
    python: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Also ask the runtimes of this other Python; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the operators, versions, tensors and scales of a bundle's compiled files.

    Says which runtimes can load each, and checks that by loading and running it where a runtime is installed, in a
    process of its own. Exit code 1 if a runtime contradicts what is claimed.
    """
    for path in python or ():
        _check_python(path)
    found = inspect_bundle(read_bundle(bundle), check=not no_check, pythons=python or ())
    if as_json:
        typer.echo(json.dumps({"artifacts": [dataclasses.asdict(each) for each in found]}, ensure_ascii=False))
    else:
        for each in found:
            _print(each, every_tensor=tensors)
    if not all(each.ok for each in found):
        raise typer.Exit(_FAILED)


def _check_python(path: str) -> None:
    """Refuse what is not a program: a Python without any of the runtimes is fine, and its rows say so."""
    if shutil.which(path) is None:
        raise UsageError(
            f"--python {path}: expected a Python's program, "
            + ("got something that cannot be run" if Path(path).exists() else "found nothing"),
            next_step="Name one such as .venv/bin/python.",
            python=path,
        )


def _print(found: Inspection, *, every_tensor: bool) -> None:
    """Print one file."""
    console = Console(highlight=False)
    console.print(
        f"[bold]{escape(found.file)}[/]  {escape(found.quantization)}, {found.bytes:,} bytes, "
        f"made by the {escape(found.route)} route"
    )
    console.print(_operators(found))
    console.print(_tensors(found, every_tensor=every_tensor))
    console.print(_runtimes(found.runtimes))
    for fact in found.runtimes:
        if fact.reason:
            console.print(escape(f"{fact.runtime}: {fact.reason}"), soft_wrap=True)


def _operators(found: Inspection) -> Table:
    """Return the operators as a table."""
    table = _table("operator", "version", "times")
    for operator in found.operators:
        table.add_row(escape(operator.name), str(operator.version), str(operator.count))
    return table


def _tensors(found: Inspection, *, every_tensor: bool) -> Table:
    """Return the tensors as a table: those that are stored or quantized, or all."""
    table = _table("tensor", "type", "shape", "scale", "zero", "bytes")
    for tensor in found.tensors:
        if every_tensor or (
            not _MADE_UP.search(tensor.name)
            and (tensor.stored_bytes or tensor.scales or tensor.name in ("Input", "Output"))
        ):
            shape = " x ".join("n" if size < 0 else str(size) for size in tensor.shape)
            stored = f"{tensor.stored_bytes:,}" if tensor.stored_bytes else ""
            zero = str(tensor.zero_point) if tensor.scales else ""
            table.add_row(escape(tensor.name), tensor.dtype, shape, _scale(tensor), zero, stored)
    return table


def _scale(tensor: TensorFact) -> str:
    """Return a tensor's scale, or how many it has."""
    if len(tensor.scales) > 1:
        return f"{len(tensor.scales)} scales"
    return f"{tensor.scales[0]:.4g}" if tensor.scales else ""


def _runtimes(facts: tuple[RuntimeFact, ...]) -> Table:
    """Return the runtimes as a table."""
    table = _table("runtime", "loads it", "checked")
    for fact in facts:
        claim = "yes" if fact.claimed else "no"
        if fact.checked is None:
            checked = "not installed here"
        else:
            colour = "green" if fact.checked == fact.claimed else "red"
            result = "runs" if fact.checked else "refused"
            checked = f"[{colour}]{result}[/], {escape(fact.checked_with or '')}"
        table.add_row(fact.runtime, claim, checked)
    return table


def _table(*titles: str) -> Table:
    """Return an empty table; a name that is too long for the terminal goes on in the next line, it is not cut."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        number = title in ("version", "times", "bytes", "zero")
        table.add_column(title, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return table
