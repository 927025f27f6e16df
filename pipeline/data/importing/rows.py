"""The wanted columns of a table, on disk: which they are, on which line each row stood, and what was left out."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgehar.pipeline.data.importing.dates import DateForm
from edgehar.pipeline.data.importing.spool import Spool, Workspace


@dataclass(frozen=True, slots=True)
class Places:
    """Where the wanted columns are, counted from 0.

    Parameters
    ----------
    axes
        x, y, z.
    added
        Columns that are added to x, y, z, if any.
    gyroscope
        Columns of the turning rate about x, y and z, if it is wanted.
    time
        One column, or a date and a time of day.
    form
        How dates are written; None for numbers.
    sparse
        Whether rows without any of the axes are of another sensor, whose cells are filled there.
    part, part_s
        A column of what has passed of each second, and what one of it is, in s.
    label, subject, device
        Text columns.
    sensor, sensors
        The column that says which sensor a row is of, and what it says for the accelerometer.
    """

    axes: tuple[int, int, int]
    added: tuple[int, ...] = ()
    gyroscope: tuple[int, ...] = ()
    time: tuple[int, ...] = ()
    form: DateForm | None = None
    label: int | None = None
    subject: int | None = None
    device: int | None = None
    sensor: int | None = None
    sensors: tuple[str, ...] = ()
    part: int | None = None
    part_s: float = 0.0
    sparse: bool = False

    @property
    def numbers(self) -> tuple[int, ...]:
        """Columns that hold numbers in every row."""
        times = (*(self.time if self.form is None else ()), *(() if self.part is None else (self.part,)))
        return (*self.axes, *self.added, *self.gyroscope, *times)

    @property
    def texts(self) -> tuple[int, ...]:
        """Columns that hold text."""
        named = (self.label, self.subject, self.device, self.sensor)
        return (*(() if self.form is None else self.time), *(place for place in named if place is not None))


@dataclass(frozen=True, slots=True)
class Lost:
    """A line that was left out: it stood before row ``row``."""

    row: int
    line: int
    reason: str


@dataclass(slots=True, eq=False)
class Rows:
    """The wanted columns of a file, on disk.

    Parameters
    ----------
    values
        float64 (n, 3), or (n, 6) with the turning rate, in the units of the file, finite.
    time
        float64 (n,), as written, or dates in s; None if there is none.
    labels, subjects, devices
        The rows where a text changes, and the text from there on; None if there is no such column.
    anchors
        Rows and their lines; between two anchors lines follow one another.
    lost
        What was left out.
    breaks
        Rows before which a blank line stood, or the names again.
    repeated_names
        Those of ``breaks`` before which the names stood again.
    ended
        Whether the last line of the file ends in a line end.
    """

    values: Spool
    time: Spool | None
    labels: list[tuple[int, str]] | None
    subjects: list[tuple[int, str]] | None
    anchors: list[tuple[int, int]] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    repeated_names: list[int] = field(default_factory=list)
    devices: list[tuple[int, str]] | None = None
    passed_over: int = 0
    ended: bool = True
    workspace: Workspace = field(default_factory=Workspace)

    def __len__(self) -> int:
        """Rows so far."""
        return len(self.values)

    def taken(self, order: npt.NDArray[np.intp]) -> "Rows":
        """Return some of the rows in another order; done in memory, for files in disorder only."""
        taken = Rows(self.workspace.column(columns=self.workspace.channels), None, None, None, workspace=self.workspace)
        taken.values.append(self.values.read(0, len(self))[order])
        if self.time is not None:
            taken.time = self.workspace.column()
            taken.time.append(self.time.read(0, len(self))[order])
        taken.labels, taken.subjects = _permuted(self.labels, order), _permuted(self.subjects, order)
        taken.devices = _permuted(self.devices, order)
        for row, line in enumerate(np.array([self.line_of(int(row)) for row in order]).tolist()):
            note_anchor(taken.anchors, row, line)
        place = np.searchsorted(np.sort(order), [lost.row for lost in self.lost])
        taken.lost = [Lost(int(at), lost.line, lost.reason) for at, lost in zip(place, self.lost, strict=True)]
        taken.breaks = np.searchsorted(np.sort(order), self.breaks).tolist()
        taken.repeated_names = np.searchsorted(np.sort(order), self.repeated_names).tolist()
        taken.passed_over = self.passed_over
        return taken

    def owners(self) -> list[tuple[int, tuple[str, str]]]:
        """Return the rows where the person or the device changes, and who and what it is from there on."""
        person, device = "", ""
        found: dict[int, tuple[str, str]] = {}
        people, devices = (dict(runs or ()) for runs in (self.subjects, self.devices))
        for row in sorted({*people, *devices}):
            person, device = people.get(row, person), devices.get(row, device)
            found[row] = (person, device)
        return list(found.items())

    def line_of(self, row: int) -> int:
        """Return the line of a row."""
        low, high = 0, len(self.anchors)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.anchors[middle][0] <= row else (low, middle)
        return self.anchors[low][1] + row - self.anchors[low][0]


def note_anchor(anchors: list[tuple[int, int]], row: int, line: int) -> None:
    """Note the line of a row, unless it follows from the anchor before."""
    if not anchors or anchors[-1][1] + row - anchors[-1][0] != line:
        anchors.append((row, line))


def _permuted(runs: list[tuple[int, str]] | None, order: npt.NDArray[np.intp]) -> list[tuple[int, str]] | None:
    """Return texts of rows in another order."""
    if runs is None:
        return None
    starts = np.array([row for row, _ in runs])
    codes = {text: code for code, (_, text) in enumerate(runs)}
    which = np.array([codes[text] for _, text in runs])[np.searchsorted(starts, order, side="right") - 1]
    edges = np.flatnonzero(np.concatenate([[True], which[1:] != which[:-1]]))
    return [(int(edge), runs[which[edge]][1]) for edge in edges]
