"""Recording: from bytes on a line to a data set, through full disks, losses and keys."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edgehar.firmware_bridge.line.transport import MemoryTransport
from edgehar.firmware_bridge.record import writer as recorder
from edgehar.firmware_bridge.record.loop import RecordEnd, RecordLoop, RecordStatus
from edgehar.firmware_bridge.record.script import ScriptRunner, Step
from edgehar.firmware_bridge.record.sparkline import Trace
from edgehar.firmware_bridge.record.view import LineRecordView, TerminalRecordView
from edgehar.firmware_bridge.record.writer import FLUSH_EVERY_S, CaptureWriter
from edgehar.firmware_bridge.stream.checks import SilenceCheck, StreamChecks
from edgehar.firmware_bridge.stream.samples import SampleBlock, StreamCounts
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.capture_file import CaptureInfo, read_capture
from edgehar.models.errors import BridgeError, UsageError
from edgehar.models.units import parse_unit

INFO = CaptureInfo("7", "hip", "g", 100.0, "2026-01-01T00:00:00+00:00", "memory://")


class Clock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Return now."""
        return self.now_s


def block(count: int = 10, **changes: object) -> SampleBlock:
    """Return samples at rest."""
    values = {"samples_g": np.zeros((count, 3), np.float32), "times_s": np.arange(count) / 100, "arrived_s": 0.0}
    return SampleBlock(**{**values, **changes})  # type: ignore[arg-type]


def test_what_came_more_than_half_a_second_ago_is_on_the_disk(tmp_path: Path) -> None:
    clock = Clock()
    writer = CaptureWriter(tmp_path / "a.harcap", INFO, clock=clock)
    for tick in range(100):
        clock.now_s = tick / 10
        writer.add(block())
        writer.flush_if_due()
        on_disk = sum(len(part.samples_g) for part in read_capture(writer.path).blocks)
        assert on_disk == writer.samples_safe
        assert 10 * (tick + 1) - on_disk <= 10 * FLUSH_EVERY_S * 10
    writer.close()
    writer.close()
    assert sum(len(part.samples_g) for part in read_capture(writer.path).blocks) == 1000


def test_loss_and_arrival_are_kept(tmp_path: Path) -> None:
    clock = Clock()
    clock.now_s = 12.0
    writer = CaptureWriter(tmp_path / "a.harcap", INFO, clock=clock, unix_clock=lambda: 1_000_012.0)
    writer.add(block(lost=3, continues=False, arrived_s=11.5))
    writer.close()
    (found,) = read_capture(writer.path).blocks
    assert (found.lost, found.continues, found.arrived_unix_s) == (3, False, 1_000_011.5)


def test_a_capture_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.harcap").write_bytes(b"precious")
    with pytest.raises(UsageError, match="never written over"):
        CaptureWriter(tmp_path / "a.harcap", INFO)
    assert (tmp_path / "a.harcap").read_bytes() == b"precious"


@pytest.mark.parametrize(("code", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "cannot write any more")])
def test_a_disk_that_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    writer = CaptureWriter(tmp_path / "a.harcap", INFO)
    writer.add(block())
    writer.flush()
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) <= 100:
            raise OSError(code, os.strerror(code))
        return real(descriptor, data[:100])

    monkeypatch.setattr(recorder.os, "write", full)
    writer.add(block(30))
    with pytest.raises(BridgeError, match=said) as caught:
        writer.flush()
    assert "the 10 samples before that are kept" in str(caught.value)
    writer.close()
    capture = read_capture(writer.path)
    assert [len(part.samples_g) for part in capture.blocks] == [10]
    assert capture.torn_bytes > 0


def lines(first: int, count: int) -> bytes:
    """Return text lines with a time column."""
    return "".join(f"{10_000 * n},{n / 1000},0,1\n" for n in range(first, first + count)).encode()


