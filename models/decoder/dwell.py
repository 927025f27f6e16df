"""Dwell: a label stays until another one has led for long enough."""


class Dwell:
    """Hold a label until another one has led for long enough.

    Examples
    --------
    >>> hold = Dwell(2)
    >>> [hold.feed(label) for label in (4, 7, 4, 7, 7, 7)]
    [4, 4, 4, 4, 7, 7]
    """

    def __init__(self, windows: int) -> None:
        self._needed = max(1, windows)
        self._shown: int | None = None
        self._challenger: int | None = None
        self._led = 0

    def feed(self, label: int) -> int:
        """Take the label of one window; return the one to show."""
        if self._shown is None or label == self._shown:
            self._shown, self._led = label, 0
            return label
        self._led = self._led + 1 if label == self._challenger else 1
        self._challenger = label
        if self._led >= self._needed:
            self._shown, self._led = label, 0
        return self._shown

    def restart(self) -> None:
        """Forget what was before: the next label shows at once."""
        self._shown = self._challenger = None
        self._led = 0
