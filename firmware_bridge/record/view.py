"""What the wearer sees of a recording: what to do now, for how long, and that the sensor lives."""

from collections import deque
from typing import Any, Final, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from edgehar.firmware_bridge.record.loop import RecordStatus
from edgehar.firmware_bridge.record.script import KEYS_HELP, Phase, ScriptRunner
from edgehar.firmware_bridge.record.sparkline import Trace
from edgehar.firmware_bridge.session.terminal_picture import (
    WIDEST,
    TerminalPicture,
    band,
    heading,
    in_lines,
    newest_first,
)
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock

_SIDES: Final = 4
_TRACE_S: Final = 10.0
_REMARKS_KEPT: Final = 3
_CHOICES_SHOWN: Final = 9
_KEPT: Final = "kept: "


class TerminalRecordView:
    """A view that is redrawn in place.

    Parameters
    ----------
    console
        A terminal.
    title
        What is recorded into which file.
    rate_hz
        Declared rate: how fast the trace moves.
    """

    def __init__(self, console: Console, *, title: str, rate_hz: float) -> None:
        self._console = console
        self._title = title
        width = min(console.width, WIDEST) - 16
        self._trace = Trace(points=max(20, width), samples_per_point=round(_TRACE_S * rate_hz / max(20, width)))
        self._remarks: deque[Remark] = deque(maxlen=_REMARKS_KEPT)
        self._picture = TerminalPicture(console)

    def sampled(self, block: SampleBlock) -> None:
        """Take samples to draw."""
        self._trace.add(block.samples_g[:, :3])

    def happened(self, event: dict[str, Any]) -> None:
        """Ring the bell when a take begins and ends: the wearer may not look."""
        if event["event"] in ("begin", "end"):
            self._console.bell()

    def remarked(self, remark: Remark) -> None:
        """Keep the newest remarks in sight."""
        self._remarks.append(remark)

    def progressed(self, script: ScriptRunner, status: RecordStatus) -> None:
        """Draw."""
        self._picture.draw(self._render(script, status))

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._picture.close()

    def _render(self, script: ScriptRunner, status: RecordStatus) -> RenderableType:
        """Return the whole view."""
        width = self._picture.width - _SIDES
        return Group(
            heading(self._title, self._picture.width),
            Padding(_headline(script, status, width), (1, 2, 0, 2)),
            Padding(_progress(script, width), (0, 2, 1, 2)),
            Padding(self._traces(width), (0, 2, 1, 2)),
            *(Padding(line, (0, 2)) for line in _stream(status, width)),
            Padding(_kept(script, width), (0, 2)),
            *(Padding(Text(note.text, style="yellow" if note.warning else "dim"), (0, 2)) for note in self._remarks),
            Padding(_keys(script, width), (1, 2, 0, 2)),
        )

    def _traces(self, width: int) -> RenderableType:
        """Return the last seconds of every axis, with its newest value."""
        values = self._trace.newest_g or (0.0, 0.0, 0.0)
        table = Table.grid(padding=(0, 1))
        for name, line, value in zip("xyz", self._trace.lines(width - 12), values, strict=True):
            table.add_row(
                Text(name, style="dim"), Text(line, style="bright_blue"), Text(f"{value:+.2f} g", style="dim")
            )
        return table


class LineRecordView:
    """Prompts as lines, where there is no terminal to draw on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._prompted = 0

    def sampled(self, block: SampleBlock) -> None:
        """Samples are not shown."""

    def happened(self, event: dict[str, Any]) -> None:
        """Write what happens."""
        if event["event"] == "begin":
            self._say(f"{event['t_s']:10.2f} s   begin {event['activity']}")
        elif event["event"] == "end":
            self._say(f"{event['t_s']:10.2f} s   end")

    def remarked(self, remark: Remark) -> None:
        """Write a remark."""
        self._say(f"{'warning: ' if remark.warning else ''}{remark.text}")

    def progressed(self, script: ScriptRunner, status: RecordStatus) -> None:
        """Say what is next, once."""
        step = script.step
        if step is not None and script.phase is Phase.READY and self._prompted != script.number:
            self._prompted = script.number
            self._say(f"next: {step.activity} for {step.seconds:g} s, in {script.left_s:.0f} s")

    def close(self) -> None:
        """Nothing to close: the stream belongs to the caller."""

    def _say(self, text: str) -> None:
        """Write a line at once."""
        self._stream.write(text + "\n")
        self._stream.flush()


def _headline(script: ScriptRunner, status: RecordStatus, width: int) -> RenderableType:
    """Return what to do now, across the view."""
    step = script.step
    if status.silent or not status.counts.samples:
        left, right, style = "silence" if status.counts.samples else "waiting for the sensor", "", "black on yellow"
    elif step is None:
        left, right, style = "done" if script.steps else "recording, without labels", "", "bold white on blue"
    elif script.phase is Phase.TAKE:
        left, right, style = script.label, f"{script.left_s:.0f} s left", "bold white on red"
    elif script.phase is Phase.PAUSED:
        left, right, style = "paused", f"next: {step.activity}", "black on yellow"
    else:
        left, right, style = f"get ready: {step.activity}", f"in {script.left_s:.0f} s", "bold black on green"
    return band(left, right, style, width)


def _progress(script: ScriptRunner, width: int) -> RenderableType:
    """Return how much of a take is done, and what follows."""
    step = script.step
    if step is None:
        return Text(" ")
    following = f"then {script.following.activity}" if script.following else "the last one"
    text = Text(f"{script.number} of {len(script.steps)}, {step.seconds:g} s; {following}  ", style="dim")
    done = 1 - script.left_s / step.seconds if script.phase is Phase.TAKE else 0.0
    room = max(0, width - len(text))
    text.append("━" * round(done * room), style="red")
    text.append("━" * (room - round(done * room)), style="grey23")
    return text


def _stream(status: RecordStatus, width: int) -> list[Text]:
    """Return whether the stream can be trusted, and how much is safe."""
    counts = status.counts
    holes = f" + {counts.restarts:,} hole{'' if counts.restarts == 1 else 's'}" if counts.restarts else ""
    parts = [
        Text(str(status.rate) if status.rate else "rate …"),
        Text(f"{counts.lost:,} lost{holes}", style="bold red" if counts.lost or counts.restarts else "green"),
        Text(f"{status.samples_safe:,} samples on disk, {_size(status.bytes_written)}"),
    ]
    return in_lines(parts, width)


def _size(count: int) -> str:
    """Return bytes in the unit that suits them."""
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def _kept(script: ScriptRunner, width: int) -> RenderableType:
    """Return the takes so far, the newest first."""
    takes = (f"{take.activity} {take.seconds:.0f} s" for take in reversed(script.kept))
    text = newest_first(takes, width - len(_KEPT))
    return Text(f"{_KEPT}{text}" if text else " ", style="dim")


def _keys(script: ScriptRunner, width: int) -> RenderableType:
    """Return what the keys do."""
    if not script.steps:
        return Text("q end", style="dim")
    names = (Text(f"{n} {name}") for n, name in enumerate(script.choices[:_CHOICES_SHOWN], start=1))
    keys = (Text(part) for part in KEYS_HELP.split("   "))
    return Group(*(Text(line.plain, style="dim") for line in [*in_lines(keys, width), *in_lines(names, width)]))
