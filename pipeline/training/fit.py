"""Training a model: what is learned from, what it begins with, and its phases: windows, then sequences."""

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.blocks import blocks_of
from edgehar.pipeline.data.splits import default_holdout
from edgehar.pipeline.data.windows import Indices, Windows, evenly_spread
from edgehar.pipeline.training.baseline import frequency_weights
from edgehar.pipeline.training.batches import TrainingBatches
from edgehar.pipeline.training.history import Epoch, SilentWatcher, Watcher
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.phases import Phase, Run
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.schedule import rate_of_recipe, rate_of_sequences
from edgehar.pipeline.training.sequence_batches import SequenceBatches
from edgehar.pipeline.training.starting import Start
from edgehar.pipeline.training.trainers import AUTO, COUNTING, choose_trainer, open_trainer

_MEASURED_AT_ONCE: Final = 2**24
"""Samples up to which mean and deviation are measured in memory: two days."""
_CURVE_WINDOWS: Final = 2000
"""Windows of held-out people that every epoch is judged on: enough for a curve, too few to cost time."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained model.

    Parameters
    ----------
    weights
        In Keras layout, for normalised input.
    normalization
        Of the subjects trained on.
    history
        Every epoch that was finished.
    kept_epoch
        The number of the epoch the weights are of.
    complete
        False when training was interrupted.
    validation_subjects
        Training subjects held out to judge the epochs; empty without early stopping.
    carries_state
        Whether the weights are of an epoch of sequences: they are for a state that is carried from window to window.
    """

    weights: dict[str, NDArray[np.float32]]
    normalization: Normalization
    history: tuple[Epoch, ...]
    kept_epoch: int
    complete: bool
    validation_subjects: tuple[str, ...]
    carries_state: bool = False

    @property
    def windows_per_s(self) -> float:
        """Training windows per second in the median epoch."""
        return float(np.median([epoch.windows_per_s for epoch in self.history]))


def fit(
    architecture: Architecture,
    windows: Windows,
    recipe: Recipe,
    *,
    train: Indices,
    seed: int,
    trainer: str = AUTO,
    threads: int = 1,
    watcher: Watcher | None = None,
    held_out: Indices | None = None,
    start: Start | None = None,
) -> Trained:
    """Train an architecture; the same arguments give the same weights on the same machine.

    The weights kept are those of the last epoch; with early stopping, or when interrupted (KeyboardInterrupt), those
    of the epoch with the lowest loss. Epochs of sequences begin with the weights that the epochs of windows left.

    Parameters
    ----------
    architecture, windows, recipe
        What to train, on what, how.
    train
        The windows to learn from. With ``recipe.patience``, every fourth of their subjects is held out of training to
        judge the epochs.
    seed
        Of the first weights, the order of windows and their augmentation.
    trainer
        Which one trains, see `edgehar.pipeline.training.trainers`.
    threads
        How many the native trainer may use; the weights are the same for any.
    watcher
        Told of every batch and every epoch.
    held_out
        Windows of people the model does not learn from: every epoch is judged on up to 2,000 of them for the learning
        curves. They choose nothing.
    start
        A trained model to begin with; None begins with random weights.

    Raises
    ------
    UsageError
        If the model to begin with has other layers.
    TrainingError
        If the loss is no longer a finite number, or there is nothing to train on.
    KeyboardInterrupt
        If interrupted before the first epoch is done.
    """
    learned, validation = _without_validation(windows, train) if recipe.patience else (train, train[:0])
    first, order = (np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(2))
    normalization = _normalization_of(windows, learned) if start is None else start.normalization
    name, _ = choose_trainer(trainer, architecture, recipe)
    if name == COUNTING:
        return _counted(architecture, windows, learned, normalization)
    weights = initial_weights(architecture, recipe.initialization, first, rate_hz=windows.rate_hz)
    if start is not None:
        weights = start.first_weights(architecture, windows.activities, weights)
    others = train[:0] if held_out is None else evenly_spread(held_out, _CURVE_WINDOWS)
    batches = TrainingBatches(windows, learned, normalization, recipe)
    run = Run(order, SilentWatcher() if watcher is None else watcher, recipe.patience, weights)
    complete = True
    if recipe.window_epochs:
        opened = open_trainer(name, architecture, weights, recipe, seed=seed, threads=threads)
        rate = partial(rate_of_recipe, recipe=recipe, batches=len(batches))
        complete = run.carry_out(Phase(opened, batches, recipe.window_epochs, rate, validation, others))
    done = len(run.history)
    if recipe.sequence_epochs and complete:
        sequences = SequenceBatches(windows, learned, normalization, recipe)
        longer = replace(architecture, window=sequences.length)
        opened = open_trainer(name, longer, run.weights, recipe, seed=seed, threads=threads, evenly=True)
        rate = partial(rate_of_sequences, recipe=recipe, batches=len(sequences))
        complete = run.carry_out(Phase(opened, sequences, recipe.sequence_epochs, rate, validation, others))
    return Trained(
        weights=run.weights,
        normalization=normalization,
        history=tuple(run.history),
        kept_epoch=run.kept.number,
        complete=complete,
        validation_subjects=windows.subset(validation).subject_names,
        carries_state=run.kept.number > done,
    )


def _counted(architecture: Architecture, windows: Windows, learned: Indices, normalization: Normalization) -> Trained:
    """Return the model that knows only how often each activity was done."""
    started_s = time.perf_counter()
    labels = windows.labels[learned]
    weights = frequency_weights(architecture, labels)
    shares = np.bincount(labels, minlength=architecture.classes) / len(labels)
    loss = float(-np.log(shares[labels]).mean())
    seconds = max(time.perf_counter() - started_s, 1e-9)
    epoch = Epoch(1, loss, loss, float(shares.max()), 0.0, seconds, len(learned) / seconds)
    return Trained(weights, normalization, (epoch,), kept_epoch=1, complete=True, validation_subjects=())


def _without_validation(windows: Windows, train: Indices) -> tuple[Indices, Indices]:
    """Split off every fourth of the training subjects."""
    held_out = np.isin(windows.subjects[train], default_holdout(windows.subset(train)))
    return train[~held_out], train[held_out]


def _normalization_of(windows: Windows, indices: Indices) -> Normalization:
    """Measure the samples of every stretch that holds one of these windows, each once."""
    edges = np.unique(np.stack([windows.segment_starts[indices], windows.segment_stops[indices]]), axis=1)
    parts = [windows.samples[start:stop] for start, stop in edges.T]
    if sum(map(len, parts)) <= _MEASURED_AT_ONCE:
        return Normalization.of_samples(np.concatenate(parts))
    return Normalization.of_blocks(lambda: (block for part in parts for block in blocks_of(part)))
