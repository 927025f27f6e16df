"""Samples in a Parquet file: looked at once, then read in parts, in any order, by any worker.

A file whose times run evenly, at the model's rate, is described by its stretches, and a part reads only its row groups.
Any other file goes through the importing chain as a text file does, in one piece (`import_parquet`).

A column's name says what it is, as in a text table. The file's metadata may say `subject`, `recording`, `unit` and
`rate_hz`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from edgehar.models.resampling import rates_agree
from edgehar.models.sensor_limits import MOST_G
from edgehar.models.units import parse_unit
from edgehar.pipeline.bulk.stretches import KNOWN_EVERY, Samples, Stretch, joined_stretches
from edgehar.pipeline.data.importing.clock import SECONDS, Steps, guess_time_unit, look_at_steps
from edgehar.pipeline.data.importing.columns import Roles, find_roles
from edgehar.pipeline.data.importing.evidence import decide_unit, measure
from edgehar.pipeline.data.importing.options import NO_COLUMN, UNKNOWN_SUBJECT, Options
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import foreign, refusal
from edgehar.pipeline.data.importing.rows import Lost, Rows
from edgehar.pipeline.data.importing.sources import Source
from edgehar.pipeline.data.importing.spool import Spool, Workspace
from edgehar.pipeline.data.importing.table import Imported, recordings_of
from edgehar.pipeline.data.importing.timing import OpenTable

BATCH_ROWS: Final = 2**16
"""Rows that stay in the processor's cache from decoding until they are classified: memory that is touched for the first
time costs more than reading does."""
LARGEST_GROUP_ROWS: Final = 2**23
"""Row groups that are longer are read in one piece only: each part would read most of one again."""
_BUFFER_BYTES: Final = 2**17
"""What Arrow keeps between two reads; larger ones are given back to the system each time, and touching them anew costs
more than reading does."""
_READER_ROWS: Final = 2**18
_MEASURED: Final = 6
_MEASURED_ROWS: Final = 65_536
_HEAD_ROWS: Final = 32
_DATES_S: Final = (1.1e9, 2.2e9)


class NotEvenError(Exception):
    """A part holds what only the importing chain can deal with; the file is to be read in one piece."""


@dataclass(frozen=True, slots=True)
class ParquetPlan:
    """How to read a recording in parts.

    Parameters
    ----------
    recording_id, subject, rate_hz, unit
        Of the recording.
    axes
        Names of its columns.
    began_s
        When it began, in s since 1970 on its own clock; None where its times are no dates.
    stretches
        What lies between gaps.
    notes
        What was detected.
    """

    recording_id: str
    subject: str
    rate_hz: float
    unit: str
    axes: tuple[str, str, str]
    began_s: float | None
    stretches: tuple[Stretch, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Table:
    """An open file and what its columns are."""

    file: pq.ParquetFile
    name: str
    stem: str
    preamble: Preamble
    roles: Roles
    columns: tuple[str, ...]
    options: Options
    time: str | None = None
    time_unit: str | None = None
    said: dict[str, str] = field(default_factory=dict)


def open_parquet(stream: Any, name: str) -> pq.ParquetFile:
    """Open a file.

    Raises
    ------
    DataError
        When it is damaged or cut short: the description of a Parquet file stands at its end.
    """
    try:
        return pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES)
    except (pa.ArrowInvalid, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise refusal(name, f"expected a whole Parquet file, but {reason}", next_step="Copy it again.") from error


def plan_parquet(
    file: pq.ParquetFile, name: str, stem: str, options: Options, *, rate_hz: float, bridge_s: float
) -> ParquetPlan | None:
    """Look at a file.

    Parameters
    ----------
    file, name, stem
        The file, how to call it in messages, and the id of its recording.
    options
        What is declared.
    rate_hz
        Of the model.
    bridge_s
        The longest hole to fill.

    Returns
    -------
    ParquetPlan or None
        None where the file is to be read in one piece.
    """
    table = _open_table(file, name, stem, options)
    subject = _only_subject(table)
    largest = max(file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups))
    if subject is None or largest > LARGEST_GROUP_ROWS:
        return None
    timed = _even_times(table)
    if timed is None:
        return None
    bounds, known, own_hz, began_s, note = timed
    if not rates_agree(own_hz, rate_hz):
        return None
    measured = measure(_some_blocks(table), own_hz)
    written = table.roles.unit or table.preamble.unit
    unit, about = decide_unit(name, [measured], declared=options.unit, written=written)
    stretches = joined_stretches(bounds, known, rate_hz=own_hz, bridge_s=bridge_s)
    x, y, z = (table.columns[place] for place in table.roles.places.axes)
    notes = (*table.roles.notes, *([note] if note else []), *([about] if about else []))
    return ParquetPlan(
        table.said.get("recording", stem), subject, own_hz, unit, (x, y, z), began_s, tuple(stretches), notes
    )


def read_rows(file: pq.ParquetFile, plan: ParquetPlan, start: int, stop: int) -> Iterator[Samples]:
    """Yield rows of a recording in g, from the row groups that hold them; every block uses the same memory.

    Raises
    ------
    NotEvenError
        When a value is missing, not finite, or more than a sensor measures.
    """
    memory = np.empty((BATCH_ROWS, 3), np.float32)
    scale = parse_unit(plan.unit)
    groups, first = _groups(file, start, stop)
    for batch in _batches(file, plan.axes, groups):
        low, high = max(start, first), min(stop, first + batch.num_rows)
        if low < high:
            part, found = batch.slice(low - first, high - low), memory[: high - low]
            for axis, name in enumerate(plan.axes):
                column = part.column(name)
                if column.null_count:
                    raise NotEvenError
                values = column.to_numpy(zero_copy_only=False)
                found[:, axis] = values if scale.per_g == 1.0 else scale.to_g(values)
            if not max(float(found.max()), -float(found.min())) <= MOST_G:
                raise NotEvenError
            yield found
        first += batch.num_rows


def import_parquet(file: pq.ParquetFile, name: str, source: Source, options: Options) -> Imported:
    """Read a whole file through the importing chain: disorder, bursts, restarts, several people, any rate."""
    table = _open_table(file, name, source.stem, options)
    workspace = Workspace()
    timed = table.time is not None
    people = table.roles.places.subject
    rows = Rows(
        workspace.column(columns=3),
        workspace.column() if timed else None,
        None,
        [] if people is not None else None,
        anchors=[(0, 1)],
        workspace=workspace,
    )
    line = 1
    for batch in _batches(file, table.columns):
        _take(table, rows, batch, line)
        line += batch.num_rows
    if not len(rows):
        raise refusal(name, "expected samples, got no row that has all three values")
    roles = replace(table.roles, time_unit=table.time_unit) if timed else table.roles
    opened = OpenTable(source, options, table.preamble, roles, rows, list(table.roles.notes), None, workspace)
    return recordings_of(opened, None)


def _open_table(file: pq.ParquetFile, name: str, stem: str, options: Options) -> _Table:
    """Find out which columns are which."""
    schema = file.schema_arrow
    said = {key.decode("utf-8", "replace").lower(): value.decode("utf-8", "replace")
            for key, value in (schema.metadata or {}).items() if len(key) < 64 and len(value) < 256}  # fmt: skip
    columns = tuple(item.name for item in schema if not pa.types.is_nested(item.type))
    if len(columns) < 3 or not file.metadata.num_rows:
        raise foreign(name, f"expected columns of x, y and z, got {len(columns)} columns and no use for them")
    head = next(file.iter_batches(_HEAD_ROWS, use_threads=False, columns=list(columns)))
    shown, header, clock = [], [], None
    for column in columns:
        kind = schema.field(column).type
        values = head.column(column)
        if pa.types.is_timestamp(kind):
            values = values.cast(pa.int64())
            clock = clock or (column, kind.unit)
            header.append(f"time ({kind.unit})")
        else:
            header.append(column)
        shown.append([_cell(value) for value in values.to_pylist()])
    preamble = Preamble(
        name, ",", len(columns), tuple(header), None, False, 1, tuple(zip(*shown, strict=True)),
        rate_hz=_number(said.get("rate_hz") or said.get("sampling_rate_hz")), unit=said.get("unit"),
        subject=said.get("subject"),
    )  # fmt: skip
    roles = find_roles(preamble, replace(options, label=NO_COLUMN), stem=stem)
    devices = {row[roles.places.device] for row in preamble.head} if roles.places.device is not None else set()
    if len(devices) > 1:
        several = ", ".join(sorted(devices)[:4])
        raise refusal(name, f"expected rows of one device, got several: {several}", next_step="Write a file for each.")
    table = _Table(file, name, stem, preamble, roles, columns, options, said=said)
    if roles.places.time and options.time != NO_COLUMN and roles.places.form is None:
        table.time = columns[roles.places.time[0]]
        table.time_unit = clock[1] if clock and clock[0] == table.time else roles.time_unit
    return table


def _cell(value: Any) -> str:
    """Return a value as a text table would have it."""
    return "" if value is None else str(value)


def _number(text: str | None) -> float | None:
    """Return a rate that metadata say, if it is one."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 < value < np.inf else None


