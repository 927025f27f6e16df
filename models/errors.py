"""The whole exception tree.

::

    HarError                        exit 1; root of everything a user may be shown
    ├── UsageError                  exit 2; the request itself cannot be meant (unknown subject, engine, unit, option)
    ├── DataError                   a recording or data set cannot be read as what it claims to be
    ├── BundleError                 a bundle is missing a part, altered, too new, or too large
    ├── ModelFileError              a model of another framework cannot be read, or holds what cannot be expressed here
    ├── CompileError                a format cannot express a layer
    ├── EngineError                 an engine is not installed, or refuses an artifact
    ├── TrainingError               training cannot start or has diverged
    └── BridgeError                 a port is missing, busy, or was unplugged; a stream is not what was promised

Each message is one sentence that says what was expected and what came; ``next_step`` says what to do about it.
Damage on the wire is not an exception: it is counted.
"""

from typing import Any, ClassVar


class HarError(Exception):
    """Root of all errors this project raises on purpose.

    Parameters
    ----------
    message
        What was expected and what came, with the file, line, port or key named.
    next_step
        What the reader can do about it, as an imperative sentence.
    **details
        The data behind the message, for programs that catch the error; readable as ``error.details``.

    Examples
    --------
    >>> error = DataError("a.csv: expected 3 numbers on line 7, got 2", next_step="Repair the line.", line=7)
    >>> str(error), error.details["line"]
    ('a.csv: expected 3 numbers on line 7, got 2. Repair the line.', 7)
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.details = details

    def __str__(self) -> str:
        if self.next_step is None:
            return self.message
        return f"{self.message.rstrip('.')}. {self.next_step}"


class UsageError(HarError):
    """The request itself cannot be meant: an unknown subject, engine, unit or option value."""

    exit_code: ClassVar[int] = 2


class DataError(HarError):
    """A recording or data set cannot be read as what it claims to be."""


class BundleError(HarError):
    """A bundle is missing a part, was altered, is too new for this version, or exceeds a size cap."""


class ModelFileError(HarError):
    """A model of another framework cannot be read, or holds a layer or an option that cannot be expressed here."""


class CompileError(HarError):
    """A target format cannot express a layer or a weight."""


class EngineError(HarError):
    """An engine is not installed, or refuses an artifact."""


class TrainingError(HarError):
    """Training cannot start, or has diverged."""


class BridgeError(HarError):
    """A serial port is missing, busy or unplugged, or a stream is not what was promised."""
