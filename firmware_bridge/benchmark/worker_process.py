"""The parent's end of a worker process: a request and its reply are one line of JSON each."""

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from edgehar.firmware_bridge.benchmark.candidates import Loaded, Timed
from edgehar.models.errors import EngineError

_PATIENCE_S: Final = 120.0
"""How long a worker may take over a reply, beyond the time it was given, before it counts as hung."""

_FAREWELL_S: Final = 1.0
"""How long a worker has to end by itself."""

_WORKER: Final = "edgehar.firmware_bridge.benchmark.worker"
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ProcessWorker:
    """A worker in a process of its own, so that its memory is its own and its crash only ends itself.

    It is started in a session of its own: an interruption from the keyboard reaches the parent alone, which then ends
    its workers. A worker whose parent has gone ends when its standard input does.
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
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  (closed in close)
        self._unread = b""
        # -P: the folder this is called from may hold a "models" of its own.
        command = [python or sys.executable, "-P", "-m", module]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=_environment(threads),
                start_new_session=True,
            )
        except OSError as error:
            self._complaints.close()
            raise EngineError(f"expected to start {command[0]}, got: {error.strerror}") from error

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
        """End the process: by closing its input, by asking, by force."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        for stop in (self._process.poll, self._process.terminate, self._process.kill):
            stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_FAREWELL_S)
                break
        self._process.stdout.close()  # type: ignore[union-attr]
        self._complaints.close()

    def _ask(self, request: str, doing: str, *, allowance_s: float = 0.0, **arguments: Any) -> dict[str, Any]:
        """Send one request and return its reply.

        Raises
        ------
        EngineError
            If the worker refuses, hangs or dies; the message says while doing what.
        """
        line = json.dumps({"request": request, **arguments}).encode() + b"\n"
        try:
            self._process.stdin.write(line)  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise self._death(doing) from error
        reply: dict[str, Any] = json.loads(self._read_line(doing, self._patience_s + allowance_s))
        if "error" in reply:
            raise EngineError(str(reply["error"]))
        return reply

    def _read_line(self, doing: str, patience_s: float) -> bytes:
        """Return the next line of the worker's output, or say why there is none."""
        output = self._process.stdout.fileno()  # type: ignore[union-attr]
        deadline = time.monotonic() + patience_s
        while b"\n" not in self._unread:
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise EngineError(f"the worker process gave no answer within {patience_s:.0f} s while {doing}")
            part = os.read(output, 1 << 16)
            if not part:
                raise self._death(doing)
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _death(self, doing: str) -> EngineError:
        """Return what is known of the end of the process."""
        try:
            code = self._process.wait(timeout=_FAREWELL_S)
        except subprocess.TimeoutExpired:
            return EngineError(f"the worker process closed its output while {doing}")
        if code < 0:
            return EngineError(f"the worker process was ended by {_signal_name(-code)} while {doing}", signal=-code)
        self._complaints.seek(0)
        lines = [line.strip() for line in self._complaints.read().decode(errors="replace").splitlines() if line.strip()]
        last = f" ({lines[-1][:200]})" if lines else ""
        return EngineError(f"the worker process ended with code {code} while {doing}{last}", code=code)


def _timed(reply: Mapping[str, Any]) -> Timed:
    """Return the arrays of a reply."""
    outputs = np.frombuffer(base64.b64decode(reply["outputs"]), np.float32).reshape(reply["shape"])
    return Timed(np.array(reply["durations_ns"], np.int64), outputs, reply["waited_ns"])


def _signal_name(number: int) -> str:
    """Return a signal's name with what it means: ``SIGSEGV (Segmentation fault)``."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name} ({signal.strsignal(number)})"


def _environment(threads: int) -> dict[str, str]:
    """Return the worker's environment: this many threads in NumPy's library, quiet runtimes."""
    limits = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    return {**os.environ, **limits, "TF_CPP_MIN_LOG_LEVEL": "2"}