def _only_subject(table: _Table) -> str | None:
    """Return the person of a file of one person; None where a column may name several."""
    options, place = table.options, table.roles.places.subject
    if place is None:
        return options.subject_name or table.preamble.subject or UNKNOWN_SUBJECT
    metadata = table.file.metadata
    leaf = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == table.columns[place])
    found = set()
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(leaf).statistics
        if statistics is None or not statistics.has_min_max or statistics.null_count:
            return None
        found |= {str(statistics.min), str(statistics.max)}
    return found.pop() if len(found) == 1 else None


@dataclass(slots=True, eq=False)
class _Clock:
    """Times that run evenly, followed batch by batch.

    Parameters
    ----------
    start, scale
        The first time as written, and the seconds of one step of it.
    steps
        What the first steps are like.
    """

    start: Any
    scale: float
    steps: Steps
    gaps: list[int] = field(default_factory=list)
    known: dict[int, float] = field(default_factory=dict)
    regular_s: float = 0.0
    regular: int = 0
    last: npt.NDArray[Any] | None = None
    rows: int = 0

    def follow(self, values: npt.NDArray[Any]) -> bool:
        """Take the next times; False where they do not plainly run on."""
        before = values[:0] if self.last is None else self.last
        passed, first = np.diff(values, prepend=before), 1 - len(before)
        if len(passed) and not passed.min() >= 0.25 * self.steps.usual:
            return False
        is_long = passed > self.steps.limit
        after_gaps = (np.flatnonzero(is_long) + first).tolist()
        steps = np.concatenate([before, values[-1:]]) if len(before) else values[[0, -1]]
        self.regular_s += float(steps[1] - steps[0] - passed[is_long].sum()) * self.scale
        self.regular += len(passed) - len(after_gaps)
        at = self.rows
        self.gaps += [at + row for row in after_gaps]
        rows = {0, len(values) - 1, *after_gaps, *range(-at % KNOWN_EVERY, len(values), KNOWN_EVERY)}
        self.known |= {at + row: self._seconds(values[row]) for row in rows}
        self.known |= {at + row - 1: self._seconds(values[row - 1] if row else before[0]) for row in after_gaps}
        self.last, self.rows = values[-1:].copy(), at + len(values)
        return True

    def _seconds(self, value: Any) -> float:
        """Return a time in s since the first one."""
        return float(value - self.start) * self.scale


