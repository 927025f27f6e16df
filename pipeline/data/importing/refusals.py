"""Errors about a file that is imported: each names the file, the line if there is one, and what answers it."""

from edgehar.models.errors import DataError


class ForeignTableError(DataError):
    """A readable table that is no recording of acceleration: passed over in a folder, refused alone."""


def refusal(name: str, sentence: str, *, line: int | None = None, next_step: str | None = None) -> DataError:
    """Return the error for a file that is not what it must be, or that leaves something open."""
    place = name if line is None else f"{name}, line {line}"
    return DataError(f"{place}: {sentence}", next_step=next_step or "Repair the file.", path=name, line=line)


def foreign(name: str, sentence: str, *, next_step: str | None = None) -> ForeignTableError:
    """Return the error for a table of something else."""
    step = next_step or "Choose the file of the accelerometer."
    return ForeignTableError(f"{name}: {sentence}", next_step=step, path=name)
