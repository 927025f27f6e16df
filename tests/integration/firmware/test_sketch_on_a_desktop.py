"""The Arduino library with a carried state, built for this machine: labels are those of one pass over the samples."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import find_sensor
from edgehar.models.architecture import LSTM, Architecture, Dense
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.errors import UsageError
from edgehar.models.portable.blob import unpack_model
from edgehar.models.portable.integer_reference import forward
from edgehar.models.stateful.trained import CARRIES_STATE
from edgehar.pipeline.compilers import Target, compile_bundle

STUBS = Path(__file__).parent / "arduino_stubs"
WINDOW, HOP, GAP_AT = 50, 30, 200
SKETCH = f"""
#define HAR_HOP {HOP}
#define HAR_RAW
#include "desktop.h"
#include <EdgeHAR.h>

static void found(const char *label, uint8_t percent) {{ printf("%s|%u\\n", label, percent); }}

int main()
{{
    printf("%d\\n", HAR_PHASES);
    HAR.onLabel(found);
    HAR.begin();
    for (;;)
        HAR.update();
}}
"""


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """An untrained model that says that it was trained to carry its state."""
    layers = (LSTM("a", 8, True), LSTM("b", 6), Dense("o", 6, "softmax"))
    made = random_bundle(Architecture("small", WINDOW, 3, layers))
    manifest, weights = made.manifest, {name: 2 * np.array(values) for name, values in made.weights.items()}
    for name, units in (("a", 8), ("b", 6)):
        weights[f"{name}/bias"][units : 2 * units] = 6.0  # it forgets slowly
    again = make_bundle(
        architecture=manifest.architecture,
        labels=manifest.labels,
        window=manifest.window,
        normalization=manifest.normalization,
        weights=weights,
        decoder=manifest.decoder,
        provenance=replace(manifest.provenance, configuration={CARRIES_STATE: True}),
    )
    return compile_bundle(again, [Target("c", "int8")])


def said_by_the_sketch(bundle: Bundle, counts: np.ndarray, folder: Path, streaming: bool | None) -> list[str]:
    """Build the library and a sketch, give it samples with a gap among them, and return the lines it prints."""
    board, sensor = find_board("nano33ble"), find_sensor("mpu6050")
    write_project(bundle, board, folder / "p", quantization="int8", sensor=sensor, streaming=streaming)
    (folder / "sketch.cpp").write_text(SKETCH, encoding="utf-8")
    sources, common = folder / "p" / "src", ["-O1", f"-I{STUBS}", f"-I{folder / 'p' / 'src'}", "-DARDUINO=10819"]
    objects = []
    for file in sorted(sources.glob("*.c")):
        objects.append(folder / f"{file.stem}.o")
        build("gcc", *common, "-Wall", "-Wextra", "-Werror", "-std=c99", "-c", file, "-o", objects[-1])
    sketch = ("-Wall", "-Wextra", "-Werror", "-std=gnu++11", "-include", "Arduino.h", folder / "sketch.cpp")
    build("g++", *common, *sketch, *objects, "-o", folder / "sketch", "-lm")
    lines = [" ".join(map(str, row)) for row in counts.tolist()]
    lines.insert(GAP_AT, "70")
    done = subprocess.run(
        [folder / "sketch"], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()


def build(*command: object) -> None:
    """Run a compiler."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("streaming", [None, False])
def test_labels_are_those_of_one_pass_since_the_gap(
    bundle: Bundle, need, tmp_path: Path, streaming: bool | None
) -> None:
    need("gcc", "g++")
    generator = np.random.default_rng(3)
    counts = generator.normal(scale=4000, size=(330, 3)).astype(np.int16)
    phases, *said = said_by_the_sketch(bundle, counts, tmp_path, streaming)
    model, labels = unpack_model(bundle.files["model.int8.harc"]), bundle.manifest.labels
    samples = (np.sign(counts) * ((np.abs(counts.astype(np.int64)) * 2048 + 2048) // 4096)).astype(np.int16)
    texts: dict[str, list[str]] = {"carried": [], "alone": []}
    for stretch in (samples[:GAP_AT], samples[GAP_AT:]):
        for end in range(WINDOW, len(stretch) + 1, HOP):
            for kind, start in (("carried", 0), ("alone", end - WINDOW)):
                found = forward(model, stretch[None, start:end])[0]
                texts[kind].append(f"{labels[found.argmax()]}|{int(100.0 * found.max() / 32768)}")
    assert np.count_nonzero([one != other for one, other in zip(*texts.values(), strict=True)]) >= 4
    assert said == texts["alone" if streaming is False else "carried"]
    assert int(phases) == (2 if streaming is False else 1), "one state in the place of one for every hop of the window"


def test_what_no_board_carries_is_refused(bundle: Bundle, compiled, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a board that senses"):
        write_project(bundle, find_board("host"), tmp_path / "p", quantization="int8", streaming=True)
    assert not (tmp_path / "p").exists()
