"""The boards there is firmware for: what they hold, what builds it, and what each asks of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from edgehar.firmware_bridge.frames.framing import MAX_BODY_BYTES
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
        Of the processor; None where the speed does not matter.
    cycles_per_product, cycles_per_float_product, cycles_per_gated_unit
        Cycles a multiply-accumulate of integers or of floats takes at most, everything else counted in; and those a
        unit of an LSTM or GRU takes besides.
    quantizations
        Numbers its engine may be built for, the usual one first.
    largest_matrix
        Most inputs and outputs a matrix may have.
    senses
        Whether it reads a sensor itself.
    longest_body
        Longest body of a frame it can receive and send.
    folders
        Where its own files are, in `firmware/boards`; the last one says how to build them.
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
    cycles_per_float_product: float
    cycles_per_gated_unit: float
    quantizations: tuple[str, ...]
    largest_matrix: int
    senses: bool
    longest_body: int
    folders: tuple[str, ...]


_BOTH: Final = (INT8, FLOAT32)
_ROOMY_RAM_BYTES: Final = 16 * 1024
"""With this much RAM a board has room for the longest frame there is."""


def _arduino(
    name: str,
    title: str,
    *,
    flash_bytes: int,
    ram_bytes: int,
    clock_hz: int,
    cycles_per_product: float,
    cycles_per_float_product: float,
    core_flash_bytes: int,
    core_ram_bytes: int,
) -> Board:
    """Return a 32-bit board that the Arduino library runs on.

    What the board's Arduino core takes in flash and RAM depends on its version: the numbers are upper limits with room.
    """
    return Board(
        name=name,
        title=f"{title} with an accelerometer on I2C (Arduino library and sketch)",
        flash_bytes=flash_bytes,
        ram_bytes=ram_bytes,
        code_bytes=core_flash_bytes + 16_000,
        ram_overhead_bytes=core_ram_bytes + 1200,
        stack_bytes=4096,
        clock_hz=clock_hz,
        cycles_per_product=cycles_per_product,
        cycles_per_float_product=cycles_per_float_product,
        cycles_per_gated_unit=500,
        quantizations=_BOTH,
        largest_matrix=65_535,
        senses=True,
        longest_body=MAX_BODY_BYTES,
        folders=("arduino",),
    )


BOARDS: Final[Mapping[str, Board]] = {
    board.name: board
    for board in (
        Board(
            name="arduino",
            title="an Arduino Uno with an accelerometer on I2C (Arduino library and sketch)",
            flash_bytes=32_256,
            ram_bytes=2048,
            code_bytes=16000,
            ram_overhead_bytes=950,
            stack_bytes=300,
            clock_hz=16_000_000,
            cycles_per_product=26,
            cycles_per_float_product=300,
            cycles_per_gated_unit=4500,
            quantizations=_BOTH,
            largest_matrix=252,
            senses=True,
            longest_body=96,
            folders=("arduino",),
        ),
        _arduino(
            "nano33ble",
            "an Arduino Nano 33 BLE",
            flash_bytes=983_040,
            ram_bytes=262_144,
            clock_hz=64_000_000,
            cycles_per_product=8,
            cycles_per_float_product=8,
            core_flash_bytes=160_000,
            core_ram_bytes=64_000,
        ),
        _arduino(
            "esp32",
            "an ESP32 (4 MB of flash, default partitions)",
            flash_bytes=1_310_720,
            ram_bytes=327_680,
            clock_hz=240_000_000,
            cycles_per_product=20,
            cycles_per_float_product=20,
            core_flash_bytes=400_000,
            core_ram_bytes=64_000,
        ),
        _arduino(
            "rp2040",
            "a Raspberry Pi Pico or another RP2040 with 2 MB of flash",
            flash_bytes=2_093_056,
            ram_bytes=270_336,
            clock_hz=125_000_000,
            cycles_per_product=20,
            cycles_per_float_product=250,
            core_flash_bytes=160_000,
            core_ram_bytes=64_000,
        ),
        _arduino(
            "teensy",
            "a Teensy 4.0",
            flash_bytes=2_031_616,
            ram_bytes=524_288,
            clock_hz=600_000_000,
            cycles_per_product=8,
            cycles_per_float_product=8,
            core_flash_bytes=100_000,
            core_ram_bytes=64_000,
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
            cycles_per_float_product=300,
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
            cycles_per_float_product=6,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=MAX_BODY_BYTES,
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
            cycles_per_float_product=6,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=MAX_BODY_BYTES,
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
            cycles_per_float_product=1,
            cycles_per_gated_unit=0,
            quantizations=_BOTH,
            largest_matrix=65_535,
            senses=False,
            longest_body=MAX_BODY_BYTES,
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


def with_sizes(board: Board, *, flash_bytes: int | None = None, ram_bytes: int | None = None) -> Board:
    """Return a board that holds other amounts of flash and RAM, as its relatives do; None leaves a size as it is.

    Raises
    ------
    UsageError
        If the board has no sizes, or one of these is not above 0.
    """
    if flash_bytes is None and ram_bytes is None:
        return board
    if board.flash_bytes is None or board.ram_bytes is None:
        raise UsageError(
            f"board {board.name}: expected no size of flash or RAM, it has no limit of its own",
            next_step="Leave out --flash and --ram.",
        )
    for option, size in (("--flash", flash_bytes), ("--ram", ram_bytes)):
        if size is not None and size < 1:
            raise UsageError(f"{option}: expected bytes, 1 or more, got {size}", next_step="Give the board's own size.")
    ram = board.ram_bytes if ram_bytes is None else ram_bytes
    return replace(
        board,
        flash_bytes=board.flash_bytes if flash_bytes is None else flash_bytes,
        ram_bytes=ram,
        longest_body=MAX_BODY_BYTES if ram >= _ROOMY_RAM_BYTES else board.longest_body,
    )
