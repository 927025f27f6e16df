"""Feed the readers of recordings whatever bytes: only a HarError may leave them, with a next step.

    pip install atheris && python tools/fuzz_recordings.py capture --seconds 600    guided by coverage
    pip install atheris && python tools/fuzz_recordings.py csv --seconds 600
    python tools/fuzz_recordings.py capture --plain --inputs 5000                   without atheris: seeds, altered

Seeds are a capture with takes and losses, and tables in several layouts.
"""

import argparse
import importlib
import random
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgehar.models.capture_file import CapturedBlock, CaptureInfo, encode_block, encode_event, encode_info
from edgehar.models.errors import HarError
from edgehar.pipeline.data.readers import load_dataset

SUFFIXES: Final = {"capture": ".harcap", "csv": ".csv"}
ROOMS: Final = {
    "capture": ("edgehar.models.capture_file", "edgehar.pipeline.data.readers.capture"),
    "csv": tuple(
        f"edgehar.pipeline.data.importing.{room}"
        for room in ("clock", "dates", "labels", "parser", "preamble", "sources", "table")
    ),
}
LONGEST_BYTES: Final = 16_384
TABLES: Final = (
    "x,y,z\n" + "0.1,0.2,0.97\n" * 40,
    "# rate: 100 Hz\ntime_ms;acc x (m/s^2);acc y (m/s^2);acc z (m/s^2);label\n" + "0;1,0;2,0;9,4;walking\n" * 20,
    "sep=,\nTime,AccX,AccY,AccZ\ns,g,g,g\n" + "".join(f"{index / 100},0,0.1,1\n" for index in range(60)),
    "user,activity,timestamp,x,y,z;\n" + "".join(f"1,Walking,{index * 50000000},1,9.5,0.2;\n" for index in range(40)),
    "2024-01-01 10:00:00.010\t1\t2\t3\n" * 30,
)


def seeds(kind: str) -> Iterator[bytes]:
    """Yield inputs to begin with."""
    if kind == "csv":
        yield from (table.encode() for table in TABLES)
        yield TABLES[0].encode("utf-16")
        return
    samples = np.tile(np.float32([0.0, 0.6, 0.8]), (50, 1))
    content = bytearray(encode_info(CaptureInfo("7", "hip", "g", 100.0, "2026-01-01T00:00:00+00:00", "loop://")))
    for number in range(4):
        if number % 2 == 0:
            content += encode_event(
                {"event": "begin", "take": number // 2 + 1, "activity": "Sitting", "t_s": number * 0.5}
            )
        content += encode_block(
            CapturedBlock(
                samples, np.arange(50) / 100 + number * 0.5, 1.7e9 + number, lost=number, continues=number != 2
            )
        )
        if number % 2 == 1:
            content += encode_event({"event": "end", "take": number // 2 + 1, "t_s": (number + 1) * 0.5})
    yield bytes(content)


def reader(kind: str, folder: Path) -> Any:
    """Return what reads one input from a file in a folder."""
    path = folder / f"input{SUFFIXES[kind]}"

    def one_input(data: bytes) -> None:
        path.write_bytes(data[:LONGEST_BYTES])
        try:
            load_dataset(path)
        except HarError as error:
            if "\n" in str(error).strip():
                raise RuntimeError("an error is more than a sentence") from error

    return one_input


def altered(data: bytes, generator: random.Random) -> bytes:
    """Return an input with a few bytes changed, removed or doubled."""
    out = bytearray(data)
    for _ in range(generator.randrange(1, 8)):
        at = generator.randrange(len(out))
        match generator.randrange(4):
            case 0:
                out[at] ^= 1 << generator.randrange(8)
            case 1:
                out[at] = generator.choice((0, 10, 13, 44, 45, 46, 59, 0x7F, 0xFF, generator.randrange(256)))
            case 2:
                del out[at : at + generator.randrange(1, 40)]
                out = out or bytearray(b"0")
            case _:
                out[at:at] = out[at : at + generator.randrange(1, 200)]
    return bytes(out)


def plain(kind: str, inputs: int, seed: int, folder: Path) -> None:
    """Feed altered seeds."""
    generator, corpus, one_input = random.Random(seed), list(seeds(kind)), reader(kind, folder)
    for data in corpus:
        one_input(data)
    for _ in range(inputs):
        one_input(altered(generator.choice(corpus), generator))


def guided(kind: str, seconds: float, folder: Path) -> None:
    """Let atheris look for inputs; it ends the process, with an error if it finds one that breaks a reader."""
    import atheris

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(seeds(kind)):
        (corpus / f"seed-{number}").write_bytes(data)
    for name in ROOMS[kind]:
        module = importlib.import_module(name)
        owners = [vars(owner) for owner in vars(module).values() if isinstance(owner, type)]
        for function in [value for owner in [vars(module), *owners] for value in list(owner.values())]:
            if isinstance(function, types.FunctionType) and function.__module__ == name:
                atheris.instrument_func(function)
    limits = [f"-max_total_time={int(seconds)}", "-timeout=20", "-rss_limit_mb=2048", f"-max_len={LONGEST_BYTES}"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={corpus}/"], reader(kind, folder))
    atheris.Fuzz()


def main() -> None:
    """Fuzz until an input breaks a reader, or time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(SUFFIXES))
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{options.kind}-"))
    if not options.plain:
        guided(options.kind, options.seconds, folder)
        return
    started_s = time.perf_counter()
    plain(options.kind, options.inputs, options.seed, folder)
    print(
        f"{options.inputs:,} altered inputs in {time.perf_counter() - started_s:.1f} s: nothing but sentences came back"
    )


if __name__ == "__main__":
    main()
