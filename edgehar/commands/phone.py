"""`har phone`: put a bundle's model into a page that runs on a phone."""

import json
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from edgehar.commands.bundle_argument import BundleArgument
from edgehar.commands.destination import check_writable
from edgehar.commands.interruption import stop_on_signals
from edgehar.commands.phone_invitation import print_invitation
from edgehar.commands.terminal_text import escape
from edgehar.firmware_bridge.web.https_server import serve_https
from edgehar.firmware_bridge.web.inbox import Inbox
from edgehar.firmware_bridge.web.phone_folder import FORMAT, check_destination, phone_files, write_phone_folder
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.portable.tables import FLOAT32
from edgehar.pipeline.compilers import Target, compile_bundle

_PORT: Final = 8443
_INBOX: Final = Path("phone-recordings")
_WHOLE_NETWORK: Final = "0.0.0.0"
_LOOK_EVERY_S: Final = 0.2
AUTO: Final = "auto"


def phone(
    bundle: BundleArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of the page; written whole, or not at all.", show_default="none is written"
        ),
    ] = None,
    quantization: Annotated[
        str, typer.Option(help="float32, int8 (integers alone), or auto: float32 where the bundle has it.")
    ] = AUTO,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it on the local network, and show a QR code.")] = False,
    host: Annotated[
        str, typer.Option(help="With --serve: the address to listen at; 0.0.0.0 for the whole network.")
    ] = _WHOLE_NETWORK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve: the port; 0 for any.")] = _PORT,
    inbox: Annotated[
        Path, typer.Option(metavar="DIR", help="With --serve: folder for the recordings that the page sends.")
    ] = _INBOX,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a page that classifies on a phone, and records: no app, no account, no network once it is open.

    Any web server with HTTPS serves the folder; browsers give no accelerometer to pages over plain HTTP. Recordings
    that the page exports are read by `har data import`. Tables of the C engine are compiled where the bundle has none.
    """
    if out is None and not serve:
        raise UsageError("expected --out DIR, --serve or both, got neither", next_step="Pass --out phone, for example.")
    if out is not None:
        check_destination(out)
    general = read_bundle(bundle)
    check_recognises_activities(general.manifest, for_what="phone", gyroscope=True)
    model, chosen = _with_tables(general, quantization)
    files = phone_files(model, quantization=chosen)
    size = sum(map(len, files.values()))
    if out is not None:
        write_phone_folder(files, out)
    if not as_json and out is not None:
        console = Console(highlight=False, soft_wrap=True)
        console.print(escape(f"{out}: {len(files)} files, {size / 1000:,.0f} KB"))
        console.print(escape(f"Put it on any web server with HTTPS, or look at it here: har phone {bundle} --serve"))
    if as_json and not serve:
        typer.echo(json.dumps({"folder": str(out), "files": sorted(files), "bytes": size}))
    if serve:
        check_writable(inbox, option="--inbox")
        box = Inbox(inbox, on_received=_print_received)
        _serve(files, out, size, inbox=box, host=host, port=port, as_json=as_json)


def _with_tables(bundle: Bundle, quantization: str) -> tuple[Bundle, str]:
    """Return the bundle and the quantization to use; float tables are made of its weights where it has none at all."""
    there = [entry.quantization for entry in bundle.manifest.artifacts if entry.format == FORMAT]
    chosen = quantization
    if quantization == AUTO:
        chosen = FLOAT32 if FLOAT32 in there or not there else there[0]
    if chosen == FLOAT32 and FLOAT32 not in there:
        return compile_bundle(bundle, [Target(FORMAT, FLOAT32)]), FLOAT32
    return bundle, chosen


def _serve(
    files: dict[str, bytes], out: Path | None, size: int, *, inbox: Inbox, host: str, port: int, as_json: bool
) -> None:
    """Serve the files, and take recordings, until Ctrl-C."""
    with serve_https(files, host=host, port=port, inbox=inbox) as served:
        url = f"{served.url}#{inbox.token}"
        if as_json:
            folder = None if out is None else str(out)
            typer.echo(json.dumps({"folder": folder, "files": sorted(files), "bytes": size, "url": url}))
        else:
            print_invitation(url)
            typer.echo(
                "To install the page and use it without a network, put a folder of --out on a server with HTTPS."
            )
            typer.echo(f"Recordings that the page sends go into {printable(str(inbox.folder))}. Ctrl-C ends it.")
        with stop_on_signals() as stop:
            while not stop():
                time.sleep(_LOOK_EVERY_S)
    raise typer.Exit(stop.exit_code)


def _print_received(path: Path) -> None:
    """Say what came, and what to do with it; on stderr, for stdout may be JSON."""
    said = f"{path}: {path.stat().st_size:,} bytes. Read it: har data import {path} --out recordings"
    typer.echo(printable(said), err=True)
