"""A picture that is redrawn: cleared after a resize, and with whole words at any width."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from edgehar.firmware_bridge.session.terminal_picture import TerminalPicture, band, heading, in_lines, newest_first

CLEAR = "\x1b[2J\x1b[H"


def terminal(width: int) -> Console:
    """Return a terminal that remembers what is written."""
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=24, color_system=None)


def written(console: Console) -> str:
    """Return what was written, and forget it."""
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    console.file = io.StringIO()
    return text


def test_the_screen_is_cleared_when_the_terminal_was_resized_and_only_then() -> None:
    console = terminal(80)
    picture = TerminalPicture(console)
    picture.draw(Text("first"))
    picture.draw(Text("second"))
    assert CLEAR not in written(console)
    console.width = 60
    picture.draw(Text("third"))
    before, cleared, after = written(console).partition(CLEAR)
    assert cleared
    assert "third" in after
    assert "third" not in before
    picture.draw(Text("fourth"))
    assert CLEAR not in written(console)
    assert picture.width == 60
    picture.close()


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_no_word_is_cut(width: int) -> None:
    words = ["99.98 ± 0.02 Hz", "1,234,567 samples", "1,234 lost + 3 holes", "sensor clock 42 ± 3 ppm slow"]
    lines = in_lines(map(Text, words), width)
    assert "   ".join(line.plain for line in lines) == "   ".join(words)
    assert all(line.cell_len <= width for line in lines)
    spells = [f"Walking Downstairs from {number} s" for number in range(9)]
    newest = newest_first(spells, width).split(" ← ")
    assert newest == spells[: len(newest)] or newest == [""]
    console = terminal(width)
    title = "lstm-1a2b3c4d on litert float32 · /dev/serial/by-id/usb-Silicon_Labs_CP2102"
    console.print(heading(title, width))
    console.print(band("Walking Downstairs", "this window: Walking Upstairs   52%", "bold", width))
    shown = written(console)
    assert "…" not in shown
    assert title.replace(" ", "") in "".join(shown.split())
    assert "Walking Downstairs" in shown
