"""Pictures of training and evaluation, as PNG files in memory, each with its numbers as JSON."""

import io
import json
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.metrics import Scores
from edgehar.pipeline.training.history import Epoch

_DPI: Final = 130
_INK: Final = "#1f2933"
_FAINT: Final = "#9aa5b1"
_TRAINING: Final = "#2066a8"
_VALIDATION: Final = "#c2571a"
_CELL_INCHES: Final = 0.52
_LETTERS_PER_INCH: Final = 13


def confusion_files(evaluation: Evaluation, *, name: str) -> dict[str, bytes]:
    """Return the confusion matrix of a model called ``name``, as picture and as JSON with all that was measured."""
    picture = confusion_png(evaluation.scores, title=name, subtitle=evaluation.protocol)
    return {"confusion.png": picture, "confusion.json": _json(evaluation.to_json())}


def learning_curve_files(history: Sequence[Epoch], *, title: str, kept_epoch: int) -> dict[str, bytes]:
    """Return the learning curves, as picture and as JSON."""
    numbers = {"kept_epoch": kept_epoch, "epochs": [epoch.to_json() for epoch in history]}
    picture = learning_curves_png(history, title=title, kept_epoch=kept_epoch)
    return {"learning_curves.png": picture, "learning_curves.json": _json(numbers)}


def confusion_png(scores: Scores, *, title: str, subtitle: str) -> bytes:
    """Return the confusion matrix: each row what was done, the numbers its percentages taken for each activity.

    The last column counts the windows of every row; the figures over all windows stand below the subtitle.
    """
    counts, labels = scores.confusion, scores.labels
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(1, totals)
    side = max(4.0, _CELL_INCHES * len(labels))
    figure = Figure(figsize=(side + 3.0, side + 2.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(*share.shape):
        if counts[row, column]:
            ink = "white" if share[row, column] > 0.55 else _INK
            text = _percent(share[row, column])
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    axes.text(len(labels) - 0.35, -0.62, "windows", ha="left", va="center", color=_FAINT, fontsize=8)
    for row, total in enumerate(totals[:, 0]):
        axes.text(len(labels) - 0.35, row, f"{total:,}", ha="left", va="center", color=_FAINT, fontsize=8)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("taken for (% of the row)")
    axes.set_ylabel("was")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    lines = textwrap.wrap(subtitle, width=int(_LETTERS_PER_INCH * side))
    lines += [f"{scores.windows:,} windows · accuracy {scores.accuracy:.3f} · macro-F1 {scores.macro_f1:.3f}"]
    axes.set_title("\n".join([title, *lines]), loc="left", fontsize=9.5, color=_INK, linespacing=1.4)
    return _png(figure)


def learning_curves_png(history: Sequence[Epoch], *, title: str, kept_epoch: int) -> bytes:
    """Return loss and accuracy at the last step over the epochs, and the epoch whose weights were kept."""
    numbers = [epoch.number for epoch in history]
    figure = Figure(figsize=(9.0, 3.9), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    curves = (
        (losses, "cross-entropy", "final_loss", "validation_loss"),
        (accuracies, "accuracy", "accuracy", "validation_accuracy"),
    )
    for axes, name, of_training, of_validation in curves:
        _curve(axes, numbers, [getattr(epoch, of_training) for epoch in history], _TRAINING, "training, augmented")
        judged = [getattr(epoch, of_validation) for epoch in history]
        if None not in judged:
            _curve(axes, numbers, judged, _VALIDATION, "held-out training subjects")
        axes.axvline(kept_epoch, color=_FAINT, linewidth=1, linestyle=(0, (3, 3)), label=f"kept: epoch {kept_epoch}")
        axes.set_xlabel("epoch")
        axes.set_title(name, loc="left", fontsize=10, color=_INK)
        axes.set_xlim(0.5, numbers[-1] + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    losses.set_ylim(bottom=0)
    accuracies.set_ylim(0, 1)
    losses.legend(frameon=False, fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=_INK)
    return _png(figure)


def _curve(axes: Any, numbers: list[int], values: list[float], colour: str, label: str) -> None:
    """Draw one line; with few epochs, its points as well."""
    axes.plot(numbers, values, color=colour, linewidth=1.8, marker="o" if len(numbers) < 15 else "", ms=4, label=label)


def _percent(share: float) -> str:
    """Return a share in whole percent, and never as none or all when it is not."""
    if 0 < share < 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"


def _json(data: Any) -> bytes:
    """Return data as a JSON file."""
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def _png(figure: Figure) -> bytes:
    """Return the figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()
