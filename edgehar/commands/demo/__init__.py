"""`har demo`: the whole chain, each step the very command a person would type, and one HTML report at the end."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.commands.demo.chain import Chain
from edgehar.commands.demo.report import demo_report
from edgehar.commands.demo.results import DemoResults, ModelResults
from edgehar.commands.demo.streaming import stream_one_person
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_path

_EPOCHS: Final = {"simple_rnn": 24, "lstm": 12}
"""Fewer than the default recipe's, so that the demo ends within minutes; the report says so."""
_STREAM_S: Final = 20.0


def demo(
    data: Annotated[
        str, typer.Option(help="Recordings: a store, a data set's folder, a CSV, or synthetic.")
    ] = "synthetic",
    out: Annotated[Path, typer.Option(help="Folder for bundles, plots and the report.")] = Path("har-demo"),
    seed: Annotated[int, typer.Option(help="Seed of the training.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs for both models. Default: 24 for simple_rnn, 12 for lstm.")
    ] = None,
    holdout_subjects: Annotated[
        str | None, typer.Option(help="People the models never see, such as 4,8,12. Default: every fourth.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as one JSON object.")] = False,
) -> None:
    """Watch the whole chain work: recordings, training, compiled models, live labels, a benchmark, a report.

    Without --data the recordings are synthetic: 14 virtual people, openly artificial, made in memory.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: expected a folder or a new name, got a file", next_step="Choose another --out.")
    started_s = time.monotonic()
    chain = Chain(echo_to=sys.stderr)
    report_path = out / "report.html"
    view = sys.stdout.isatty() and not as_json
    results = _run(chain, data, out, seed, epochs, holdout_subjects, view=view)
    with atomic_path(report_path) as temporary:
        temporary.write_text(demo_report(results, chain.log), encoding="utf-8")
    chain.say(f"Done in {time.monotonic() - started_s:.0f} s. Open the report: {report_path}")
    if as_json:
        typer.echo(json.dumps({"report": str(report_path), **results.to_json()}, ensure_ascii=False))
    else:
        _summarise(results)


def _run(
    chain: Chain, data: str, out: Path, seed: int, epochs: int | None, holdout_subjects: str | None, *, view: bool
) -> DemoResults:
    """Run every step and collect what each one prints."""
    chain.begin("Recordings", "who was recorded, doing what, for how long")
    recordings = chain.har("data", "info", data, "--json")
    models = {
        name: _train_and_check(chain, name, data, out / name, seed, epochs or _EPOCHS[name], holdout_subjects)
        for name in _EPOCHS
    }
    chain.begin("Live", "one person the models never saw, played through a virtual serial port, classified as it comes")
    stream = stream_one_person(chain, data, out, models["lstm"], play_s=_STREAM_S, view=view)
    chain.begin("Benchmark", "every engine and artifact in one run, each in a process of its own")
    bench = chain.har("bench", *(str(model.bundle) for model in models.values()), "--json")
    return DemoResults(data=data, recordings=recordings, models=models, stream=stream, bench=bench)


def _train_and_check(
    chain: Chain, name: str, data: str, bundle: Path, seed: int, epochs: int, holdout_subjects: str | None
) -> ModelResults:
    """Train one model, compile it, prove the artifacts equal, and measure it on people it never saw."""
    chain.begin(
        f"Train {name}", f"{epochs} epochs on all but the held-out people; compiled to TFLite and ONNX at the end"
    )
    holdout = [] if holdout_subjects is None else ["--holdout-subjects", holdout_subjects]
    options = ["--epochs", str(epochs), "--seed", str(seed), *holdout, "--out", str(bundle), "--force", "--json"]
    training = chain.har("train", "--data", data, "--model", name, *options)
    chain.begin(f"Verify {name}", "every compiled artifact on every engine installed, against the NumPy oracle")
    verification = chain.har("verify", str(bundle), "--json")
    chain.begin(f"Evaluate {name}", "accuracy on the people it never saw")
    evaluation = chain.har("evaluate", str(bundle), "--data", data, "--json")
    return ModelResults(name, bundle, training, verification, evaluation)


def _summarise(results: DemoResults) -> None:
    """Print what a person wants to know first."""
    for model in results.models.values():
        typer.echo(
            f"{model.name:<11} {model.training['parameters']:>7,} parameters   "
            f"macro-F1 {model.evaluation['macro_f1']:.3f} on people it never saw"
        )
    stream = results.stream
    typer.echo(
        f"live        {stream.windows:,} labels, {stream.agreement:.0%} as played, {stream.lost_samples:,} samples lost"
    )
