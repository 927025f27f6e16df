"""How `har live` ends: a summary, and the exit code that tells how it went."""

import json
from collections.abc import Mapping

import typer

from edgehar.commands.interruption import StopRequest
from edgehar.firmware_bridge.line.transport import has_ended
from edgehar.firmware_bridge.live.loop import LiveEnd
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.models.errors import BridgeError
from edgehar.models.foreign_text import printable
from edgehar.models.units import UNIT_HELP


def report_ends(ends: Mapping[str, LiveEnd], *, to_json: bool, to_stderr: bool) -> None:
    """Print the summary: of one sensor, or of each of several."""
    if to_json:
        facts = [{**({"sensor": name} if name else {}), **end.status.to_json()} for name, end in ends.items()]
        typer.echo(json.dumps({"sensors": facts} if "" not in ends else facts[0], ensure_ascii=False))
        return
    for name, end in ends.items():
        typer.echo(printable(f"{name}: " if name else "") + end.status.sentence(), err=to_stderr)


def exit_as_it_went(
    ends: Mapping[str, LiveEnd], ports: Mapping[str, str], stop: StopRequest, *, listened_s: float
) -> None:
    """End with the exit code that tells how it went."""
    for end in ends.values():
        if end.error is not None and not has_ended(end.error):
            raise end.error
    if stop():
        raise typer.Exit(stop.exit_code)
    for name, end in ends.items():
        if not end.status.counts.samples:
            raise _no_sample(end.status, ports[name], listened_s)


def _no_sample(status: LiveStatus, port: str, listened_s: float) -> BridgeError:
    """Return the error of a stream that had no sample in it."""
    if status.counts.implausible:
        expected = "expected samples in the declared unit"
        got = f"{status.counts.implausible:,} lines, all with values that no accelerometer measures"
        next_step = f"Pass the --unit the sensor sends: {UNIT_HELP}."
    else:
        expected = "expected samples, as frames or lines of text"
        got = f"{status.counts.bytes_read:,} bytes and not one sample in {listened_s:.0f} s"
        next_step = "Check the wiring, --baud, and that the sensor sends frames or one x,y,z line a sample."
    return BridgeError(f"{port}: {expected}, got {got}", next_step=next_step, port=port)