def _even_times(table: _Table) -> tuple[list[int], Callable[[int], float] | None, float, float | None, str] | None:
    """Return the edges of stretches, known times, rate, beginning and a note; None where times are not plainly even."""
    rows, declared = table.file.metadata.num_rows, table.options.rate_hz
    if table.time is None:
        rate_hz = declared or table.preamble.rate_hz
        if rate_hz is None:
            raise refusal(
                table.name, "expected times or a rate, got neither", next_step="Give --rate HZ, or rate_hz as metadata."
            )
        return [0, rows], None, rate_hz, None, f"The rate is {rate_hz:g} Hz, as declared."
    clock: _Clock | None = None
    for values in _times(table):
        if clock is None:
            steps, unit = _first_steps(table, values)
            if steps is None:
                return None
            clock = _Clock(values[0], SECONDS[unit], steps)
        if not clock.follow(values):
            return None
    if clock is None:
        return None
    rate_hz = round(clock.regular / clock.regular_s, 4)
    if declared is not None and not rates_agree(rate_hz, declared, 0.1):
        return None
    first_s = float(clock.start) * clock.scale
    began_s = first_s if _DATES_S[0] <= first_s <= _DATES_S[1] else None
    note = f"The rate is {rate_hz:g} Hz, by the timestamps."
    return [0, *clock.gaps, rows], clock.known.__getitem__, declared or rate_hz, began_s, note


