"""Make what the fuzzers start from.

``prepare.py project FOLDER`` writes a firmware project of a small model for an Arduino, for `fuzz_device.c`;
``prepare.py seeds FOLDER`` writes the seeds that are kept in ``tests/golden/fuzz``.
"""

import json
import sys
from pathlib import Path
from typing import Final

import numpy as np

from edgehar.firmware_bridge.frames.messages import Ask, Infer, Start, Stop, Who
from edgehar.firmware_bridge.projects.boards import find_board
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import find_sensor
from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    Masking,
    MaxPooling1D,
    SelfAttention,
    SimpleRNN,
    TemporalBlock,
)
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.manifest import DecoderSpec, Provenance, WindowSpec
from edgehar.models.contract import CHANNELS
from edgehar.models.normalization import Normalization
from edgehar.models.portable.blob import pack_model
from edgehar.pipeline.compilers import Target, compile_bundle
from edgehar.pipeline.compilers.c99 import tables

GOLDEN_FRAMES: Final = Path(__file__).parents[1] / "golden" / "frames.json"
FRAME: Final = b"\x01"
"""What tells fuzz_device.c to send the bytes behind it as the body of a whole frame."""

MODELS: Final = {
    "simple_rnn": Architecture("simple_rnn", 3, 3, (SimpleRNN("a", 2), Dense("o", 2, "softmax"))),
    "lstm": Architecture("lstm", 3, 1, (Dense("d", 1, "tanh"), LSTM("a", 3), Dense("o", 3, "softmax"))),
    "gru": Architecture(
        "gru",
        4,
        2,
        (
            GRU("a", 2, return_sequences=True),
            GRU("b", 2, reset_after=False),
            Dense("r", 2, "relu"),
            Dense("o", 2, "softmax"),
        ),
    ),
    "filters": Architecture(
        "filters",
        5,
        2,
        (
            Conv1D("a", 2, 2, "relu", "same"),
            TemporalBlock("b", 2, 2, 1),
            MaxPooling1D("c", 2, padding="same"),
            GlobalAveragePooling1D("d"),
            Dense("o", 2, "softmax"),
        ),
    ),
    "both_ways": Architecture(
        "both_ways",
        4,
        1,
        (Bidirectional("a", "GRU", 2, True, merge="sum"), Bidirectional("b", "LSTM", 2), Dense("o", 2, "sigmoid")),
    ),
    "attention": Architecture(
        "attention", 4, 2, (SelfAttention("a", 2, heads=2), GlobalAveragePooling1D("b"), Dense("o", 2, "softmax"))
    ),
    "branches": Architecture(
        "branches",
        4,
        2,
        (
            Branches("a", "sum", ((Conv1D("b", 2, 3, "relu", "same"),), ())),
            Branches("c", "concat", ((LSTM("d", 2),), (GlobalAveragePooling1D("e"), Dense("f", 2, "tanh")))),
            Dense("o", 2, "softmax"),
        ),
    ),
    "masked": Architecture("masked", 4, 2, (Masking("m", 0.5), Bidirectional("a", "GRU", 2), Dense("o", 2, "softmax"))),
    "forecast": Architecture("forecast", 3, 2, (Flatten("a"), Dense("b", 3, "relu"), Dense("o", 2))),
    "lanes": Architecture("lanes", 2, 1, (Dense("d", 1, "linear"), SimpleRNN("a", 16), Dense("o", 2, "softmax"))),
}


def random_weights(architecture: Architecture) -> dict[str, np.ndarray]:
    """Return some weights."""
    generator = np.random.default_rng(3)
    shapes = architecture.weight_shapes().items()
    return {name: generator.normal(scale=0.4, size=shape).astype(np.float32) for name, shape in shapes}


def small_bundle() -> Bundle:
    """Return a bundle of an untrained model with integer tables."""
    architecture = Architecture("fuzzed", 7, 3, (SimpleRNN("r", 4), Dense("o", 3, "softmax")))
    return compile_bundle(
        make_bundle(
            architecture=architecture,
            labels=("a", "b", "c"),
            window=WindowSpec(architecture.window, 7, 100.0, CHANNELS, "g", "sensor", "hip"),
            normalization=Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
            weights=random_weights(architecture),
            decoder=DecoderSpec(smoothing_windows=1, reject_below=0.0, minimum_dwell_windows=1),
            provenance=Provenance("none", "", "", 0, True, "2026-01-01T00:00:00Z", {}, {}),
        ),
        [Target("c", "int8")],
    )


def write_seeds(folder: Path) -> None:
    """Write small blobs of every kind of layer, and what a host says to a device."""
    for quantization in ("int8", "float32"):
        (folder / "blob").mkdir(parents=True, exist_ok=True)
        for name, architecture in MODELS.items():
            blob = pack_model(tables(architecture, random_weights(architecture), quantization))
            (folder / "blob" / f"{name}-{quantization}").write_bytes(blob)
    (folder / "device").mkdir(parents=True, exist_ok=True)
    window = Infer(1, 0, 0, np.arange(21, dtype="<i2").tobytes())
    talk = [message.pack() for message in (Who(), Start(), window, Ask(), Stop())]
    (folder / "device" / "conversation").write_bytes(b"\x02\x05".join(FRAME + body for body in talk))
    frames = [bytes.fromhex(frame["line"]) for frame in json.loads(GOLDEN_FRAMES.read_text(encoding="utf-8"))["frames"]]
    (folder / "device" / "frames").write_bytes(b"\0".join(frames)[:2000])
    (folder / "device" / "events").write_bytes(b"\x02" * 12 + b"\x03\x04" + b"\x02" * 3 + FRAME + Stop().pack())


def main(arguments: list[str]) -> int:
    """Do what the command line asks for."""
    match arguments:
        case ["project", folder]:
            board, sensor = find_board("arduino"), find_sensor("mpu6050")
            write_project(small_bundle(), board, Path(folder), quantization="int8", sensor=sensor)
        case ["seeds", folder]:
            write_seeds(Path(folder))
        case _:
            sys.stderr.write(str(__doc__))
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
