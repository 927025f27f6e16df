"""Live labels in a program: a virtual sensor on a pseudo-terminal, read by a `for` loop."""

import gc
import os
import pty
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import edgehar
from edgehar.models.errors import BridgeError, UsageError
from edgehar.pipeline.compilers import compile_bundle


@pytest.fixture(scope="module")
def bundle(random_bundle) -> edgehar.Bundle:
    """An untrained model."""
    return compile_bundle(random_bundle("simple_rnn"))


class Sensor:
    """Prints lines into a pseudo-terminal until it is told to stop."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.port = os.ttyname(theirs)
        self._theirs = theirs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._print)
        self._thread.start()

    def _print(self) -> None:
        generator = np.random.default_rng(1)
        os.set_blocking(self._ours, False)
        while not self._stop.is_set():
            x, y, z = generator.normal((0.0, 0.0, 1.0), 0.01)
            try:
                os.write(self._ours, b"%.4f,%.4f,%.4f\n" % (x, y, z))
            except BlockingIOError:
                time.sleep(0.01)
            time.sleep(0.0005)

    def unplug(self) -> None:
        """End, as a sensor that is unplugged."""
        self._stop.set()
        self._thread.join()
        for descriptor in (self._ours, self._theirs):
            os.close(descriptor)
        self._ours = self._theirs = -1

    @property
    def is_plugged(self) -> bool:
        """Whether it was not unplugged."""
        return self._ours >= 0


@pytest.fixture
def sensor() -> Iterator[Sensor]:
    """A sensor that sends about a thousand samples a second."""
    made = Sensor()
    yield made
    if made.is_plugged:
        made.unplug()


def live_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "edgehar-live"]


@pytest.mark.parametrize("streaming", [False, True])
def test_labels_come_and_the_loop_can_be_left(sensor: Sensor, bundle: edgehar.Bundle, streaming: bool) -> None:
    found = []
    with edgehar.live(sensor.port, bundle, protocol="text", hop=20, streaming=streaming) as stream:
        for prediction in stream:
            found.append(prediction)
            if len(found) == 3:
                break
    assert all(each.label in bundle.manifest.labels and 0 < each.probability <= 1 for each in found)
    assert found[0].t_s < found[1].t_s < found[2].t_s
    assert not live_threads()
    assert list(stream) == []
    stream.close()


def test_windows_that_do_not_overlap_cannot_be_carried(sensor: Sensor, bundle: edgehar.Bundle) -> None:
    with pytest.raises(UsageError, match="so that windows of 200 overlap, got 200"):
        edgehar.live(sensor.port, bundle, protocol="text", hop=200, streaming=True)


def test_closing_in_another_thread_ends_a_loop_that_waits(bundle: edgehar.Bundle) -> None:
    ours, theirs = pty.openpty()
    stream = edgehar.live(os.ttyname(theirs), bundle, protocol="text")
    closing = threading.Timer(0.5, stream.close)
    closing.start()
    assert list(stream) == []
    closing.join()
    assert not live_threads()
    for descriptor in (ours, theirs):
        os.close(descriptor)


def test_a_duration_ends_the_loop_and_leaves_a_status(sensor: Sensor, bundle: edgehar.Bundle) -> None:
    stream = edgehar.live(sensor.port, bundle, protocol="text", unit="g", rate_hz=100.0, duration_s=1.5)
    labels = list(stream)
    assert stream.status is not None
    assert stream.status.windows == len(labels) > 0
    assert not live_threads()


def test_a_sensor_that_is_unplugged_is_an_error_after_its_labels(sensor: Sensor, bundle: edgehar.Bundle) -> None:
    stream = edgehar.live(sensor.port, bundle, protocol="text", hop=20)
    next(stream)
    sensor.unplug()
    with pytest.raises(BridgeError):
        list(stream)
    assert not live_threads()


def test_a_stream_that_nobody_holds_ends_its_thread(sensor: Sensor, bundle: edgehar.Bundle) -> None:
    for _ in edgehar.live(sensor.port, bundle, protocol="text", hop=20):
        break
    gc.collect()
    deadline_s = time.monotonic() + 60
    while live_threads() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not live_threads()


def test_what_cannot_be_opened_says_so_at_once(bundle: edgehar.Bundle, tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="nosuch"):
        edgehar.live(str(tmp_path / "nosuch"), bundle)
    with pytest.raises(UsageError, match="expected a duration above 0 s"):
        edgehar.live("/dev/null", bundle, duration_s=0)
