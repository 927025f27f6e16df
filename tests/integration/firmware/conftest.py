"""Firmware projects, built and run: on this machine as a program, and on emulated boards."""

import array
import fcntl
import os
import select
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgehar.firmware_bridge.device.emulators import find_program
from edgehar.firmware_bridge.line.transport import unplugged
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.models.bundle import Bundle
from edgehar.models.errors import BridgeError
from edgehar.pipeline.compilers import Target, compile_bundle


def _need(*programs: str) -> None:
    try:
        for program in programs:
            find_program(program)
    except BridgeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """``need(*programs)``: skip where one is missing, naming its package."""
    return _need


@pytest.fixture(scope="session")
def compiled(random_bundle) -> Callable[[str], Bundle]:
    """``compiled(name)``: an untrained model with both artifacts of the C engine, in memory."""
    made: dict[str, Bundle] = {}

    def make(name: str) -> Bundle:
        if name not in made:
            made[name] = compile_bundle(random_bundle(name, seed=5), [Target("c", "float32"), Target("c", "int8")])
        return made[name]

    return make


@pytest.fixture(scope="session")
def build_firmware(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``build_firmware(bundle, board, quantization, *arguments of make)``: the folder of a built project."""

    def build(bundle: Bundle, board: str, quantization: str, *arguments: str) -> Path:
        folder = tmp_path_factory.mktemp("firmware") / board
        write_project(bundle, find_board(board), folder, quantization=quantization)
        done = subprocess.run(["make", "-C", folder, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return folder

    return build


class ProgramTransport:
    """A program's standard input and output as a line."""

    def __init__(self, program: Path) -> None:
        self.name = program.name
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def read(self, *, timeout_s: float) -> bytes:
        """Return what the program says."""
        output = self._process.stdout
        ready, _, _ = select.select([output], [], [], timeout_s)
        if not ready:
            return b""
        data = os.read(output.fileno(), 4096)
        if not data:
            raise unplugged(self.name)
        return data

    def write(self, data: bytes) -> None:
        """Give the program bytes."""
        self._process.stdin.write(data)

    def wait_until_taken(self) -> None:
        """Wait until the program has read all that it was given."""
        left, deadline_s = array.array("i", [1]), time.monotonic() + 60
        while left[0]:
            assert time.monotonic() < deadline_s, "it reads nothing"
            time.sleep(0.005)
            fcntl.ioctl(self._process.stdin, termios.FIONREAD, left)

    def close(self) -> int:
        """End its input, and return its exit code."""
        self._process.stdin.close()
        code = self._process.wait(timeout=60)
        self._process.stdout.close()
        return code


@pytest.fixture
def start_program() -> Iterator[Callable[[Path], ProgramTransport]]:
    """``start_program(path)``: a line to a program that speaks frames; it must end well."""
    lines: list[ProgramTransport] = []

    def start(path: Path) -> ProgramTransport:
        lines.append(ProgramTransport(path))
        return lines[-1]

    yield start
    assert [line.close() for line in lines] == [0] * len(lines)
