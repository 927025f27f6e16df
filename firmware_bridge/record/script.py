"""The script of a recording: prompts, takes, and the corrections of the wearer. No I/O, no clock.

There are two kinds of time. Getting ready takes seconds of the host's clock; a take lasts so many seconds of *samples*,
so that "walk for 60 s" brings 60 s of walking even if the line stood still meanwhile.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from edgehar.models.errors import UsageError

KEYS_HELP: Final = "n next   d discard and repeat   1-9 relabel   p pause   q end"


@dataclass(frozen=True, slots=True)
class Step:
    """An activity, and for how many seconds."""

    activity: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Take:
    """A take that was kept: its number in the file, its label, and how many seconds it holds."""

    number: int
    activity: str
    seconds: float


class Phase(Enum):
    """Where a script stands."""

    READY = "get ready"
    TAKE = "take"
    PAUSED = "paused"
    DONE = "done"


def parse_step(text: str) -> Step:
    """Return ``ACTIVITY:SECONDS`` as a step.

    Raises
    ------
    UsageError
        When it is not written like that.

    Examples
    --------
    >>> parse_step("Walking Forward:60")
    Step(activity='Walking Forward', seconds=60.0)
    """
    name, _, number = text.rpartition(":")
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not name.strip() or not (math.isfinite(seconds) and seconds > 0):
        raise UsageError(
            f"expected an activity and its seconds as ACTIVITY:SECONDS, got {text!r}",
            next_step='For example --activity "walk:60".',
        )
    return Step(name.strip(), seconds)


def parse_script(text: str) -> tuple[Step, ...]:
    """Return the steps of a script: one ``ACTIVITY:SECONDS`` a line; blank lines and ``#`` comments are skipped."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(parse_step(line) for line in lines if line)


class ScriptRunner:
    """Lead a wearer through a script.

    Every method returns events for the capture file. Takes are numbered from 1; a discarded one is asked for again.

    Parameters
    ----------
    steps
        What to do, in order.
    ready_s
        Seconds to get ready before each take.

    Examples
    --------
    >>> script = ScriptRunner([Step("walk", 2.0)], ready_s=1.0)
    >>> script.tick(host_s=0.0, sensor_s=5.0), script.tick(host_s=1.0, sensor_s=6.0)
    ([], [{'event': 'begin', 'take': 1, 'activity': 'walk', 't_s': 6.0}])
    >>> script.tick(host_s=3.0, sensor_s=8.0), script.phase.value
    ([{'event': 'end', 'take': 1, 't_s': 8.0}], 'done')
    """

    def __init__(self, steps: Sequence[Step], *, ready_s: float) -> None:
        self.steps = tuple(steps)
        self.choices = tuple(dict.fromkeys(step.activity for step in steps))
        self.phase = Phase.READY if steps else Phase.DONE
        self.kept: list[Take] = []
        self._ready_s = ready_s
        self._index = 0
        self._take = 0
        self._label = ""
        self._since_host_s: float | None = None
        self._began_s = 0.0
        self._left_s = 0.0

    @property
    def step(self) -> Step | None:
        """What is done, or to be done next."""
        return self.steps[self._index] if self._index < len(self.steps) else None

    @property
    def following(self) -> Step | None:
        """What comes after that."""
        return self.steps[self._index + 1] if self._index + 1 < len(self.steps) else None

    @property
    def number(self) -> int:
        """Which step it is, from 1."""
        return min(self._index + 1, len(self.steps))

    @property
    def label(self) -> str:
        """What the current take is labelled."""
        return self._label

    @property
    def left_s(self) -> float:
        """Seconds until the current phase ends."""
        return self._left_s

    def tick(self, *, host_s: float, sensor_s: float | None) -> list[dict[str, Any]]:
        """Move on with time; ``sensor_s`` is when the newest sample was taken, None before the first."""
        step = self.step
        if step is None or self.phase in (Phase.DONE, Phase.PAUSED):
            return []
        if self.phase is Phase.TAKE and sensor_s is not None:
            self._left_s = max(0.0, self._began_s + step.seconds - sensor_s)
            return self._end(sensor_s) if self._left_s == 0 else []
        if self._since_host_s is None:
            self._since_host_s = host_s
        self._left_s = max(0.0, self._since_host_s + self._ready_s - host_s)
        return self._begin(sensor_s) if self._left_s == 0 and sensor_s is not None else []

    def press(self, key: str, *, sensor_s: float | None) -> list[dict[str, Any]]:
        """Act on a key: see `KEYS_HELP`; other keys do nothing."""
        if key == "d":
            return self._discard()
        if key == "n":
            return self._next(sensor_s)
        if key == "p" and self.phase is not Phase.DONE:
            return self._pause(sensor_s)
        if key.isdecimal() and 1 <= int(key) <= len(self.choices):
            return self._relabel(self.choices[int(key) - 1])
        return []

    def finish(self, *, sensor_s: float | None) -> list[dict[str, Any]]:
        """End the script now; a take that runs ends here and is kept."""
        events = self._end(sensor_s) if self.phase is Phase.TAKE and sensor_s is not None else []
        self.phase = Phase.DONE
        return events

    def _begin(self, sensor_s: float | None) -> list[dict[str, Any]]:
        """Begin the take that was prepared."""
        step = self.step
        if step is None or sensor_s is None:
            return []
        self.phase, self._began_s, self._left_s = Phase.TAKE, sensor_s, step.seconds
        self._take += 1
        self._label = step.activity
        return [{"event": "begin", "take": self._take, "activity": step.activity, "t_s": round(sensor_s, 6)}]

    def _end(self, sensor_s: float) -> list[dict[str, Any]]:
        """End the take that runs, and prepare the next."""
        self.kept.append(Take(self._take, self._label, sensor_s - self._began_s))
        self._index += 1
        self._prepare()
        return [{"event": "end", "take": self._take, "t_s": round(sensor_s, 6)}]

    def _prepare(self) -> None:
        """Get ready for the step that is due."""
        self.phase = Phase.READY if self.step is not None else Phase.DONE
        self._since_host_s, self._left_s = None, self._ready_s

    def _discard(self) -> list[dict[str, Any]]:
        """Throw away the take that runs, or the one before; it is asked for again."""
        number = self._take
        if self.phase is not Phase.TAKE:
            if not self.kept:
                return []
            number = self.kept.pop().number
            self._index -= 1
        self._prepare()
        return [{"event": "discard", "take": number}]

    def _next(self, sensor_s: float | None) -> list[dict[str, Any]]:
        """End the take early and keep it, or begin it without waiting."""
        if sensor_s is None or self.phase is Phase.DONE:
            return []
        return self._end(sensor_s) if self.phase is Phase.TAKE else self._begin(sensor_s)

    def _pause(self, sensor_s: float | None) -> list[dict[str, Any]]:
        """Stand still, ending a take that runs; or go on."""
        if self.phase is Phase.PAUSED:
            self._prepare()
            return []
        events = self._end(sensor_s) if self.phase is Phase.TAKE and sensor_s is not None else []
        if self.phase is not Phase.DONE:
            self.phase = Phase.PAUSED
        return events

    def _relabel(self, activity: str) -> list[dict[str, Any]]:
        """Give the take that runs, or the one before, another label."""
        number = self._take
        if self.phase is Phase.TAKE:
            self._label = activity
        elif self.kept:
            number = self.kept[-1].number
            self.kept[-1] = replace(self.kept[-1], activity=activity)
        else:
            return []
        return [{"event": "relabel", "take": number, "activity": activity}]
