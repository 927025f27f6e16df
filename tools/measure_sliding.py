#!/usr/bin/env python3
"""Measure overlapping windows on emulated chips: phase-shifted states beside computing a window when it is complete.

Prints a Markdown table: for every number of phases, what a sample costs (mean and most), the RAM of all states, and
beside it the burst that computing whole windows takes at every hop, with the RAM of a window's samples.
Usage: tools/measure_sliding.py BUNDLE...
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from firmware_bridge.emulators import emulate  # noqa: E402
from firmware_bridge.messagereader import decode_message  # noqa: E402
from firmware_bridge.messages import Log  # noqa: E402
from firmware_bridge.projects.boards import find_board  # noqa: E402
from firmware_bridge.projects.project import FIRMWARE, write_project  # noqa: E402
from firmware_bridge.protocol import Frame, FrameParser  # noqa: E402
from firmware_bridge.transport import open_transport  # noqa: E402
from models.bundle import Bundle, read_bundle  # noqa: E402
from models.c_blob import unpack_model  # noqa: E402
from models.c_model import CModel  # noqa: E402

CHIPS = {
    "atmega328p": ("ATmega328P", "cycles", {"simple_rnn": (1, 2, 4)}),
    "mps2-an386": ("Cortex-M4F", "instructions", dict.fromkeys(("simple_rnn", "lstm", "gru"), (1, 2, 5, 10))),
}
PATIENCE_S = 60.0


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
                print(row(bundle, board, title, unit, count), flush=True)


def row(bundle: Bundle, board: str, title: str, unit: str, phases: int) -> str:
    """Return one row of the table."""
    model = unpack_model(bundle.files["model.int8.harc"])
    mean, most, window = measure(bundle, board, phases)
    states = states_bytes(model, phases)
    samples = 2 * model.channels * model.window
    hop = -(-model.window // phases)
    name = bundle.manifest.architecture.name
    numbers = (f"{mean:,}", f"{most:,}", f"{states:,}", f"{window:,}", f"{samples:,}")
    return f"| {title} | {name} | {hop} | " + " | ".join(numbers) + f" | {unit} |"


def measure(bundle: Bundle, board: str, phases: int) -> tuple[int, int, int]:
    """Return what a sample costs, mean and most, and what a window costs."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(bundle, find_board(board), project, quantization="int8")
        program = (FIRMWARE / "emulators" / "sliding_main.c").read_text(encoding="utf-8")
        (project / "src" / "main.c").write_text(f"#define PHASES {phases}\n{program}", encoding="utf-8")
        subprocess.run(["make", "-s", "-C", project], check=True, stdout=subprocess.DEVNULL)
        with emulate(board, project / "firmware.elf") as emulated:
            return listen(emulated.url)


def listen(url: str) -> tuple[int, int, int]:
    """Wake the program and wait for what it says."""
    line, parser = open_transport(url), FrameParser()
    end_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end_s:
            line.write(b"\x01")
            for event in parser.feed(line.read(timeout_s=1.0), time.monotonic()):
                message = decode_message(event.body) if isinstance(event, Frame) else None
                if isinstance(message, Log) and message.text.startswith("sliding "):
                    mean, most, window = map(int, message.text.split()[1:])
                    return mean, most, window
    finally:
        line.close()
    raise SystemExit("the program said nothing")


def states_bytes(model: CModel, phases: int) -> int:
    """Return the RAM of all states."""
    return phases * (4 * model.kept_sums + 2 * model.kept_values)


if __name__ == "__main__":
    main()
