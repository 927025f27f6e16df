#!/usr/bin/env python3
"""Build the firmware of every board for bundles, run it in emulators, and print what it takes, as a Markdown table.

QEMU counts instructions and simavr cycles; both are exact, and neither depends on this machine. Every row's labels and
probabilities are held to the reference while it is measured. Usage: tools/measure_firmware.py BUNDLE... [--windows N]
"""

import argparse
import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.firmware_bridge.device.engine import DeviceEngine
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.elf import program_size
from edgehar.firmware_bridge.projects.project import find_artifact, write_project
from edgehar.models.bundle import FLOAT_TOLERANCE, Bundle, read_bundle
from edgehar.models.errors import HarError
from edgehar.models.portable.blob import unpack_model

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Place:
    """Where a model is measured: board, machine, core, numbers."""

    title: str
    board: str
    machine: str
    cpu: str
    quantization: str


PLACES = (
    Place("ATmega328P, 16 MHz", "atmega328p", "atmega328p", "", "int8"),
    Place("Cortex-M4F", "mps2-an386", "mps2-an386", "cortex-m4", "int8"),
    Place("Cortex-M4F", "mps2-an386", "mps2-an386", "cortex-m4", "float32"),
    Place("Cortex-M3", "mps2-an386", "mps2-an385", "cortex-m3", "int8"),
    Place("Cortex-M3", "mps2-an386", "mps2-an385", "cortex-m3", "float32"),
    Place("Cortex-M0+ code", "mps2-an386", "mps2-an385", "cortex-m0plus", "int8"),
)
BARE_MAIN = """
#include "har_model.h"
volatile int16_t sensed[3];
volatile uint16_t said;
int main(void)
{
    static har_sum sums[HAR_MODEL_SUMS];
    static har_value values[HAR_MODEL_VALUES];
    har_probability probabilities[HAR_CLASSES];
    har_engine engine;
    har_open(&engine, &har_model_tables, sums, HAR_MODEL_SUMS, values, HAR_MODEL_VALUES);
    for (;;) {
        const har_sample sample[3] = {sensed[0], sensed[1], sensed[2]};
        if (har_step(&engine, sample) == HAR_WINDOW_FULL) {
            har_finish(&engine, probabilities);
            said = probabilities[0];
            har_reset(&engine);
        }
    }
}
"""


def main() -> None:
    """Measure every bundle everywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--windows", type=int, default=4, help="golden windows a row is measured on")
    options = parser.parse_args()
    print("| chip | model | numbers | flash | RAM | stack | a step | a window | counted |")
    print("|---|---|---|---:|---:|---:|---:|---:|---|")
    bundles = [read_bundle(path) for path in options.bundles]
    for bundle in bundles:
        for row in rows(bundle, options.windows):
            print("| " + " | ".join(row) + " |", flush=True)
    for bundle in bundles:
        with contextlib.suppress(HarError):  # Too large for it, as its row says.
            print(bare_size(bundle), flush=True)


def rows(bundle: Bundle, windows: int) -> Iterator[list[str]]:
    """Yield the rows of one bundle."""
    for place in PLACES:
        try:
            yield measure(bundle, place, windows)
        except HarError as error:
            yield [place.title, bundle.manifest.architecture.name, place.quantization, str(error), *[""] * 5]


def measure(bundle: Bundle, place: Place, windows: int) -> list[str]:
    """Return one row."""
    model = unpack_model(bundle.files[find_artifact(bundle, place.quantization).file])
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(bundle, find_board(place.board), project, quantization=place.quantization)
        make(project, *([f"CPU={place.cpu}"] if place.cpu else []))
        size = program_size(project / "firmware.elf")
        with emulate(place.machine, project / "firmware.elf") as board:
            engine = DeviceEngine(bundle, board.url)
            outputs = engine.predict(bundle.golden["windows"][:windows])
            engine.close()
    check(bundle, engine, outputs)
    per_window = float(np.median([duration.count for duration in engine.durations]))
    unit = engine.durations[0].unit.name.lower()
    stack = f"{board.ended['stack']:,}" if "stack" in board.ended else ""
    return [
        place.title,
        bundle.manifest.architecture.name,
        place.quantization,
        f"{size.flash_bytes:,}",
        f"{size.ram_bytes:,}",
        stack,
        f"{per_window / model.window:,.0f}",
        f"{per_window:,.0f}",
        unit,
    ]


def check(bundle: Bundle, engine: DeviceEngine, outputs: np.ndarray) -> None:
    """Hold what a board said to what its artifact is held to."""
    expected = bundle.golden[engine.artifact][: len(outputs)]
    allowed = 0.0 if engine.quantization == "int8" else FLOAT_TOLERANCE
    if np.abs(outputs - expected).max() > allowed:
        raise SystemExit(f"{engine.artifact}: the board does not give what it must")


def make(folder: Path, *arguments: str) -> None:
    """Build a project."""
    subprocess.run(["make", "-s", "-C", folder, *arguments], check=True, stdout=subprocess.DEVNULL)


def bare_size(bundle: Bundle) -> str:
    """Return what the integer engine and its tables take on an ATmega328P, without protocol and drivers."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(bundle, find_board("atmega328p"), project, quantization="int8")
        sources = project / "src"
        for name in ("har_device.c", "har_frame.c", "har_identity.c", "har_labels.c", "har_slide.c"):
            (sources / name).unlink()
        classes = bundle.manifest.architecture.classes
        (sources / "main.c").write_text(BARE_MAIN.replace("HAR_CLASSES", str(classes)), encoding="utf-8")
        make(project)
        size = program_size(project / "firmware.elf")
    name = re.sub(r"_", " ", bundle.manifest.architecture.name)
    return (
        f"\nThe {name} engine and its tables alone on an ATmega328P, without protocol and UART: "
        f"{size.flash_bytes:,} bytes of flash, {size.ram_bytes:,} of RAM."
    )


if __name__ == "__main__":
    main()
