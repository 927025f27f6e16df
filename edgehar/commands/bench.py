"""`har bench`: measure every engine with every artifact of a bundle, side by side."""

import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edgehar.commands.bundle_argument import WHAT, bundle_argument
from edgehar.commands.interruption import termination_interrupts
from edgehar.commands.progress import progress_bar
from edgehar.commands.terminal_text import escape
from edgehar.firmware_bridge.benchmark.candidates import Candidate, CandidateFacts, UnavailableCandidate
from edgehar.firmware_bridge.benchmark.frameworks import missing_frameworks
from edgehar.firmware_bridge.benchmark.on_device import device_candidate
from edgehar.firmware_bridge.benchmark.page import benchmark_page
from edgehar.firmware_bridge.benchmark.plan import (
    DISTINCT_WINDOWS,
    ModelPlan,
    foreign_candidates,
    framework_candidates,
    plan_bundle,
)
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, Settings
from edgehar.firmware_bridge.benchmark.rounds import run_benchmark
from edgehar.firmware_bridge.benchmark.table import print_result
from edgehar.models.bundle import read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_path

_INTERRUPTED: Final = 130
_MOST_REAL_WINDOWS: Final = 20_000


def bench(
    bundles: Annotated[list[Path] | None, bundle_argument(f"Models, each {WHAT}", metavar="BUNDLE...")] = None,
    windows: Annotated[int, typer.Option(help="Single windows to time for every row.")] = Settings().windows,
    threads: Annotated[int, typer.Option(help="Processor threads an engine may use.")] = 1,
    engines: Annotated[str | None, typer.Option(help="Engines to measure, separated by commas. Default: all.")] = None,
    data: Annotated[
        str | None, typer.Option(metavar="PATH", help="Recordings to take windows from. Default: artificial windows.")
    ] = None,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers", help="Also measure standard converters and PyTorch, JAX, OpenVINO with the same weights."
        ),
    ] = False,
    device: Annotated[
        str | None, typer.Option(metavar="URL", help="Also measure a device on this line: its firmware runs the model.")
    ] = None,
    program: Annotated[
        Path | None, typer.Option(metavar="ELF", help="The device's program, for its flash and RAM.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="No bundle: measure how fast the trainers train each model.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Measure load time, latency, throughput, size, memory and error of every engine with every artifact.

    Each row is a process of its own; all rows are measured in the same rounds, so that a machine that slows down slows
    down for all of them, and it is said when other programs took part of the time. Errors and labels are held against
    the NumPy oracle in float64. Ctrl-C prints what was measured until then (exit code 130).
    """
    if training:
        from edgehar.commands.training_bench import bench_training

        bench_training(as_json=as_json)
        return
    if not bundles:
        raise UsageError("expected a bundle to measure, or --training, got neither", next_step="Name a bundle.")
    _check(windows=windows, threads=threads, html=html)
    _check_device(bundles, device=device, program=program)
    if peers:
        _say_missing_frameworks()
    settings = Settings(windows=windows, threads=threads)
    names = [name.strip() for name in engines.split(",") if name.strip()] if engines is not None else None
    with tempfile.TemporaryDirectory() as folder:
        plans = [
            plan_bundle(
                path,
                engines=names,
                windows=_real_windows(data, path, windows) if data is not None else None,
                artificial=min(windows, DISTINCT_WINDOWS),
                threads=threads,
                extra=[
                    *(_peers(path, Path(folder) / str(number), threads) if peers else ()),
                    *([device_candidate(read_bundle(path), device, program=program)] if device is not None else ()),
                ],
            )
            for number, path in enumerate(bundles)
        ]
        result = _measure(plans, settings)
    _publish(result, html=html, as_json=as_json)
    if result.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if not any(row.error is None for row in result.rows):
        raise typer.Exit(1)


def _check(*, windows: int, threads: int, html: Path | None) -> None:
    """Refuse what cannot be meant before anything is measured."""
    for name, value in (("--windows", windows), ("--threads", threads)):
        if value < 1:
            raise UsageError(f"expected {name} of 1 or more, got {value}", next_step="Leave it out for the default.")
    if html is not None and html.is_dir():
        raise UsageError(f"{html}: expected a file to write the page to, got a folder", next_step="Name a file in it.")


def _check_device(bundles: list[Path], *, device: str | None, program: Path | None) -> None:
    """Refuse a device that cannot be meant."""
    if device is not None and len(bundles) != 1:
        raise UsageError(
            f"--device: expected one bundle, the one it was built from, got {len(bundles)}",
            next_step="Measure the device's bundle alone.",
        )
    if program is not None and device is None:
        raise UsageError("--program: expected a --device that runs it", next_step="Pass --device URL as well.")


def _real_windows(data: str, bundle: Path, count: int) -> NDArray[np.float32]:
    """Return up to ``count`` windows of recordings, evenly spread over all of them."""
    from edgehar.pipeline.data.readers import load_dataset
    from edgehar.pipeline.data.windows import make_windows

    manifest = read_bundle(bundle).manifest
    check_recognises_activities(manifest, for_what="--data", gyroscope=True)
    spec = manifest.window
    found = make_windows(
        load_dataset(data), window_length=spec.length, hop=spec.hop, rate_hz=spec.rate_hz, channels=len(spec.channels)
    )
    wanted = min(count, len(found), _MOST_REAL_WINDOWS)
    return found.batch(np.linspace(0, len(found) - 1, wanted).round().astype(np.int64))


def _peers(path: Path, folder: Path, threads: int) -> list[Candidate]:
    """Return candidates for what converters and frameworks make of a bundle's weights, and for those that fail."""
    from edgehar.pipeline.compilers.peers import ROUTES, peer_results

    bundle, results = read_bundle(path), []
    with progress_bar("standard converters") as advance:
        for result in peer_results(bundle, path):
            results.append(result)
            advance(len(results), len(ROUTES))
    made = [result.artifact for result in results if result.artifact is not None]
    failed = [
        UnavailableCandidate(
            CandidateFacts(result.route, result.format, result.quantization, result.route, None), result.reason
        )
        for result in results
        if result.reason is not None
    ]
    return [
        *foreign_candidates(bundle, made, folder, threads=threads),
        *failed,
        *framework_candidates(bundle, path, threads=threads),
    ]


def _say_missing_frameworks() -> None:
    """Say once which frameworks there will be no rows of, and how to install them."""
    commands: dict[str, list[str]] = {}
    for name, command in missing_frameworks().items():
        commands.setdefault(command, []).append(name)
    for command, names in commands.items():
        said = f"Not measured, because not installed: {', '.join(names)}. To measure them: {command}"
        Console(stderr=True, highlight=False, soft_wrap=True).print(said, markup=False)


def _measure(plans: list[ModelPlan], settings: Settings) -> BenchmarkResult:
    """Run the benchmark with a progress bar where stderr is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        termination_interrupts(),
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("", total=None)

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=escape(text))

        return run_benchmark(plans, settings, on_progress=show)


def _publish(result: BenchmarkResult, *, html: Path | None, as_json: bool) -> None:
    """Print the result, and write the page."""
    if as_json:
        typer.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_result(result, Console(highlight=False))
    if html is not None:
        page = benchmark_page(result, command_line=shlex.join(["har", *sys.argv[1:]]))
        with atomic_path(html) as temporary:
            temporary.write_text(page, encoding="utf-8")
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"Wrote {escape(html)}.")
