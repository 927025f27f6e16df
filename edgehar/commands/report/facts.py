"""What a report says of a bundle, as it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgehar.commands.evaluate.artifacts import ArtifactScores
from edgehar.commands.report.learning import LearningCurves
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult
from edgehar.models.bundle.manifest import Manifest
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.bootstrap import LEVEL, Intervals
from edgehar.pipeline.evaluation.calibration import Reliability
from edgehar.pipeline.tuning.events import EventScores
from edgehar.reporting.charts import Trace


@dataclass(frozen=True, slots=True)
class Calibration:
    """How reliable probabilities are on the people judged, as they are and with the temperature; None without one.

    ``fitted_on`` counts the windows of people the model learned from that chose the temperature.
    """

    plain: Reliability
    temperature: float | None
    tempered: Reliability | None
    fitted_on: int


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Some of one person's windows in time: what was done, each window's label, and what the decoder made of them.

    Labels are positions; `REJECTED` is unknown. ``probability`` is that of each window's label, ``of_s`` how long all
    of the person's windows last.
    """

    subject: str
    step_s: float
    truth: NDArray[np.int64]
    raw: NDArray[np.int64]
    decoded: NDArray[np.int64]
    probability: NDArray[np.float64]
    of_s: float


@dataclass(frozen=True, slots=True)
class DecoderEffect:
    """What a person would notice of the labels of all people judged, without and with the bundle's decoder."""

    raw: EventScores
    decoded: EventScores
    changes_nothing: bool


@dataclass(frozen=True, slots=True)
class RobustnessRow:
    """Macro-F1 under one perturbation, with its interval over people where there are enough."""

    name: str
    meaning: str
    macro_f1: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Robustness:
    """What perturbations cost: macro-F1 of some windows as recorded, and changed."""

    windows: int
    unchanged: RobustnessRow
    rows: tuple[RobustnessRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReportFacts:
    """Everything a report shows.

    Parameters
    ----------
    manifest, place
        The bundle, and where it lies.
    dataset
        Name of the data it is judged on.
    honest
        Whether the model learned from none of the people judged.
    evaluation, people, stretches
        The scores; their interval over people; intervals of each person, over stretches of one activity.
    signal
        A window of every activity of the person in the timeline.
    artifacts, artifact_windows, bench
        Scores of every compiled file, on how many windows, and the benchmark of the same run; None if it was not asked
        for.
    """

    manifest: Manifest
    place: str
    dataset: str
    honest: bool
    evaluation: Evaluation
    people: Intervals | None
    stretches: Mapping[str, Intervals | None]
    curves: LearningCurves | None
    calibration: Calibration
    timeline: Timeline
    decoder: DecoderEffect
    signal: tuple[Trace, ...]
    artifacts: tuple[ArtifactScores, ...]
    artifact_windows: int
    bench: BenchmarkResult | None
    robustness: Robustness

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON-ready data."""
        calibration = self.calibration
        return {
            "bundle": self.place,
            "honest": self.honest,
            **self.evaluation.to_json(),
            "intervals": None
            if self.people is None
            else {
                "level": LEVEL,
                "people": self.people.groups,
                "accuracy": list(self.people.accuracy),
                "macro_f1": list(self.people.macro_f1),
            },
            "calibration": {
                "expected_error": calibration.plain.expected_error,
                "temperature": calibration.temperature,
                "tempered_expected_error": None
                if calibration.tempered is None
                else calibration.tempered.expected_error,
            },
            "robustness": {row.name: row.macro_f1 for row in (self.robustness.unchanged, *self.robustness.rows)},
            "artifacts": [row.to_json() for row in self.artifacts],
        }
