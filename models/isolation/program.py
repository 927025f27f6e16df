"""A program that does one thing and ends: run it with a time limit, and say how it ended."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgehar.models.isolation.ending import ProcessEndError, how_it_ended, no_answer
from edgehar.models.isolation.process import safe_environment


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program wrote, until it ended or its time was over; ``failure`` is None where it ended with code 0."""

    output: str
    complaints: str
    failure: ProcessEndError | None


def python_module(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """Return the command that runs a module, without the current folder on its import path."""
    return [python or sys.executable, "-P", "-m", module, *arguments]


def run_to_end(
    command: Sequence[str], *, timeout_s: float, given: str = "", environment: Mapping[str, str] | None = None
) -> Finished:
    """Run a program to its end, at most ``timeout_s`` long, with ``given`` on its standard input.

    Returns
    -------
    Finished
        Also of a program that could not be started, crashed, or was ended because its time was over.
    """
    process = None
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=safe_environment(environment),
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                output, complaints = process.communicate(given, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                output, complaints = process.communicate()
                return Finished(output, complaints, no_answer(timeout_s))
            except BaseException:
                process.kill()
                raise
    except OSError as error:
        return Finished("", "", ProcessEndError(f"could not be started ({error.strerror})"))
    failure = how_it_ended(process.returncode, complaints) if process.returncode else None
    return Finished(output, complaints, failure)