def _first_steps(table: _Table, values: npt.NDArray[Any]) -> tuple[Steps | None, str]:
    """Return what the first steps are like, and the unit of the times."""
    spool = Spool(np.float64)
    spool.append((values - values[0]).astype(np.float64))
    steps = look_at_steps(spool, 0, len(values))
    if steps is None or steps.in_packets:
        return None, "s"
    unit = table.time_unit or table.options.time_unit or guess_time_unit(steps.usual, float(values[0]))
    if unit is None or unit == "iso" or (steps.whole_ones and table.time_unit is None):
        return None, "s"
    return steps, unit


def _times(table: _Table) -> Iterator[npt.NDArray[Any]]:
    """Yield the values of the time column."""
    for batch in _batches(table.file, [str(table.time)]):
        column = batch.column(0)
        if pa.types.is_timestamp(column.type):
            column = column.view(pa.int64())
        if column.null_count:
            raise refusal(table.name, f"expected a time in every row, got none in {column.null_count} of them")
        yield column.to_numpy(zero_copy_only=False)


def _some_blocks(table: _Table) -> Iterator[npt.NDArray[np.float64]]:
    """Yield some samples in the file's unit, spread over all rows: gravity needs no more."""
    file, rows = table.file, table.file.metadata.num_rows
    axes = [table.columns[place] for place in table.roles.places.axes]
    starts = np.unique(np.linspace(0, max(0, rows - _MEASURED_ROWS), _MEASURED).astype(int))
    for start in starts.tolist():
        groups, first = _groups(file, start, min(rows, start + _MEASURED_ROWS))
        batch = next(_after(file, groups, axes, start - first))
        values = np.stack([batch.column(name).to_numpy(zero_copy_only=False) for name in axes], axis=1)
        values = values.astype(np.float64)
        finite = values[np.isfinite(values).all(axis=1)]
        if len(finite) > 1:
            yield finite


def _after(file: pq.ParquetFile, groups: list[int], axes: list[str], skipped: int) -> Iterator[pa.RecordBatch]:
    """Yield batches behind some rows of row groups."""
    for batch in file.iter_batches(_MEASURED_ROWS, use_threads=False, row_groups=groups, columns=axes):
        if skipped < batch.num_rows:
            yield batch.slice(skipped)
        skipped = max(0, skipped - batch.num_rows)


def _batches(
    file: pq.ParquetFile, columns: Sequence[str], groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of row groups, all by default, a few groups at a time.

    A reader keeps what it made of every group, such as its dictionaries, until it ends.
    """
    left = deque(range(file.metadata.num_row_groups) if groups is None else groups)
    while left:
        some = [left.popleft()]
        rows = file.metadata.row_group(some[0]).num_rows
        while left and rows + file.metadata.row_group(left[0]).num_rows <= _READER_ROWS:
            rows += file.metadata.row_group(left[0]).num_rows
            some.append(left.popleft())
        yield from file.iter_batches(BATCH_ROWS, use_threads=False, row_groups=some, columns=list(columns))


def _groups(file: pq.ParquetFile, start: int, stop: int) -> tuple[list[int], int]:
    """Return the row groups that hold some rows, and the row at which they begin."""
    groups: list[int] = []
    at = first = 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if at < stop and at + rows > start:
            first = first if groups else at
            groups.append(group)
        at += rows
    return groups, first


def _take(table: _Table, rows: Rows, batch: pa.RecordBatch, line: int) -> None:
    """Append the rows of a batch that have all three values; the others leave a gap."""
    places = table.roles.places
    values = np.stack(
        [batch.column(place).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) for place in places.axes],
        axis=1,
    )
    whole = np.isfinite(values).all(axis=1)
    if rows.time is not None:
        column = batch.column(places.time[0])
        column = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        times = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if places.part is not None:
            parts = batch.column(places.part).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            times = times + parts * places.part_s
        whole &= np.isfinite(times)
        rows.time.append(times[whole])
    before = np.cumsum(whole) + len(rows)
    for lost in np.flatnonzero(~whole & np.concatenate([[True], whole[:-1]])).tolist():
        rows.lost.append(Lost(int(before[lost]), line + lost, "a value is missing"))
    if rows.subjects is not None and places.subject is not None:
        names = np.array([_cell(name) for name in batch.column(places.subject).to_pylist()])[whole]
        for row in np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]) if len(names) else []).tolist():
            if not rows.subjects or rows.subjects[-1][1] != str(names[row]):
                rows.subjects.append((len(rows) + row, str(names[row])))
    rows.values.append(values[whole])
