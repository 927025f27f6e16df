"""The program of a worker process: loads one engine and times it, one line of JSON for each request.

Started by `worker_process.py` as ``python -m edgehar.firmware_bridge.benchmark.worker``; it loads what the engine needs
and nothing else, so that its memory is the engine's.

::

    {"request": "load", "bundle": PATH, "artifact": FILE, "engine": NAME, "threads": N, "windows": PATH.npy}
        -> {"load_ms": MS, "runtime": TEXT}
    {"request": "each", "first": I, "count": N, "limit_s": S}
        -> {"durations_ns": [...], "outputs": BASE64 float32, "shape": [n, classes], "waited_ns": NS or null}
    {"request": "bulk", "first": I, "count": N}
        -> the same, with one duration
    {"request": "memory"}
        -> {"peak_rss_mb": MB or null}

A refused request is answered {"error": SENTENCE}. Everything libraries print goes to standard error.
"""

import base64
import gc
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.firmware_bridge.benchmark.frameworks import FRAMEWORKS, load_framework
from edgehar.models.bundle import read_bundle
from edgehar.models.engines import Engine, load_engine
from edgehar.models.errors import HarError

_WARM_UP_NS: Final = 50_000_000
_WARM_UP_CALLS: Final = (3, 50)
"""At least and at most so many predictions before a measurement counts: caches have seen other workers since."""


class WorkerProgram:
    """What a worker process knows between two requests."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._windows: NDArray[np.float32] = np.empty((0, 0, 0), np.float32)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request says and return the reply; a failure is a sentence, not an end."""
        actions: dict[str, Callable[..., dict[str, Any]]] = {
            "load": self._load,
            "each": self._each,
            "bulk": self._bulk,
            "memory": lambda: {"peak_rss_mb": peak_rss_mb()},
        }
        arguments = {name: value for name, value in request.items() if name != "request"}
        try:
            return actions[request["request"]](**arguments)
        except HarError as error:
            return {"error": str(error)}
        except Exception as error:  # A runtime may raise anything: it becomes the row's error.
            return {"error": f"{type(error).__name__}: {str(error).strip()[:300]}"}

    def _load(self, *, bundle: str, artifact: str, engine: str, threads: int, windows: str) -> dict[str, Any]:
        """Load the engine, timed from a bundle in memory on."""
        model = read_bundle(Path(bundle)).only(artifact)
        quantization = next((entry.quantization for entry in model.manifest.artifacts), "float32")
        self._windows = np.load(windows, allow_pickle=False)
        with _undisturbed():
            start = perf_counter_ns()
            if engine in FRAMEWORKS:
                self._engine = load_framework(model, engine, threads=threads)
            else:
                self._engine = load_engine(model, engine, quantization, threads=threads)
            load_ms = (perf_counter_ns() - start) / 1e6
        return {"load_ms": load_ms, "runtime": self._engine.runtime}

    def _each(self, *, first: int, count: int, limit_s: float) -> dict[str, Any]:
        """Time single predictions."""
        predict, windows = self._predict(), self._windows
        single = [windows[index : index + 1] for index in (np.arange(first, first + count) % len(windows)).tolist()]
        _warm_up(predict, single)
        durations: list[int] = []
        outputs: list[NDArray[np.float32]] = []
        with _undisturbed():
            waited_before = waited_ns()
            end = perf_counter_ns() + int(limit_s * 1e9)
            for window in single:
                start = perf_counter_ns()
                output = predict(window)
                stop = perf_counter_ns()
                durations.append(stop - start)
                outputs.append(output)
                if stop > end:
                    break
        return _reply(durations, np.concatenate(outputs), waited_before)

    def _bulk(self, *, first: int, count: int) -> dict[str, Any]:
        """Time one call with many windows."""
        predict = self._predict()
        many = self._windows[np.arange(first, first + count) % len(self._windows)]
        with _undisturbed():
            waited_before = waited_ns()
            start = perf_counter_ns()
            outputs = predict(many)
            duration = perf_counter_ns() - start
        return _reply([duration], outputs, waited_before)

    def _predict(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return the engine's predict."""
        if self._engine is None:
            raise RuntimeError("asked to predict before a model was loaded")
        return self._engine.predict


def peak_rss_mb() -> float | None:
    """Return the most memory this program has held, in units of 10^6 bytes.

    Linux keeps two marks: the one of ``getrusage`` survives ``exec`` and would tell of the process that started this
    one; ``VmHWM`` belongs to this program alone.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        mark = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
        return int(mark.group(1)) * 1024 / 1e6 if mark else None
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def waited_ns() -> int | None:
    """Return how long this thread has been ready to run while the processor did something else; Linux tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _warm_up(predict: Callable[[Any], Any], windows: list[Any]) -> None:
    """Predict without looking at the clock much."""
    least, most = _WARM_UP_CALLS
    start = perf_counter_ns()
    for call in range(most):
        predict(windows[call % len(windows)])
        if call + 1 >= least and perf_counter_ns() - start > _WARM_UP_NS:
            break


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the garbage collector out of a measurement."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _reply(durations_ns: list[int], outputs: NDArray[np.float32], waited_before: int | None) -> dict[str, Any]:
    """Return durations, outputs and the time waited since as JSON-ready data."""
    waited = waited_ns()
    values = np.ascontiguousarray(outputs, np.float32)
    return {
        "durations_ns": durations_ns,
        "outputs": base64.b64encode(values.tobytes()).decode("ascii"),
        "shape": list(values.shape),
        "waited_ns": None if waited is None or waited_before is None else waited - waited_before,
    }


def main() -> None:
    """Answer requests until the input ends."""
    # Runtimes print to file descriptor 1: replies keep a descriptor of their own.
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    program = WorkerProgram()
    for line in sys.stdin:
        replies.write(json.dumps(program.answer(json.loads(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
