"""The argument BUNDLE of every command: a bundle's folder or zip, or the name of a released model."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from edgehar.models.zoo import DEFAULT, find_bundle, released_bundle, released_names

WHAT: Final = f"a bundle's folder or zip, or a released model ({', '.join(released_names())})."


def bundle_argument(help: str = f"The model: {WHAT}", *, metavar: str = "BUNDLE") -> Any:  # noqa: A002
    """Return the argument of a command that takes a model; a released one is named, all others are paths."""
    return typer.Argument(metavar=metavar, parser=find_bundle, help=help, show_default=False)


BundleArgument = Annotated[Path, bundle_argument()]
DefaultBundleArgument = Annotated[Path | None, bundle_argument(f"The model: {WHAT} Default: {DEFAULT}, released.")]


def or_default(bundle: Path | None) -> Path:
    """Return the bundle that was named; or the released default, which is said."""
    if bundle is not None:
        return bundle
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"No model is named: using {DEFAULT}, which is released with edgehar (others: "
        f"{', '.join(name for name in released_names() if name != DEFAULT)})."
    )
    return released_bundle(DEFAULT)
