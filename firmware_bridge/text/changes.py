"""Notice that a device prints its samples in another form, by learning on the side from lines that are not read.

A note now and then, a boot log, a menu and the lines of other sensors stand between samples, or hold none. So the old
layout stays until another one has read fifty samples with no sample of the old one between them: so many do not come in
a burst of a second sensor. Where no name says acceleration, the numbers must change and have a mean vector as long as
gravity. No line is lost: those that were learned from are read by the new layout. Lines that cannot be understood are
told once; of them no more than the last four hundred are kept, and looked at now and then, whatever a stranger prints.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from edgehar.firmware_bridge.text.events import Sample, Unread, printable
from edgehar.firmware_bridge.text.layout import TextLayout
from edgehar.firmware_bridge.text.learning import MOST_ROWS, LayoutLearner
from edgehar.firmware_bridge.text.line_reader import LineReader, Part
from edgehar.firmware_bridge.text.selection import SensorSelection
from edgehar.firmware_bridge.text.template import Template
from edgehar.models.sensing.gravity import guess_unit
from edgehar.models.sensing.names import read_name

FEWEST_SAMPLES: Final = 50
"""Half a second of most sensors."""
_LEAST_SHARE: Final = 0.2
"""Lines of three other sensors and a note may stand between two samples; a menu that names x, y and z is none."""


class ChangeWatch:
    """Learn from the lines that a layout does not read, as long as it reads none.

    Parameters
    ----------
    make_learner
        Makes what learns another layout.
    selection
        The sensor that is wanted, where a person has named it: no other one takes its place.
    """

    def __init__(self, make_learner: Callable[[], LayoutLearner], selection: SensorSelection) -> None:
        self._make_learner = make_learner
        self._selection = selection
        self.forget()

    def forget(self) -> None:
        """Take note that the layout has read a line: there is no change."""
        self.lines = 0
        """Lines of numbers since then."""
        self.held: list[str] = []
        """Those that are learned from."""
        self._learner = self._make_learner()

    def take(self, text: str, *, is_known: bool) -> TextLayout | Unread | None:
        """Take a line that was not read.

        Parameters
        ----------
        text
            The line.
        is_known
            Whether it was there beside the samples when the layout was learned: nothing is learned from it.

        Returns
        -------
        layout
            The layout that reads these lines; or what is to be told of them; or None.
        """
        if len(self.held) == MOST_ROWS:
            self.held, self._learner = [], self._make_learner()
        if not is_known:
            if not self._learner.add(text):
                return None
            self.held.append(text)
        self.lines += 1
        # Looking for a layout takes longer than a line: not at every one.
        if not is_known and len(self.held) % FEWEST_SAMPLES == 0:
            found = self._learner.decide()
            if isinstance(found, TextLayout) and self._is_proven(found):
                return found
        return Unread(self.lines, printable(text.encode("latin-1"))) if self.lines == 2 * FEWEST_SAMPLES else None

    @property
    def templates(self) -> set[Template]:
        """The templates of the lines that are learned from."""
        return self._learner.templates

    def _is_proven(self, layout: TextLayout) -> bool:
        """Tell whether a layout reads enough of the lines, and what it reads is the acceleration that is wanted."""
        reader = LineReader(layout, set())
        read = [reader.read(line.encode("latin-1")) for line in self.held]
        samples = [(each.x, each.y, each.z) for each in read if isinstance(each, Sample)]
        fitting = sum(isinstance(each, Sample | Part) for each in read)
        if len(samples) < FEWEST_SAMPLES or fitting < _LEAST_SHARE * len(read):
            return False
        if self._selection.name and (not any(layout.names) or self._selection.pick([layout.names]) != 0):
            return False
        if any(layout.names) and read_name(layout.names[0]).sensor is not None:
            return True
        values = np.array(samples, np.float64)
        return bool(np.ptp(values, axis=0).any()) and guess_unit(values).unit is not None
