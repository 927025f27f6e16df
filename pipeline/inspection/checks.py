"""Check claims about runtimes where these are installed: run each file in a process of its own, look at its answers."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import largest_error
from edgehar.models.errors import UsageError
from edgehar.models.isolation import run_to_end
from edgehar.pipeline.inspection.facts import RuntimeFact
from edgehar.pipeline.inspection.runtimes import COMPILED_MODEL, LITERT, ONNXRUNTIME, TFLITE_MICRO, TFLITE_RUNTIME

DISTRIBUTIONS: Final = {
    LITERT: "ai-edge-litert",
    COMPILED_MODEL: "ai-edge-litert CompiledModel",
    TFLITE_RUNTIME: "tflite-runtime",
    TFLITE_MICRO: "tflite-micro",
    ONNXRUNTIME: "onnxruntime",
}
"""What is installed where a runtime is, and which of its interfaces is asked."""

_PROBE: Final = Path(__file__).with_name("probe.py")
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A file, and what it must make of some windows: ``expected`` (n_windows, n_classes) within ``tolerance``."""

    content: bytes
    expected: NDArray[Any]
    tolerance: float

    def verdict(self, answer: dict[str, Any]) -> str | None:
        """Return what is wrong with a runtime's answer, or None."""
        if answer["error"] is not None:
            return str(answer["error"])
        error = self.difference(answer)
        return None if error <= self.tolerance else f"gives other probabilities, off by {error:.2g}"

    def difference(self, answer: dict[str, Any]) -> float:
        """Return how far a runtime's outputs are from those expected; infinitely where there are none."""
        if answer["outputs"] is None:
            return float("inf")
        found = np.array(answer["outputs"], np.float64)
        return largest_error(found, self.expected) if found.shape == self.expected.shape else float("inf")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a runtime made of a file: ``error`` is None if it ran and gave what it must.

    ``difference`` is how far its outputs are from those, infinite where there are none.
    """

    version: str
    error: str | None
    difference: float = float("inf")


def try_files(
    python: str,
    distribution: str,
    trials: Sequence[Trial],
    windows: NDArray[np.float32],
    *,
    probe: Sequence[str] = (),
) -> list[Outcome] | None:
    """Load and run files with a runtime of some Python; None if that does not have it.

    Parameters
    ----------
    python, distribution
        The Python, and what is installed there.
    trials, windows
        The files, and what they are fed.
    probe
        What ``python`` runs to answer, and its arguments; the probe of this package by default.

    Raises
    ------
    UsageError
        If another Python than this one gives no answer at all.
    """
    outcomes: list[Outcome] = []
    version = ""
    while len(outcomes) < len(trials) or not version:
        left = trials[len(outcomes) :]
        request = {
            "runtime": distribution,
            "files": [trial.content.hex() for trial in left],
            "windows": windows.tolist(),
        }
        answers, how_it_ended = _ask([python, *(probe or [str(_PROBE)])], json.dumps(request))
        if not answers and python != sys.executable:
            raise UsageError(
                f"--python {python}: expected a Python that has NumPy, it {how_it_ended} without an answer",
                next_step="Name the Python of an environment with the runtime.",
                python=python,
            )
        if not answers or answers[0]["installed"] is None:
            return None
        version = str(answers[0]["installed"])
        outcomes += [
            Outcome(version, trial.verdict(answer), trial.difference(answer))
            for trial, answer in zip(left, answers[1:], strict=False)
        ]
        if len(outcomes) < len(trials):
            outcomes.append(Outcome(version, f"the runtime {how_it_ended}"))
    return outcomes


def check_claims(
    claims: Sequence[Sequence[RuntimeFact]],
    trials: Sequence[Trial],
    windows: NDArray[np.float32],
    pythons: Sequence[str],
) -> list[list[RuntimeFact]]:
    """Return the claims about every file, checked with the runtimes of this Python and of others."""
    checked = [list(each) for each in claims]
    for runtime, distribution in DISTRIBUTIONS.items():
        rows = [index for index, each in enumerate(claims) if any(claim.runtime == runtime for claim in each)]
        tried = [trials[index] for index in rows]
        outcomes = _first_installed(distribution, tried, windows, pythons) if rows else None
        for index, outcome in zip(rows, outcomes or (), strict=False):
            checked[index] = [
                _with(claim, outcome, distribution) if claim.runtime == runtime else claim for claim in checked[index]
            ]
    return checked


def _first_installed(
    distribution: str, trials: Sequence[Trial], windows: NDArray[np.float32], pythons: Sequence[str]
) -> list[Outcome] | None:
    """Ask this Python, then the others, until one has the runtime."""
    for python in (sys.executable, *pythons):
        outcomes = try_files(python, distribution, trials, windows)
        if outcomes is not None:
            return outcomes
    return None


def _with(claim: RuntimeFact, outcome: Outcome, distribution: str) -> RuntimeFact:
    """Return a claim with what was found."""
    return replace(
        claim,
        checked=outcome.error is None,
        checked_with=f"{distribution} {outcome.version}",
        reason=claim.reason or outcome.error,
    )


def _ask(command: Sequence[str], request: str) -> tuple[list[dict[str, Any]], str]:
    """Run the probe, and return its answers and how it ended."""
    done = run_to_end(list(command), timeout_s=_TIMEOUT_S, given=request + "\n")
    return _parsed(done.output), "ended early" if done.failure is None else done.failure.message


def _parsed(output: str) -> list[dict[str, Any]]:
    """Return the lines that are answers; native code may print others."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{") and line.endswith("}")]
