"""How `har live` listens to its sensors: what was declared about the stream, and a session for each sensor."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgehar.commands.sensors import Sensor
from edgehar.firmware_bridge.line.reader import Line
from edgehar.firmware_bridge.live.loop import LiveEnd, LiveLoop
from edgehar.firmware_bridge.live.pipeline import Classifier
from edgehar.firmware_bridge.live.several import Session
from edgehar.firmware_bridge.live.sinks import Sink
from edgehar.firmware_bridge.session.protocol_detection import detect_protocol
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.units import Unit

if TYPE_CHECKING:
    from edgehar.commands.dashboard_service.session import DashboardSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What was declared about the sensors, the same for all of them; None is found out or left to the model.

    Parameters
    ----------
    protocol
        ``auto``, ``frames`` or ``text``.
    unit, gyroscope_unit, rate_hz
        Of the samples.
    hop
        Samples between two labels.
    duration_s
        When to stop.
    raw
        Whether every window is labelled alone, without the decoder.
    lag_s
        How long a label waits for what comes after its window.
    bridge_s
        The longest gap that is interpolated.
    baud
        Of the serial line.
    """

    protocol: str
    unit: Unit | None
    gyroscope_unit: str | None
    rate_hz: float | None
    hop: int | None
    duration_s: float | None
    raw: bool
    lag_s: float
    bridge_s: float
    baud: int

    def session(
        self,
        line: Line,
        sensor: Sensor,
        engine: Classifier,
        manifest: Manifest,
        *,
        text_only: bool,
        watched: "DashboardSession | None",
    ) -> Session:
        """Return what listens to one sensor until it is told to stop; its time begins now.

        Parameters
        ----------
        line
            An open line.
        sensor
            Which sensor of the line, and how its columns are called.
        engine, manifest
            What classifies.
        text_only
            Whether other sensors share the line, which only lines of text allow.
        watched
            The dashboard, if there is one.
        """
        protocol = "text" if text_only else self.protocol
        began_s = time.monotonic()

        def session(sinks: Sequence[Sink], *, stop: Callable[[], bool]) -> LiveEnd:
            detected = detect_protocol(
                line,
                protocol=protocol,
                longest_s=self.duration_s,
                on_silence=_silence_reporter(sinks, sensor.port, self.baud),
                stop=stop,
            )
            left_s = None if self.duration_s is None else self.duration_s - (time.monotonic() - began_s)
            loop = LiveLoop.for_model(
                line,
                engine,
                manifest,
                unit=self.unit,
                columns=sensor.columns,
                gyroscope_unit=self.gyroscope_unit,
                sensor=sensor.choice,
                rate_hz=self.rate_hz,
                hop=self.hop,
                baud=self.baud,
                raw=self.raw,
                lag_s=self.lag_s,
                bridge_s=self.bridge_s,
                hello=detected.hello,
                may_be_frames=protocol == "auto",
                arrived=detected.arrivals,
            )
            if watched is None:
                return loop.run(sinks, duration_s=left_s, stop=stop)
            watched.watch(loop)
            return loop.run(sinks, duration_s=left_s, stop=stop, on_block=watched.sampled)

        return session


def _silence_reporter(sinks: Sequence[Sink], port: str, baud: int) -> Callable[[], None]:
    """Return what reports to a person that nothing has arrived yet."""
    text = (
        f"{port}: nothing has arrived yet; is the sensor on, and sending at {baud} baud? A device that waits to be "
        "asked needs --protocol frames"
    )

    def report() -> None:
        for sink in sinks:
            sink.remarked(Remark(text, warning=True))

    return report
