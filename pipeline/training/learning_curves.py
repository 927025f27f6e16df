"""Learning curves: loss and accuracy over the epochs of a training, as a picture and as numbers."""

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.ticker import MaxNLocator

from edgehar.pipeline.evaluation.plots import FAINT, INK, Picture, json_file, png_file
from edgehar.pipeline.training.history import Epoch

_TRAINING: Final = "#2066a8"
_VALIDATION: Final = "#7a7f87"
_HELD_OUT: Final = "#c2571a"


def learning_curve_files(history: Sequence[Epoch], *, title: str, kept_epoch: int) -> dict[str, bytes]:
    """Return the learning curves, as picture and as JSON."""
    numbers = {"kept_epoch": kept_epoch, "epochs": [epoch.to_json() for epoch in history]}
    picture = png_file(learning_curves_figure(history, title=title, kept_epoch=kept_epoch))
    return {"learning_curves.png": picture, "learning_curves.json": json_file(numbers)}


def learning_curves_figure(history: Sequence[Epoch], *, title: str, kept_epoch: int) -> Picture:
    """Return loss and accuracy at the last step over the epochs, and the epoch whose weights were kept.

    Beside the training windows, which are augmented, stand held-out training subjects where the epoch was chosen by
    them, and the people whom the model never learned from.
    """
    numbers = [epoch.number for epoch in history]
    figure = Picture(figsize=(9.0, 3.9), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    for axes, name, of_training, suffix in (
        (losses, "cross-entropy", "final_loss", "loss"),
        (accuracies, "accuracy", "accuracy", "accuracy"),
    ):
        for field, colour, label in (
            (of_training, _TRAINING, "training, augmented"),
            (f"validation_{suffix}", _VALIDATION, "held-out training subjects, who choose the epoch"),
            (f"held_out_{suffix}", _HELD_OUT, "people never learned from"),
        ):
            values = [getattr(epoch, field) for epoch in history]
            if None not in values:
                _curve(axes, numbers, values, colour, label)
        axes.axvline(kept_epoch, color=FAINT, linewidth=1, linestyle=(0, (3, 3)), label=f"kept: epoch {kept_epoch}")
        axes.set_xlabel("epoch")
        axes.set_title(name, loc="left", fontsize=10, color=INK)
        axes.set_xlim(0.5, numbers[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    losses.set_ylim(bottom=0)
    accuracies.set_ylim(0, 1)
    losses.legend(frameon=False, fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def _curve(axes: Any, numbers: list[int], values: list[float], colour: str, label: str) -> None:
    """Draw one line; with few epochs, its points as well."""
    axes.plot(numbers, values, color=colour, linewidth=1.8, marker="o" if len(numbers) < 15 else "", ms=4, label=label)
