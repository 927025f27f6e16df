"""How the pages of docs/ become a site: `tools/build_site.sh` builds it, with warnings as errors."""

import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

from edgehar.models import __version__

project = "edgehar"
author = "the authors of edgehar"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
extensions += ["notebooks", "reference_pages", "repository_links"]
exclude_patterns = ["_extensions"]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"edgehar {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#7cb8f5", "color-brand-content": "#7cb8f5"},
}
copybutton_exclude = ".linenos, .gp"
smartquotes = False
suppress_warnings = ["myst.header"]


def setup(app: Any) -> None:
    """Name what Pygments does not know: bytes of the protocol, in hexadecimal."""
    app.add_lexer("hex", TextLexer)
