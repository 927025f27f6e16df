"""Subjects as people write them on a command line: 4,8,12."""

from edgehar.models.errors import UsageError


def parse_subjects(text: str, *, option: str) -> tuple[str, ...]:
    """Return the names between the commas.

    Raises
    ------
    UsageError
        If there is none.

    Examples
    --------
    >>> parse_subjects("4, 8,12", option="--subjects")
    ('4', '8', '12')
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError(f"{option}: expected subjects such as 4,8,12, got {text!r}", next_step="Name at least one.")
    return names
