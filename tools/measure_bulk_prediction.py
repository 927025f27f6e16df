"""Measure how much several threads help with many windows: python tools/measure_bulk_prediction.py BUNDLE [WINDOWS]."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from edgehar.models.bundle import Bundle, read_bundle
from edgehar.models.engines import load_engine, missing_reason, runnable


def windows_per_s(bundle: Bundle, engine: str, threads: int, windows: np.ndarray) -> float:
    """Return the throughput of one engine."""
    loaded = load_engine(bundle, engine, threads=threads)
    loaded.predict(windows[:64])
    started_s = time.perf_counter()
    loaded.predict(windows)
    return len(windows) / (time.perf_counter() - started_s)


def main() -> int:
    """Print a line for each engine."""
    bundle = read_bundle(Path(sys.argv[1]))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    cores = len(os.sched_getaffinity(0))
    windows = np.random.default_rng(0).normal(size=(count, 200, 3)).astype(np.float32)
    for engine in dict.fromkeys(name for name, _, quantization in runnable(bundle) if quantization == "float32"):
        if missing_reason(engine) is None and engine != "numpy":
            one, all_cores = (windows_per_s(bundle, engine, threads, windows) for threads in (1, cores))
            share = all_cores / (cores * one)
            print(f"{engine}: {one:,.0f} windows/s on 1 core, {all_cores:,.0f} on {cores}: {share:.0%} of {cores} x 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
