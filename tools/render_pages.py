"""Take pictures of every page that `har` writes, as a phone, a desk and paper show it: for people who judge its looks.

The pages are made from generated results, so that no training is needed; their numbers mean nothing. Pages of a real
run are taken as they are::

    tools/render_pages.py OUT                    # pages from generated results
    tools/render_pages.py OUT har-demo/report.html ...

Needs Chromium and the package playwright. Writes OUT/NAME-WIDTH-SCHEME.png.
"""

import datetime
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgehar.commands.demo.chain import Step
from edgehar.commands.demo.report import demo_report
from edgehar.commands.demo.results import DemoResults, LiveLabel, ModelResults, PlayedActivity, StreamResults
from edgehar.commands.evaluate.artifacts import ArtifactScores
from edgehar.commands.report.facts import (
    Calibration,
    DecoderEffect,
    ReportFacts,
    Robustness,
    RobustnessRow,
    Timeline,
)
from edgehar.commands.report.learning import LearningCurves
from edgehar.commands.report.page import report_page
from edgehar.firmware_bridge.benchmark.machine import Machine
from edgehar.firmware_bridge.benchmark.page import benchmark_page
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, LatencyUs, ModelFacts, Row, Settings
from edgehar.models.architecture import named_architecture
from edgehar.models.bundle.manifest import DecoderSpec, FileEntry, Manifest, Provenance, WindowSpec
from edgehar.models.decoder import REJECTED
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.overview.page import dataset_page
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.bootstrap import Intervals
from edgehar.pipeline.evaluation.calibration import Reliability, ReliabilityBin
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.evaluation.robustness import PERTURBATIONS
from edgehar.pipeline.tuning.events import EventScores
from edgehar.reporting.charts import Trace

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
MADE = datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC)
ACTIVITIES = (
    "Walking Forward",
    "Walking Left",
    "Walking Right",
    "Walking Upstairs",
    "Walking Downstairs",
    "Running Forward",
    "Jumping Up",
    "Sitting",
    "Standing",
    "Sleeping",
    "Elevator Up",
    "Elevator Down",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "Wal\u202eking",
    "a name that is far longer than any name of an activity has a right to be, but a stranger may well choose it",
    "走る・歩く・走る・歩く・走る・歩く・走る・歩く",
    '"><img src=x onerror=alert(1)>',
    "W" * 80,
)
"""Labels of a stranger's bundle."""
_ENGINES = (
    ("native", "model.float32.harc", "float32", 66.0, 53_000),
    ("litert", "model.float32.tflite", "float32", 340.0, 61_480),
    ("litert", "model.int8.tflite", "int8", 410.0, 22_016),
    ("onnxruntime", "model.float32.onnx", "float32", 231.0, 57_120),
    ("numpy", "weights.npz", "float32", 3900.0, 54_200),
)


def generated_pages(activities: tuple[str, ...] = ACTIVITIES) -> dict[str, str]:
    """Return every page by its name, made from generated results with these labels."""
    generator = random.Random(7)
    bench = _bench(generator)
    results = _demo_results(activities, bench, generator)
    log = [
        Step("Train", "all but the held-out people", ["har train --data synthetic --model lstm --out har-demo/lstm"])
    ]
    return {
        "demo": demo_report(results, log, made=MADE),
        "report": report_page(
            generated_facts(activities, bench, generator),
            command_line="har report har-demo/lstm --data PATH",
            made=MADE,
        ),
        "data": dataset_page(generated_recordings(activities), place="recordings", made=MADE),
        "bench": benchmark_page(bench, command_line="har bench har-demo/lstm --html page.html", made=MADE),
    }


def generated_recordings(activities: tuple[str, ...]) -> Dataset:
    """Return a few people doing each of these activities, one with axes swapped, one with gaps, one in a wrong unit."""
    numbers = np.random.default_rng(7)
    items = []
    for person in range(5):
        for place, name in enumerate(activities):
            samples = numbers.normal((1.0, 0.1, 0.0), 0.05 * (1 + place % 4), (900, 3)).astype(np.float32)
            samples = samples[:, ::-1].copy() if person == 2 else samples * np.float32(0.5 if person == 3 else 1.0)
            labels = (LabelInterval(0, 400, name), LabelInterval(500, 900, activities[0]))
            gaps = (200, 450) if person == 1 else ()
            problems = (f"{name}: the sensor repeats the same value 40 times.",) if person == 4 else ()
            items.append(
                Recording(f"{person}/{place}", str(person), samples, 100.0, labels, gaps=gaps, problems=problems)
            )
    return Dataset("Generated", activities, tuple(items), notes=("The unit is taken as g.",), terms="none")


