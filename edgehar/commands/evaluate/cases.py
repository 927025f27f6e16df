"""What is judged: a bundle on the windows of some people; and several such evaluations as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.agreement import largest_error, oracle_outputs
from edgehar.models.bundle import Bundle
from edgehar.models.engines import Engine
from edgehar.pipeline.data.recordings import in_natural_order
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.evaluation import Evaluation, evaluate_windows, pool_evaluations, predict_labels
from edgehar.pipeline.evaluation.held_out import JudgedSubjects

COMPARED: Final = 1000
"""Windows on which probabilities are held to the oracle's, which is slow: evenly over all there are."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A bundle, the people it is judged on, and the windows of theirs that count."""

    bundle: Bundle
    people: JudgedSubjects
    windows: Windows
    indices: Indices

    def labels(self, engine: Engine, *, advance: Callable[[int], None] | None = None) -> NDArray[np.int64]:
        """Return the label an engine gives to every window."""
        return predict_labels(engine, self.windows, self.indices, advance=advance)

    def largest_error(self, engine: Engine) -> float:
        """Return how far an engine's probabilities are from the oracle's, on up to `COMPARED` of the windows."""
        chosen = self.indices[np.linspace(0, len(self.indices) - 1, min(COMPARED, len(self.indices))).astype(int)]
        windows = self.windows.batch(chosen)
        return largest_error(engine.predict(windows), oracle_outputs(self.bundle, windows))

    def judge(self, engine: Engine, labels: NDArray[np.int64] | None = None) -> Evaluation:
        """Judge an engine, or labels it gave before."""
        configuration: dict[str, Any] = self.bundle.manifest.provenance.configuration
        return evaluate_windows(
            engine,
            self.windows,
            self.indices,
            protocol=self.people.protocol,
            train_subjects=configuration.get("train_subjects", ()),
            predicted=labels,
        )


def pool(cases: Sequence[Case], evaluations: Sequence[Evaluation]) -> tuple[JudgedSubjects, Evaluation]:
    """Return the evaluations of all cases as one, and the people of all: honest if the model never saw any."""
    people = pooled_people([case.people for case in cases])
    if len(cases) == 1:
        return people, evaluations[0]
    return people, pool_evaluations(evaluations, protocol=people.protocol)


def pooled_people(parts: Sequence[JudgedSubjects]) -> JudgedSubjects:
    """Return the people several models are judged on, each on its own."""
    if len(parts) == 1:
        return parts[0]
    known = tuple(name for part in parts for name in part.known)
    protocol = f"Pooled over {len(parts)} models, each judged on subjects it never saw"
    if known:
        protocol = f"NOT HONEST: pooled over {len(parts)} models, each judged on subjects some of which it learned from"
    return JudgedSubjects(in_natural_order({name for part in parts for name in part.subjects}), known, protocol)
