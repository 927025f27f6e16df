"""The live view on a terminal: the label, every probability, and whether the stream can be trusted."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.session.terminal_picture import TerminalPicture, band, heading, in_lines, newest_first
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.decoder import UNKNOWN
from edgehar.models.foreign_text import printable

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_REMARKS_KEPT: Final = 4
_SPELLS_SHOWN: Final = 5
_FIXED_ROWS: Final = 8
"""Rows of the view that are neither probabilities nor remarks, and the one of the cursor; long lines need more."""
_REMARK_ROWS: Final = 4
"""Rows that probabilities leave to remarks."""
_SIDES: Final = 4


class TerminalView:
    """A view that is redrawn in place, a few times a second.

    Parameters
    ----------
    console
        A terminal.
    title
        What runs, such as ``lstm-1a2b on litert · /dev/ttyUSB0``.
    labels
        Names of the classes, in order.
    """

    def __init__(self, console: Console, *, title: str, labels: Sequence[str]) -> None:
        self._title = title
        self._labels = tuple(labels)
        self._prediction: Prediction | None = None
        self._status: LiveStatus | None = None
        self._remarks: deque[Remark] = deque(maxlen=_REMARKS_KEPT)
        self._spells: deque[tuple[str, float]] = deque(maxlen=_SPELLS_SHOWN)
        self._console = console
        self._picture = TerminalPicture(console)
        self._picture.draw(self._render())

    def predicted(self, prediction: Prediction) -> None:
        """Take a label; it is drawn with the next progress."""
        if not self._spells or self._spells[-1][0] != prediction.label:
            self._spells.append((prediction.label, prediction.t_s))
        self._prediction = prediction

    def remarked(self, remark: Remark) -> None:
        """Keep the newest remarks in sight."""
        self._remarks.append(remark)

    def progressed(self, status: LiveStatus) -> None:
        """Draw."""
        self._status = status
        self._picture.draw(self._render())

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Show another model."""
        self._title, self._labels, self._prediction = printable(model_id), labels, None

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._picture.close()

    def _render(self) -> RenderableType:
        """Return the whole view."""
        return Group(
            heading(self._title, self._picture.width),
            Padding(self._headline(), (1, 2)),
            Padding(self._bars(), (0, 2)),
            Padding(self._history(), (1, 2, 0, 2)),
            *(Padding(line, (0, 2)) for line in self._stream()),
            *(Padding(line, (0, 2)) for line in self._remark_lines()),
        )

    @property
    def _width(self) -> int:
        """Columns between the sides."""
        return self._picture.width - _SIDES

    def _headline(self) -> RenderableType:
        """Return the label, or how far the window is filled."""
        status, prediction = self._status, self._prediction
        if status is None or not status.counts.samples:
            return band("waiting for the sensor", "", "black on yellow", self._width)
        if prediction is None or status.refilling or status.silent:
            what = "silence" if status.silent else f"filling the window   {status.filled:.0%}"
            return band(what, f"was {prediction.label}" if prediction else "", "black on yellow", self._width)
        certainty = f"{prediction.probability:.0%}   at {prediction.t_s:.1f} s"
        longer = f"this window: {prediction.raw_label}   {certainty}"
        differs = prediction.raw_label not in ("", prediction.label)
        if differs and len(prediction.label) + len(longer) + _SIDES <= self._width:
            certainty = longer
        style = "bold white on grey37" if prediction.label == UNKNOWN else "bold white on blue"
        return band(prediction.label, certainty, style, self._width)

    def _bars(self) -> RenderableType:
        """Return one bar for every class, in the model's order, so that none jumps about."""
        values = self._prediction.probabilities if self._prediction else (0.0,) * len(self._labels)
        rows = max(3, self._console.height - _FIXED_ROWS - _REMARK_ROWS)
        shown = sorted(sorted(range(len(values)), key=lambda index: -values[index])[:rows])
        best = max(shown, key=lambda index: values[index])
        width = max(10, self._width - max(map(len, self._labels)) - 6)
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, width=width)
        table.add_column(no_wrap=True, justify="right")
        for index in shown:
            stands_out = index == best and self._prediction is not None
            style = "bold" if stands_out else "dim"
            bar = Text(_bar(values[index], width), style="bright_blue" if stands_out else "dim blue")
            percent = f"{values[index]:.0%}" if self._prediction else ""
            table.add_row(Text(self._labels[index], style=style), bar, Text(percent, style=style))
        return table

    def _history(self) -> RenderableType:
        """Return the last labels and since when each held, the newest first."""
        spells = (f"{label} from {start_s:.0f} s" for label, start_s in reversed(self._spells))
        return Text(newest_first(spells, self._width) or " ", style="dim")

    def _stream(self) -> list[Text]:
        """Return whether the stream can be trusted: rate, loss, latency."""
        status = self._status
        if status is None:
            return [Text("")]
        counts = status.counts
        parts = [Text(str(status.rate) if status.rate else "rate …"), Text(f"{counts.samples:,} samples")]
        holes = f" + {counts.restarts:,} hole{'' if counts.restarts == 1 else 's'}" if counts.restarts else ""
        broken = counts.lost or counts.restarts
        holes += f", {status.bridged:,} bridged" if status.bridged else ""
        parts.append(Text(f"{counts.lost:,} lost{holes}", style="bold red" if broken else "green"))
        if status.clock is not None and status.clock.may_be_drift:
            parts.append(Text(f"sensor clock {status.clock}"))
        if status.latency_p50_s is not None:
            slow_s = status.latency_p99_s or 0.0
            parts.append(Text(f"label in {1e3 * status.latency_p50_s:.1f} ms, p99 {1e3 * slow_s:.1f} ms"))
        return in_lines(parts, self._width)

    def _remark_lines(self) -> list[Text]:
        """Return the newest remarks that fit below the rest, each whole."""
        width = max(20, self._width)
        used = _FIXED_ROWS + len(self._labels) + len(self._stream()) - 1 + len(self._title) // self._picture.width
        left = max(2, self._console.height - used)
        lines: list[Text] = []
        for remark in reversed(self._remarks):
            text = Text(remark.text, style="yellow" if remark.warning else "dim")
            left -= len(text.wrap(self._console, width))
            if left < 0:
                break
            lines.insert(0, text)
        return lines


def _bar(share: float, width: int) -> str:
    """Return a bar of ``share`` of ``width`` columns, to an eighth of a column."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
