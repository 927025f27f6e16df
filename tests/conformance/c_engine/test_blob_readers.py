"""The two readers of blobs, Python and C: they take the same bytes and refuse the same bytes, whatever these are."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.errors import BundleError
from edgehar.models.portable.blob import HEADER, MAGIC, pack_model, unpack_model
from edgehar.pipeline.compilers.c99 import tables

SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
ARCHITECTURES = (
    Architecture("small", 3, 2, (SimpleRNN("a", 3), Dense("o", 2, "softmax"))),
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
RECORD = 44
DAMAGED = 8
"""HAR_DAMAGED_MODEL of har.h."""

TELLING = (0, 1, 2, 3, 4, 5, 6, 12, 13, 15, 16, 17, 31, 32, 33, 64, 127, 128, 255)
WORDS = (0, 1, 2, 3, 4, 6, 255, 256, 511, 512, 2047, 2048, 32768, 65535)


def sealed(content: bytes) -> bytes:
    """Return content as a blob: its length and checksum are right."""
    content = struct.pack("<I", len(content) + 8) + content[4:]
    return MAGIC + struct.pack("<I", zlib.crc32(content)) + content


def altered(blob: bytes, generator: np.random.Generator) -> bytes:
    """Return a blob with a few bytes, words, records or arrays changed, and sealed again."""
    content = bytearray(blob[8:])
    records = (HEADER.size - 8, HEADER.size - 8 + RECORD * blob[14])
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
            one, other = (records[0] + RECORD * int(generator.integers(blob[14])) for _ in range(2))
            content[one : one + RECORD] = content[other : other + RECORD]
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


def blobs(quantization: str, random_weights) -> Iterator[bytes]:
    """Yield whole blobs, and many altered ones."""
    generator = np.random.default_rng(21)
    for architecture in ARCHITECTURES:
        whole = pack_model(tables(architecture, random_weights(architecture), quantization))
        yield whole
        for _ in range(4000):
            yield altered(whole, generator)


@pytest.mark.parametrize("quantization", ["int8", "float32"])
def test_both_readers_agree(quantization: str, need, build_driver, run_driver, random_weights, tmp_path: Path) -> None:
    """Under sanitizers, with exactly the memory that the model asks for; what is taken is run as well."""
    numbers = ("-DHAR_FLOAT",) if quantization == "float32" else ()
    driver = build_driver([need("gcc", "gcc")], tmp_path / "driver", *numbers, *SANITIZED)
    dtype = np.float32 if numbers else np.int16
    # The driver answers 100 if a blob is taken that these samples do not fit.
    cases = [(blob, np.zeros((1, 5, 3), dtype)) for blob in blobs(quantization, random_weights)]
    found = [not isinstance(reply, int) or reply == 100 for reply in run_driver([driver], cases)]
    expected = [is_taken(blob) for blob, _ in cases]
    assert [at for at, (c, python) in enumerate(zip(found, expected, strict=True)) if c != python] == []
    assert 0.02 < np.mean(expected) < 0.9


def with_layers(blob: bytes, repeats: int) -> bytes:
    """Return a blob whose second layer is there more often, and whose arrays are there once."""
    records = [bytearray(blob[at : at + RECORD]) for at in range(HEADER.size, HEADER.size + RECORD * blob[14], RECORD)]
    arrays = blob[HEADER.size + RECORD * blob[14] :]
    many = [records[0], *(bytearray(records[1]) for _ in range(repeats)), *records[2:]]
    shift = RECORD * (len(many) - len(records))
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
