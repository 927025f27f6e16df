"""What happened in training, batch by batch and epoch by epoch."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol


class BatchResult(NamedTuple):
    """What a batch gave: its supervised loss, and at the last step its cross-entropy and how many labels were right."""

    loss: float
    final_loss: float
    correct: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training windows.

    Parameters
    ----------
    number
        From 1.
    loss
        Mean supervised loss, of augmented windows.
    final_loss, accuracy
        Mean cross-entropy and accuracy of the answers at the last step, of augmented windows.
    learning_rate
        At the end of the epoch.
    seconds, windows_per_s
        How long it took, validation left out; the first epoch compiles as well.
    validation_loss, validation_accuracy
        As ``final_loss`` and ``accuracy``, on held-out training subjects as recorded; None where none are held out.
    held_out_loss, held_out_accuracy
        The same on people whom the model never learns from and who choose nothing: only to be looked at.
    """

    number: int
    loss: float
    final_loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    windows_per_s: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    held_out_loss: float | None = None
    held_out_accuracy: float | None = None

    @property
    def judged_loss(self) -> float:
        """The loss that says which epoch was best: on held-out training subjects where there are any."""
        return self.loss if self.validation_loss is None else self.validation_loss

    def to_json(self) -> dict[str, Any]:
        """Return the epoch as JSON-ready data."""
        return asdict(self)


class Watcher(Protocol):
    """Somebody who watches training; what it raises ends the training."""

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """Hear that ``batch`` (from 1) of ``batches`` of an epoch (from 1) is done."""

    def epoch_done(self, epoch: Epoch) -> None:
        """Hear how an epoch went."""


class SilentWatcher:
    """Watches and says nothing."""

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """Say nothing."""

    def epoch_done(self, epoch: Epoch) -> None:
        """Say nothing."""
