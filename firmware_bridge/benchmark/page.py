"""The result of a benchmark as a page: pictures, every number in tables, the machine, how it was measured."""

import datetime
from collections.abc import Sequence
from typing import Final

from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, ModelFacts, Row, times_slower
from edgehar.reporting.charts import DotRange, Point, dot_range_chart, scatter_chart
from edgehar.reporting.markup import Content, Markup, element, join
from edgehar.reporting.numbers import MISSING, byte_size, duration_us, error_size, percent, ratio, significant
from edgehar.reporting.page import (
    Column,
    KeyFigure,
    Section,
    code,
    command,
    definitions,
    details,
    figure,
    imprint,
    key_figures,
    meanings,
    note,
    paragraph,
    render_page,
    table,
)

_COLORS: Final = {"litert": 0, "onnxruntime": 1, "numpy": 2, "native": 4, "device": 5}
"""Series colour of an engine, the same in all pictures."""

_FOREIGN: Final = 8
"""Series colour of files that were not made by direct lowering: grey."""

_COLUMNS: Final = (
    Column("engine"),
    Column("artifact"),
    Column("bytes", True, "size of the file"),
    Column("load\nms", True, "from a bundle in memory to ready, import of the library included"),
    Column("p50\nµs", True, "half of all windows took no longer"),
    Column("p95\nµs", True, "95 of 100 windows took no longer"),
    Column("p99\nµs", True, "99 of 100 windows took no longer"),
    Column("max\nµs", True, "the slowest window"),
    Column("windows\nper s", True, "many windows in one call"),
    Column("peak\nMB", True, "most memory of the process, Python and NumPy included"),
    Column("largest\nerror", True, "largest difference of a probability from the NumPy oracle in float64"),
    Column("same\nlabel", True, "share of windows with the oracle's label"),
)


def benchmark_page(result: BenchmarkResult, *, command_line: str, made: datetime.datetime | None = None) -> str:
    """Return a whole HTML file about a benchmark.

    Parameters
    ----------
    result
        What was measured.
    command_line
        The command that measured it, for those who want to do it again.
    made
        When; now, by default.
    """
    models = list(dict.fromkeys(model.architecture for model in result.models))
    names = " and ".join([*filter(None, [", ".join(models[:-1])]), *models[-1:]])
    return render_page(
        kicker="har bench",
        title=f"{names} on {result.machine.cpu}",
        lead=_lead(result),
        sections=[*benchmark_sections(result), _again(result, command_line)],
        footer=imprint(
            program="har bench",
            version=result.machine.versions["edgehar"],
            made=made or datetime.datetime.now(datetime.UTC),
        ),
    )


def benchmark_sections(result: BenchmarkResult) -> list[Section]:
    """Return the sections with pictures and tables, one for each model."""
    return [_model_section(result, model) for model in result.models]


def _lead(result: BenchmarkResult) -> Content:
    """Return one sentence about the fastest row of every model."""
    sentences = []
    for model in result.models:
        best = next(iter(result.rows_of(model)[0]), None)
        if best and (latency := best.latency_us):
            sentences.append(
                f"{model.architecture} is fastest on {best.engine}: {duration_us(latency.p50)} a window "
                f"(99 of 100 within {duration_us(latency.p99)}), with a new window due every {model.hop_s:g} s."
            )
    return " ".join(sentences) or "Nothing could be measured; the reasons are below."


def _model_section(result: BenchmarkResult, model: ModelFacts) -> Section:
    """Return key figures, the picture and the table of one model."""
    measured, failed = result.rows_of(model)
    blocks: list[Markup] = []
    if measured:
        blocks.append(_key_figures(measured))
    if measured or failed:
        caption = (
            "Time of one prediction, logarithmic axis. The dot is the median, the thick bar reaches to p99 with a tick "
            f"at p95, the thin line to the slowest of {max(row.windows for row in (*measured, *failed)):,} windows."
        )
        if any(not row.is_own for row in (*measured, *failed)):
            caption += " Grey: files made by other converters."
        blocks.append(figure(_latency_chart(measured, failed, model), caption))
        blocks += [table(_COLUMNS, [*map(_cells, measured), *map(_failed_cells, failed)]), meanings(_COLUMNS)]
    if sum(row.bytes is not None for row in measured) > 1:
        blocks.append(_size_figure(measured, model))
    return Section(
        model.architecture,
        blocks,
        join(f"{model.parameters:,} parameters, ", code(model.model_id), "."),
    )


def _key_figures(measured: Sequence[Row]) -> Markup:
    """Return the best of each kind among a model's rows."""
    bulk = max(measured, key=lambda row: row.windows_per_s or 0.0)
    small = min(measured, key=lambda row: row.bytes or float("inf"))
    worst = min(measured, key=lambda row: row.top1_agreement or 0.0)
    fast = measured[0]
    figures = [
        KeyFigure("One window (p50)", duration_us(fast.latency_us.p50 if fast.latency_us else None), _who(fast)),
        KeyFigure("Many windows", f"{significant(bulk.windows_per_s or 0.0)} per s", _who(bulk)),
        KeyFigure("Smallest file", byte_size(small.bytes), _who(small)),
        KeyFigure("Same label as the oracle", percent(worst.top1_agreement), f"the least, by {_who(worst)}"),
    ]
    return key_figures(figures)