def record(
    path: Path, chunks: list[bytes], *, script: ScriptRunner, keys: dict[int, str] | None = None
) -> tuple[RecordEnd, str]:
    """Record chunks that arrive a tenth of a second apart; press keys after the reads they are given for."""
    clock, reads = Clock(), 0

    class Paced(MemoryTransport):
        def read(self, *, timeout_s: float) -> bytes:
            nonlocal reads
            reads += 1
            clock.now_s += 0.1
            return super().read(timeout_s=timeout_s)

    shown = io.StringIO()
    loop = RecordLoop(
        Paced(chunks),
        TextSource(unit=parse_unit("g"), rate_hz=100.0),
        CaptureWriter(path, INFO, clock=clock),
        script=script,
        silence=SilenceCheck(port="memory://", baud=115200, started_s=0.0),
        checks=StreamChecks(declared_rate_hz=100.0, window_length=200),
        view=LineRecordView(shown),
        keys=lambda: (keys or {}).get(reads, ""),
        clock=clock,
    )
    return loop.run(), shown.getvalue()


def test_a_script_becomes_takes(tmp_path: Path) -> None:
    chunks = [b"t_us,x,y,z\n", *(lines(10 * n, 10) for n in range(100))]
    script = ScriptRunner([Step("walk", 2.0), Step("sit", 3.0)], ready_s=1.0)
    end, shown = record(tmp_path / "a.harcap", chunks, script=script)
    assert end.error is None
    assert "next: walk for 2 s" in shown
    capture = read_capture(tmp_path / "a.harcap")
    events = [(event["event"], event["take"], event["t_s"]) for event in capture.events]
    assert [event[:2] for event in events] == [("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]
    assert events[1][2] - events[0][2] == pytest.approx(2.0)
    assert events[3][2] - events[2][2] == pytest.approx(3.0)
    assert [take.activity for take in script.kept] == ["walk", "sit"]


def test_unplugging_keeps_what_came(tmp_path: Path) -> None:
    script = ScriptRunner([Step("walk", 60.0)], ready_s=0.0)
    end, _ = record(tmp_path / "a.harcap", [b"t_us,x,y,z\n", lines(0, 50)], script=script)
    assert end.error is not None
    assert end.status.samples_safe == 50
    assert [event["event"] for event in read_capture(tmp_path / "a.harcap").events] == ["begin", "end"]


def test_keys_reach_the_session_and_q_ends(tmp_path: Path) -> None:
    chunks = [b"t_us,x,y,z\n", *(lines(10 * n, 10) for n in range(100))]
    script = ScriptRunner([Step("walk", 60.0), Step("sit", 60.0)], ready_s=0.0)
    end, _ = record(tmp_path / "a.harcap", chunks, script=script, keys={20: "2", 30: "q"})
    assert end.error is None
    assert end.status.counts.samples < 400
    assert [take.activity for take in script.kept] == ["sit"]


def test_the_view_fits_a_terminal() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    view = TerminalRecordView(console, title="subject 7", rate_hz=100.0)
    script = ScriptRunner([Step("walk [fast]", 60.0), Step("sit", 20.0)], ready_s=0.0)
    view.sampled(block(300))
    status = RecordStatus(StreamCounts(samples=300, lost=7), None, 300, 6000, silent=False)
    script.tick(host_s=0.0, sensor_s=0.0)
    script.tick(host_s=0.0, sensor_s=20.0)
    view.progressed(script, status)
    view.close()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for expected in ("walk [fast]", "40 s left", "then sit", "300 samples on disk", "7 lost", "d discard"):
        assert expected in text


def test_a_trace_shows_the_newest_on_the_right_and_keeps_a_bounded_past() -> None:
    trace = Trace(points=10, samples_per_point=4)
    assert trace.lines(5) == [" " * 5] * 3
    for _ in range(50):
        trace.add(np.zeros((3, 3), np.float32))
    trace.add(np.full((8, 3), 1.0, np.float32))
    assert trace.lines(6)[0][-1] == "█"
    assert trace.lines(6)[0][0] == "▁"
    assert len(trace._points) == 10
    assert trace.newest_g == (1.0, 1.0, 1.0)
