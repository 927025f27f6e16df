"""What the demo measured, as its commands printed it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgehar.commands.report.learning import LearningCurves, read_learning_curves
from edgehar.models.bundle import read_bundle
from edgehar.reporting.charts import Trace


@dataclass(frozen=True, slots=True)
class ModelResults:
    """What `har train`, `verify` and `evaluate` printed of one model."""

    name: str
    bundle: Path
    training: dict[str, Any]
    verification: dict[str, Any]
    evaluation: dict[str, Any]

    @property
    def curves(self) -> LearningCurves | None:
        """How training went, epoch by epoch, as the bundle keeps it."""
        return read_learning_curves(read_bundle(self.bundle).plots())


@dataclass(frozen=True, slots=True)
class LiveLabel:
    """One line of `har live --jsonl`: the window that ended at ``t_s`` was given ``label``."""

    t_s: float
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class PlayedActivity:
    """One line of `har simulate --truth`: from ``t_s`` to ``until_s`` this was played."""

    t_s: float
    until_s: float
    label: str | None


@dataclass(frozen=True, slots=True)
class StreamResults:
    """One person's recordings, played through a pseudo-terminal and classified as they came.

    ``signal`` is a window of every activity in them.
    """

    subject: str
    speed: float
    labels: tuple[LiveLabel, ...]
    played: tuple[PlayedActivity, ...]
    lost_samples: int
    window_s: float
    signal: tuple[Trace, ...]

    @property
    def windows(self) -> int:
        """Labels given."""
        return len(self.labels)

    @property
    def judged(self) -> tuple[tuple[LiveLabel, str], ...]:
        """Labels of windows that lie within one played activity, each with that activity."""
        found = []
        for label in self.labels:
            for activity in self.played:
                within = activity.t_s <= label.t_s - self.window_s and label.t_s <= activity.until_s
                if within and activity.label is not None:
                    found.append((label, activity.label))
                    break
        return tuple(found)

    @property
    def agreement(self) -> float:
        """Share of the judged labels that name what was played."""
        judged = self.judged
        return sum(label.label == truth for label, truth in judged) / max(1, len(judged))


@dataclass(frozen=True, slots=True)
class DemoResults:
    """Everything the report shows."""

    data: str
    recordings: dict[str, Any]
    models: dict[str, ModelResults]
    stream: StreamResults
    bench: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON-ready data."""
        return {
            "data": self.data,
            "models": {
                name: {"bundle": str(model.bundle), "train": model.training, "evaluate": model.evaluation}
                for name, model in self.models.items()
            },
            "live": {
                "subject": self.stream.subject,
                "windows": self.stream.windows,
                "agreement": self.stream.agreement,
                "lost_samples": self.stream.lost_samples,
            },
            "bench": self.bench,
        }
