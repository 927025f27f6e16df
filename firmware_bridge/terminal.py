"""The live view on a terminal: the label, every probability, and whether the stream can be trusted."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from firmware_bridge.live import Prediction
from firmware_bridge.samples import Remark
from firmware_bridge.sinks import LiveStatus

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_REMARKS_SHOWN: Final = 3
_SPELLS_SHOWN: Final = 4
_OTHER_ROWS: Final = 12
"""Rows of the view that are not probabilities."""


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
        self._remarks: deque[Remark] = deque(maxlen=_REMARKS_SHOWN)
        self._spells: deque[tuple[str, float]] = deque(maxlen=_SPELLS_SHOWN)
        self._console = console
        self._live = Live(self._render(), console=console, auto_refresh=False)
        self._live.start(refresh=True)

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
        self._live.update(self._render(), refresh=True)

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def _render(self) -> RenderableType:
        """Return the whole view."""
        return Group(
            Rule(Text(self._title, style="dim", overflow="ellipsis", no_wrap=True), style="dim", align="left"),
            Padding(self._headline(), (1, 2)),
            Padding(self._bars(), (0, 2)),
            Padding(self._history(), (1, 2, 0, 2)),
            Padding(self._stream(), (0, 2)),
            *(Padding(_remark_line(remark), (0, 2)) for remark in self._remarks),
        )

    def _headline(self) -> RenderableType:
        """Return the label, or how far the first window is filled."""
        line = Table.grid(expand=True)
        line.add_column(ratio=1, no_wrap=True)
        line.add_column(justify="right", no_wrap=True)
        status, prediction = self._status, self._prediction
        if status is None or not status.counts.samples:
            line.add_row(Text("waiting for the sensor", style="bold yellow"), "")
        elif prediction is None or status.refilling:
            old = f"was {prediction.label} · " if prediction else ""
            line.add_row(
                Text("filling the window", style="bold yellow"), Text(f"{old}{status.filled:.0%}", style="yellow")
            )
        else:
            line.add_row(
                Text(prediction.label, style="bold white on blue"),
                Text(f"{prediction.probability:.0%}  at {prediction.t_s:.1f} s", style="bold"),
            )
        return line

    def _bars(self) -> RenderableType:
        """Return one bar for every class, in the model's order, so that none jumps about."""
        values = self._prediction.probabilities if self._prediction else (0.0,) * len(self._labels)
        rows = max(3, self._console.height - _OTHER_ROWS)
        shown = sorted(sorted(range(len(values)), key=lambda index: -values[index])[:rows])
        best = max(shown, key=lambda index: values[index])
        bar_width = max(10, self._console.width - 4 - max(map(len, self._labels)) - 7)
        table = Table.grid(padding=(0, 1))
        for index in shown:
            style = "bold cyan" if index == best and self._prediction else "dim"
            table.add_row(
                Text(self._labels[index], style=style),
                Text(_bar(values[index], bar_width), style="cyan" if index == best else "blue"),
                Text(f"{values[index]:4.0%}", style=style),
            )
        return table

    def _history(self) -> RenderableType:
        """Return the last labels and when each began."""
        spells = (f"{label} from {start_s:.0f} s" for label, start_s in self._spells)
        return Text(" → ".join(spells) or " ", style="dim", no_wrap=True, overflow="ellipsis")

    def _stream(self) -> RenderableType:
        """Return whether the stream can be trusted: rate, loss, latency."""
        status = self._status
        if status is None:
            return Text("")
        counts = status.counts
        parts = [Text(str(status.rate) if status.rate else "rate …"), Text(f"{counts.samples:,} samples")]
        parts.append(Text(f"{counts.lost:,} lost", style="bold red" if counts.lost else "green"))
        if counts.restarts:
            parts.append(Text(f"{counts.restarts:,} holes", style="red"))
        if status.latency_p50_s is not None:
            slow_s = status.latency_p99_s or 0.0
            parts.append(Text(f"label in {1e3 * status.latency_p50_s:.1f} ms, p99 {1e3 * slow_s:.1f} ms"))
        return Text("   ").join(parts)


def _bar(share: float, width: int) -> str:
    """Return a bar of ``share`` of ``width`` columns, to an eighth of a column."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def _remark_line(remark: Remark) -> RenderableType:
    """Return a remark as one line."""
    return Text(remark.text, style="yellow" if remark.warning else "dim", no_wrap=True, overflow="ellipsis")
