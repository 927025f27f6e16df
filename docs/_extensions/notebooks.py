"""Notebooks as pages: their text as Markdown, their code as blocks, and a link to the file; nothing is executed.

The notebooks keep no outputs, and the tests run every cell: a page shows what is run, and a reader runs it.
"""

import json
from typing import Any, Final

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

SUFFIX: Final = ".ipynb"
_KIND: Final = "notebook"


def markdown_of(notebook: str, name: str) -> str:
    """Return a notebook's text as Markdown; ``name`` is that of its file."""
    heading, *others = (_cell(cell) for cell in json.loads(notebook)["cells"])
    title, _, text = heading.partition("\n")
    link = f"{{download}}`Download this notebook <{name}>` and run it: outputs are not kept here."
    return "\n\n".join([title, link, text, *others])


def _cell(cell: dict[str, Any]) -> str:
    """Return one cell."""
    source = "".join(cell["source"])
    return source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"


class NotebookParser(MystParser):
    """Reads a notebook as the Markdown it stands for."""

    supported = (_KIND,)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse the text of a notebook's file."""
        super().parse(markdown_of(inputstring, f"{document.settings.env.docname.rpartition('/')[2]}{SUFFIX}"), document)


def setup(app: Any) -> dict[str, Any]:
    """Register the suffix and the parser."""
    app.add_source_suffix(SUFFIX, _KIND)
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
