"""The demo's report: one HTML page that says what was done, what came out, and how to do each step alone."""

import datetime
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from edgehar.commands.demo.chain import Step
from edgehar.commands.demo.results import DemoResults, ModelResults, StreamResults
from edgehar.commands.report.learning import learning_figure
from edgehar.models import __version__
from edgehar.reporting.charts import (
    BandRow,
    Bar,
    DotRange,
    Series,
    Span,
    bar_chart,
    dot_range_chart,
    heat_map,
    line_chart,
    small_traces,
)
from edgehar.reporting.markup import Markup
from edgehar.reporting.numbers import byte_size, duration_us, error_size, percent, significant
from edgehar.reporting.page import (
    Column,
    KeyFigure,
    Section,
    code,
    command,
    figure,
    imprint,
    key_figures,
    meanings,
    note,
    paragraph,
    render_page,
    table,
)

_TRACE_POINTS: Final = 1500
_ENGINE_COLORS: Final = {"litert": 0, "onnxruntime": 1, "numpy": 2, "native": 4}
"""Series colour of an engine, the same in all pictures."""


def demo_report(results: DemoResults, log: Sequence[Step], *, made: datetime.datetime | None = None) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    results
        What was measured.
    log
        The steps, with the commands they ran.
    made
        When; now, by default.
    """
    return render_page(
        kicker="har demo",
        title="From recordings to live labels",
        lead=_lead(results),
        sections=[
            Section("At a glance", [_headline(results)]),
            _people(results),
            *(_unseen(model) for model in results.models.values()),
            _equal(results),
            _live(results.stream),
            _speed(results.bench),
            _alone(log),
        ],
        footer=imprint(program="har demo", version=__version__, made=made or datetime.datetime.now(datetime.UTC))
        + " Every number was measured in this run.",
    )


def _is_synthetic(results: DemoResults) -> bool:
    """Whether the built-in recordings were used."""
    return results.data.partition(":")[0] == "synthetic"


def _lead(results: DemoResults) -> str:
    """Say what was shown, and of which worth it is."""
    what = (
        "Recordings were turned into windows, two recurrent networks were trained, compiled, proven equal, measured "
        "on people they had never seen, and run live on a serial line."
    )
    if _is_synthetic(results):
        return (
            what + " The people are virtual: these accuracies show that the chain works, not how well it would on you."
        )
    return what + " Training was short; har train with its default recipe does better."


def _headline(results: DemoResults) -> Markup:
    """Return the numbers worth seeing first."""
    accuracy = [
        KeyFigure(f"{model.name}, macro-F1", f"{model.evaluation['macro_f1']:.3f}", "on people it never saw")
        for model in results.models.values()
    ]
    fastest = min(_measured(results.bench), key=_median_us)
    return key_figures(
        [
            *accuracy,
            KeyFigure(
                "Fastest window", duration_us(_median_us(fastest)), f"{fastest['engine']}, {fastest['artifact']}"
            ),
            KeyFigure("Live labels", percent(results.stream.agreement, 0), "as played"),
            KeyFigure(
                "Samples lost", f"{results.stream.lost_samples:,}", f"in {results.stream.windows:,} live windows"
            ),
        ]
    )


def _median_us(row: dict[str, Any]) -> float:
    """Return a bench row's median latency."""
    return float(row["latency_us"]["p50"])


def _people(results: DemoResults) -> Section:
    """Say who was recorded, who trained the models and who tested them."""
    recordings, metrics = results.recordings, next(iter(results.models.values())).training["metrics"]
    blocks = [
        key_figures(
            [
                KeyFigure("People", f"{len(recordings['subjects'])}"),
                KeyFigure("Activities", f"{len(recordings['activities'])}"),
                KeyFigure("Recordings", f"{recordings['recordings']:,}"),
                KeyFigure("Labelled", f"{recordings['labelled_seconds'] / 60:,.0f} min"),
            ]
        ),
        paragraph("How accuracy is measured: ", metrics["protocol"], "."),
        figure(
            small_traces(results.stream.signal, unit="g"),
            f"{results.stream.window_s:g} seconds of every activity of person {results.stream.subject}: one window, as "
            "the models get it. The vertical scale is the same for all.",
        ),
    ]
    if _is_synthetic(results):
        blocks.append(note("Gravity, posture, gait, noise and quantization, from formulas: no real person is in here."))
    return Section("People", blocks, lead="A model is judged on people it has never seen, or not at all.")


def _unseen(model: ModelResults) -> Section:
    """Show what a model gets right and what it takes for what."""
    evaluation = model.evaluation
    labels = list(evaluation["per_class_f1"])
    bars = [Bar(label, value) for label, value in evaluation["per_class_f1"].items()]
    curves = [learning_figure(model.curves, name=model.name)] if model.curves is not None else []
    blocks = [
        figure(
            bar_chart(
                bars,
                label=f"F1 of {model.name} for every activity",
                limit=1.0,
                reference=("macro-F1", evaluation["macro_f1"]),
                written=lambda value: f"{value:.2f}",
            ),
            "F1 of every activity; the dashed line is their mean.",
        ),
        figure(
            heat_map(evaluation["confusion"], labels, label=f"Confusion matrix of {model.name}"),
            "What is taken for what: a row is what was done, its numbers are the percentage of its windows given each "
            "label. Blue is right, red is wrong.",
        ),
        *curves,
    ]
    lead = (
        f"{model.training['parameters']:,} parameters; accuracy {percent(evaluation['accuracy'])}, macro-F1 "
        f"{evaluation['macro_f1']:.3f} over {evaluation['windows']:,} windows of people it never saw: "
        f"{evaluation['quantization']} weights, {evaluation['artifact']} on {evaluation['runtime']}."
    )
    return Section(f"{model.name} on unseen people", blocks, lead=lead)


