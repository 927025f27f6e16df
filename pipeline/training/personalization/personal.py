"""The general model beside one person's windows: what every step of fitting needs of both."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture, Dense, Weights
from edgehar.models.gradients import StackGradients
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.windows import Indices, Windows
from edgehar.pipeline.training.personalization.fine_tuning import fine_tune, obstacle
from edgehar.pipeline.training.personalization.output_layer import (
    STRENGTH,
    STRENGTH_WHERE_SOME_ARE_MISSING,
    fit_output_layer,
    output_layer,
    softmax_rows,
    states_before_output,
)
from edgehar.pipeline.training.personalization.takes import folds_of

MOST_MISSING: Final = 0.25
"""Share of the activities that may be missing where all weights are fitted; then always half way (decision 26)."""

Floats = NDArray[np.float32]
Own = dict[str, Floats]


class Personal:
    """What every step needs: the general model, one person's windows, and their folds.

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
        self.seed, self.threads = seed, threads
        missing = np.setdiff1d(np.arange(architecture.classes), windows.labels[indices]).tolist()
        self.missing = tuple(windows.activities[label] for label in missing)
        self.library_obstacle = obstacle(architecture)
        self.values = normalization.apply(windows.batch(indices))
        self.labels = windows.labels[indices]
        self.states = self.states_of(self.general, self.values)
        self.targets = self.targets_of(self.values, self.labels, self.states)

    @property
    def obstacle(self) -> str | None:
        """Why not all weights can be fitted, or None."""
        if len(self.missing) > MOST_MISSING * self.architecture.classes:
            return f"{len(self.missing)} activities were not recorded, and would be forgotten"
        return self.library_obstacle

    def states_of(self, weights: Weights, values: Floats) -> Floats:
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

    def posteriors(self, weights: Weights, values: Floats, states: Floats | None = None) -> NDArray[np.float64]:
        """Return class probabilities of normalised windows; ``states`` if they are known already."""
        name = self.architecture.layers[-1].name
        seen = self.states_of(weights, values) if states is None else states
        return softmax_rows(seen @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])

    def targets_of(self, values: Floats, labels: Indices, states: Floats | None = None) -> Floats:
        """Return what normalised windows should get: their label, and what the general model gives to the missing.

        A window of walking says nothing of an elevator that was not recorded; what the general model gives to it stays
        (Li & Hoiem, Learning without Forgetting, 2018).
        """
        targets = np.eye(self.architecture.classes, dtype=np.float32)[labels]
        if self.missing:
            absent = [self.windows.activities.index(name) for name in self.missing]
            share = self.posteriors(self.general, values, states)[:, absent]
            targets *= 1 - share.sum(axis=1, keepdims=True)
            targets[:, absent] = share
        return targets

    def learned(self, fold: int | None) -> NDArray[np.bool_]:
        """Return which windows a fold learns from: those of the other folds; with None, all windows."""
        if fold is None:
            return np.ones(len(self.indices), bool)
        chosen: NDArray[np.bool_] = (self.folds != fold) & (self.folds >= 0)
        return chosen

    def fit_output(self, fold: int | None) -> Own:
        """Return the weights with the output layer fitted."""
        chosen = self.learned(fold)
        strength = STRENGTH_WHERE_SOME_ARE_MISSING if self.missing else STRENGTH
        return fit_output_layer(
            self.architecture, self.general, self.states[chosen], self.targets[chosen], strength=strength
        )

    def fine_tuned(self, start: Own, fold: int | None) -> Own:
        """Return all weights fitted, from some others."""
        return fine_tune(
            self.architecture,
            start,
            self.windows,
            self.indices[self.learned(fold)],
            self.normalization,
            seed=self.seed,
            threads=self.threads,
            targets=self.targets_of,
        )
