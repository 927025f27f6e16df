"""`har compile`: add compiled artifacts to a bundle."""

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edgehar.commands.bundle_argument import bundle_argument
from edgehar.commands.bundles import check_writable_bundles, read_bundles
from edgehar.commands.destination import Destination, chosen_destination
from edgehar.commands.progress import progress_bar
from edgehar.commands.terminal_text import escape
from edgehar.commands.window_arrays import ENDINGS, read_windows
from edgehar.models.bundle import Bundle, CompiledArtifact, update_bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.errors import UsageError
from edgehar.models.zoo import released_names
from edgehar.pipeline import compilers
from edgehar.pipeline.compilers import FORMATS, LeftOut, Target, needs_calibration
from edgehar.pipeline.compilers.onnx_options import OPSETS, OnnxOptions
from edgehar.pipeline.compilers.quantization.calibration import calibration_windows, sampled_windows
from edgehar.pipeline.compilers.selection import ALL, wanted_targets
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.importers import kept_inputs, one_window


def compile_bundle(
    bundle: Annotated[
        Path,
        bundle_argument(
            "A bundle's folder, rewritten whole or not at all; or a folder of bundles. With --out also a zip, or a "
            f"released model ({', '.join(released_names())})."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="Where to write. Default: over the bundle that is read.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another model that stands at --out.")] = False,
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
            help="Recordings the model was trained on, or its inputs (n, steps, features) in an .npy file (of several "
            "inputs, in an .npz file): integers take their scales from them, and int8 weights are rounded for them. "
            "Default: none; int8 needs them.",
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
    stateful: Annotated[
        bool,
        typer.Option(
            "--stateful",
            help="Write files that take samples and states and give back the states: for streams without windows.",
        ),
    ] = False,
    block: Annotated[
        int,
        typer.Option(
            metavar="N", help="TFLite with --stateful: samples the file takes at once, a divisor of the window."
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compile a bundle's model to files other runtimes load, and keep them in the bundle.

    A file of the same format and quantization is replaced. Check the result with `har verify`. With --quantization all,
    what a model cannot be compiled to is left out and said, the rest is written; exit code 1 then.
    """
    options = _onnx_options(format, fast=fast, opset=opset)
    _check_stateful(stateful=stateful, block=block, fast=fast)
    found = read_bundles(bundle)
    destination = _destination(found, out, force=force)
    wanted = wanted_targets(found[0][1].manifest.architecture, format, quantization or ["float32"], stateful=stateful)
    everything = quantization == [ALL]
    uncalibrated = _uncalibrated(wanted) if data is None and everything else []
    wanted = [target for target in wanted if target not in [each.target for each in uncalibrated]]
    arrays = None if data is None or not data.endswith(ENDINGS) else read_windows(Path(data))
    dataset = None if data is None or arrays is not None else _dataset(data)
    # All of them, or none: a model that cannot be compiled is found before the first is written.
    compiled: list[_Compiled] = []
    make = partial(_make, wanted=wanted, onnx=options, block=block, everything=everything)
    for path, model in found:
        calibration = None if dataset is None else calibration_windows(model, dataset)
        if arrays is not None:
            whole = one_window(kept_inputs(model.manifest), arrays, model.manifest.window.length, where=str(data))
            calibration = sampled_windows(model.manifest.architecture, whole, where=str(data))
        artifacts, impossible = make(model, calibration=calibration)
        compiled.append(_Compiled(path, model, artifacts, [*uncalibrated, *impossible]))
    written = [_write(each, destination) for each in compiled]
    _publish(written, is_one=destination is not None or bundle == found[0][0], as_json=as_json)
    if any(len(each.left_out) > len(uncalibrated) for each in compiled):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A model that is compiled and not yet written: what was made of it, and what was left out."""

    path: Path
    model: Bundle
    artifacts: list[CompiledArtifact]
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class _Written:
    """What was added to which bundle, and what was left out."""

    path: Path
    entries: list[ArtifactEntry]
    left_out: list[LeftOut]


def _make(
    model: Bundle,
    *,
    wanted: list[Target],
    calibration: NDArray[Any] | None,
    onnx: OnnxOptions,
    block: int,
    everything: bool,
) -> tuple[list[CompiledArtifact], list[LeftOut]]:
    """Compile a model to all targets, or where everything is wanted to what it can be; nothing is written yet."""
    if everything:
        return compilers.compile_possible(model, wanted, calibration=calibration, onnx=onnx, block=block)
    return compilers.compile_artifacts(model, wanted, calibration=calibration, onnx=onnx, block=block), []


def _write(compiled: _Compiled, destination: Destination | None) -> _Written:
    """Write a compiled model where it was read from, or where it was asked for."""
    add = partial(Bundle.with_artifacts, artifacts=compiled.artifacts)
    if destination is None:
        path = compiled.path
        bundle = update_bundle(path, add, of=compiled.model)
    else:
        path = destination.settled()
        bundle = add(compiled.model).save(path)
    made = {artifact.file for artifact in compiled.artifacts}
    entries = [entry for entry in bundle.manifest.artifacts if entry.file in made]
    return _Written(path, entries, compiled.left_out)


def _publish(written: list[_Written], *, is_one: bool, as_json: bool) -> None:
    """Print what was written, and say what was left out."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for each in written:
        where = "" if is_one else f"{escape(each.path.name)}: "
        for left_out in each.left_out:
            target, reason = left_out.target, escape(left_out.reason)
            console.print(f"{where}{target.format} {target.quantization} is left out: {reason}")
    if as_json:
        whole = [_as_json(each) for each in written]
        typer.echo(json.dumps(whole[0] if is_one else {"bundles": whole}))
        return
    for each in written:
        if not is_one:
            Console().print(escape(each.path.name), style="bold")
        Console().print(_table(each.entries))


def _destination(found: list[tuple[Path, Bundle]], out: Path | None, *, force: bool) -> Destination | None:
    """Return where to write to; None for where the bundles are."""
    if out is None or (len(found) == 1 and out.exists() and out.resolve() == found[0][0].resolve()):
        check_writable_bundles(found)
        return None
    if len(found) > 1:
        raise UsageError("--out: expected one bundle, got a folder of them", next_step="Leave --out out, or name one.")
    return chosen_destination(out, force=force)


def _uncalibrated(wanted: list[Target]) -> list[LeftOut]:
    """Return the targets that cannot be compiled without recordings, unless there are no others."""
    found = [target for target in wanted if needs_calibration(target)]
    if len(found) == len(wanted):
        return []
    return [LeftOut(target, "it needs --data with what the model was trained on") for target in found]


def _onnx_options(formats: list[str] | None, *, fast: bool, opset: int) -> OnnxOptions:
    """Return how ONNX is written; refuse choices for it where it is not written."""
    options = OnnxOptions(fast=fast, opset=opset)
    if formats and "onnx" not in formats and options != OnnxOptions():
        raise UsageError(
            f"--fast and --opset: expected onnx among the formats, got {', '.join(formats)}",
            next_step="Leave them out, or add --format onnx.",
        )
    return options


def _check_stateful(*, stateful: bool, block: int, fast: bool) -> None:
    """Refuse choices that do not go together."""
    if stateful and fast:
        raise UsageError(
            "--fast: expected files of windows, which a Scan goes through, got --stateful",
            next_step="Leave one of them out.",
        )
    if block != 1 and not stateful:
        raise UsageError(
            "--block: expected --stateful, whose TFLite file takes so many samples at once",
            next_step="Add --stateful, or leave --block out.",
        )


def _dataset(data: str) -> Dataset:
    """Return the recordings to calibrate with."""
    with progress_bar("reading") as advance:
        return load_dataset(data, progress=advance)


def _as_json(written: _Written) -> dict[str, object]:
    """Return what a program wants to know of what was written; what was left out, where something was."""
    names = ("file", "format", "quantization", "route", "bytes", "sha256")
    artifacts = [{name: getattr(entry, name) for name in names} for entry in written.entries]
    left_out = [{**asdict(each.target), "reason": each.reason} for each in written.left_out]
    return {"bundle": str(written.path), "artifacts": artifacts} | ({"left_out": left_out} if left_out else {})


def _table(entries: list[ArtifactEntry]) -> Table:
    """Return the artifacts as a table."""
    table = Table(box=None, pad_edge=False)
    for title in ("artifact", "quantization", "route", "bytes"):
        number = title == "bytes"
        table.add_column(title, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for entry in entries:
        table.add_row(*map(escape, (entry.file, entry.quantization, entry.route)), f"{entry.bytes:,}")
    return table
