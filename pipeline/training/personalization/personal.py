"""The general model beside one person's windows: what every step of fitting needs of both."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Dense, Weights
from edgehar.models.gradients import StackGradients
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.training.augmentation import turned
from edgehar.pipeline.training.personalization.days import turns_of_days
from edgehar.pipeline.training.personalization.fine_tuning import fine_tune, obstacle
from edgehar.pipeline.training.personalization.output_layer import (
    STRENGTH,
    STRENGTH_WHERE_SOME_ARE_MISSING,
    fit_output_layer,
    output_layer,
    softmax_rows,
    states_before_output,
)
from edgehar.pipeline.training.personalization.takes import confined, folds_of

MOST_MISSING: Final = 0.25
"""Share of the activities that may be missing where all weights are fitted; then always half way (decision 26)."""

DAYS: Final = 4
"""Every window is learned from and judged as it was recorded, and turned as on so many other days, less one."""

Floats = NDArray[np.float32]
Own = dict[str, Floats]
Rows = NDArray[np.int64] | slice


class Personal:
    """What every step needs: the general model, one person's windows as on several days, and their folds.

    A sensor does not sit twice the same: between the takes of one activity by one person of USC-HAD gravity turns by
    10° (root mean square), within a take it hardly turns. What is judged by parts of one take alone seems better than
    it is, so each window is also judged turned by random angles, and learned from so (decision 29).

    Parameters
    ----------
    architecture, weights, normalization
        The general model.
    windows, indices
        One person's, in raw g and the model's frame; which of them to learn from.
    seed, threads
        Of fine-tuning.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        normalization: Normalization,
        windows: Windows,
        indices: Indices,
        *,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        output_layer(architecture)
        self.architecture, self.general, self.normalization = architecture, dict(weights), normalization
        self.windows, self.indices, self.folds = windows, indices, folds_of(windows, indices)
        self.confined = confined(windows, indices, self.folds)
        self.seed, self.threads = seed, threads
        missing = np.setdiff1d(np.arange(architecture.classes), windows.labels[indices]).tolist()
        self.missing = tuple(windows.activities[label] for label in missing)
        self.library_obstacle = obstacle(architecture)
        self.labels = windows.labels[indices]
        self._turns = [turns_of_days(len(indices), np.random.default_rng([seed, day])) for day in range(DAYS)]
        self._states = np.stack([self._states_of(self.general, self.values(day)) for day in range(DAYS)])

    @property
    def obstacle(self) -> str | None:
        """Why not all weights can be fitted, or None."""
        if len(self.missing) > MOST_MISSING * self.architecture.classes:
            return f"{len(self.missing)} activities were not recorded, and would be forgotten"
        return self.library_obstacle

    def values(self, day: int, rows: Rows = slice(None)) -> Floats:
        """Return normalised windows as on a day; on day 0 as they were recorded."""
        raw = self.windows.batch(self.indices[rows])
        return self.normalization.apply(raw if day == 0 else turned(raw, self._turns[day][rows]))

    def posteriors(self, weights: Weights, day: int, rows: Rows = slice(None)) -> NDArray[np.float64]:
        """Return class probabilities of the windows as on a day."""
        output = {f"{self.architecture.layers[-1].name}/{part}" for part in ("kernel", "bias")}
        if all(np.array_equal(weights[name], self.general[name]) for name in self.general.keys() - output):
            return self._said(weights, self._states[day, rows])
        return self._said(weights, self._states_of(weights, self.values(day, rows)))

    def targets_of(self, values: Floats, labels: Indices) -> Floats:
        """Return what normalised windows should get: their label, and what the general model gives to the missing."""
        return self._targets(labels, self._states_of(self.general, values) if self.missing else None)

    def learned(self, fold: int | None) -> NDArray[np.bool_]:
        """Return which windows a fold learns from: those of the other folds; with None, all windows."""
        if fold is None:
            return np.ones(len(self.indices), bool)
        chosen: NDArray[np.bool_] = (self.folds != fold) & (self.folds >= 0)
        return chosen

    def fit_output(self, fold: int | None) -> Own:
        """Return the weights with the output layer fitted to the windows of all days."""
        chosen = self.learned(fold)
        states = np.concatenate(self._states[:, chosen])
        targets = self._targets(np.tile(self.labels[chosen], DAYS), states)
        strength = STRENGTH_WHERE_SOME_ARE_MISSING if self.missing else STRENGTH
        return fit_output_layer(self.architecture, self.general, states, targets, strength=strength)

    def fine_tuned(self, start: Own, fold: int | None) -> Own:
        """Return all weights fitted, from some others; the windows of a fold stay within what it learns from."""
        return fine_tune(
            self.architecture,
            start,
            self.windows if fold is None else self.confined,
            self.indices[self.learned(fold)],
            self.normalization,
            seed=self.seed,
            threads=self.threads,
            targets=self.targets_of,
        )

    def _states_of(self, weights: Weights, values: Floats) -> Floats:
        """Return what the output layer sees of normalised windows, by the library where it can."""
        if self.library_obstacle is not None:
            return states_before_output(self.architecture, weights, values)
        # With an output layer that hands on what it sees, the library's logits are the states.
        *layers, last = self.architecture.layers
        shape = self.architecture.weight_shapes()[f"{last.name}/kernel"]
        seen = Dense(last.name, shape[0], "softmax")
        opened = replace(self.architecture, layers=(*layers, seen))
        passing = {
            f"{last.name}/kernel": np.eye(shape[0], dtype=np.float32),
            f"{last.name}/bias": np.zeros(shape[0], np.float32),
        }
        gradients = StackGradients(opened, threads=self.threads)
        return gradients.logits(gradients.flatten({**weights, **passing}), values)

    def _said(self, weights: Weights, states: Floats) -> NDArray[np.float64]:
        """Return class probabilities, from what the output layer sees."""
        name = self.architecture.layers[-1].name
        return softmax_rows(states @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])

    def _targets(self, labels: Indices, states: Floats | None) -> Floats:
        """Return what windows should get; ``states`` are the general model's, where something is missing.

        A window of walking says nothing of an elevator that was not recorded; what the general model gives to it stays
        (Li & Hoiem, Learning without Forgetting, 2018).
        """
        targets = np.eye(self.architecture.classes, dtype=np.float32)[labels]
        if self.missing and states is not None:
            absent = [self.windows.activities.index(name) for name in self.missing]
            share = self._said(self.general, states)[:, absent]
            targets *= 1 - share.sum(axis=1, keepdims=True)
            targets[:, absent] = share
        return targets
