"""Titles: lines without numbers that name the sensor of the lines below them, again and again.

::

    Accelerometer:          --- acc (g) ---          "accel": {
    X = 0.1                 0.1  0.2  0.9              "x": 0.1,
    Gyroscope:              --- gyro ---             "gyro": {
    X = 12                  12   3    1                "x": 12,

A line is a title once it comes for the second time soon after the first, with numbers in between: boot messages name
sensors too. From then on, every line that ends with a colon and has no numbers is a title.
"""

import re
from typing import Final

from edgehar.firmware_bridge.text.template import dissect
from edgehar.models.sensing.names import sensor_of_text

_LONGEST: Final = 40
_ROUND: Final = 40
"""A title comes again within so many lines, where other sensors have titles too."""
_SHORT_ROUND: Final = 8
_MOST: Final = 32
_ENDS: Final = re.compile(r"^[\W_]+|[\W_]+$")
_NUMBERS: Final = re.compile(r"\d[^:]*[\w.]\s*$|\d\s*$")
"""What most lines of numbers end with, and no title does."""
_WORDS: Final = re.compile(r"[^\W\d_]")
_OPENS: Final = re.compile(r":\s*[{\[(]?\s*$")


class Titles:
    """Find titles in a stream, and tell the one above a line.

    Examples
    --------
    >>> titles = Titles()
    >>> [titles.reads(line, has_numbers=at > 0) for at, line in enumerate(["Gyro:", "1 2 3", "Gyro:", "4 5 6"])]
    [False, False, True, False]
    >>> titles.above
    'Gyro'
    """

    def __init__(self) -> None:
        self.above = ""
        self._last: dict[str, int] = {}
        self._lines = 0

    def passed(self, count: int) -> None:
        """Take note of lines that are no titles."""
        self._lines += count

    def reads(self, line: str, *, has_numbers: bool) -> bool:
        """Take a line, and return whether it is a title; ``has_numbers`` if lines of numbers have come."""
        self._lines += bool(line.strip())
        if len(line) > 2 * _LONGEST or _NUMBERS.search(line) or not _WORDS.search(line) or dissect(line) is not None:
            return False
        title = _ENDS.sub("", line)
        names_a_sensor = len(title) <= _LONGEST and sensor_of_text(title.replace("/", " ")) is not None
        opens = len(title) <= _LONGEST and _OPENS.search(line) is not None
        if self.above and (names_a_sensor or opens):
            self.above = title
            return True
        if not names_a_sensor:
            return False
        since = self._lines - self._last.get(title, -_ROUND)
        if title in self._last or len(self._last) < _MOST:
            self._last[title] = self._lines
        # Of a stream with one title only, nothing but a message now and then is known.
        longest = _ROUND if len(self._last) > 1 else _SHORT_ROUND
        if has_numbers and 1 < since <= longest:
            self.above = title
            return True
        return False
