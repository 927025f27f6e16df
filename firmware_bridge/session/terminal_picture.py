"""A picture on a terminal that is redrawn in place, and the lines it is made of: no word is cut in two."""

from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.control import Control
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDEST: Final = 100
"""Columns of a picture: beyond a hundred, the eye loses the row."""
_SEPARATOR: Final = "   "


class TerminalPicture:
    """Redraw a picture in place; where the terminal was resized, clear it first.

    Lines that a terminal has wrapped anew are not where they were drawn, so redrawing over them would leave pieces.

    Parameters
    ----------
    console
        A terminal.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._size = console.size
        self._live = self._begin()

    @property
    def width(self) -> int:
        """Columns of the picture."""
        return min(self.console.width, WIDEST)

    def draw(self, picture: RenderableType) -> None:
        """Draw a picture over the one before."""
        if self.console.size != self._size:
            self._size = self.console.size
            self._live.stop()
            self.console.control(Control.clear(), Control.home())
            self._live = self._begin()
        self._live.update(Constrain(picture, self.width), refresh=True)

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def _begin(self) -> Live:
        """Return a picture that is drawn where the cursor is."""
        live = Live(Text(""), console=self.console, auto_refresh=False)
        live.start(refresh=True)
        return live


def heading(title: str, width: int) -> RenderableType:
    """Return a title with a rule behind it, or on several lines where it is too long for that."""
    if cell_len(title) + 2 > width:
        return Text(title, style="dim", overflow="fold")
    return Rule(Text(title, style="dim"), style="dim", align="left")


def band(left: str, right: str, style: str, width: int) -> RenderableType:
    """Return a line of colour across the view; what stands on the right is left out where there is no room for it."""
    room = width - cell_len(left) - 4
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(f" {left}"), Text(f"{right} " if cell_len(right) <= room else ""), style=style)
    return table


def in_lines(parts: Iterable[Text], width: int) -> list[Text]:
    """Return parts side by side, on as many lines as they need; no part is broken that fits on a line.

    Examples
    --------
    >>> [line.plain for line in in_lines([Text("99.98 Hz"), Text("7 lost"), Text("label in 1 ms")], 20)]
    ['99.98 Hz   7 lost', 'label in 1 ms']
    """
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + len(_SEPARATOR) + part.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], _SEPARATOR, part)
        else:
            lines.append(part)
    return lines


def newest_first(entries: Iterable[str], width: int) -> str:
    """Return entries from the newest, as many as fit on a line whole.

    Examples
    --------
    >>> newest_first(["Sitting from 9 s", "Walking from 5 s", "Standing from 0 s"], 40)
    'Sitting from 9 s ← Walking from 5 s'
    """
    line = ""
    for entry in entries:
        longer = f"{line} ← {entry}" if line else entry
        if cell_len(longer) > width:
            break
        line = longer
    return line
