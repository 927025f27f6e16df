"""Fitting a model to the wearer while the session runs: one process at a time, its progress, and how it ended."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from edgehar.models.errors import UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import Mounting

_PROGRAM: Final = "edgehar.commands.dashboard_service.fitting_process"


@dataclass(frozen=True, slots=True)
class FittingState:
    """How fitting stands: ``done`` of ``total`` while it runs; then a ``problem``, or the ``result`` and its model."""

    running: bool = False
    done: int = 0
    total: int = 0
    problem: str = ""
    model: str = ""
    result: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON-ready data."""
        return {
            "running": self.running,
            "done": self.done,
            "total": self.total,
            "problem": self.problem,
            "model": self.model,
            "result": self.result,
        }


class Fitting:
    """Run `fitting_process`.

    Parameters
    ----------
    made
        Called with the new bundle's folder; returns the name under which it is offered.
    changed
        Told how it stands.
    """

    def __init__(self, made: Callable[[Path], str], changed: Callable[[FittingState], None]) -> None:
        self._made, self._changed = made, changed
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._cancelled = False
        self.state = FittingState()

    def start(self, general: Path, out: Path, captures: list[Path], *, mounting: Mounting | None = None) -> None:
        """Begin.

        Raises
        ------
        UsageError
            When it runs already, or there is nothing to learn from.
        """
        if self.state.running:
            raise UsageError("expected to fit one model at a time, one is being fitted")
        if not captures:
            raise UsageError("expected a recording to fit the model to, none is chosen", next_step="Record some takes.")
        rotation = "" if mounting is None else json.dumps(mounting.rotation)
        command = [sys.executable, "-P", "-m", _PROGRAM, str(general), str(out), rotation, *map(str, captures)]
        self._cancelled = False
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
        )
        self._set(FittingState(running=True))
        self._thread = threading.Thread(target=self._follow, args=(self._process,), name="fitting", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End it, if it runs; nothing is left of it."""
        process = self._process
        if process is not None and process.poll() is None:
            self._cancelled = True
            process.terminate()

    def close(self) -> None:
        """End it, and wait for the end."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()

    def _follow(self, process: "subprocess.Popen[str]") -> None:
        """Read what the process tells until it ends."""
        last: dict[str, Any] = {}
        with process:
            for line in process.stdout or ():
                last = json.loads(line)
                if "done" in last:
                    self._set(replace(self.state, done=last["done"], total=last["total"] or 0))
        if "bundle" in last:
            name = self._made(Path(last.pop("bundle")))
            self._set(FittingState(model=name, result=last))
        elif self._cancelled:
            self._set(FittingState(problem="Fitting was stopped; nothing has changed."))
        else:
            why = last.get("problem") or f"fitting ended with code {process.returncode}"
            self._set(FittingState(problem=printable(str(why))))

    def _set(self, state: FittingState) -> None:
        """Keep how it stands, and tell."""
        self.state = state
        self._changed(state)
