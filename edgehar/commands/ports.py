"""`har ports`: the serial ports of this machine."""

import dataclasses
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edgehar.commands.terminal_text import escape
from edgehar.firmware_bridge.line.serial_port import PortInfo, how_to_get_access, list_ports
from edgehar.models.foreign_text import printable


def ports(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the serial ports of this machine."""
    found = list_ports()
    if as_json:
        typer.echo(json.dumps({"ports": [dataclasses.asdict(port) for port in found]}, ensure_ascii=False))
        return
    if not found:
        typer.echo("No serial port found. Plug a sensor in, or make a virtual one: har simulate --help.", err=True)
        return
    Console().print(_table(found))
    for port in found:
        if not port.accessible:
            typer.echo(printable(f"{port.device}: no permission. {how_to_get_access(port.device)}"), err=True)


def _table(found: list[PortInfo]) -> Table:
    """Return the ports as a table."""
    table = Table(box=None, pad_edge=False)
    for title in ("port", "description", "made by", "USB id", "serial number"):
        table.add_column(title)
    for port in found:
        description = port.description if port.description != port.device else ""
        cells = (port.device, description, port.manufacturer, port.usb, port.serial_number)
        table.add_row(*map(escape, cells))
    return table
