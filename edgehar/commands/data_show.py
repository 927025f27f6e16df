"""`har data show`: recordings as one page to look at."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edgehar.commands.page_file import check_page_destination
from edgehar.commands.progress import progress_bar
from edgehar.models.files import atomic_path
from edgehar.models.foreign_text import printable
from edgehar.pipeline.data.readers import FORMATS, load_dataset


def show(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Recordings of any kind that har data import reads.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = Path("recordings.html"),
    format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "auto",  # noqa: A002
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one page that shows recordings: who did what, how it looks, where gravity points, rates, gaps, problems.

    A wrong unit, a swapped axis or lost samples are seen there. The page is one file that needs nothing else.
    """
    # The page's charts load when a page is wanted.
    from edgehar.pipeline.data.overview.page import dataset_page

    check_page_destination(out)
    with progress_bar("reading") as advance:
        dataset = load_dataset(path, format=format, progress=advance)
    page = dataset_page(dataset, place=path)
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    if as_json:
        facts = {"page": str(out), "bytes": len(page.encode()), "recordings": len(dataset.recordings)}
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo(printable(f"Wrote {out}. Open it in a browser."))
