"""Several sensors at once: a session for each in a thread of its own; one engine, the same sinks.

Every sensor keeps its own stream, clock, quality and account: nothing of one session is seen by another, so that what
holds for one sensor holds for each of several. They share only the engine, which computes one window at a time, and the
sinks, which take one call at a time. Labels, remarks and states say which sensor they are of.

A sensor that is unplugged ends alone. What goes wrong in another way, a question or a full disk, ends all.
"""

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.loop import LiveEnd
from edgehar.firmware_bridge.live.pipeline import Classifier, Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus, Sink
from edgehar.firmware_bridge.stream.samples import Remark


class Session(Protocol):
    """Classifies one sensor until it is told to stop."""

    def __call__(self, sinks: Sequence[Sink], *, stop: Callable[[], bool]) -> LiveEnd:
        """Run, and return how it went."""
        ...


class OneAtATime:
    """An engine that several threads use, each waiting for the other."""

    def __init__(self, engine: Classifier) -> None:
        self._engine = engine
        self._lock = threading.Lock()

    def predict(self, windows: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities of windows."""
        with self._lock:
            return self._engine.predict(windows)


class NamedSink:
    """Hand on what one sensor brings to sinks that several sensors share, with its name.

    Parameters
    ----------
    name
        Of the sensor.
    sinks
        Where it goes.
    lock
        Held during every call, so that sinks need not care for threads.
    """

    def __init__(self, name: str, sinks: Sequence[Sink], lock: threading.Lock) -> None:
        self._name = name
        self._sinks = sinks
        self._lock = lock

    def predicted(self, prediction: Prediction) -> None:
        """Hand on a label."""
        with self._lock:
            for sink in self._sinks:
                sink.predicted(dataclasses.replace(prediction, sensor=self._name))

    def remarked(self, remark: Remark) -> None:
        """Hand on a remark."""
        with self._lock:
            for sink in self._sinks:
                sink.remarked(Remark(f"{self._name}: {remark.text}", remark.warning))

    def progressed(self, status: LiveStatus) -> None:
        """Hand on how the session stands."""
        with self._lock:
            for sink in self._sinks:
                sink.progressed(dataclasses.replace(status, sensor=self._name))

    def model_changed(self, model_id: str, labels: tuple[str, ...]) -> None:
        """Hand on that another model runs."""
        with self._lock:
            for sink in self._sinks:
                sink.model_changed(model_id, labels)

    def close(self) -> None:
        """Nothing to close: the sinks belong to all."""


@dataclass(slots=True)
class _Running:
    """One session, and how it ended."""

    end: LiveEnd | None = None
    failure: BaseException | None = None


def run_sessions(
    sessions: Mapping[str, Session], sinks: Sequence[Sink], *, stop: Callable[[], bool] = lambda: False
) -> dict[str, LiveEnd]:
    """Run a session for each sensor until all have ended.

    Parameters
    ----------
    sessions
        By the name of their sensor.
    sinks
        Where labels of all go.
    stop
        Says when all should end.

    Raises
    ------
    BridgeError
        What went wrong in one of them, other than an unplugged line; all others were ended.
    """
    lock, failed = threading.Lock(), threading.Event()
    running = {name: _Running() for name in sessions}

    def run(name: str) -> None:
        try:
            sink = NamedSink(name, sinks, lock)
            running[name].end = sessions[name]([sink], stop=lambda: failed.is_set() or stop())
        except BaseException as failure:
            running[name].failure = failure
            failed.set()

    threads = [threading.Thread(target=run, args=(name,), name=f"classify {name}", daemon=True) for name in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in running.values():
        if each.failure is not None:
            raise each.failure
    return {name: each.end for name, each in running.items() if each.end is not None}
