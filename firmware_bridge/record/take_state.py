"""How recording takes beside a live session stands."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedTake:
    """A take that is kept: its number, what it is called, how long it is, and the capture that holds it."""

    number: int
    activity: str
    seconds: float
    subject: str
    capture: str


@dataclass(frozen=True, slots=True)
class RecorderState:
    """How recording stands.

    Parameters
    ----------
    activity
        What is being recorded; empty while nothing is.
    seconds
        For how long already; while a guided take is prepared or runs, how long it still is.
    subject
        Who wears the sensor.
    guide
        ``ready`` or ``take`` while a script leads the wearer, else empty.
    step, steps
        Which part of the script it is, of how many.
    takes
        What was kept.
    lost
        Samples that found the queue to the disk full.
    problem
        Why nothing is recorded, in one sentence; empty if nothing is wrong.
    """

    activity: str = ""
    seconds: float = 0.0
    subject: str = ""
    guide: str = ""
    step: int = 0
    steps: int = 0
    takes: tuple[RecordedTake, ...] = ()
    lost: int = 0
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON-ready data."""
        return {
            "activity": self.activity,
            "seconds": round(self.seconds, 1),
            "subject": self.subject,
            "guide": self.guide,
            "step": self.step,
            "steps": self.steps,
            "lost": self.lost,
            "problem": self.problem,
            "takes": [
                {
                    "number": take.number,
                    "activity": take.activity,
                    "seconds": round(take.seconds, 1),
                    "subject": take.subject,
                    "capture": take.capture,
                }
                for take in self.takes
            ],
        }
