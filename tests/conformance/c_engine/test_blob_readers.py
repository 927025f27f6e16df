"""The two readers of blobs, Python and C: they take the same bytes and refuse the same bytes, whatever these are."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import (
    GRU,
    LSTM,
    Architecture,
    AveragePooling1D,
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
from edgehar.models.errors import BundleError
from edgehar.models.portable.blob import HEADER, MAGIC, pack_model, unpack_model
from edgehar.models.portable.tables import CLayer, CModel, Matrix
from edgehar.pipeline.compilers.c99 import tables

SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
ARCHITECTURES = (
    Architecture("small", 3, 2, (SimpleRNN("a", 3), Dense("o", 2, "softmax"))),
    Architecture("yes", 4, 2, (SimpleRNN("a", 3), Dense("o", 2, "sigmoid"))),
    Architecture("number", 4, 2, (LSTM("a", 2), Dense("b", 3, "relu"), Dense("o", 1))),
    Architecture(
        "filters",
        7,
        2,
        (
            Conv1D("a", 3, 2, "relu", "same"),
            MaxPooling1D("b", 2, padding="same"),
            TemporalBlock("c", 2, 2, 2),
            TemporalBlock("d", 2, 2, 1),
            Bidirectional("e", "GRU", 2, True, reset_after=False),
            GlobalAveragePooling1D("f"),
            Dense("o", 2, "softmax"),
        ),
    ),
    Architecture(
        "both ways",
        6,
        2,
        (
            Conv1D("a", 3, 2, "tanh", strides=2),
            AveragePooling1D("b", 1, strides=2),
            Bidirectional("c", "LSTM", 2, merge="sum"),
            Dense("o", 2, "softmax"),
        ),
    ),
    Architecture(
        "attention",
        5,
        2,
        (
            Conv1D("a", 4, 2, "relu", "same"),
            SelfAttention("b", 3, heads=2),
            SelfAttention("c", 2, residual=False),
            GlobalAveragePooling1D("d"),
            Dense("o", 2, "softmax"),
        ),
    ),
    Architecture(
        "branches",
        6,
        2,
        (
            Branches("a", "sum", ((Conv1D("b", 2, 3, "relu", "same"),), ())),
            Branches("c", "concat", ((LSTM("d", 2),), (Conv1D("e", 2, 2, strides=2), GlobalAveragePooling1D("f")))),
            Branches("g", "mul", ((Dense("h", 4, "sigmoid"),), ())),
            Dense("o", 2, "softmax"),
        ),
    ),
    Architecture(
        "masked",
        5,
        2,
        (Masking("m", 0.5), Bidirectional("a", "GRU", 2, True), LSTM("b", 2), Dense("c", 2), Dense("o", 2, "softmax")),
    ),
    Architecture("flat", 4, 2, (Conv1D("a", 2, 2, "relu"), Flatten("f"), Dense("d", 3), Dense("o", 2, "sigmoid"))),
    Architecture(
        "all",
        5,
        3,
        (
            Dense("a", 3, "relu"),
            GRU("b", 2, return_sequences=True),
            GRU("c", 2, return_sequences=True, reset_after=False),
            SimpleRNN("d", 3, return_sequences=True),
            LSTM("e", 2),
            Dense("f", 3, "linear"),
            Dense("o", 4, "softmax"),
        ),
    ),
)
RECORD = {1: 44, 2: 56, 3: 56, 4: 56}
DTYPES = {"int8": np.int16, "float32": np.float32}
DAMAGED = 8
"""HAR_DAMAGED_MODEL of har.h."""

OTHER_SAMPLES = 100
"""What the driver answers if it takes a blob that the samples do not fit."""

TELLING = (0, 1, 2, 3, 4, 5, 6, 12, 13, 15, 16, 17, 31, 32, 33, 64, 127, 128, 255)
WORDS = (0, 1, 2, 3, 4, 6, 255, 256, 511, 512, 2047, 2048, 32768, 65535)


def sealed(content: bytes) -> bytes:
    """Return content as a blob: its length and checksum are right."""
    content = struct.pack("<I", len(content) + 8) + content[4:]
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def altered(blob: bytes, generator: np.random.Generator) -> bytes:
    """Return a blob with a few bytes, words, records or arrays changed, and sealed again."""
    content, record = bytearray(blob[8:]), RECORD[blob[12]]
    records = (HEADER.size - 8, HEADER.size - 8 + record * blob[14])
    for _ in range(int(generator.integers(1, 3))):
        kind = generator.integers(6)
        if kind == 0:  # Any byte of the header and the records.
            content[generator.integers(4, records[1])] = generator.choice(TELLING)
        elif kind == 1:  # A field of 16 bits.
            at = 2 * int(generator.integers(2, records[1] // 2))
            content[at : at + 2] = struct.pack("<H", generator.choice(WORDS))
        elif kind == 2:  # An offset, near one that is right.
            at = records[0] + 4 * int(generator.integers(0, (records[1] - records[0]) // 4))
            old = struct.unpack_from("<I", content, at)[0]
            new = old + int(generator.choice([-64, -4, -2, 1, 2, 4, 64, len(blob), 2**31]))
            content[at : at + 4] = struct.pack("<I", new & 0xFFFFFFFF)
        elif kind == 3:  # A layer in the place of another.
            one, other = (records[0] + record * int(generator.integers(blob[14])) for _ in range(2))
            content[one : one + record] = content[other : other + record]
        elif kind == 4:  # A number in an array.
            at = 4 * int(generator.integers(records[1] // 4, len(content) // 4))
            number = generator.choice([0x7F800000, 0xFF800001, 0x7F7FFFFF, 0x10000000, 0x10000001, 0xEFFFFFFF])
            content[at : at + 4] = struct.pack("<I", number)
        else:  # Bytes added or taken away at the end.
            content = content[: len(content) - int(generator.integers(1, 65))] if generator.random() < 0.5 else content
            content += bytes(4)
    return sealed(bytes(content))


def is_taken(blob: bytes) -> bool:
    """Whether Python takes a blob."""
    try:
        unpack_model(blob)
    except BundleError:
        return False
    return True


def blobs(quantization: str, random_weights) -> Iterator[tuple[bytes, np.ndarray]]:
    """Yield whole blobs, and many altered ones, with a window of the whole one."""
    generator = np.random.default_rng(21)
    for architecture in ARCHITECTURES:
        whole = pack_model(tables(architecture, random_weights(architecture), quantization))
        window = np.zeros((1, architecture.window, architecture.channels), DTYPES[quantization])
        yield whole, window
        for _ in range(1500):
            yield altered(whole, generator), window


@pytest.fixture(scope="module")
def integer_driver(need, build_driver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The integer engine, ready to take blobs."""
    return build_driver([need("gcc", "gcc")], tmp_path_factory.mktemp("edges") / "driver", "-O1")


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_both_readers_agree(quantization: str, need, build_driver, run_driver, random_weights, tmp_path: Path) -> None:
    """Under sanitizers, with exactly the memory that the model asks for; what is taken is run as well."""
    numbers = ("-DHAR_FLOAT",) if quantization == "float32" else ()
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", *numbers, *SANITIZED)
    cases = list(blobs(quantization, random_weights))
    found = [not isinstance(reply, int) or reply == OTHER_SAMPLES for reply in run_driver([driver], cases)]
    expected = [is_taken(blob) for blob, _ in cases]
    assert [at for at, (c, python) in enumerate(zip(found, expected, strict=True)) if c != python] == []
    assert 0.02 < np.mean(expected) < 0.9