_EQUAL_COLUMNS: Final = (
    Column("model"),
    Column("file"),
    Column("quantization", meaning="how its weights are stored"),
    Column("engine"),
    Column("largest error", numeric=True, meaning="largest difference of a probability from the NumPy oracle"),
    Column("allowed", numeric=True, meaning="the largest difference that passes"),
    Column("same label", numeric=True, meaning="share of windows with the oracle's label"),
)


def _equal(results: DemoResults) -> Section:
    """Show that every engine gives the same answers."""
    rows = [
        [model.name, check["artifact"], check["quantization"], check["runtime"] or check["engine"], *_agreement(check)]
        for model in results.models.values()
        for check in model.verification["artifacts"]
    ]
    return Section(
        "Equal everywhere",
        [table(_EQUAL_COLUMNS, rows), meanings(_EQUAL_COLUMNS)],
        lead="The golden windows of each bundle, on every engine installed here, against the NumPy oracle.",
    )


def _agreement(check: dict[str, Any]) -> list[str]:
    """Return how well one artifact agrees on one engine, or why that is not known."""
    if not check["checked"]:
        return [check["reason"]]
    return [error_size(check["max_abs_error"]), error_size(check["tolerance"]), percent(check["top1_agreement"], 0)]


def _measured(bench: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the bench rows that ran."""
    return [row for row in bench["rows"] if row.get("error") is None]


def _live(stream: StreamResults) -> Section:
    """Show what was played and what was said of it."""
    shown = stream.labels[: max(2, _TRACE_POINTS)]
    played = [
        Span(
            activity.t_s,
            min(activity.until_s, shown[-1].t_s),
            activity.label or "unlabelled",
            _color(activity.label, stream),
        )
        for activity in stream.played
        if activity.t_s < shown[-1].t_s
    ]
    heard = [
        Span(labels[0].t_s - stream.window_s, labels[-1].t_s, name, _color(name, stream))
        for name, labels in ((name, list(group)) for name, group in groupby(shown, key=lambda label: label.label))
    ]
    certainty = Series(
        "probability of the label", [label.t_s for label in shown], [label.probability for label in shown]
    )
    chart = line_chart(
        [certainty],
        label="Live labels beside what was played",
        x_label="seconds of the sensor's time",
        y_label="probability",
        bands=[BandRow("played", played), BandRow("labelled", heard)],
        y_include=[0.0, 1.0],
    )
    lead = (
        f"Person {stream.subject}, never seen in training, {stream.speed:g} times faster than real time, as text lines "
        f"through a pseudo-terminal: {stream.windows:,} labels, {percent(stream.agreement, 0)} of those within one "
        f"activity as played, {stream.lost_samples:,} samples lost."
    )
    return Section(
        "Live",
        [figure(chart, "Above, how sure the model was; below, what was played and how it was labelled.")],
        lead=lead,
    )


def _color(label: str | None, stream: StreamResults) -> int:
    """Give each activity one colour, and none to what is no activity."""
    names = [trace.label for trace in stream.signal]
    names += sorted({activity.label for activity in stream.played if activity.label} - set(names))
    return names.index(label) if label in names else -1


def _speed(bench: dict[str, Any]) -> Section:
    """Show how long a window takes on every engine."""
    architectures = {model["model_id"]: model["architecture"] for model in bench["models"]}
    rows = [
        DotRange(
            f"{architectures[row['model']]} on {row['engine']}",
            f"{row['artifact']}, {byte_size(row['bytes'])}",
            tuple(row["latency_us"][name] for name in ("p50", "p95", "p99", "max")),
            f"{significant(row['windows_per_s'])} /s",
            _ENGINE_COLORS.get(row["engine"], 5),
        )
        for row in sorted(_measured(bench), key=_median_us)
    ]
    chart = dot_range_chart(rows, label="Latency of one window", remark_heading="in bulk")
    machine = bench["machine"]
    caption = (
        "One window at a time, one thread, logarithmic axis. The dot is the median, the thick bar reaches to p99 with "
        f"a tick at p95, the thin line to the slowest. {machine['cpu']}."
    )
    return Section(
        "Speed", [figure(chart, caption)], lead="A window lasts two seconds; classifying it takes this long."
    )


def _alone(log: Sequence[Step]) -> Section:
    """Say how to do every step without the demo."""
    blocks: list[Markup] = []
    for step in log:
        blocks += [paragraph(step.title, ": ", step.purpose, "."), command("\n".join(step.commands))]
    blocks.append(paragraph("With your own recordings: ", code("har demo --data PATH"), "."))
    return Section("Each step alone", blocks, lead="The demo ran these commands; nothing else happened.")
