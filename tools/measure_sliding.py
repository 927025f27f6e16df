#!/usr/bin/env python3
"""Measure overlapping windows on chips and here: phase-shifted states beside computing a window when it is complete.

Prints a Markdown table: for every number of phases, what a sample costs (mean and most), the RAM of all states, and
beside it the burst that computing whole windows takes at every hop, with the RAM of a window's samples.
Usage: tools/measure_sliding.py BUNDLE...
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.frames.framing import Frame, FrameParser
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.frames.messages import Log
from edgehar.firmware_bridge.line.opening import open_transport
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import FIRMWARE, write_project
from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.tables import CModel

REPOSITORY = Path(__file__).resolve().parents[1]
CHIPS = {
    "atmega328p": ("ATmega328P", "cycles", {"simple_rnn": (1, 2, 4)}),
    "mps2-an386": ("Cortex-M4F", "instructions", dict.fromkeys(("simple_rnn", "lstm", "gru"), (1, 2, 5, 10))),
}
PHASES_HERE = (1, 2, 5, 10)
RUNS_HERE = 15
PATIENCE_S = 60.0

# What the program needs of a board, on a machine with an operating system; a tick is a nanosecond.
HOST_BOARD = """
#define _POSIX_C_SOURCE 199309L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static void board_start(void) {}
static int board_get(void)
{
    const int byte = getchar();
    if (byte == EOF)
        exit(0);
    return byte;
}
void har_board_put(uint8_t byte)
{
    putchar(byte);
    fflush(stdout);
}
uint32_t har_board_micros(void) { return 0; }
uint8_t har_board_tick_unit(void) { return 0; }
uint32_t har_board_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}
"""


def main() -> None:
    """Measure every bundle on every chip that keeps up with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    options = parser.parse_args()
    print(
        "| chip | model | hop | a sample, mean | most | RAM of states | a window at once | RAM of samples | counted |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---|")
    for path in options.bundles:
        bundle = read_bundle(path)
        name = bundle.manifest.architecture.name
        for board, (title, unit, phases) in CHIPS.items():
            for count in phases.get(name, ()):
                print(row(bundle, title, unit, count, measure(bundle, board, count)), flush=True)
        for count in PHASES_HERE:
            print(row(bundle, "this machine", "ns", count, measure_here(bundle, count)), flush=True)


def row(bundle: Bundle, title: str, unit: str, phases: int, measured: tuple[int, int, int]) -> str:
    """Return one row of the table."""
    model = unpack_model(bundle.files["model.int8.harc"])
    mean, most, window = measured
    states = states_bytes(model, phases)
    samples = 2 * model.channels * model.window
    hop = -(-model.window // phases)
    name = bundle.manifest.architecture.name
    numbers = (f"{mean:,}", f"{most:,}", f"{states:,}", f"{window:,}", f"{samples:,}")
    return f"| {title} | {name} | {hop} | " + " | ".join(numbers) + f" | {unit} |"


def measure(bundle: Bundle, board: str, phases: int) -> tuple[int, int, int]:
    """Return what a sample costs on a chip, mean and most, and what a window costs."""
    with tempfile.TemporaryDirectory() as folder:
        project = build(bundle, board, phases, Path(folder))
        with emulate(board, project / "firmware.elf") as emulated:
            return listen(emulated.url)


def measure_here(bundle: Bundle, phases: int) -> tuple[int, int, int]:
    """Return the same of this machine: medians of several runs."""
    with tempfile.TemporaryDirectory() as folder:
        program = build(bundle, "host", phases, Path(folder)) / "firmware"
        found = []
        for _ in range(RUNS_HERE):
            reply = subprocess.run([program], input=b"\x01", capture_output=True, check=True).stdout
            found.append(next(filter(None, (costs(event) for event in FrameParser().feed(reply, 0.0)))))
    mean, most, window = (int(statistics.median(values)) for values in zip(*found, strict=True))
    return mean, most, window


def build(bundle: Bundle, board: str, phases: int, folder: Path) -> Path:
    """Build the measuring program in place of a board's own, and return its project."""
    project = folder / "project"
    write_project(bundle, find_board(board), project, quantization="int8")
    program = (FIRMWARE / "emulators" / "sliding_main.c").read_text(encoding="utf-8")
    if board == "host":
        program = HOST_BOARD + program.replace('#include "board.h"', "")
    (project / "src" / "main.c").write_text(f"#define PHASES {phases}\n{program}", encoding="utf-8")
    subprocess.run(["make", "-s", "-C", project], check=True, stdout=subprocess.DEVNULL)
    return project


def listen(url: str) -> tuple[int, int, int]:
    """Wake the program and wait for what it says."""
    line, parser = open_transport(url), FrameParser()
    end_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end_s:
            line.write(b"\x01")
            for event in parser.feed(line.read(timeout_s=1.0), time.monotonic()):
                if found := costs(event):
                    return found
    finally:
        line.close()
    raise SystemExit("the program said nothing")


def costs(event: object) -> tuple[int, int, int] | None:
    """Return what the program measured, if this is the frame that says so."""
    message = decode_message(event.body) if isinstance(event, Frame) else None
    if not isinstance(message, Log) or not message.text.startswith("sliding "):
        return None
    mean, most, window = map(int, message.text.split()[1:])
    return mean, most, window


def states_bytes(model: CModel, phases: int) -> int:
    """Return the RAM of all states."""
    return phases * (4 * model.kept_sums + 2 * model.kept_values)


if __name__ == "__main__":
    main()
