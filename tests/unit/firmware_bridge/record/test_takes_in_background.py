"""Takes recorded beside a live session: whole, labelled, in files that import; what goes wrong ends them alone."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.record import takes_in_background
from edgehar.firmware_bridge.record.script import Step
from edgehar.firmware_bridge.record.take_state import RecorderState
from edgehar.firmware_bridge.record.takes_in_background import SCREEN_S, TakeRecorder
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.models.capture_file import read_capture, takes_of
from edgehar.pipeline.data.readers.capture import read

PATIENCE_S = 60
"""How long a busy machine is waited for."""


def block(first: int, count: int, *, continues: bool = True, lost: int = 0) -> SampleBlock:
    """Return samples numbered from ``first`` at 100 Hz: x is the number."""
    numbers = np.arange(first, first + count)
    samples = np.stack([numbers, 0 * numbers, 0 * numbers + 1], axis=1).astype(np.float32)
    return SampleBlock(samples, numbers / 100, time.monotonic(), lost, continues)


class Session:
    """A recorder that is fed, and waited for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.states: list[RecorderState] = []
        self.recorder = TakeRecorder(folder, source="/dev/x", stream=lambda: ("g", 100.0), changed=self.states.append)
        self.sent = 0

    def send(self, count: int) -> None:
        """Send samples in blocks of twenty."""
        for _ in range(count // 20):
            self.recorder.sampled(block(self.sent, 20))
            self.sent += 20

    def settle(self, until: Callable[[RecorderState], bool]) -> RecorderState:
        """Wait until the recorder stands like this."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not until(self.recorder.state):
            assert time.monotonic() < deadline_s, self.recorder.state
            time.sleep(0.01)
        return self.recorder.state

    @property
    def captures(self) -> list[Path]:
        return sorted(self.folder.glob("*.harcap"))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path / "recordings")
    try:
        yield made
    finally:
        made.recorder.close()


def test_a_take_holds_every_sample_between_begin_and_end(session: Session) -> None:
    session.send(100)
    session.recorder.begin("Walking <b>", subject="7")
    session.settle(lambda state: bool(state.activity))
    session.send(300)
    session.recorder.end()
    state = session.settle(lambda state: bool(state.takes))
    session.send(100)
    session.recorder.close()
    assert [(take.activity, take.subject) for take in state.takes] == [("Walking <b>", "7")]
    (path,) = session.captures
    recording = read(path).recordings[0]
    assert recording.samples[:, 0].tolist() == list(range(100, 400))
    assert [(label.start, label.stop, label.activity) for label in recording.labels] == [(0, 300, "Walking <b>")]
    assert (recording.subject, recording.rate_hz, recording.problems) == ("7", 100.0, ())


def test_what_is_on_the_screen_can_be_kept_once(session: Session) -> None:
    session.send(1500)
    session.recorder.keep_screen("Sitting", subject="7")
    session.settle(lambda state: len(state.takes) == 1)
    session.recorder.keep_screen("Sitting", subject="7")
    session.settle(lambda state: bool(state.problem))
    session.send(200)
    session.recorder.keep_screen("Standing", subject="7")
    state = session.settle(lambda state: len(state.takes) == 2)
    assert state.problem == ""
    session.recorder.close()
    recording = read(session.captures[0]).recordings[0]
    numbers = recording.samples[:, 0].tolist()
    assert numbers == sorted(set(numbers)), "no sample is kept twice"
    assert numbers[-1] == 1699
    assert len(numbers) == pytest.approx(SCREEN_S * 100 + 200, abs=2)
    assert [label.activity for label in recording.labels] == ["Sitting", "Standing"]
    assert recording.labels[1].stop - recording.labels[1].start == 200


def test_a_gap_stands_between_takes(session: Session) -> None:
    session.send(100)
    for name in ("a", "b"):
        session.recorder.begin(name, subject="7")
        session.settle(lambda state, name=name: state.activity == name)
        session.send(200)
        session.recorder.end()
        session.settle(lambda state: not state.activity)
        session.send(200)
    session.recorder.close()
    recording = read(session.captures[0]).recordings[0]
    assert recording.gaps == (200,)
    assert [(label.start, label.stop) for label in recording.labels] == [(0, 200), (200, 400)]


def test_a_script_leads_through_takes(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takes_in_background, "READY_S", 0.05)
    session.send(100)
    session.recorder.guide([Step("a", 2.0), Step("b", 2.0)], subject="7")
    for name in ("a", "b"):
        session.settle(lambda state, name=name: state.guide == "take" and state.activity == name)
        session.send(220)
    state = session.settle(lambda state: len(state.takes) == 2)
    session.settle(lambda state: not state.guide)
    assert [take.activity for take in state.takes] == ["a", "b"]
    assert all(take.seconds == pytest.approx(2.0, abs=0.3) for take in state.takes)


def test_takes_can_be_discarded_and_renamed(session: Session) -> None:
    session.send(1000)
    session.recorder.keep_screen("a", subject="7", seconds=2.0)
    session.settle(lambda state: len(state.takes) == 1)
    session.send(200)
    session.recorder.keep_screen("b", subject="7", seconds=2.0)
    session.settle(lambda state: len(state.takes) == 2)
    session.recorder.discard(1)
    session.recorder.discard(99)
    session.recorder.rename(2, "c")
    session.settle(lambda state: [take.activity for take in state.takes] == ["c"])
    session.recorder.close()
    assert [take["activity"] for take in takes_of(read_capture(session.captures[0]).events).values()] == ["c"]


def test_another_wearer_has_another_capture(session: Session) -> None:
    session.send(1000)
    for subject in ("../../etc/x", "7"):
        session.recorder.keep_screen("a", subject=subject, seconds=2.0)
        session.settle(lambda state, subject=subject: state.subject == subject and not state.activity)
        session.send(400)
    session.recorder.close()
    assert [read_capture(path).info.subject for path in session.captures] == ["../../etc/x", "7"]
    assert all(path.parent == session.folder for path in session.captures)


def test_nothing_is_recorded_before_the_sensor_sends(session: Session) -> None:
    session.recorder.begin("a", subject="7")
    assert "before the sensor sends" in session.settle(lambda state: bool(state.problem)).problem
    assert session.captures == []


def test_a_full_disk_is_one_sentence_and_the_session_goes_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    real, full = os.write, threading.Event()

    def write(handle: int, data: bytes) -> int:
        if full.is_set() and threading.current_thread().name == "record":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, data)

    monkeypatch.setattr("edgehar.firmware_bridge.record.writer.os.write", write)
    session.send(100)
    session.recorder.begin("a", subject="7")
    session.settle(lambda state: bool(state.activity))
    full.set()
    session.send(1000)
    state = session.settle(lambda state: bool(state.problem))
    assert "the disk is full; the" in state.problem
    assert "Make room" in state.problem
    assert state.activity == ""
    full.clear()
    session.send(400)
    session.recorder.keep_screen("b", subject="7", seconds=2.0)
    state = session.settle(lambda state: bool(state.takes))
    assert (state.problem, [take.activity for take in state.takes]) == ("", ["b"])
    assert len(session.captures) == 2, "what the full disk took stays as it is"


def test_a_disk_that_hangs_delays_nobody_and_what_is_lost_is_counted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, hanging = threading.Event(), threading.Event()

    def fsync(handle: int) -> None:
        if not disk.is_set():
            hanging.set()
            assert disk.wait(PATIENCE_S)

    monkeypatch.setattr(takes_in_background, "_MOST_WAITING_SAMPLES", 400)
    monkeypatch.setattr("edgehar.firmware_bridge.record.writer.os.fsync", fsync)
    # Every block goes to the disk, so that the recorder hangs at a known one.
    monkeypatch.setattr("edgehar.firmware_bridge.record.writer.FLUSH_EVERY_S", 0.0)
    disk.set()
    session.send(100)
    session.recorder.begin("a", subject="7")
    session.settle(lambda state: bool(state.activity))
    disk.clear()
    session.send(20)
    assert hanging.wait(PATIENCE_S)
    session.send(2000)
    assert session.recorder.state.lost == 0, "nobody has counted yet: the recorder hangs"
    disk.set()
    state = session.settle(lambda state: state.lost > 0)
    # Blocks of twenty are taken until more than 400 samples wait.
    assert state.lost == 2000 - 420
    session.send(200)
    session.recorder.end()
    session.settle(lambda state: bool(state.takes))
    session.recorder.close()
    found = read_capture(session.captures[0])
    numbers = np.concatenate([each.samples_g[:, 0] for each in found.blocks])
    assert numbers.tolist() == [*range(100, 540), *range(2120, 2320)]
    breaks = [each.samples_g[0, 0] for each in found.blocks if not each.continues]
    assert breaks == [100, 2120], "a hole is marked as one"
