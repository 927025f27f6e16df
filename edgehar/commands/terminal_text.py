"""Foreign text in Rich's output: made harmless for the terminal, and its brackets kept from being read as markup."""

from rich import markup

from edgehar.models.foreign_text import LONGEST, printable


def escape(text: object, limit: int = LONGEST) -> str:
    """Return text that others wrote, such as labels and names of files, for a table or a print of Rich.

    Examples
    --------
    >>> escape("[red]a\\x1b[0m")
    '\\\\[red]a·[0m'
    """
    return markup.escape(printable(str(text), limit))
