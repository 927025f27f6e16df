"""Errors about a file that is imported: each names the file, the line if there is one, and what answers it.

::

    DataError                   a recording that is broken, or that leaves something open: put aside in a folder
    ├── ForeignTableError       surely something else, such as another sensor: passed over in a folder
    └── UnrecognisedError       no recording was found in it: what it is, the files beside it tell
    UsageError
    └── MissingColumnError      a declared column is not there: in a folder, the same as unrecognised
"""

from edgehar.models.errors import DataError, UsageError


class ForeignTableError(DataError):
    """A file that is surely no recording of acceleration: passed over in a folder, refused alone."""


class UnrecognisedError(DataError):
    """A file in which no recording was found; a broken one and a table of something else look alike."""


class MissingColumnError(UsageError):
    """A declared column is not in the file."""


def refusal(name: str, sentence: str, *, line: int | None = None, next_step: str | None = None) -> DataError:
    """Return the error for a file that is not what it must be, or that leaves something open."""
    place = name if line is None else f"{name}, line {line}"
    return DataError(f"{place}: {sentence}", next_step=next_step or "Repair the file.", path=name, line=line)


def foreign(name: str, sentence: str, *, next_step: str | None = None) -> ForeignTableError:
    """Return the error for a table of something else."""
    step = next_step or "Choose the file of the accelerometer."
    return ForeignTableError(f"{name}: {sentence}", next_step=step, path=name)


def unrecognised(
    name: str, sentence: str, *, line: int | None = None, next_step: str | None = None
) -> UnrecognisedError:
    """Return the error for a file in which no recording was found."""
    error = refusal(name, sentence, line=line, next_step=next_step)
    return UnrecognisedError(error.message, next_step=error.next_step, **error.details)
