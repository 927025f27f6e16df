"""Where `har live` sends labels: to a person, a file, a broker, a page."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import typer
from rich.console import Console

from edgehar.commands.dashboard_options import DashboardOptions
from edgehar.firmware_bridge.live.sinks import Sink
from edgehar.firmware_bridge.live.sinks.json_lines import JsonLinesSink
from edgehar.firmware_bridge.live.sinks.plain_lines import PlainLinesSink
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Mounting

if TYPE_CHECKING:
    from edgehar.commands.dashboard_service.session import DashboardSession

STDOUT: Final = "-"


def _open_jsonl(jsonl: str | None, opened: contextlib.ExitStack) -> TextIO | None:
    """Return where JSON lines go."""
    if jsonl is None:
        return None
    if jsonl == STDOUT:
        return sys.stdout
    try:
        file = Path(jsonl).open("w", encoding="utf-8")  # noqa: SIM115 (closed by the stack)
    except OSError as error:
        raise UsageError(
            f"{jsonl}: expected a file to write labels to, got {error.strerror}",
            next_step="Choose another --jsonl.",
            path=jsonl,
        ) from error
    opened.callback(_close_quietly, file)
    return file


def _close_quietly(file: TextIO) -> None:
    """Close a file of labels; what a full disk did not take was said when it was written."""
    with contextlib.suppress(OSError):
        file.close()


def open_dashboard(
    where: DashboardOptions,
    path: Path,
    model: Bundle,
    runner: Engine,
    mounting: Mounting | None,
    port: str,
    opened: contextlib.ExitStack,
    *,
    gyroscope_unit: str | None,
) -> "DashboardSession":
    """Return the dashboard, and say where it is."""
    from edgehar.commands.dashboard_service.session import DashboardSession

    session = DashboardSession(where, path, model, runner, port=port, mounting=mounting, gyroscope_unit=gyroscope_unit)
    opened.callback(session.close)
    typer.echo(session.invitation(), err=True)
    return session


def open_mqtt(url: str, model: Bundle, opened: contextlib.ExitStack, *, announce: bool) -> Sink:
    """Return the sink that publishes labels."""
    from edgehar.firmware_bridge.live.sinks.mqtt import MqttSink

    sink = MqttSink(url, labels=model.manifest.labels, model_id=model.manifest.model_id, announce=announce)
    opened.callback(sink.close)
    return sink


def open_sinks(
    model: Bundle, title: str, jsonl: str | None, opened: contextlib.ExitStack, *, show_labels: bool, plain: bool
) -> list[Sink]:
    """Return where labels go: a file, and one sink for a person."""
    labels = model.manifest.labels
    sinks: list[Sink] = []
    labels_file = _open_jsonl(jsonl, opened)
    if labels_file is not None:
        sinks.append(JsonLinesSink(labels_file, name=jsonl or "", labels=labels))
    console = Console()
    if not show_labels or jsonl == STDOUT:
        sinks.append(PlainLinesSink(labels_to=None, remarks_to=sys.stderr))
    elif console.is_terminal and not plain:
        from edgehar.firmware_bridge.live.sinks.terminal import TerminalView

        sinks.append(TerminalView(console, title=printable(title), labels=labels))
    else:
        sys.stderr.write(f"{printable(title)}\n")
        sinks.append(PlainLinesSink(labels_to=sys.stdout, remarks_to=sys.stderr))
    for sink in sinks:
        opened.callback(sink.close)
    return sinks