def _bench(generator: random.Random) -> BenchmarkResult:
    """Return a benchmark of one model on every engine, one of which fails."""
    machine = Machine(
        cpu="Imaginary Processor @ 2.00GHz",
        cores=4,
        usable_cores=2,
        memory_mb=8192.0,
        os="Linux 6.1 x86_64",
        python="CPython 3.11.2",
        versions={"edgehar": "0.0", "numpy": "2.0.0", "ai_edge_litert": "2.3.0"},
        governor=None,
        load_average=0.2,
    )
    rows = []
    for engine, artifact, quantization, p50, size in _ENGINES:
        latency = LatencyUs(p50, p50 * 1.2, p50 * 1.5, p50 * generator.uniform(2, 20))
        rows.append(
            Row(
                "lstm-0123456789",
                engine,
                artifact,
                quantization,
                "direct",
                size,
                runtime=f"{engine} 1.2.3",
                windows=1000,
                load_ms=generator.uniform(5, 400),
                latency_us=latency,
                windows_per_s=2e6 / p50,
                peak_rss_mb=generator.uniform(40, 120),
                max_abs_error=2.4e-7 if quantization == "float32" else 0.021,
                top1_agreement=1.0 if quantization == "float32" else 0.991,
            )
        )
    failed = "expected the runtime of model.float32.tflite, it is not installed. Install it with: pip install edgehar"
    rows.append(Row("lstm-0123456789", "litert", "model.dynamic.tflite", "dynamic", "direct", None, error=failed))
    model = ModelFacts("lstm-0123456789", "lstm", 13_324, "har-demo/lstm", 1.0)
    return BenchmarkResult(machine, Settings(), (model,), tuple(rows))


