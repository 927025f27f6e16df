"""Phases of a training run: epochs of windows, then of sequences; the best epoch remembered, interruption survived."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgehar.models.errors import TrainingError
from edgehar.pipeline.data.windows import Indices
from edgehar.pipeline.training.batches import Batch
from edgehar.pipeline.training.history import Epoch, Watcher
from edgehar.pipeline.training.trainers import Trainer


class Batches(Protocol):
    """What the epochs of a phase are made of."""

    @property
    def batch_size(self) -> int:
        """Examples in every batch."""

    @property
    def windows_of_a_batch(self) -> float:
        """How many windows have as many samples."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield every batch of one epoch."""

    def judged(self, indices: Indices) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """Yield what epochs are judged on, as recorded, from some windows of other people: values and labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """Epochs of one kind.

    Parameters
    ----------
    trainer, batches
        Who trains, on what.
    epochs
        How many there are.
    rate
        The learning rate of a step of the phase, from 0.
    validation, held_out
        Windows of people every epoch is judged on: those that choose the best one, and those that choose nothing.
    """

    trainer: Trainer
    batches: Batches
    epochs: int
    rate: Callable[[int], float]
    validation: Indices
    held_out: Indices


@dataclass(slots=True)
class Run:
    """A training run, one phase after the other.

    Parameters
    ----------
    rng
        Of the order of examples, and what is made of them.
    watcher
        Told of every batch and every epoch.
    patience
        Epochs without a better one after which a phase ends; 0 for all of them.
    weights
        Before the first phase; then those that were kept of the last one.
    """

    rng: np.random.Generator
    watcher: Watcher
    patience: int
    weights: dict[str, NDArray[np.float32]]
    history: list[Epoch] = field(default_factory=list)
    kept: Epoch = field(init=False)

    def carry_out(self, phase: Phase) -> bool:
        """Train until the epochs of a phase are over or patience is; return False if interrupted after an epoch.

        The weights kept are those of its last epoch; with patience, or when interrupted, those of the best one. Where
        none of its epochs was finished, what the phase before kept stays.
        """
        best: tuple[Epoch, dict[str, NDArray[np.float32]]] | None = None
        complete, first = True, len(self.history) + 1
        try:
            for step in range(phase.epochs):
                epoch = self._epoch(phase, first + step, step * len(phase.batches))
                if best is None or epoch.judged_loss < best[0].judged_loss:
                    best = epoch, phase.trainer.weights
                self.history.append(epoch)
                self.watcher.epoch_done(epoch)
                if self.patience and epoch.number - best[0].number >= self.patience:
                    break
        except KeyboardInterrupt:
            if not self.history:
                raise
            complete = False
        if best is not None:
            takes_last = complete and not self.patience
            self.kept, self.weights = (self.history[-1], phase.trainer.weights) if takes_last else best
        return complete

    def _epoch(self, phase: Phase, number: int, steps_before: int) -> Epoch:
        """Train on every batch of an epoch once."""
        batches, rate = len(phase.batches), 0.0
        started_s, sums = time.perf_counter(), np.zeros(3)
        for done, (values, targets) in enumerate(phase.batches.epoch(self.rng)):
            rate = phase.rate(steps_before + done)
            result = phase.trainer.train(values, targets, learning_rate=rate)
            if not math.isfinite(result.loss):
                raise TrainingError(
                    f"epoch {number}, batch {done + 1}: expected a finite loss, got {result.loss}",
                    next_step="Training diverged: use a lower learning rate.",
                    epoch=number,
                )
            sums += result
            self.watcher.batch_done(number, done + 1, batches)
        seconds = time.perf_counter() - started_s
        loss, final_loss, correct = sums.tolist()
        seen, windows = batches * phase.batches.batch_size, batches * phase.batches.windows_of_a_batch
        judged = (*_judge(phase, phase.validation), *_judge(phase, phase.held_out))
        return Epoch(
            number, loss / batches, final_loss / batches, correct / seen, rate, seconds, windows / seconds, *judged
        )


def _judge(phase: Phase, indices: Indices) -> tuple[float, float] | tuple[None, None]:
    """Return cross-entropy and accuracy of the last step on other people's windows or sequences as recorded."""
    found = [(phase.trainer.logits(values), labels) for values, labels in phase.batches.judged(indices)]
    if not found:
        return None, None
    logits = np.concatenate([each for each, _ in found]).astype(np.float64)
    labels = np.concatenate([each for _, each in found])
    top = logits.max(axis=1, keepdims=True)
    surprise = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0] - logits[np.arange(len(labels)), labels]
    return float(surprise.mean()), float((logits.argmax(axis=1) == labels).mean())
