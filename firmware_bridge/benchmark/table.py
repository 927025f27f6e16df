"""The result of a benchmark on a terminal: one table for each model, fastest row first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from edgehar.firmware_bridge.benchmark.results import (
    BenchmarkResult,
    DeviceFacts,
    LatencyUs,
    ModelFacts,
    Row,
    times_slower,
)
from edgehar.firmware_bridge.benchmark.terminal_text import escape
from edgehar.models.bundle import FLOAT_TOLERANCE
from edgehar.reporting.numbers import MISSING, error_size, percent, ratio, significant


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: heading, what it writes, and how soon it goes when the terminal is narrow (0: never)."""

    heading: str
    written: Callable[[Row, Sequence[Row]], str]
    expendable: int = 0
    numeric: bool = True
    optional: bool = False
    """Left out where no row has anything to write."""


def _microseconds(pick: Callable[[LatencyUs], float]) -> Callable[[Row, Sequence[Row]], str]:
    """Return a writer of one of the percentiles."""
    return lambda row, rows: significant(pick(row.latency_us)) if row.latency_us else MISSING


def _number(value: float | None) -> str:
    """Return three digits of a number, or what stands for none."""
    return MISSING if value is None else significant(value)


def _counted(row: Row, rows: Sequence[Row]) -> str:
    """Return the median of what a device counted, which its unit tells apart from times."""
    return f"{row.device.p50:,} {row.device.unit}" if row.device else MISSING


def _of_device(pick: Callable[[DeviceFacts], int | None]) -> Callable[[Row, Sequence[Row]], str]:
    """Return a writer of a number that only devices have."""

    def written(row: Row, rows: Sequence[Row]) -> str:
        value = pick(row.device) if row.device else None
        return MISSING if value is None else f"{value:,}"

    return written


def _slower(row: Row, rows: Sequence[Row]) -> str:
    """Return how many times slower a row is than the fastest one."""
    times = times_slower(row, rows)
    return MISSING if times is None else ratio(times)


_COLUMNS: Final = (
    _Column("engine", lambda row, rows: escape(row.engine), numeric=False),
    _Column("artifact", lambda row, rows: escape(row.quantization if row.is_own else row.route), numeric=False),
    _Column("file", lambda row, rows: escape(row.artifact), 8, numeric=False),
    _Column("bytes", lambda row, rows: MISSING if row.bytes is None else f"{row.bytes:,}", 3),
    _Column("load\nms", lambda row, rows: _number(row.load_ms), 7),
    _Column("p50\nµs", _microseconds(lambda latency: latency.p50)),
    _Column("p95\nµs", _microseconds(lambda latency: latency.p95), 6),
    _Column("p99\nµs", _microseconds(lambda latency: latency.p99)),
    _Column("max\nµs", _microseconds(lambda latency: latency.max), 9),
    _Column("windows\nper s", lambda row, rows: _number(row.windows_per_s), 2),
    _Column("peak\nMB", lambda row, rows: _number(row.peak_rss_mb), 5),
    _Column("largest\nerror", lambda row, rows: error_size(row.max_abs_error)),
    _Column("same\nlabel", lambda row, rows: percent(row.top1_agreement), 1),
    _Column("vs\nfastest", _slower),
    _Column("device", lambda row, rows: escape(row.runtime or "") if row.device else MISSING, 10, False, True),
    _Column("device\np50", _counted, optional=True),
    _Column("device\np99", _of_device(lambda facts: facts.p99), 12, optional=True),
    _Column("device\nmax", _of_device(lambda facts: facts.max), 13, optional=True),
    _Column("flash\nbytes", _of_device(lambda facts: facts.flash_bytes), 4, optional=True),
    _Column("RAM\nbytes", _of_device(lambda facts: facts.ram_bytes), 4, optional=True),
    _Column("frames\nlost", _of_device(lambda facts: facts.frames_lost), 11, optional=True),
)


def print_result(result: BenchmarkResult, console: Console) -> None:
    """Print a table for each model, what could not run, and what they were measured on.

    On a narrow terminal the columns that matter least are left out, never cut.
    """
    for model in result.models:
        measured, failed = result.rows_of(model)
        console.print(f"\n[bold]{escape(model.architecture)}[/]  [dim]{escape(_about(model))}[/]")
        if measured:
            console.print(_fitting_table(measured, console))
        for row in measured:
            if row.is_inexact:
                name = f"{row.engine} {row.quantization if row.is_own else row.route}"
                console.print(f"[yellow]{escape(name)}: {escape(inexactness(row))}[/]", soft_wrap=True)
        for row in failed:
            name = " ".join(filter(None, (row.engine, row.artifact)))
            console.print(f"[red]✗[/] [bold]{escape(name)}[/]: {escape(row.error or '')}", soft_wrap=True)
    console.print(f"\n[dim]{escape(_conditions(result))}[/]")
    if disturbance := result.disturbance():
        console.print(f"[yellow]{escape(disturbance)}[/]")


def inexactness(row: Row) -> str:
    """Return what is said of a row whose outputs are not the oracle's."""
    return (
        f"on these windows a probability is {error_size(row.max_abs_error)} from the oracle's, more than "
        f"{FLOAT_TOLERANCE:g}; {percent(row.top1_agreement)} of the labels are the same"
    )


def _fitting_table(rows: Sequence[Row], console: Console) -> Table:
    """Return the table with as many columns as the terminal has room for."""
    columns = [
        column
        for column in _COLUMNS
        if not column.optional or any(column.written(row, rows) != MISSING for row in rows)
    ]
    while True:
        table = _table(columns, rows)
        spare = [column for column in columns if column.expendable]
        if not spare or _width(table, console) <= console.width:
            return table
        columns.remove(max(spare, key=lambda column: column.expendable))


def _width(table: Table, console: Console) -> int:
    """Return the width a table takes when nothing limits it."""
    return console.measure(table, options=console.options.update(max_width=1000)).maximum


def _table(columns: Sequence[_Column], rows: Sequence[Row]) -> Table:
    """Return a table of these columns."""
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False, padding=(0, 1))
    for column in columns:
        justify = "right" if column.numeric else "left"
        table.add_column(column.heading, justify=justify, no_wrap=True, vertical="bottom")  # type: ignore[arg-type]
    for index, row in enumerate(rows):
        table.add_row(*(column.written(row, rows) for column in columns), style="bold" if index == 0 else None)
    return table


def _about(model: ModelFacts) -> str:
    """Return a model's size and where it lies."""
    return f"{model.parameters:,} parameters, {model.model_id}, {model.bundle}"


def _conditions(result: BenchmarkResult) -> str:
    """Return what was measured on what, in two lines."""
    machine, settings = result.machine, result.settings
    threads = "1 thread" if settings.threads == 1 else f"{settings.threads} threads"
    libraries = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{settings.windows:,} single windows a row in {settings.rounds} interleaved rounds, {threads}. "
        f"{machine.cpu}, {machine.usable_cores} cores, {machine.os}.\n{machine.python}, {libraries}."
    )
