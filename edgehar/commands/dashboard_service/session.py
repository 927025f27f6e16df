"""The dashboard of a live session: server, service, sink and recorder together."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from edgehar.commands.dashboard_options import DashboardOptions
from edgehar.commands.dashboard_service.catalog import Catalog
from edgehar.commands.dashboard_service.service import DashboardService, Running
from edgehar.firmware_bridge.live.loop import LiveLoop
from edgehar.firmware_bridge.live.sinks.dashboard import DashboardSink
from edgehar.firmware_bridge.record.takes_in_background import TakeRecorder
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.web.dashboard_server import DashboardServer
from edgehar.firmware_bridge.web.mailboxes import Mailboxes
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.models.errors import BridgeError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Mounting
from edgehar.models.zoo import released_bundle, released_names

_LOOK_EVERY_S: Final = 0.2


class DashboardSession:
    """A dashboard that runs until it is closed.

    Parameters
    ----------
    options
        Where and what.
    path, bundle, engine
        The model to begin with.
    port
        Where the sensor is; None where there is none, only captures to play.
    mounting
        How it is mounted, where that is not as in training.
    gyroscope_unit
        Of the turning rate that a sensor of text sends, as captures keep it.

    Raises
    ------
    BridgeError
        When the package websockets is missing.
    UsageError
        When nothing can be listened at there.
    """

    def __init__(
        self,
        options: DashboardOptions,
        path: Path,
        bundle: Bundle,
        engine: Engine,
        *,
        port: str | None,
        mounting: Mounting | None = None,
        gyroscope_unit: str | None = None,
    ) -> None:
        self._mailboxes = Mailboxes()
        catalog = Catalog(options.recordings, tuple(options.captures))
        first = catalog.add(path, bundle)
        released = [released_bundle(name) for name in released_names()]
        for each in dict.fromkeys((*options.also, *released)):
            if each.resolve() != path.resolve():
                catalog.add(each)
        manifest = bundle.manifest
        self.sink = DashboardSink(
            self._mailboxes.publish, labels=manifest.labels, model_id=manifest.model_id, port=printable(port or "")
        )
        self._rate_hz = manifest.window.rate_hz
        running = Running(first.name, engine.name, engine.quantization)
        self._service = DashboardService(
            catalog, self._mailboxes, running, sink=None if port is None else self.sink, mounting=mounting
        )
        self._server = DashboardServer(self._service, self._mailboxes, host=options.host, port=options.port)
        if port is not None:
            self._service.recorder = TakeRecorder(
                options.recordings,
                source=port,
                stream=self._stream,
                changed=self._service.recorder_changed,
                turning_unit=gyroscope_unit or "",
            )

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return self._server.url

    def invitation(self) -> str:
        """Return what to tell a person."""
        said = f"dashboard: {self.url}"
        if self._server.is_exposed:
            said += (
                "\nOther machines can open it with this address, token and all. It is sent in the clear: use it in a "
                "network that you trust."
            )
        return said

    def watch(self, loop: LiveLoop) -> None:
        """Let pages change the model of a loop."""
        self._service.loop = loop

    def sampled(self, block: SampleBlock) -> None:
        """Take samples, for the picture and the recorder; returns at once."""
        self.sink.sampled(block)
        if self._service.recorder is not None:
            self._service.recorder.sampled(block)

    def serve_on(self, why: str, *, stop: Callable[[], bool]) -> None:
        """Say that the session has ended, and let pages play and fit until told to stop."""
        self._service.ended(why)
        sys.stderr.write(f"{printable(why)}\nThe dashboard stays: {self.url} until Ctrl-C.\n")
        self.wait(stop)

    def wait(self, stop: Callable[[], bool]) -> None:
        """Serve pages until told to stop."""
        while not stop():
            time.sleep(_LOOK_EVERY_S)

    def staying(
        self, stop: Callable[[], bool]
    ) -> Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], None]:
        """Return what an ExitStack calls: after an error of the session, pages are served on until told to stop."""

        def stay(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            if isinstance(error, BridgeError) and not stop():
                self.serve_on(str(error), stop=stop)

        return stay

    def close(self) -> None:
        """End everything; closing twice is fine."""
        with contextlib.ExitStack() as ending:
            ending.callback(self._server.close)
            ending.callback(self._service.close)

    def _stream(self) -> tuple[str, float]:
        """Return the unit in which the sensor sends, as far as it is known, and its rate."""
        loop = self._service.loop
        found = None if loop is None else loop.stream
        unit, rate_hz = found or (None, None)
        return "" if unit is None else unit.name, self._rate_hz if rate_hz is None else rate_hz
