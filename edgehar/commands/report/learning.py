"""Learning curves on a page: loss and accuracy of training and of held-out people, each on axes of its own."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edgehar.reporting.charts import Series, line_chart
from edgehar.reporting.markup import Markup
from edgehar.reporting.numbers import percent
from edgehar.reporting.page import figure, side_by_side

FILE: Final = "learning_curves.json"
"""Name of the numbers among a bundle's plots."""

_CURVES: Final = (
    ("training windows, shifted and turned", "final_loss", "accuracy", 0),
    ("training people held out to choose the epoch", "validation_loss", "validation_accuracy", 8),
    ("people never learned from", "held_out_loss", "held_out_accuracy", 1),
)
_MOST_EPOCHS: Final = 100_000


@dataclass(frozen=True, slots=True)
class LearningCurves:
    """How training went: the epochs' numbers by name, and the epoch whose weights were kept."""

    epochs: tuple[Mapping[str, Any], ...]
    kept_epoch: int | None


def read_learning_curves(plots: Mapping[str, bytes]) -> LearningCurves | None:
    """Return the learning curves among a bundle's plots; None where there are none that can be drawn.

    The file is as much a stranger's as the bundle: only finite numbers of it are taken.
    """
    try:
        data = json.loads(plots.get(FILE, b"null"))
        epochs = tuple(each for each in data["epochs"] if isinstance(each, dict))[:_MOST_EPOCHS]
        kept = data.get("kept_epoch")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    epochs = tuple(sorted((each for each in epochs if _is_number(each.get("number"))), key=lambda each: each["number"]))
    kept_epoch = kept if isinstance(kept, int) and any(each["number"] == kept for each in epochs) else None
    curves = LearningCurves(epochs, kept_epoch)
    return curves if _series(curves, 1) and _series(curves, 2) else None


def learning_figure(curves: LearningCurves, *, name: str) -> Markup:
    """Return loss and accuracy over the epochs of a model called ``name``."""
    marker = None if curves.kept_epoch is None else ("kept", float(curves.kept_epoch))
    loss = line_chart(
        _series(curves, 1),
        label=f"Loss of {name} over the epochs",
        x_label="epoch",
        y_label="loss (cross-entropy)",
        y_include=[0.0],
        marker=marker,
        whole_x=True,
    )
    accuracy = line_chart(
        _series(curves, 2),
        label=f"Accuracy of {name} over the epochs",
        x_label="epoch",
        y_label="accuracy",
        y_include=[0.0, 1.0],
        y_written=lambda value: percent(value, 0),
        marker=marker,
        whole_x=True,
    )
    return figure(side_by_side(loss, accuracy), _caption(curves))


def _caption(curves: LearningCurves) -> str:
    """Say whom the curves are of."""
    names = {line.name for line in _series(curves, 1)}
    sentences = ["First the loss, then the accuracy, both at the end of the window, over the epochs of training."]
    if _CURVES[2][0] in names:
        sentences.append("People never learned from are only looked at: no epoch and no setting was chosen by them.")
    else:
        sentences.append("The bundle keeps no curve of people never learned from.")
    return " ".join(sentences)


def _series(curves: LearningCurves, column: int) -> list[Series]:
    """Return the curves of the loss (1) or the accuracy (2), those that have a finite number for every epoch."""
    found: list[Series] = []
    for curve in _CURVES:
        values = [epoch.get(str(curve[column])) for epoch in curves.epochs]
        if values and all(map(_is_number, values)):
            numbers: Sequence[float] = [float(value) for value in values if value is not None]
            found.append(Series(curve[0], [epoch["number"] for epoch in curves.epochs], numbers, curve[3]))
    return found


def _is_number(value: object) -> bool:
    """Whether a value of a stranger's file can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)
