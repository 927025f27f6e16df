"""Check claims about runtimes where these are installed, in a process of their own."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.inspection.facts import RuntimeFact
from pipeline.inspection.runtimes import LITERT, ONNXRUNTIME, TFLITE_MICRO, TFLITE_RUNTIME

DISTRIBUTIONS: Final = {
    LITERT: "ai-edge-litert",
    TFLITE_RUNTIME: "tflite-runtime",
    TFLITE_MICRO: "tflite-micro",
    ONNXRUNTIME: "onnxruntime",
}
"""What is installed where a runtime is."""

_PROBE: Final = Path(__file__).with_name("probe.py")
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a runtime made of a file: ``error`` is None if it ran."""

    version: str
    error: str | None


def try_files(python: str, distribution: str, files: Sequence[bytes]) -> list[Outcome] | None:
    """Load and run files with a runtime of some Python; None if that does not have it."""
    outcomes: list[Outcome] = []
    version = ""
    while len(outcomes) < len(files) or not version:
        request = {"runtime": distribution, "files": [content.hex() for content in files[len(outcomes) :]]}
        answers, how_it_ended = _ask(python, json.dumps(request))
        if not answers or answers[0]["installed"] is None:
            return None
        version = answers[0]["installed"]
        outcomes += [Outcome(version, answer["error"]) for answer in answers[1:]]
        if len(outcomes) < len(files):
            outcomes.append(Outcome(version, f"the runtime {how_it_ended}"))
    return outcomes


def check_claims(
    claims: Sequence[Sequence[RuntimeFact]], files: Sequence[bytes], pythons: Sequence[str]
) -> list[list[RuntimeFact]]:
    """Return the claims about every file, checked with the runtimes of this Python and of others."""
    checked = [list(each) for each in claims]
    for runtime, distribution in DISTRIBUTIONS.items():
        rows = [index for index, each in enumerate(claims) if any(claim.runtime == runtime for claim in each)]
        outcomes = _first_installed(distribution, [files[index] for index in rows], pythons) if rows else None
        for index, outcome in zip(rows, outcomes or (), strict=False):
            checked[index] = [
                _with(claim, outcome, distribution) if claim.runtime == runtime else claim for claim in checked[index]
            ]
    return checked


def _first_installed(distribution: str, files: Sequence[bytes], pythons: Sequence[str]) -> list[Outcome] | None:
    """Ask this Python, then the others, until one has the runtime."""
    for python in (sys.executable, *pythons):
        outcomes = try_files(python, distribution, files)
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


def _ask(python: str, request: str) -> tuple[list[dict[str, str | None]], str]:
    """Run the probe, and return its answers and how it ended."""
    command = [python, str(_PROBE)]
    try:
        done = subprocess.run(
            command, input=request + "\n", capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        return _parsed(output), "gave no answer for two minutes"
    except OSError:
        return [], "could not be started"
    ended = (
        f"crashed ({signal.Signals(-done.returncode).name})" if done.returncode < 0 else f"ended ({done.returncode})"
    )
    return _parsed(done.stdout), ended


def _parsed(output: str) -> list[dict[str, str | None]]:
    """Return the lines that are answers; native code may print others."""
    answers = []
    for line in output.splitlines():
        if line.startswith("{") and line.endswith("}"):
            answers.append(json.loads(line))
    return answers