def _demo_results(activities: tuple[str, ...], bench: BenchmarkResult, generator: random.Random) -> DemoResults:
    """Return the results of a demo that never ran."""
    evaluation = generated_evaluation(activities, generator)
    check = {
        "artifact": "model.float32.tflite",
        "quantization": "float32",
        "engine": "litert",
        "runtime": "ai_edge_litert 2.3.0",
        "checked": True,
        "reason": None,
        "max_abs_error": 2.4e-7,
        "tolerance": 1e-5,
        "top1_agreement": 1.0,
    }
    missing = {**check, "checked": False, "reason": "the engine is not installed"}
    model = _GeneratedModel(
        "lstm",
        Path("har-demo/lstm"),
        {"parameters": 13_324, "metrics": evaluation},
        {"artifacts": [check, missing]},
        evaluation,
    )
    played = [PlayedActivity(60.0 * index, 60.0 * (index + 1), name) for index, name in enumerate(activities)]
    labels = []
    for second in range(2, int(played[-1].until_s)):
        truth = activities[second // 60]
        label = truth if generator.random() < 0.9 else generator.choice((*activities, "unknown"))
        labels.append(LiveLabel(float(second), label, generator.uniform(0.4, 1)))
    stream = StreamResults("4", 36.0, tuple(labels), tuple(played), 3, 2.0, generated_traces(activities, generator))
    recordings = {"subjects": ["1", "2", "3", "4"], "activities": activities, "recordings": 96, "labelled_seconds": 9e3}
    return DemoResults("synthetic", recordings, {"lstm": model}, stream, bench.to_json())


def generated_facts(activities: tuple[str, ...], bench: BenchmarkResult, generator: random.Random) -> ReportFacts:
    """Return what `har report` measures, of no model."""
    count, labels, numbers = len(activities), list(activities), np.random.default_rng(7)
    evaluation = _evaluation(activities, numbers)
    truth = np.repeat(np.arange(count), 600 // count)
    raw = np.where(numbers.random(len(truth)) < 0.85, truth, numbers.integers(0, count, len(truth)))
    decoded = np.where(numbers.random(len(truth)) < 0.95, truth, REJECTED)
    timeline = Timeline("4", 1.0, truth, raw, decoded, numbers.uniform(0.3, 1, len(truth)), 2220.0)
    scores = EventScores(1.2, 400.0, 90.0, 200.0, 1.0, 4.0, 0.3, 0.05, 0.2, 0.01)
    bins = tuple(ReliabilityBin(x / 10 + 0.05, x / 11, 50 * (x + 1)) for x in range(10))
    fewer = replace(scores, switches_per_hour=120.0, wrong=0.1)
    rows = [RobustnessRow(each.name, each.meaning, generator.uniform(0.2, 0.7), (0.2, 0.7)) for each in PERTURBATIONS]
    artifacts = tuple(
        ArtifactScores(
            replace(evaluation, engine=engine, artifact=artifact, quantization=quantization), (), size, 0.99, 0.4
        )
        for engine, artifact, quantization, _, size in _ENGINES[:-1]
    )
    return ReportFacts(
        manifest=_manifest(labels),
        place="har-demo/lstm",
        dataset="USC-HAD",
        honest=True,
        evaluation=evaluation,
        people=Intervals((0.6, 0.8), (0.58, 0.79), 3),
        stretches=dict.fromkeys(evaluation.per_subject, Intervals((0.5, 0.9), (0.5, 0.9), 24)),
        curves=generated_curves(),
        calibration=Calibration(Reliability(bins, 0.08), 1.7, Reliability(bins[2:], 0.03), 4000),
        timeline=timeline,
        decoder=DecoderEffect(scores, fewer, changes_nothing=False),
        signal=generated_traces(activities, generator),
        artifacts=artifacts,
        artifact_windows=2000,
        bench=bench,
        robustness=Robustness(4000, RobustnessRow("as recorded", "nothing is changed", 0.71, (0.6, 0.8)), tuple(rows)),
    )


def _evaluation(activities: tuple[str, ...], numbers: np.random.Generator) -> Evaluation:
    """Return scores of three people."""
    count = len(activities)
    per_subject = {
        name: Scores(activities, np.diag(numbers.integers(50, 300, count)) + numbers.integers(0, 30, (count, count)))
        for name in ("4", "8", "12")
    }
    protocol = "Judged on subjects 4, 8, 12, never seen in training"
    artifact = ("litert", "ai_edge_litert 2.3.0", "model.float32.tflite", "float32")
    return Evaluation(protocol, *artifact, ("1", "2", "3"), per_subject)


def _manifest(labels: list[str]) -> Manifest:
    """Return the manifest of a bundle that does not exist."""
    file = FileEntry("weights.npz", 53_000, "0" * 64)
    return Manifest(
        schema="1.1",
        model_id="lstm-0123456789",
        architecture=named_architecture("lstm"),
        labels=tuple(labels),
        window=WindowSpec(200, 100, 100.0, ("x", "y", "z"), "g", "the sensor's own axes", "front right hip"),
        normalization=Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        weights=file,
        golden=file,
        artifacts=(),
        decoder=DecoderSpec(5, 0.3, 2),
        metrics=(),
        provenance=Provenance(
            "USC-HAD", "0" * 64, "not stated", 0, True, "2026-01-02T03:04:05Z", {"edgehar": "0.0"}, {}
        ),
    )


class _GeneratedModel(ModelResults):
    """A model whose learning curves are in no file."""

    @property
    def curves(self) -> LearningCurves:
        """Return curves as a training makes them."""
        return generated_curves()


def generated_curves() -> LearningCurves:
    """Return twelve epochs of a training that never was."""
    epochs = tuple(
        {
            "number": number,
            "final_loss": 2.2 / number**0.5,
            "accuracy": 1 - 0.8 / number**0.6,
            "held_out_loss": 2.3 / number**0.3,
            "held_out_accuracy": 0.9 - 0.7 / number**0.5,
        }
        for number in range(1, 13)
    )
    return LearningCurves(epochs, 12)


def generated_traces(activities: tuple[str, ...], generator: random.Random) -> tuple[Trace, ...]:
    """Return 200 samples of noise for every activity."""
    return tuple(
        Trace(name, [[generator.gauss(mean, 0.2) for _ in range(200)] for mean in (0.0, 0.1, 1.0)])
        for name in activities
    )


def generated_evaluation(activities: tuple[str, ...], generator: random.Random) -> dict[str, object]:
    """Return what `har evaluate --json` prints, of no model."""
    confusion = [[0] * len(activities) for _ in activities]
    for row, counts in enumerate(confusion):
        for _ in range(generator.randint(200, 1500)):
            counts[row if generator.random() < 0.85 else generator.randrange(len(activities))] += 1
    f1 = {
        name: 2 * counts[row] / (sum(counts) + counts[row] + 100)
        for row, (name, counts) in enumerate(zip(activities, confusion, strict=True))
    }
    return {
        "protocol": "Judged on subjects 4, 8, 12, never seen in training",
        "windows": sum(map(sum, confusion)),
        "accuracy": sum(counts[row] for row, counts in enumerate(confusion)) / sum(map(sum, confusion)),
        "macro_f1": sum(f1.values()) / len(f1),
        "per_class_f1": f1,
        "confusion": confusion,
        "engine": "litert",
        "runtime": "ai_edge_litert 2.3.0",
        "artifact": "model.float32.tflite",
        "quantization": "float32",
    }


def take_pictures(pages: dict[str, Path], out: Path) -> list[Path]:
    """Write a picture of every page at every width, light and dark, and one as paper has it."""
    from playwright.sync_api import sync_playwright

    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for name, path in pages.items():
            for width in WIDTHS:
                for scheme in SCHEMES:
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    page.goto(path.resolve().as_uri())
                    taken.append(out / f"{name}-{width}-{scheme}.png")
                    page.screenshot(path=taken[-1], full_page=True)
                    page.close()
            page = browser.new_page()
            page.goto(path.resolve().as_uri())
            taken.append(out / f"{name}.pdf")
            page.pdf(path=taken[-1], format="A4", print_background=True)
            page.close()
        browser.close()
    return taken


def main(arguments: list[str]) -> int:
    """Take the pictures and name their files."""
    if not arguments:
        print(__doc__)
        return 2
    out = Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    if arguments[1:]:
        pages = {Path(name).stem: Path(name) for name in arguments[1:]}
    else:
        pages = {}
        for name, content in generated_pages().items():
            pages[name] = out / f"{name}.html"
            pages[name].write_text(content, encoding="utf-8")
    for path in take_pictures(pages, out):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
