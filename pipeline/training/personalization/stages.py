"""The three steps of fitting a model to a person, and the cross-validation that keeps or drops each.

What must be shown depends on the model (decision 62). Fitting an LSTM helped everybody it was tried on, but a few takes
cannot always show it: its steps are kept unless cross-validation speaks against them. Others must show a gain: fitting
a SimpleRNN can ruin it on another day, and a GRU was not measured.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import GRU, LSTM, Architecture, SimpleRNN, Weights
from edgehar.pipeline.data.windows import Indices
from edgehar.pipeline.training.personalization.judging import Verdict, error_of, error_of_difference
from edgehar.pipeline.training.personalization.personal import DAYS, Own, Personal
from edgehar.pipeline.training.personalization.takes import FOLDS

GENERAL: Final = "general model"
OUTPUT: Final = "output layer"
ALL: Final = "all weights"
BACK: Final = "a quarter of the way back to the general weights"
HALF: Final = "half way back to the general weights"

LEAST_GAIN: Final = 0.005
"""Of macro-F1 in cross-validation, by which a step must improve on what is there to be kept, if its error is less."""
_OWN_SHARE: Final = 0.75
"""Of a person's own weights in `BACK` (decision 29)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step, and what cross-validation said of it.

    Parameters
    ----------
    name
        `GENERAL`, `OUTPUT`, `ALL`, `BACK` or `HALF`.
    macro_f1
        Over the windows judged in cross-validation; None where the step could not be tried.
    kept
        Whether the model goes on from it.
    reason
        Why it could not be tried.
    """

    name: str
    macro_f1: float | None
    kept: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """A model fitted to a person.

    Parameters
    ----------
    weights
        In Keras layout, for input normalised as the general model's.
    stages
        Every step, in order.
    judged : ndarray of int64
        The windows judged in cross-validation.
    before, after : ndarray of shape (len(judged), n_classes), float64
        What the general model says of them, and what models say that were fitted without them.
    """

    weights: Own
    stages: tuple[Stage, ...]
    judged: Indices
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def changed(self) -> bool:
        """Whether any step was kept."""
        return any(stage.kept for stage in self.stages[1:])


def adapt(personal: Personal, progress: Callable[[int, int | None], None] = lambda done, total: None) -> Adaptation:
    """Fit a model to a person, as far as cross-validation says that it helps.

    Every step is made once for each fold of takes, without that fold, and judged on it; a step that is kept is then
    made once more with everything.
    """
    trial = _Trial(personal, progress)
    trial.try_step(OUTPUT, personal.fit_output)
    if personal.obstacle is not None:
        trial.stages.append(Stage(ALL, None, False, personal.obstacle))
    elif personal.missing:
        trial.try_step(HALF, lambda fold: between(personal.fine_tuned(personal.general, fold), personal.general, 0.5))
    else:
        starts = {fold: trial.kept(fold) for fold in trial.folds}
        trial.try_step(ALL, lambda fold: personal.fine_tuned(starts[fold], fold))
    if trial.changed and not personal.missing:
        # Nearer to what many people taught it is safer beyond the recordings: it need not gain, only not lose.
        trial.try_step(BACK, lambda fold: between(trial.kept(fold), personal.general, _OWN_SHARE), may_lose=True)
    return trial.result()


def fits_unless_it_loses(architecture: Architecture) -> bool:
    """Whether steps are kept unless they lose: everything that remembers in the model is an LSTM.

    Examples
    --------
    >>> from edgehar.models.architecture import named_architecture
    >>> [fits_unless_it_loses(named_architecture(name)) for name in ("lstm", "gru", "simple_rnn")]
    [True, False, False]
    """
    remembering = [layer for layer in architecture.layers if isinstance(layer, SimpleRNN | LSTM | GRU)]
    return bool(remembering) and all(isinstance(layer, LSTM) for layer in remembering)


def between(own: Weights, general: Weights, share: float) -> Own:
    """Return weights between two models', with so large a share of the first.

    Examples
    --------
    >>> between({"Output/bias": np.array([1.0])}, {"Output/bias": np.array([0.0])}, 0.75)
    {'Output/bias': array([0.75], dtype=float32)}
    """
    return {name: np.asarray(share * value + (1 - share) * general[name], np.float32) for name, value in own.items()}


class _Trial:
    """Steps that were tried: weights for every fold and for everything, and what came of them."""

    def __init__(self, personal: Personal, progress: Callable[[int, int | None], None]) -> None:
        self._personal, self._progress, self._done = personal, progress, 0
        self.folds: tuple[int | None, ...] = (*range(FOLDS), None)
        self._weights: dict[int | None, Own] = {fold: dict(personal.general) for fold in self.folds}
        self._judged = np.flatnonzero(personal.folds >= 0)
        self._before = self._posteriors = self._out_of_fold(self._weights)
        self._verdict = self._best = self._judge(self._before)
        self._unless_it_loses = fits_unless_it_loses(personal.architecture)
        self.stages = [Stage(GENERAL, self._verdict.macro_f1, True)]

    @property
    def changed(self) -> bool:
        """Whether a step after the general model was kept."""
        return any(stage.kept for stage in self.stages[1:])

    def kept(self, fold: int | None) -> Own:
        """Return the weights of a fold so far."""
        return self._weights[fold]

    def try_step(self, name: str, step: Callable[[int | None], Own], *, may_lose: bool = False) -> None:
        """Make a step for every fold, judge it, and keep it if it gains.

        A gain must be larger than its standard error over parts of takes. A step that ``may_lose`` is the more careful
        one: it is kept unless it loses more than that. Where steps are kept unless they lose, the bound is the best
        macro-F1 so far less its standard error (Breiman et al., Classification and Regression Trees, 1984, 3.4.3).
        """
        weights: dict[int | None, Own] = {fold: self._advance(step(fold)) for fold in range(FOLDS)}
        posteriors = self._out_of_fold(weights)
        verdict = self._judge(posteriors)
        kept = verdict.macro_f1 >= self._least(verdict, may_lose=may_lose)
        self.stages.append(Stage(name, verdict.macro_f1, kept))
        if kept:
            # The last one, with everything, is made when nothing can drop it any more.
            self._weights = {**weights, None: step(None)}
            self._posteriors, self._verdict = posteriors, verdict
            self._best = max(self._best, verdict, key=lambda each: each.macro_f1)
        self._advance({})

    def _least(self, verdict: Verdict, *, may_lose: bool) -> float:
        """Return what the macro-F1 of a step must reach."""
        if self._unless_it_loses:
            return self._best.macro_f1 - error_of(self._best)
        margin = max(LEAST_GAIN, error_of_difference(verdict, self._verdict))
        return self._verdict.macro_f1 + (-margin if may_lose else margin)

    def result(self) -> Adaptation:
        """Return what was kept."""
        judged = self._personal.indices[self._judged]
        return Adaptation(self._weights[None], tuple(self.stages), judged, self._before[0], self._posteriors[0])

    def _advance(self, made: Own) -> Own:
        """Count a model that was made."""
        self._done += 1
        self._progress(self._done, 3 * (FOLDS + 1))
        return made

    def _out_of_fold(self, weights: Mapping[int | None, Own]) -> NDArray[np.float64]:
        """Return what each fold's model says of the fold's windows, as on every day: (DAYS, n_judged, n_classes)."""
        personal = self._personal
        found = np.empty((DAYS, len(personal.indices), personal.architecture.classes))
        for fold in range(FOLDS):
            own = np.flatnonzero(personal.folds == fold)
            for day in range(DAYS) if len(own) else ():
                found[day, own] = personal.posteriors(weights[fold], day, own)
        return found[:, self._judged]

    def _judge(self, posteriors: NDArray[np.float64]) -> Verdict:
        """Return how often which window, as on every day, was taken for what."""
        personal = self._personal
        truth = personal.labels[self._judged]
        parts = truth * FOLDS + personal.folds[self._judged]
        predicted = posteriors.argmax(axis=2)
        return Verdict.of(truth, predicted, parts, classes=personal.architecture.classes)