def wide(
    inputs: int,
    multiplier: int,
    *,
    shift: int = 16,
    bias: int = 0,
    fraction: int = 0,
    head: str = "softmax",
    bits: int = 11,
) -> CModel:
    """Return an integer model whose second layer has so many inputs, and numbers at the edge of a rule."""
    rows = np.zeros((2, inputs), np.int8)
    first = Matrix(np.zeros((inputs, 3), np.int8), None, np.ones(inputs, np.uint16), 32)
    second = Matrix(rows, np.full(2, bias, np.int32), np.full(2, multiplier, np.uint16), shift)
    last = Matrix(np.zeros((2, 2), np.int8), None, np.ones(2, np.uint16), 16)
    layers = (
        CLayer("dense", first, None, "tanh"),
        CLayer("dense", second, None, "linear", fraction),
        CLayer("dense", last, None, head),
    )
    return CModel(5, 3, layers, 1, bits)


EDGES = {
    "window": (replace(wide(4, 1), window=2047), replace(wide(4, 1), window=2048)),
    "no window": (replace(wide(4, 1), window=1), replace(wide(4, 1), window=0)),
    "step layers": (replace(wide(4, 1), step_layers=2), replace(wide(4, 1), step_layers=3)),
    "no step layers": (replace(wide(4, 1), step_layers=1), replace(wide(4, 1), step_layers=0)),
    "inputs": (wide(511, 1), wide(512, 1)),
    "gain": (wide(256, 32_767), wide(256, 32_768)),
    "shift": (wide(4, 1, shift=16), wide(4, 1, shift=15)),
    "largest shift": (wide(4, 1, shift=32), wide(4, 1, shift=33)),
    "bias": (wide(4, 1, bias=2**28), wide(4, 1, bias=2**28 + 1)),
    "least bias": (wide(4, 1, bias=-(2**28)), wide(4, 1, bias=-(2**28) - 1)),
    "fraction": (wide(4, 1, fraction=12), wide(4, 1, fraction=13)),
    "sample bits": (wide(4, 1, bits=15), wide(4, 1, bits=16)),
    "head": (wide(4, 1, head="sigmoid_head"), wide(4, 1, head="sigmoid")),
    "number": (wide(4, 1, head="linear_head"), wide(4, 1, head="linear")),
}


