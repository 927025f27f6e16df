"""What `har start` hears: the baud rate by trying, the rest by evidence; what it cannot hear is one sentence."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from edgehar.commands.start import hearing
from edgehar.commands.start.hearing import Heard, hear
from edgehar.firmware_bridge.frames.fields import MOTION, Ability
from edgehar.firmware_bridge.frames.framing import encode_frame
from edgehar.firmware_bridge.frames.messages import Hello, Samples
from edgehar.firmware_bridge.line.reader import LineReader
from edgehar.models.bundle import Bundle
from edgehar.models.errors import BridgeError


class Board:
    """A board that sends in real time, in a way that only one baud rate understands."""

    def __init__(self, *, baud: int, line: Callable[[int], bytes], rate_hz: float = 100.0) -> None:
        self.baud, self.line, self.rate_hz = baud, line, rate_hz
        self.opened: list[int] = []

    def open(self, url: str, *, baud: int, reconnect: bool | None = None) -> LineReader:
        """Open its port at a baud rate."""
        self.opened.append(baud)
        return LineReader(_Line(self, baud))


class _Line:
    name = "/dev/ttyUSB0"

    def __init__(self, board: Board, baud: int) -> None:
        self._board, self._baud = board, baud
        self._began_s, self._sent = time.monotonic(), 0
        self._noise = np.random.default_rng(1)

    def read(self, *, timeout_s: float) -> bytes:
        time.sleep(0.02)
        due = int((time.monotonic() - self._began_s) * self._board.rate_hz)
        lines = [self._board.line(number) for number in range(self._sent, due)]
        self._sent = due
        data = b"".join(lines)
        return data if self._baud == self._board.baud else self._noise.bytes(len(data))

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is written to a board that has not said that it speaks frames")

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def listen(
    random_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Heard | None, list[str]]]:
    """``listen(board)``: what is heard of a board, and what is said."""
    manifest = random_bundle("simple_rnn", 1).manifest

    def found(board: Board, **options: object) -> tuple[Heard | None, list[str]]:
        said: list[str] = []
        monkeypatch.setattr(hearing, "open_reader", board.open)
        monkeypatch.setattr(hearing, "_PER_BAUD_S", 0.5)
        monkeypatch.setattr(hearing, "_WAKES_S", 0.8)
        monkeypatch.setattr(hearing, "_LISTENS_S", 2.5)
        options = {"baud": None, "unit": None, "columns": None, "stop": lambda: False, **options}
        return hear("/dev/ttyUSB0", manifest, say=said.append, **options), said  # type: ignore[arg-type]

    return found


def test_the_baud_rate_is_found_and_unit_rate_and_axes_are_said(listen: Callable[..., tuple]) -> None:
    board = Board(baud=9600, line=lambda number: b"%.2f,%.2f,%.2f\n" % (0.1 * (number % 3), 0.2, 9.8))
    heard, said = listen(board)
    assert board.opened[:2] == [115200, 9600]
    assert (heard.baud, heard.unit.name, heard.is_frames) == (9600, "m/s2", False)
    assert heard.rate_hz == pytest.approx(100, rel=0.1)
    assert int(np.abs(heard.gravity_g).argmax()) == 2
    text = "\n".join(said)
    assert "understood at 9600 baud" in text
    assert "with z pointing up" in text


def test_of_a_device_with_a_gyroscope_the_acceleration_is_heard(listen: Callable[..., tuple]) -> None:
    streams = Ability.SENSES | Ability.STREAMS
    described = Hello(1, streams, 100_000, 1000.0, 1, 16.0, major=2, channels=MOTION, counts_per_deg_s=16.0)
    sample = np.array([0, 0, 1000, 500, -500, 90], "<i2").tobytes()

    def line(number: int) -> bytes:
        frame = encode_frame(Samples(1, number, 10_000 * number, 0, sample, 6).pack())
        return encode_frame(described.pack()) + frame if number % 20 == 0 else frame

    heard, said = listen(Board(baud=115200, line=line), baud=115200)
    assert heard is not None
    assert any("On average it measures 1.00 g, with z pointing up" in text for text in said)


def test_a_declared_baud_rate_is_the_only_one_that_is_tried(listen: Callable[..., tuple]) -> None:
    board = Board(baud=9600, line=lambda number: b"0,0,1\n")
    with pytest.raises(BridgeError, match=r"bytes that are neither, at 57600 baud"):
        listen(board, baud=57600)
    assert board.opened == [57600]


def test_silence_is_not_tried_at_every_rate(listen: Callable[..., tuple]) -> None:
    board = Board(baud=9600, line=lambda number: b"")
    with pytest.raises(BridgeError, match=r"nothing came in 0\.8 s"):
        listen(board)
    assert board.opened == [115200]


def test_words_without_numbers_are_one_sentence(listen: Callable[..., tuple]) -> None:
    board = Board(baud=115200, line=lambda number: b"hello from the board\n")
    with pytest.raises(BridgeError, match="expected samples of three axes, got 0"):
        listen(board)


def test_it_stops_when_told(listen: Callable[..., tuple]) -> None:
    board = Board(baud=9600, line=lambda number: b"0,0,1\n")
    heard, _ = listen(board, stop=lambda: True)
    assert heard is None


@pytest.mark.parametrize(
    ("port", "has"), [("/dev/ttyUSB0", True), ("COM3", True), ("usb:1a86:7523", True), ("-", False),
                      ("socket://h:1", False), ("ws://:8000", False), ("ble:x", False)],
)  # fmt: skip
def test_only_serial_ports_have_a_baud_rate(port: str, has: bool) -> None:
    assert hearing._has_baud(port) is has
