"""Questions at a terminal, every one with a default; where nobody can answer, defaults are taken and this is said."""

import sys
from collections.abc import Sequence

from rich.console import Console

from edgehar.commands.terminal_text import escape


class Questions:
    """Ask a person, on stderr and stdin.

    Parameters
    ----------
    takes_defaults
        Whether to ask nothing.
    """

    def __init__(self, *, takes_defaults: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._takes_defaults = takes_defaults
        if not takes_defaults and not sys.stdin.isatty():
            self._takes_defaults = True
            self.say("Nobody can answer here: every question takes its default.")

    @property
    def has_person(self) -> bool:
        """Whether there is somebody to ask."""
        return not self._takes_defaults

    def say(self, text: str) -> None:
        """Say something."""
        self._console.print(escape(text, 2000))

    def choose(self, question: str, options: Sequence[str], *, default: int = 0) -> int:
        """Return which option a person chooses, by its place."""
        self.say(question)
        for number, option in enumerate(options, start=1):
            self.say(f"  {number}  {option}")
        while True:
            answer = self._answer(f"Number [{default + 1}]: ")
            if not answer:
                return default
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            self.say(f"Expected a number from 1 to {len(options)}, or Enter for {default + 1}.")

    def agree(self, question: str, *, default: bool) -> bool:
        """Return whether a person says yes."""
        while True:
            answer = self._answer(f"{question} [{'Y/n' if default else 'y/N'}]: ").lower()
            if not answer:
                return default
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            self.say("Expected y or n, or Enter for the default.")

    def _answer(self, prompt: str) -> str:
        """Return what a person types; nothing where there is nobody, or the input has ended."""
        if self._takes_defaults:
            self.say(f"{prompt}(the default)")
            return ""
        self._console.print(escape(prompt, 500), end="")
        line = sys.stdin.readline()
        if not line:
            self._takes_defaults = True
            self.say("(the input has ended: defaults from here on)")
        return line.strip()
