"""Links of a page to files of the repository that are no pages: on the site they lead to the repository's own view.

A page is read in two places: in the repository, where ``[tools](../tools/x.py)`` is a link, and on the site, where only
docs/ exists. Here such links become plain code, unless ``EDGEHAR_REPOSITORY`` names the address of the repository.
"""

import os
from pathlib import Path
from typing import Any, Final

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROOT: Final = Path(__file__).resolve().parents[2]


class RepositoryLinks(SphinxTransform):
    """Resolve links to existing files outside docs/, and to folders."""

    default_priority = 5

    def apply(self, **_: Any) -> None:
        """Replace each of them."""
        page = Path(self.env.doc2path(self.env.docname)).parent
        for kind in (addnodes.pending_xref, addnodes.download_reference):
            for node in list(self.document.findall(kind)):
                name = str(node.get("reftarget", "")).partition("#")[0]
                target = (page / name).resolve()
                is_page = target.suffix in (".md", ".ipynb") and target.is_relative_to(ROOT / "docs")
                if name and not is_page and target.exists() and target.is_relative_to(ROOT):
                    node.replace_self(_shown(node, target.relative_to(ROOT).as_posix()))


def _shown(node: nodes.Element, path: str) -> nodes.Node:
    """Return what stands on the site for a link to a path of the repository."""
    address = os.environ.get("EDGEHAR_REPOSITORY")
    if not address:
        return nodes.inline("", "", *node.children)
    return nodes.reference("", "", *node.children, refuri=f"{address.rstrip('/')}/blob/main/{path}")


def setup(app: Any) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(RepositoryLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
