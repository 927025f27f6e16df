#!/usr/bin/env python3
"""Time the native engine beside plain C with every size a constant, in interleaved turns, on the same weights.

Prints the medians in microseconds, and their ratio: what a general engine, called from Python, costs over a program
written for one model. Usage: tools/native_against_plain_c.py BUNDLE... (of `lstm` or `simple_rnn`)
"""

import argparse
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter_ns

import numpy as np

from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.engines import load_engine
from edgehar.models.engines.native_library import find_compiler
from edgehar.pipeline.compilers import Target, compile_bundle

REPOSITORY = Path(__file__).resolve().parents[1]
TURNS = 10
WINDOWS_A_TURN = 300


def main() -> None:
    """Measure every bundle that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "plain_c"
        flags = ["-std=gnu99", "-O3", "-march=native", "-ffast-math"]
        subprocess.run(
            [*find_compiler().command, *flags, REPOSITORY / "tools/plain_c.c", "-o", program, "-lm"], check=True
        )
        for path in options.bundles:
            measure(compile_bundle(read_bundle(path), [Target("c", "float32")]), program)


def measure(bundle: Bundle, program: Path) -> None:
    """Print one line about one bundle."""
    name = bundle.manifest.architecture.name
    engine = load_engine(bundle, "native")
    window = bundle.golden["windows"][1:2]
    weights = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in bundle.folded_weights.values())
    plain_ns: list[int] = []
    native_ns: list[int] = []
    for _ in range(TURNS):
        reply = subprocess.run(
            [program, name, str(WINDOWS_A_TURN)], input=weights + window.tobytes(), capture_output=True, check=True
        ).stdout.split()
        expected = np.array(reply[:12], np.float64)
        plain_ns += [int(value) for value in reply[12:]]
        for _ in range(WINDOWS_A_TURN):
            start = perf_counter_ns()
            found = engine.predict(window)
            native_ns.append(perf_counter_ns() - start)
        if np.abs(found[0] - expected).max() > 1e-5:
            raise SystemExit(f"{name}: the two do not agree")
    plain, native = (float(np.median(times)) / 1000 for times in (plain_ns, native_ns))
    print(f"{name}: plain C {plain:.1f} us, native engine {native:.1f} us from Python: {native / plain:.2f} times")


if __name__ == "__main__":
    main()
