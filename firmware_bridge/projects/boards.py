"""The boards there is firmware for: what they hold, what builds it, and what each asks of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgehar.models.errors import UsageError
from edgehar.models.portable.tables import FLOAT32, INT8


@dataclass(frozen=True, slots=True)
class Board:
    """A board, or a machine that stands for one.

    Parameters
    ----------
    name, title
        In commands, and for people.
    flash_bytes, ram_bytes
        What it holds; None where that does not matter.
    code_bytes
        What code, its own tables and a C library's share take in flash, at most, besides the model's tables.
    ram_overhead_bytes
        What everything but the engines' memory takes in RAM, at most: frames, buffers, a C library's share.
    stack_bytes
        Left free for the stack.
    clock_hz
        Of the processor; None where cycles are nobody's concern.
    cycles_per_product, cycles_per_gated_unit
        Cycles a multiply-accumulate takes at most, everything else counted in; and those a unit of an LSTM or GRU takes
        besides.
    quantizations
        Numbers its engine may be built for, the usual one first.
    largest_matrix
        Most inputs and outputs a matrix may have.
    senses
        Whether it reads a sensor itself.
    longest_body
        Longest body of a frame it can receive.
    folders
        Where its own files are, in `firmware/boards`.
    """

    name: str
    title: str
    flash_bytes: int | None
    ram_bytes: int | None
    code_bytes: int
    ram_overhead_bytes: int
    stack_bytes: int
    clock_hz: int | None
    cycles_per_product: float
    cycles_per_gated_unit: float
    quantizations: tuple[str, ...]
    largest_matrix: int
    senses: bool
    longest_body: int
    folders: tuple[str, ...]


_BOTH: Final = (INT8, FLOAT32)

BOARDS: Final[Mapping[str, Board]] = {
    board.name: board
    for board in (
        Board(
            name="arduino",
            title="an Arduino with an accelerometer on I2C (library and sketch)",
            flash_bytes=32_256,
            ram_bytes=2048,
            code_bytes=16000,
            ram_overhead_bytes=950,
            stack_bytes=300,
            clock_hz=16_000_000,
            cycles_per_product=26,
            cycles_per_gated_unit=4500,
            quantizations=_BOTH,
            largest_matrix=252,
            senses=True,
            longest_body=96,
            folders=("arduino",),
        ),
        Board(
            name="atmega328p",
            title="a bare ATmega328P at 16 MHz, UART at 115200 baud",
            flash_bytes=32_768,
            ram_bytes=2048,
            code_bytes=6000,
            ram_overhead_bytes=220,
            stack_bytes=200,
            clock_hz=16_000_000,
            cycles_per_product=26,
            cycles_per_gated_unit=4500,
            quantizations=(INT8,),
            largest_matrix=252,
            senses=False,
            longest_body=72,
            folders=("bare", "atmega328p"),
        ),
        Board(
            name="mps2-an386",
            title="Arm MPS2 with a Cortex-M4F (QEMU's mps2-an386)",
            flash_bytes=4 * 2**20,
            ram_bytes=2**16,
            code_bytes=16000,
            ram_overhead_bytes=900,
            stack_bytes=1024,
            clock_hz=25_000_000,
            cycles_per_product=6,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=250,
            folders=("bare", "cortexm", "mps2-an386"),
        ),
        Board(
            name="netduinoplus2",
            title="Netduino Plus 2 with an STM32F405 (QEMU's netduinoplus2)",
            flash_bytes=2**20,
            ram_bytes=128 * 1024,
            code_bytes=16000,
            ram_overhead_bytes=900,
            stack_bytes=1024,
            clock_hz=168_000_000,
            cycles_per_product=6,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=250,
            folders=("bare", "cortexm", "netduinoplus2"),
        ),
        Board(
            name="host",
            title="a program for this machine that reads samples from its standard input",
            flash_bytes=None,
            ram_bytes=None,
            code_bytes=0,
            ram_overhead_bytes=0,
            stack_bytes=0,
            clock_hz=None,
            cycles_per_product=1,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=250,
            folders=("host",),
        ),
    )
}
"""Every board by name."""


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if name not in BOARDS:
        raise UsageError(
            f"board: expected one of {', '.join(BOARDS)}, got {name!r}", next_step="Choose one of these.", name=name
        )
    return BOARDS[name]
