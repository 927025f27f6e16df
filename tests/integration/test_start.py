"""`har start` with a sketch that prints three numbers, with nothing attached, and with a person at the terminal."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.line.pseudo_terminal import VirtualPort

pytest.importorskip("websockets", reason="websockets is not installed: edgehar[ws]")

DRIVER = """
import sys
from edgehar.commands.start import sensor
from edgehar.firmware_bridge.line.serial_port import PortInfo
sensor.list_ports = lambda: [PortInfo(device, "USB Serial", "Maker", "1", "1a86:7523", True) for device in {ports!r}]
sys.argv = ["har", "start", *{options!r}]
from edgehar.cli import main
main()
"""
"""`har start` on a machine whose serial ports are ptys: no pty is found by pyserial."""


class Sketch:
    """A board that prints x y z in m/s², a hundred times a second, while somebody listens."""

    def __init__(self, samples: Callable[[int], np.ndarray]) -> None:
        self.port = VirtualPort()
        self._samples = samples
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._print, daemon=True)
        self._thread.start()

    def _print(self) -> None:
        began_s, number = time.monotonic(), 0
        while not self._stop.wait(max(0.0, began_s + number / 100 - time.monotonic())):
            x, y, z = 9.80665 * self._samples(number)
            if self.port.has_reader():
                self.port.send(b"%.3f %.3f %.3f\r\n" % (x, y, z), timeout_s=0.0)
            number += 1

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.port.close()


def walking(number: int) -> np.ndarray:
    """Return somebody who walks, upright along x."""
    step = 2 * np.pi * 1.9 * number / 100
    return np.array([0.95 + 0.3 * np.sin(step), 0.15 * np.cos(step), 0.1 * np.sin(step / 2)])


@pytest.fixture
def sketch() -> Iterator[Callable[..., Sketch]]:
    """``sketch(samples)``: a board on a pty."""
    with contextlib.ExitStack() as ending:

        def make(samples: Callable[[int], np.ndarray] = walking) -> Sketch:
            made = Sketch(samples)
            ending.callback(made.close)
            return made

        yield make


def start(folder: Path, *options: str, ports: list[str], **changes: object) -> "subprocess.Popen[str]":
    """Run `har start` in a folder, on a machine with these ports; its browser is a program that does nothing."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", DRIVER.format(ports=ports, options=list(options))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "BROWSER": "true %s", "COLUMNS": "200"},
        **{"stdin": subprocess.DEVNULL, **changes},  # type: ignore[arg-type]
    )


def until_a_label(process: "subprocess.Popen[str]") -> str:
    """Return the first label, and interrupt."""
    line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    return line


def test_three_numbers_become_a_label_without_any_option(tmp_path: Path, sketch: Callable[..., Sketch]) -> None:
    board = sketch()
    running = start(tmp_path, ports=[board.port.device])
    line = until_a_label(running)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert " s   " in line
    assert f"Found one sensor port: {board.port.device} (USB Serial, Maker)." in said
    assert "Nobody can answer here: every question takes its default." in said
    assert "  text lines" in said
    assert "m/s2" in said
    assert "Its true rate is" in said
    assert "with x pointing up" in said
    assert "dashboard: http://127.0.0.1:" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [], "nothing is written that nobody asked for"


def test_with_nothing_attached_a_person_is_simulated(tmp_path: Path) -> None:
    running = start(tmp_path, "--dashboard-port", "0", "--duration", "5", ports=[])
    out, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert "No serial port is here" in said
    assert "Simulating a person" in said
    assert "windows classified" in out
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


def test_of_several_ports_a_person_chooses(tmp_path: Path, sketch: Callable[..., Sketch]) -> None:
    boards = [sketch(), sketch()]
    own, theirs = os.openpty()
    running = start(
        tmp_path, "--duration", "3", "--dashboard-port", "0", ports=[each.port.device for each in boards], stdin=theirs
    )
    os.close(theirs)
    os.write(own, b"nonsense\n9\n2\n\n")
    out, said = running.communicate(timeout=120)
    os.close(own)
    assert running.returncode == 0, said
    devices = sorted(each.port.device for each in boards)
    assert said.count("Expected a number from 1 to 4") == 2
    assert f"Listening to {devices[1]} …" in said
    assert "windows classified" in out


def test_ctrl_c_at_a_question_ends_it(tmp_path: Path, sketch: Callable[..., Sketch]) -> None:
    boards = [sketch(), sketch()]
    own, theirs = os.openpty()
    running = start(tmp_path, ports=[each.port.device for each in boards], stdin=theirs)
    os.close(theirs)
    seen = ""
    while "Number [1]" not in seen:
        assert select.select([running.stderr], [], [], 60)[0]
        seen += os.read(running.stderr.fileno(), 4096).decode()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    os.close(own)
    assert running.returncode == 130
    assert "Traceback" not in said


def test_a_port_that_says_nothing_is_one_sentence(tmp_path: Path) -> None:
    silent = VirtualPort()
    try:
        running = start(tmp_path, ports=[silent.device])
        _, said = running.communicate(timeout=60)
    finally:
        silent.close()
    assert running.returncode == 1
    assert "expected a sensor that sends, nothing came in 6 s" in said
    assert "Traceback" not in said


def test_a_sensor_that_is_worn_otherwise_is_said(tmp_path: Path, sketch: Callable[..., Sketch]) -> None:
    board = sketch(lambda number: np.roll(walking(number), 2))
    running = start(tmp_path, "--duration", "3", "--dashboard-port", "0", ports=[board.port.device])
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert "with z pointing up" in said
    assert "Labels will be wrong until the mounting is found" in said
    assert "Find the mounting" not in said, "nobody can walk where nobody answers"


def test_a_phone_is_led_to_its_page(tmp_path: Path) -> None:
    pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")
    pytest.importorskip("segno", reason="segno is not installed: edgehar[phone]")
    command = [sys.executable, "-P", "-m", "edgehar", "start", "--port", "phone://127.0.0.1:0", "--yes"]
    options = ["--no-browser", "--dashboard-port", "0", "--duration", "3", "--recordings", str(tmp_path)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=120)
    assert "https://127.0.0.1:" in done.stderr
    assert "dashboard: http://127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
