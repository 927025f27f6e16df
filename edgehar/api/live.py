"""Live labels for programs: a sensor on a line as a stream of predictions.

A thread reads the line, classifies, and puts every prediction into a queue; the program takes them from there. The
thread knows the queue and a flag to stop, and not the stream: a stream that nobody holds any more ends its thread.
"""

import contextlib
import logging
import queue
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from edgehar.api.inference import Model, open_bundle
from edgehar.firmware_bridge.line.reader import LineReader
from edgehar.firmware_bridge.line.reconnection import open_reader
from edgehar.firmware_bridge.line.transport import DEFAULT_BAUD, has_ended
from edgehar.firmware_bridge.live.loop import LiveLoop
from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.session.protocol_detection import detect_protocol
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.web.phone_address import line_opener
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.models.errors import UsageError
from edgehar.models.stateful.windows import stream_engine
from edgehar.models.units import Unit, parse_unit

_MOST_WAITING: Final = 1000
"""Predictions that wait for the program; the line's own reader bounds, and counts, what it then throws away."""
_TICK_S: Final = 0.1
_JOIN_S: Final = 5.0
_log = logging.getLogger("edgehar.live")


class LiveStream:
    """Predictions of a sensor, as they come; an iterator and a context manager.

    Made by `edgehar.live`. Remarks (an unplugged sensor, a unit that cannot be) go to the logger ``edgehar.live``.

    Attributes
    ----------
    status
        Samples, losses, measured rate and latency so far; None before the first second is over.
    """

    def __init__(self, session: "_Session") -> None:
        self._session = session
        self._thread = threading.Thread(target=session.run, name="edgehar-live", daemon=True)
        self._finalizer = weakref.finalize(self, session.stop.set)
        self._ended = False
        self._thread.start()

    def __iter__(self) -> Iterator[Prediction]:
        return self

    def __next__(self) -> Prediction:
        """Wait for the next label.

        Raises
        ------
        StopIteration
            When the stream was closed, or its duration is over.
        BridgeError
            When the sensor was unplugged and is not waited for, or the stream is not what was promised.
        """
        if self._ended:
            raise StopIteration
        item = self._session.labels.get()
        if isinstance(item, Prediction):
            return item
        self.close()
        if isinstance(item, BaseException):
            raise item
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def status(self) -> LiveStatus | None:
        """How the session stands, or at its end how it went."""
        return self._session.status

    def close(self) -> None:
        """Stop reading and close the port; closing twice is fine."""
        self._ended = True
        self._finalizer()
        # Another thread may wait for a label; where there is no room, it does not wait.
        with contextlib.suppress(queue.Full):
            self._session.labels.put_nowait(None)
        if self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)


def live(
    port: str,
    bundle: Model,
    *,
    unit: str | None = None,
    columns: tuple[str, ...] | None = None,
    gyroscope_unit: str | None = None,
    rate_hz: float | None = None,
    hop: int | None = None,
    duration_s: float | None = None,
    protocol: str = "auto",
    reconnect: bool | None = None,
    raw: bool = False,
    bridge_s: float = 0.05,
    baud: int = DEFAULT_BAUD,
    engine: str = "auto",
    quantization: str = "float32",
    streaming: bool | None = None,
) -> LiveStream:
    """Classify a sensor live: ``for label in edgehar.live(port, bundle): ...``.

    Use it in a ``with`` statement where the loop may be left early, so that the port is free again at once.

    Parameters
    ----------
    port
        ``/dev/ttyUSB0``, ``COM3``, ``usb:VENDOR:PRODUCT[:SERIAL]``, ``ble:NAME``, ``socket://HOST:PORT``,
        ``rfc2217://HOST:PORT``, ``udp://:PORT``, ``ws://[HOST]:PORT``, ``http://:PORT``,
        ``phyphox://HOST``, ``phone://`` (its page is logged), or ``-`` for standard input.
    bundle
        The model, or the path of one.
    unit
        What a sensor of text lines prints: ``g``, ``m/s2``, or ``raw:SCALE`` with SCALE in counts per g. Default: what
        its text says, or gravity.
    columns
        Names or numbers, from 1, of x, y and z in a line of text. Default: found by their names or by gravity. For a
        model that takes the turning rate, six, those of the gyroscope last.
    gyroscope_unit
        ``deg/s``, ``rad/s`` or ``mdeg/s``, for such a model.
    rate_hz
        Samples a second the sensor sends. Default: measured. Binary frames say it themselves.
    hop
        Samples between two labels. Default: the model's.
    duration_s
        End after so many seconds. Default: never.
    protocol
        ``auto``, ``frames`` or ``text``.
    reconnect
        Whether to wait for a sensor that was unplugged. Default: for USB devices.
    raw
        Label every window alone, without the bundle's decoder.
    bridge_s
        Interpolate, and mark, gaps of up to so many seconds; 0 bridges none.
    baud
        Bits a second, as the sensor was set to.
    engine, quantization
        What computes, and which artifact of the bundle.
    streaming
        Carry the state from window to window instead of resetting it. Default: as the model was trained.

    Returns
    -------
    LiveStream
        Yields `Prediction`: ``t_s``, ``label``, ``probability``, ``lost_samples`` and more.

    Raises
    ------
    BridgeError
        If the port cannot be opened.
    UsageError
        If a number, a unit or a protocol cannot be meant, or ``streaming`` is for a model that has no state.
    """
    if duration_s is not None and not duration_s > 0:
        raise UsageError(f"expected a duration above 0 s, got {duration_s:g}", next_step="Leave it out to go on.")
    declared, model = None if unit is None else parse_unit(unit), open_bundle(bundle)
    runner = stream_engine(model, engine, quantization, hop=hop or model.manifest.window.hop, streaming=streaming)
    options = _Options(declared, columns, gyroscope_unit, rate_hz, hop, duration_s, protocol, raw, bridge_s, baud)
    reader = open_reader(port, baud=baud, reconnect=reconnect, opening=line_opener(_say_page))
    return LiveStream(_Session(reader, model, runner, options))


