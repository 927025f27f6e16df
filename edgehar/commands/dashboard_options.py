"""The options of commands that show a dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from edgehar.firmware_bridge.web import DEFAULT_DASHBOARD_PORT, LOOPBACK
from edgehar.models.zoo import find_bundle

DEFAULT_RECORDINGS: Final = Path("recordings")

DashboardPortOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="The dashboard's port; 0 for any.",
        show_default=f"the first free from {DEFAULT_DASHBOARD_PORT}",
    ),
]
DashboardHostOption = Annotated[
    str,
    typer.Option(help="The dashboard's address. Any but this machine's own is open to the network, with a token."),
]
RecordingsOption = Annotated[Path, typer.Option(help="Folder of what is recorded and fitted on the dashboard.")]
BrowserOption = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the dashboard in a browser.")]
AlsoOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="BUNDLE",
        parser=find_bundle,
        help="Another model to choose on the dashboard; may be repeated. Default: the released ones.",
    ),
]


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """Where the dashboard is, and what it offers.

    Parameters
    ----------
    host, port
        Where to listen; the first free port where it is None.
    recordings
        The folder of captures and fitted models.
    also
        Other bundles to offer.
    captures
        Captures to offer that lie elsewhere.
    """

    host: str = LOOPBACK
    port: int | None = None
    recordings: Path = DEFAULT_RECORDINGS
    also: Sequence[Path] = ()
    captures: Sequence[Path] = field(default_factory=tuple)
