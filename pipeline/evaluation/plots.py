"""The picture of a confusion matrix, its numbers as JSON, and what all pictures share."""

import io
import json
import textwrap
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.metrics import Scores

_DPI: Final = 130
INK: Final = "#1f2933"
FAINT: Final = "#9aa5b1"
_CELL_INCHES: Final = 0.52
_LETTERS_PER_INCH: Final = 13


def confusion_files(evaluation: Evaluation, *, name: str) -> dict[str, bytes]:
    """Return the confusion matrix of a model called ``name``, as picture and as JSON with all that was measured."""
    picture = png_file(confusion_figure(evaluation.scores, title=name, subtitle=evaluation.protocol))
    return {"confusion.png": picture, "confusion.json": json_file(evaluation.to_json())}


class Picture(Figure):
    """A matplotlib figure that a notebook shows, without pyplot and its global state."""

    def _repr_png_(self) -> bytes:
        """Return the picture for a notebook."""
        return png_file(self)


def confusion_figure(scores: Scores, *, title: str, subtitle: str) -> Picture:
    """Return the confusion matrix: each row what was done, the numbers its percentages taken for each activity.

    The last column counts the windows of every row; the figures over all windows stand below the subtitle.
    """
    counts, labels = scores.confusion, scores.labels
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(1, totals)
    side = max(4.0, _CELL_INCHES * len(labels))
    figure = Picture(figsize=(side + 3.0, side + 2.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(*share.shape):
        if counts[row, column]:
            ink = "white" if share[row, column] > 0.55 else INK
            text = _percent(share[row, column])
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    axes.text(len(labels) - 0.35, -0.62, "windows", ha="left", va="center", color=FAINT, fontsize=8)
    for row, total in enumerate(totals[:, 0]):
        axes.text(len(labels) - 0.35, row, f"{total:,}", ha="left", va="center", color=FAINT, fontsize=8)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("taken for (% of the row)")
    axes.set_ylabel("was")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    lines = textwrap.wrap(subtitle, width=int(_LETTERS_PER_INCH * side))
    lines += [f"{scores.windows:,} windows · accuracy {scores.accuracy:.3f} · macro-F1 {scores.macro_f1:.3f}"]
    axes.set_title("\n".join([title, *lines]), loc="left", fontsize=9.5, color=INK, linespacing=1.4)
    return figure


def _percent(share: float) -> str:
    """Return a share in whole percent, and never as none or all when it is not."""
    if 0 < share < 0.005:
        return "<1"
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"


def json_file(data: Any) -> bytes:
    """Return data as a JSON file."""
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def png_file(figure: Figure) -> bytes:
    """Return the figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()