def _say_page(url: str) -> None:
    """Log where a phone that shall be a sensor finds its page."""
    _log.warning("open this page on the phone: %s", url)


@dataclass(frozen=True, slots=True)
class _Options:
    """What was asked for, beside port and model."""

    unit: Unit | None
    columns: tuple[str, ...] | None
    gyroscope_unit: str | None
    rate_hz: float | None
    hop: int | None
    duration_s: float | None
    protocol: str
    raw: bool
    bridge_s: float
    baud: int


@dataclass(slots=True)
class _Session:
    """The thread's part: a sink that puts predictions into the queue, and the loop that feeds it."""

    reader: LineReader
    model: Bundle
    engine: Engine
    options: _Options
    stop: threading.Event = field(default_factory=threading.Event)
    labels: "queue.Queue[Prediction | BaseException | None]" = field(
        default_factory=lambda: queue.Queue(maxsize=_MOST_WAITING)
    )
    status: LiveStatus | None = None

    def run(self) -> None:
        """Classify until told to stop, and say how it ended: an error, or None."""
        ended_by: BaseException | None = None
        try:
            ended_by = self._classify()
        except Exception as error:
            ended_by = error
        finally:
            self.reader.close()
            self._put(ended_by)

    def _classify(self) -> BaseException | None:
        """Find out what the sensor speaks, and classify; return what ended the line, if that is what ended it."""
        options, began_s = self.options, time.monotonic()
        detected = detect_protocol(
            self.reader,
            protocol=options.protocol,
            longest_s=options.duration_s,
            on_silence=self._tell_silence,
            stop=self.stop.is_set,
        )
        loop = LiveLoop.for_model(
            self.reader,
            self.engine,
            self.model.manifest,
            unit=options.unit,
            columns=options.columns,
            gyroscope_unit=options.gyroscope_unit,
            rate_hz=options.rate_hz,
            hop=options.hop,
            baud=options.baud,
            raw=options.raw,
            bridge_s=options.bridge_s,
            hello=detected.hello,
            may_be_frames=options.protocol == "auto",
            arrived=detected.arrivals,
        )
        left_s = None if options.duration_s is None else options.duration_s - (time.monotonic() - began_s)
        error = loop.run([self], duration_s=left_s, stop=self.stop.is_set).error
        return None if error is not None and has_ended(error) else error

    def predicted(self, prediction: Prediction) -> None:
        """Hand on a label."""
        self._put(prediction)

    def remarked(self, remark: Remark) -> None:
        """Log what a person should know."""
        _log.log(logging.WARNING if remark.warning else logging.INFO, "%s", remark.text)

    def progressed(self, status: LiveStatus) -> None:
        """Keep how the session stands."""
        self.status = status

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Nothing to do: this session keeps its model."""

    def close(self) -> None:
        """Nothing to close: the thread closes the reader."""

    def _tell_silence(self) -> None:
        """Log that nothing has come yet."""
        _log.warning("%s: nothing has arrived yet; is the sensor on?", self.reader.name)

    def _put(self, item: Prediction | BaseException | None) -> None:
        """Wait for room in the queue, until nobody wants the item any more."""
        while not self.stop.is_set():
            try:
                self.labels.put(item, timeout=_TICK_S)
                return
            except queue.Full:
                continue
