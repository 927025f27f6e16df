"""`har firmware`: write a complete project that puts a bundle's model on a board."""

import json
import subprocess
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from edgehar.commands.bundle_argument import DefaultBundleArgument, or_default
from edgehar.commands.terminal_text import escape
from edgehar.firmware_bridge.device.emulators import find_program
from edgehar.firmware_bridge.projects.boards import BOARDS, Board, find_board, with_sizes
from edgehar.firmware_bridge.projects.elf import ProgramSize, program_size
from edgehar.firmware_bridge.projects.project import Project, write_project
from edgehar.firmware_bridge.projects.sensors import SENSORS, find_sensor
from edgehar.firmware_bridge.projects.sizes import too_slow
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.models.portable.tables import INT8

_PROGRAMS: Final = {"host": "firmware"}
_PROGRAM: Final = "firmware.elf"
_TIMEOUT_S: Final = 300


def _with_its_sizes(board: Board) -> str:
    """Return a board's name with its flash and RAM, for the help."""
    if board.flash_bytes is None or board.ram_bytes is None:
        return board.name
    return f"{board.name} ({_rounded(board.flash_bytes)} of flash, {_rounded(board.ram_bytes)} of RAM)"


def _rounded(count: int) -> str:
    """Return bytes as a person says them."""
    return f"{count / 2**20:.3g} MB" if count >= 2**20 else f"{count / 2**10:.3g} KB"


def firmware(
    board: Annotated[str, typer.Option(help=f"{', '.join(map(_with_its_sizes, BOARDS.values()))}.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the project; written whole, or not at all.")],
    bundle: DefaultBundleArgument = None,
    quantization: Annotated[str, typer.Option(help="int8 (integers alone) or float32.")] = INT8,
    sensor: Annotated[
        str | None, typer.Option(help=f"For a board that senses: {', '.join(SENSORS)}. Default: mpu6050.")
    ] = None,
    streaming: Annotated[
        bool | None,
        typer.Option(
            "--streaming/--no-streaming",
            help="For a board that senses: carry the state from window to window, in one engine for any hop. Default: "
            "as the model was trained.",
            show_default=False,
        ),
    ] = None,
    flash: Annotated[
        int | None,
        typer.Option(metavar="BYTES", help="Flash of a board that is like the named one. Default: that of the board."),
    ] = None,
    ram: Annotated[
        int | None,
        typer.Option(metavar="BYTES", help="RAM of a board that is like the named one. Default: that of the board."),
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Build it, and say what it really takes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a buildable firmware project: the C engine, the model's tables, the board's own code.

    The bundle needs the engine's tables: `har compile BUNDLE --format c --quantization int8`. A board too small for the
    model is told before anything is built. Firmware speaks the wire protocol: `har bench` measures it, `har evaluate`
    judges it, `har live` listens to its sensor.
    """
    target = with_sizes(find_board(board), flash_bytes=flash, ram_bytes=ram)
    chosen = find_sensor(sensor or "mpu6050") if target.senses or sensor is not None else None
    model = read_bundle(or_default(bundle))
    project = write_project(model, target, out, quantization=quantization, sensor=chosen, streaming=streaming)
    size = _build(project) if build else None
    slow = too_slow(project.model, target, model.manifest.window.rate_hz)
    if as_json:
        typer.echo(json.dumps(_as_json(project, size, slow)))
    else:
        _print(project, size, slow)


def _build(project: Project) -> ProgramSize:
    """Run make, and return what the program takes."""
    if not (project.folder / "Makefile").is_file():
        raise UsageError(
            f"board {project.board.name}: expected a board that make builds for, this one's tools are its own",
            next_step=f"Leave --build out and follow {project.folder / 'README.md'}.",
        )
    command = [find_program("make"), "-C", str(project.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise DataError(
            f"{project.folder}: expected make to build it, got: {lines[0][:200] if lines else 'an error'}",
            next_step=f"Install the compiler that {project.folder / 'README.md'} names.",
        )
    return program_size(project.folder / _PROGRAMS.get(project.board.name, _PROGRAM))


def _as_json(project: Project, size: ProgramSize | None, slow: str | None) -> dict[str, object]:
    """Return the project as JSON-ready data."""
    return {
        "project": str(project.folder),
        "board": project.board.name,
        "artifact": project.artifact.file,
        "sha256": project.artifact.sha256,
        "needs": {"flash_bytes": project.needs.flash_bytes, "ram_bytes": project.needs.ram_bytes},
        "has": {"flash_bytes": project.board.flash_bytes, "ram_bytes": project.board.ram_bytes},
        "built": None if size is None else {"flash_bytes": size.flash_bytes, "ram_bytes": size.ram_bytes},
        "keeps_up": slow is None,
    }


def _print(project: Project, size: ProgramSize | None, slow: str | None) -> None:
    """Print what was written, what it takes, and what comes next."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(escape(f"{project.artifact.file} for {project.board.title}: {project.folder}"))
    if project.board.flash_bytes is not None:
        console.print(_room(project.board, "at most", project.needs.flash_bytes, project.needs.ram_bytes))
    if size is not None:
        console.print(_room(project.board, "built", size.flash_bytes, size.ram_bytes) + ", without the stack")
    if slow is not None:
        console.print(f"[yellow]{escape(slow)}[/]")
    console.print(escape(f"How to build and use it: {project.folder / 'README.md'}"))


def _room(board: Board, how: str, flash: int, ram: int) -> str:
    """Return sizes beside what the board has."""

    def part(used: int, there: int | None, what: str) -> str:
        return f"{used:,} bytes of {what}" + ("" if there is None else f" of {there:,}")

    return f"{how}: {part(flash, board.flash_bytes, 'flash')}, {part(ram, board.ram_bytes, 'RAM')}"
