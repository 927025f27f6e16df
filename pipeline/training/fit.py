"""The training loop: epochs over augmented windows, the best one remembered, an interruption survived."""

import math
import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.architecture import Architecture
from edgehar.models.errors import TrainingError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.blocks import blocks_of
from edgehar.pipeline.data.splits import default_holdout
from edgehar.pipeline.data.windows import Indices, Windows, evenly_spread
from edgehar.pipeline.training.baseline import frequency_weights
from edgehar.pipeline.training.batches import TrainingBatches
from edgehar.pipeline.training.history import Epoch, SilentWatcher, Watcher
from edgehar.pipeline.training.initialization import initial_weights
from edgehar.pipeline.training.recipe import Recipe
from edgehar.pipeline.training.schedule import rate_of_recipe
from edgehar.pipeline.training.starting import Start
from edgehar.pipeline.training.trainers import AUTO, COUNTING, Trainer, choose_trainer, open_trainer

_JUDGED_AT_ONCE = 1024
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
    """

    weights: dict[str, NDArray[np.float32]]
    normalization: Normalization
    history: tuple[Epoch, ...]
    kept_epoch: int
    complete: bool
    validation_subjects: tuple[str, ...]

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
    of the epoch with the lowest loss.

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
    run = _Run(
        open_trainer(name, architecture, weights, recipe, seed=seed, threads=threads),
        TrainingBatches(windows, learned, normalization, recipe),
        validation,
        train[:0] if held_out is None else evenly_spread(held_out, _CURVE_WINDOWS),
        order,
        SilentWatcher() if watcher is None else watcher,
    )
    complete = run.all_epochs()
    kept = run.best if recipe.patience or not complete else run.history[-1]
    return Trained(
        weights=run.best_weights if kept is run.best else run.trainer.weights,
        normalization=normalization,
        history=tuple(run.history),
        kept_epoch=kept.number,
        complete=complete,
        validation_subjects=windows.subset(validation).subject_names,
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


@dataclass(slots=True)
class _Run:
    """A training run, and the best of it so far."""

    trainer: Trainer
    batches: TrainingBatches
    validation: Indices
    held_out: Indices
    rng: np.random.Generator
    watcher: Watcher
    history: list[Epoch] = field(default_factory=list)
    best: Epoch = field(init=False)
    best_weights: dict[str, NDArray[np.float32]] = field(init=False)

    def all_epochs(self) -> bool:
        """Train until the epochs are over or patience is; return False if interrupted after the first of them."""
        recipe = self.batches.recipe
        try:
            for number in range(1, recipe.total_epochs + 1):
                self._remember(self._epoch(number))
                if recipe.patience and number - self.best.number >= recipe.patience:
                    break
        except KeyboardInterrupt:
            if not self.history:
                raise
            return False
        return True

    def _remember(self, epoch: Epoch) -> None:
        """Keep the weights if no epoch was better, and tell the watcher."""
        if not self.history or epoch.judged_loss < self.best.judged_loss:
            self.best, self.best_weights = epoch, self.trainer.weights
        self.history.append(epoch)
        self.watcher.epoch_done(epoch)

    def _epoch(self, number: int) -> Epoch:
        """Train on every window once."""
        recipe, batches = self.batches.recipe, len(self.batches)
        started_s, sums, rate = time.perf_counter(), np.zeros(3), 0.0
        for done, (windows, targets) in enumerate(self.batches.epoch(self.rng)):
            step = (number - 1) * batches + done
            rate = rate_of_recipe(step, recipe, batches=batches)
            result = self.trainer.train(windows, targets, learning_rate=rate)
            if not math.isfinite(result.loss):
                raise TrainingError(
                    f"epoch {number}, batch {done + 1}: expected a finite loss, got {result.loss}",
                    next_step="Training diverged: use a lower learning rate.",
                    epoch=number,
                )
            sums += result
            self.watcher.batch_done(number, done + 1, batches)
        seconds = time.perf_counter() - started_s
        seen = batches * self.batches.batch_size
        loss, final_loss, correct = sums.tolist()
        judged = (*self._judge(self.validation), *self._judge(self.held_out))
        return Epoch(
            number, loss / batches, final_loss / batches, correct / seen, rate, seconds, seen / seconds, *judged
        )

    def _judge(self, indices: Indices) -> tuple[float, float] | tuple[None, None]:
        """Return cross-entropy and accuracy on some windows as recorded."""
        if not len(indices):
            return None, None
        windows, normalization = self.batches.windows, self.batches.normalization
        labels = windows.labels[indices]
        logits = np.concatenate(
            [
                self.trainer.logits(normalization.apply(windows.batch(part)))
                for part in np.split(indices, range(_JUDGED_AT_ONCE, len(indices), _JUDGED_AT_ONCE))
            ]
        ).astype(np.float64)
        top = logits.max(axis=1, keepdims=True)
        surprise = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0] - logits[np.arange(len(labels)), labels]
        return float(surprise.mean()), float((logits.argmax(axis=1) == labels).mean())


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
