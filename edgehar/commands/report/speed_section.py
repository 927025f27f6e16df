"""The section on files: accuracy of every compiled file against its latency and its size."""

from collections.abc import Callable
from typing import Final

from edgehar.commands.evaluate.artifacts import ArtifactScores
from edgehar.commands.report.facts import ReportFacts
from edgehar.commands.report.speed import timed_row
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult
from edgehar.reporting.charts import Point, scatter_chart
from edgehar.reporting.markup import Content, Markup
from edgehar.reporting.numbers import MISSING, byte_size, duration_us, percent
from edgehar.reporting.page import Column, Section, figure, meanings, note, side_by_side, table

_COLORS: Final = {"litert": 0, "onnxruntime": 1, "numpy": 2, "native": 4}
_COLUMNS: Final = (
    Column("engine"),
    Column("file"),
    Column("quantization", meaning="how its weights and states are stored"),
    Column("size", numeric=True),
    Column("one window", numeric=True, meaning="median time of one prediction, in a process of its own"),
    Column("99 of 100", numeric=True, meaning="99 of 100 predictions took no longer"),
    Column("macro\u2011F1", numeric=True),
    Column("same label", numeric=True, meaning="share of windows with the label of the float32 model"),
)


def speed_section(facts: ReportFacts) -> Section:
    """Show how right, how fast and how large every compiled file is."""
    title = "Accuracy, speed and size"
    if not facts.artifacts:
        return Section(
            title, [note("The bundle holds no compiled file that can run here. Make some with har compile.")]
        )
    blocks: list[Markup] = []
    sizes = [(row, float(row.bytes)) for row in facts.artifacts]
    size = _scatter(sizes, "size of the file →", byte_size)
    if facts.bench is None:
        blocks.append(figure(size, "Macro-F1 against size. Higher is better, further left is smaller."))
        blocks.append(note("Nothing was timed: the report was made with --no-bench."))
    else:
        times = [(row, _p50_us(facts.bench, row)) for row in facts.artifacts]
        timed = [(row, value) for row, value in times if value is not None]
        pictures = [_scatter(timed, "time of one window →", duration_us)] if timed else []
        caption = (
            "Macro-F1 against the time of one window, and against size. Higher is better, further left is faster or "
            "smaller."
        )
        blocks.append(figure(side_by_side(*pictures, size), caption))
    blocks += [table(_COLUMNS, [_cells(facts.bench, row) for row in facts.artifacts]), meanings(_COLUMNS)]
    if facts.bench is not None and (disturbance := facts.bench.disturbance()):
        blocks.append(note(disturbance))
    return Section(title, blocks, lead=_lead(facts))


def _lead(facts: ReportFacts) -> str:
    """Say on whom and on what it was measured."""
    lead = f"Accuracy on {facts.artifact_windows:,} windows of the people judged, evenly spread."
    if facts.bench is None:
        return lead
    settings, machine = facts.bench.settings, facts.bench.machine
    return (
        f"{lead} Times of up to {settings.windows:,} windows, one at a time, on {settings.threads} thread of "
        f"{machine.cpu}; har bench measures longer."
    )


def _scatter(rows: list[tuple[ArtifactScores, float]], x_label: str, written: Callable[[float], str]) -> Markup:
    """Return macro-F1 against something."""
    points = [
        Point(_name(row), value, row.evaluation.scores.macro_f1, _COLORS.get(row.evaluation.engine, 5))
        for row, value in rows
    ]
    return scatter_chart(
        points,
        label=f"Macro-F1 of every compiled file against {x_label.rstrip(' →')}",
        x_label=x_label,
        y_label="↑ macro-F1",
        x_written=written,
        y_written=lambda value: f"{value:.3f}",
        linear_y=True,
    )


def _name(row: ArtifactScores) -> str:
    """Return an engine and what it runs."""
    return f"{row.evaluation.engine} {row.evaluation.quantization}"


def _p50_us(bench: BenchmarkResult, row: ArtifactScores) -> float | None:
    """Return the median time of a file, where it was timed."""
    timed = timed_row(bench, row)
    return timed.latency_us.p50 if timed is not None and timed.latency_us is not None else None


def _cells(bench: BenchmarkResult | None, row: ArtifactScores) -> list[Content]:
    """Return the cells of one file."""
    timed = None if bench is None else timed_row(bench, row)
    latency = None if timed is None else timed.latency_us
    return [
        row.evaluation.engine,
        row.evaluation.artifact,
        row.evaluation.quantization,
        byte_size(row.bytes),
        MISSING if latency is None else duration_us(latency.p50),
        MISSING if latency is None else duration_us(latency.p99),
        f"{row.evaluation.scores.macro_f1:.3f}",
        percent(row.same_label),
    ]