def _latency_chart(measured: Sequence[Row], failed: Sequence[Row], model: ModelFacts) -> Markup:
    """Return the dot-range chart, those that failed at its end."""
    rows = [_dot_range(row, _slower(row, measured)) for row in measured]
    rows += [DotRange(row.engine, row.artifact or MISSING, None, _shortened(row.error or ""), 0) for row in failed]
    told = ", ".join(f"{_who(row)} {duration_us(row.latency_us.p50)}" for row in measured if row.latency_us)
    return dot_range_chart(
        rows, label=f"Time of one prediction of {model.architecture}: {told}", remark_heading="vs fastest"
    )


def _slower(row: Row, measured: Sequence[Row]) -> str:
    """Return how many times slower a row is than the fastest one; of a device without times, what it counted."""
    times = times_slower(row, measured)
    if times is not None:
        return ratio(times)
    return f"{row.device.p50:,} {row.device.unit}" if row.device else MISSING


def _dot_range(row: Row, remark: str) -> DotRange:
    """Return a row's place in the picture."""
    latency = row.latency_us
    quantiles = (latency.p50, latency.p95, latency.p99, latency.max) if latency else None
    return DotRange(row.engine, row.artifact, quantiles, remark, _color(row))


def _size_figure(measured: Sequence[Row], model: ModelFacts) -> Markup:
    """Return the picture of size against speed."""
    points = [
        Point(_who(row), row.bytes, row.latency_us.p50, _color(row)) for row in measured if row.bytes and row.latency_us
    ]
    picture = scatter_chart(
        points,
        label=f"File size of {model.architecture} against time of one prediction",
        x_label="file size →",
        y_label="↑ time of one prediction (p50)",
        x_written=byte_size,
        y_written=duration_us,
    )
    return figure(picture, "Size against speed, both axes logarithmic. Smaller is to the left, faster is below.")


def _again(result: BenchmarkResult, command_line: str) -> Section:
    """Return the machine, the method and the command."""
    machine, settings = result.machine, result.settings
    facts: list[tuple[str, Content]] = [
        ("Processor", f"{machine.cpu}, {machine.usable_cores} of {machine.cores} cores usable"),
        ("Memory", byte_size(machine.memory_mb * 1e6) if machine.memory_mb else MISSING),
        ("System", machine.os),
        ("Clock governor", machine.governor or "not told by the system"),
        ("Load before", MISSING if machine.load_average is None else f"{machine.load_average} (average of a minute)"),
        ("Python", machine.python),
        ("Versions", ", ".join(f"{name} {version}" for name, version in machine.versions.items())),
        ("Threads", str(settings.threads)),
    ]
    blocks = [command(command_line), definitions(facts)]
    if disturbance := result.disturbance():
        blocks.append(note(disturbance))
    if result.interrupted:
        blocks.append(note("The run was interrupted: rows hold what was measured until then."))
    blocks.append(details("How it was measured", *map(paragraph, _method(result))))
    return Section("Measure it again", blocks)


def _method(result: BenchmarkResult) -> list[str]:
    """Return the method, a paragraph a thought."""
    settings = result.settings
    return [
        "Every row is a process of its own: what it crashes, leaks or caches stays its own, and so does its memory.",
        f"All processes of a model stay alive and are measured in {settings.rounds} rounds of changing order, so "
        "that a machine that slows down slows down for all of them. Each measurement begins with predictions that do "
        f"not count. {settings.windows:,} windows are asked of every row; a measurement ends after "
        f"{settings.round_limit_s:g} s, even if not all of its windows are done.",
        "Times are wall-clock times of the engine's predict call with one window in g, checks of the input included, "
        "with Python's garbage collector off. Percentiles are measured times (nearest rank). Many "
        f"windows: the median of {settings.bulk_rounds} calls.",
        "Outputs of all timed predictions are compared with the NumPy oracle in float64.",
        "Linux tells how long a process was ready to run and had to wait for the processor. Where that is more than "
        "2 % of a row's time, a warning above says so.",
    ]


def _cells(row: Row) -> list[Content]:
    """Return the cells of a measured row."""
    latency = row.latency_us
    times = [significant(v) for v in (latency.p50, latency.p95, latency.p99, latency.max)] if latency else [MISSING] * 4
    return [
        _stacked(row.engine, row.runtime or ""),
        _stacked(row.artifact, ", ".join(filter(None, (row.quantization, row.route)))),
        MISSING if row.bytes is None else f"{row.bytes:,}",
        _number(row.load_ms),
        *times,
        _number(row.windows_per_s),
        _number(row.peak_rss_mb),
        error_size(row.max_abs_error),
        percent(row.top1_agreement),
    ]


def _failed_cells(row: Row) -> list[Content]:
    """Return the cells of a row that could not run: its reason spans the numbers."""
    return [_stacked(row.engine, row.runtime or ""), row.artifact or MISSING, row.error or ""]


def _stacked(name: str, detail: str) -> Markup:
    """Return a name with a detail below it."""
    return join(name, element("small", detail)) if detail else join(name)


def _number(value: float | None) -> str:
    """Return three digits of a number, or what stands for none."""
    return MISSING if value is None else significant(value)


def _who(row: Row) -> str:
    """Return a row's engine and what it runs."""
    return f"{row.engine} {row.quantization if row.is_own else row.route}"


def _color(row: Row) -> int:
    """Return a row's series colour."""
    return _COLORS.get(row.engine, len(_COLORS)) if row.is_own else _FOREIGN


def _shortened(sentence: str, limit: int = 88) -> str:
    """Return a sentence short enough for a picture; the table has all of it."""
    return sentence if len(sentence) <= limit else f"{sentence[: limit - 1].rstrip()}…"
