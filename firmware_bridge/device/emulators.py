"""Boards without boards: firmware in QEMU (Cortex-M) or simavr (AVR), its serial line on a TCP port of this machine.

QEMU counts instructions, not cycles; with one instruction every 8 ns of its clock, as it is started here, firmware can
count them. simavr counts cycles.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import BridgeError

_SIMAVR_SOURCES: Final = tuple(
    Path(__file__).parents[1] / "firmware" / "emulators" / name
    for name in ("simavr_board.c", "simavr_mpu6050.c", "simavr_mpu6050.h")
)
PACKAGES: Final = {
    "qemu-system-arm": "qemu-system-arm",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "avr-gcc": "gcc-avr avr-libc",
    "gcc": "gcc",
    "make": "make",
}
"""Debian packages of the programs that building and emulating firmware takes."""

_START_TIMEOUT_S: Final = 20.0
_FAREWELL_S: Final = 10.0


@dataclass(slots=True)
class EmulatedBoard:
    """A board that runs: the URL of its line and, of an AVR that has ended, what it used."""

    url: str
    ended: dict[str, int] = field(default_factory=dict)
    """After the end, of simavr: ``stack`` (bytes) and ``cycles``."""


@contextlib.contextmanager
def emulate(machine: str, firmware: Path, *, samples: NDArray[np.int16] | None = None) -> Iterator[EmulatedBoard]:
    """Run firmware on an emulated board until the block ends.

    Parameters
    ----------
    machine
        ``atmega328p``, or a machine of QEMU such as ``mps2-an386``.
    firmware
        The program, an ELF file.
    samples : ndarray of shape (n, 3) or (n, 6), int16, in counts, or None
        Put an MPU-6050 on an ATmega328P's I2C bus that measures these, a hundred a second, the last one for ever; then
        simulated time runs no faster than real time.

    Raises
    ------
    BridgeError
        If the emulator is not installed, or does not start.
    """
    if not firmware.is_file():
        raise BridgeError(f"{firmware}: expected firmware to run, found nothing", next_step="Build it with make.")
    with _simavr(firmware, samples) if machine == "atmega328p" else _qemu(machine, firmware) as board:
        yield board


def find_program(name: str) -> str:
    """Return a program's path.

    Raises
    ------
    BridgeError
        If it is not installed; the message names Debian's package.
    """
    path = shutil.which(name)
    if path is None:
        package = PACKAGES.get(name, name)
        raise BridgeError(
            f"expected the program {name}, it is not installed",
            next_step=f"Run: apt-get install --no-install-recommends {package}.",
            program=name,
            package=package,
        )
    return path


@contextlib.contextmanager
def _qemu(machine: str, firmware: Path) -> Iterator[EmulatedBoard]:
    """Run a Cortex-M board; the port is taken from the system a moment before QEMU takes it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        *(find_program("qemu-system-arm"), "-M", machine, "-display", "none", "-monitor", "none"),
        *("-serial", f"tcp:127.0.0.1:{port},server=on,wait=off,nodelay=on"),
        *("-icount", "shift=3,sleep=on", "-kernel", str(firmware)),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        try:
            _await_port(process, port, said.fileno())
            yield EmulatedBoard(f"socket://127.0.0.1:{port}")
        finally:
            process.kill()
            process.wait()


def _await_port(process: "subprocess.Popen[bytes]", port: int, said: int) -> None:
    """Wait until the emulator listens. Connecting and leaving is no harm: its UART waits for the next one."""
    end_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < end_s and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.02)
    complaint = os.pread(said, 300, 0).decode(errors="replace").strip()
    raise BridgeError(f"expected the emulator to listen, it did not start ({complaint})", next_step="Run it by hand.")


@contextlib.contextmanager
def _simavr(firmware: Path, samples: NDArray[np.int16] | None) -> Iterator[EmulatedBoard]:
    """Run an ATmega328P; the runner around libsimavr is built first."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(_simavr_runner()), str(firmware)]
        if samples is not None:
            path = Path(folder) / "samples"
            path.write_bytes(np.ascontiguousarray(samples, "<i2").tobytes())
            command += [str(path), str(samples.shape[1])]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with _running(process, firmware) as board:
            yield board


@contextlib.contextmanager
def _running(process: "subprocess.Popen[str]", firmware: Path) -> Iterator[EmulatedBoard]:
    """Give a simulation that was started its URL, end it, and take note of what it says at its end."""
    try:
        port = 0
        for line in process.stdout or ():
            if line.startswith("port "):
                port = int(line.split()[1])
                break
        if not port:
            raise BridgeError(
                f"{firmware}: expected simavr to run it, it ended", next_step="Build it for an ATmega328P."
            )
        board = EmulatedBoard(f"socket://127.0.0.1:{port}")
        yield board
        said, _ = process.communicate(timeout=_FAREWELL_S)
        board.ended.update({name: int(value) for name, value in (line.split() for line in said.splitlines() if line)})
    finally:
        process.kill()
        process.wait()


def _simavr_runner() -> Path:
    """Return the runner, built for this machine if it was not before."""
    content = b"".join(path.read_bytes() for path in _SIMAVR_SOURCES)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgehar" / "simavr"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    runner = folder / f"simavr_board-{hashlib.sha256(content).hexdigest()[:12]}"
    if runner.is_file():
        return runner
    temporary = runner.with_suffix(f".{os.getpid()}")
    programs = [str(path) for path in _SIMAVR_SOURCES if path.suffix == ".c"]
    command = [find_program("gcc"), "-O2", *programs, "-o", str(temporary), "-lsimavr", "-lelf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BridgeError(
            f"expected to build a program around libsimavr, got: {done.stderr.strip()[:200]}",
            next_step="Run: apt-get install --no-install-recommends libsimavr-dev libelf-dev.",
            program="libsimavr",
            package="libsimavr-dev libelf-dev",
        )
    temporary.replace(runner)
    return runner
