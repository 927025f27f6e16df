"""Foreign text in the benchmark's tables: made harmless for the terminal, and kept from being read as markup."""

from rich import markup

from edgehar.models.foreign_text import printable


def escape(text: str) -> str:
    """Return text that others wrote, such as names of files, for Rich; its lines stay apart."""
    return markup.escape("\n".join(map(printable, text.split("\n"))))
