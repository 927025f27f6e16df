"""Run `har` as a person would: one process per command, its results read from its JSON, its progress left to show."""

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, TextIO

from edgehar.models.errors import HarError


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demo: its title, what it does, and the commands it ran."""

    title: str
    purpose: str
    commands: list[str] = field(default_factory=list)


class Chain:
    """Runs commands one after the other, says what each step does, and keeps a log of them for the report."""

    def __init__(self, *, echo_to: TextIO) -> None:
        self.log: list[Step] = []
        self._echo_to = echo_to

    def say(self, text: str) -> None:
        """Print a line for the person who watches."""
        self._echo_to.write(text + "\n")
        self._echo_to.flush()

    def begin(self, title: str, purpose: str) -> None:
        """Begin a step: say what it does."""
        self.log.append(Step(title, purpose))
        self.say(f"\n{len(self.log)}. {title}: {purpose}")

    def note(self, *arguments: str) -> list[str]:
        """Say and log a command of the current step, and return what runs it in a process."""
        typed = shlex.join(["har", *(argument for argument in arguments if argument != "--json")])
        self.log[-1].commands.append(typed)
        self.say(f"   $ {typed}")
        return [sys.executable, "-P", "-m", "edgehar", *arguments]

    def har(self, *arguments: str) -> dict[str, Any]:
        """Run one command with ``--json`` among its arguments, and return the object it prints.

        Raises
        ------
        HarError
            If it does not end with 0; its own message is on stderr by then.
        """
        finished = subprocess.run(self.note(*arguments), stdout=subprocess.PIPE, text=True, check=False)
        if finished.returncode != 0:
            raise HarError(
                f"demo: the step {self.log[-1].title!r} ended with exit code {finished.returncode}",
                next_step=f"Its message stands above; run it alone to look closer: {self.log[-1].commands[-1]}",
            )
        printed: dict[str, Any] = json.loads(finished.stdout)
        return printed