@pytest.mark.parametrize("edge", EDGES)
def test_both_readers_have_the_same_edges(edge: str, integer_driver: Path, run_driver) -> None:
    """The last model that keeps a rule, and the first that breaks it."""
    kept, broken = map(pack_model, EDGES[edge])
    assert (is_taken(kept), is_taken(broken)) == (True, False)
    samples = np.zeros((1, 5, 3), np.int16)
    found = run_driver([integer_driver], [(kept, samples), (broken, samples)])
    assert not isinstance(found[0], int) or found[0] == OTHER_SAMPLES
    assert found[1] == DAMAGED


def with_layers(blob: bytes, repeats: int) -> bytes:
    """Return a blob whose second layer is there more often, and whose arrays are there once."""
    size = RECORD[1]
    records = [bytearray(blob[at : at + size]) for at in range(HEADER.size, HEADER.size + size * blob[14], size)]
    arrays = blob[HEADER.size + size * blob[14] :]
    many = [records[0], *(bytearray(records[1]) for _ in range(repeats)), *records[2:]]
    shift = size * (len(many) - len(records))
    for record in many:
        for at in (12, 16, 20, 32, 36, 40):
            offset = struct.unpack_from("<I", record, at)[0]
            record[at : at + 4] = struct.pack("<I", offset + shift if offset else 0)
    header = bytearray(blob[8 : HEADER.size])
    header[6], header[7] = len(many), len(many) - 1
    return sealed(bytes(header) + b"".join(many) + arrays)


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_an_array_named_many_times_is_refused(
    quantization: str, need, build_driver, run_driver, random_weights, tmp_path: Path
) -> None:
    """A small file must not fill the memory of its reader by naming its bytes again and again."""
    layers = (SimpleRNN("a", 64, return_sequences=True), SimpleRNN("b", 64), Dense("o", 2, "softmax"))
    architecture = Architecture("wide", 3, 3, layers)
    blob = pack_model(tables(architecture, random_weights(architecture), quantization))
    unpack_model(with_layers(blob, 1))
    bomb = with_layers(blob, 200)
    with pytest.raises(BundleError, match="share no bytes"):
        unpack_model(bomb)
    numbers = ("-DHAR_FLOAT",) if quantization == "float32" else ()
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", *numbers, "-DLAYERS=255")
    samples = np.zeros((1, 3, 3), np.float32 if numbers else np.int16)
    assert run_driver([driver], [(bomb, samples)]) == [DAMAGED]
