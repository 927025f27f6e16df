"""The parent's end of a worker process: a request and its reply are one line of JSON each."""

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from edgehar.firmware_bridge.benchmark.candidates import Loaded, Timed
from edgehar.models.errors import EngineError
from edgehar.models.isolation import IsolatedProcess, ProcessEndError, python_module

_PATIENCE_S: Final = 120.0
"""How long a worker may take over a reply, beyond the time it was given, before it counts as hung."""

_WORKER: Final = "edgehar.firmware_bridge.benchmark.worker"
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ONE_XLA_THREAD: Final = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
"""For JAX, which takes as many threads as there are processors unless the environment says otherwise."""


class ProcessWorker:
    """A worker in a process of its own, so that its memory is its own and its crash only ends itself.

    See `IsolatedProcess` for how it is started and ended.
    """

    def __init__(
        self,
        task: Mapping[str, Any],
        *,
        threads: int = 1,
        python: str | None = None,
        module: str = _WORKER,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._task, self._patience_s = dict(task), patience_s
        self._process = IsolatedProcess(python_module(module, python=python), environment=_environment(threads))

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def load(self) -> Loaded:
        """Load the engine in the worker."""
        reply = self._ask("load", "loading the model", **self._task)
        return Loaded(float(reply["load_ms"]), str(reply["runtime"]))

    def time_each(self, first: int, count: int, *, limit_s: float) -> Timed:
        """Let the worker predict windows one by one."""
        doing = "predicting single windows"
        return _timed(self._ask("each", doing, first=first, count=count, limit_s=limit_s, allowance_s=limit_s))

    def time_bulk(self, first: int, count: int) -> Timed:
        """Let the worker predict windows in one call."""
        return _timed(self._ask("bulk", "predicting many windows", first=first, count=count))

    def peak_rss_mb(self) -> float | None:
        """Ask the worker how much memory it has held."""
        peak = self._ask("memory", "measuring its memory")["peak_rss_mb"]
        return None if peak is None else float(peak)

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _ask(self, request: str, doing: str, *, allowance_s: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Send one request and return its reply.

        Raises
        ------
        EngineError
            If the worker refuses, hangs or dies; the message says while doing what.
        """
        line = json.dumps({"request": request, **arguments}).encode()
        try:
            answer = self._process.ask(line, timeout_s=self._patience_s + allowance_s)
        except ProcessEndError as ended:
            raise EngineError(f"the worker process {ended.message} while {doing}", **ended.details) from ended
        reply: dict[str, Any] = json.loads(answer)
        if "error" in reply:
            raise EngineError(str(reply["error"]))
        return reply


def _timed(reply: Mapping[str, Any]) -> Timed:
    """Return the arrays of a reply."""
    outputs = np.frombuffer(base64.b64decode(reply["outputs"]), np.float32).reshape(reply["shape"])
    return Timed(np.array(reply["durations_ns"], np.int64), outputs, reply["waited_ns"])


def _environment(threads: int) -> dict[str, str]:
    """Return what changes in the worker's environment: this many threads in NumPy's library, quiet runtimes."""
    limits = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    if threads == 1:
        limits["XLA_FLAGS"] = _ONE_XLA_THREAD
    return {**limits, "TF_CPP_MIN_LOG_LEVEL": "2", "JAX_PLATFORMS": "cpu"}
